"""Two NumPy networks for digits and spam, trained on bundled data.

Each trains in about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from nnguide import data as datasets
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.data.splits import validation_split
from nnguide.preprocessing.tokens import Tokeniser

GREY_LEVELS = 255.0
WORDS = 600  # the most frequent words of the messages


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network and the data that it learned from.

    Attributes:
        X, y: its training examples, as the network takes them.
        X_validation, y_validation: others, which it never saw.
        tokeniser: of messages; None for pictures.
    """

    network: NumpyNet
    X: np.ndarray
    y: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    tokeniser: Any = None


@cache
def digits() -> Trained:
    """Train a network on optdigits.

    It goes from 784 grey levels through 32 hidden units to ten probabilities.
    """
    training, validation = validation_split(
        datasets.find("digits", "optdigits").load("train"), 0.2, 0
    )

    def encode(pictures: np.ndarray) -> np.ndarray:
        return pictures.reshape(len(pictures), -1) / GREY_LEVELS

    settings = Settings(
        (32,),
        output="softmax",
        loss="categorical_crossentropy",
        l2=0.002,
        learning_rate=0.003,
        batch_size=64,
        epochs=8,
    )
    network = NumpyNet(784, 10, settings, "float64")
    X, X_validation = encode(training.inputs), encode(validation.inputs)
    network.fit(X, training.labels)
    return Trained(network, X, training.labels, X_validation, validation.labels)


@cache
def spam() -> Trained:
    """Train a network on the bundled sample of messages.

    It goes from the words that a message has through 16 hidden units to the probability of
    spam.
    """
    training, validation = validation_split(
        datasets.find("spam", "spam_sample").load("train"), 0.3, 0
    )
    tokeniser = Tokeniser.adapt(list(training.inputs), words=WORDS, pairs=0, grams=(), buckets=0)
    settings = Settings((16,), l2=0.002, learning_rate=0.005, batch_size=64, epochs=12)
    network = NumpyNet(tokeniser.size, 1, settings, "float64")
    X, X_validation = (
        presence(tokeniser, list(examples.inputs)) for examples in (training, validation)
    )
    network.fit(X, training.labels)
    return Trained(network, X, training.labels, X_validation, validation.labels, tokeniser)


def presence(tokeniser: Any, texts: list[str]) -> np.ndarray:
    """Return 1 for each token that a text has, else 0.

    The result is (texts, tokens).
    """
    ids, lengths = tokeniser.ragged(texts)
    X = np.zeros((len(texts), tokeniser.size))
    X[np.repeat(np.arange(len(texts)), lengths), ids] = 1
    return X
