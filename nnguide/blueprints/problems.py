"""What a blueprint network can be trained on, brought into numbers.

    xor, moons, circles, spirals, line   drawn anew from a seed: two classes, or a regression
    digits                               784 grey levels divided by 255
    spam                                 log(1 + count) of the 1,000 commonest words, standardised
    PATH.csv                             a table of numbers, standardised

Words, means and deviations come from the training part alone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.blueprints import toy_data
from nnguide.blueprints.tables import Table, read_table
from nnguide.data import catalogue
from nnguide.data.examples import stratified_split
from nnguide.errors import ConfigError

TOYS = tuple(toy_data.TABLE)
HELD_OUT = 400  # points of a toy problem in the validation and in the test part
MOST_WORDS = 1000
WORD = r"[^\W\d_]+|\d+"  # letters, or the digits of a number
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Encoder:
    """From raw inputs to a network's: words are counted, then everything is scaled.

    Attributes:
        words: what is counted in a text; () where the inputs are numbers already.
        mean, deviation: (features,) float64; the network sees (x - mean) / deviation.
    """

    words: tuple[str, ...]
    mean: np.ndarray
    deviation: np.ndarray

    def __call__(self, raw: Any) -> np.ndarray:
        """Texts (n,), or numbers (n, features), as float64 (n, features)."""
        return (numbers(raw, self.words) - self.mean) / self.deviation


@dataclass(frozen=True)
class Part:
    """Raw inputs, texts (n,) or numbers (n, features), and y: class numbers or values (n,)."""

    inputs: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Problem:
    """A problem with its training and validation part; the test part stays closed.

    Attributes:
        labels: what the classes are called; () for a regression.
        features: what the inputs are called.
        data: what names the problem again: a toy's name, "digits", "spam" or a path.
        dataset: which data set was found for digits or spam; else the same as `data`.
        note: what to tell the user where the built-in set stands in for real data; else "".
    """

    data: str
    features: tuple[str, ...]
    labels: tuple[str, ...]
    train: Part
    validation: Part
    encoder: Encoder
    dataset: str
    note: str = ""

    @property
    def outputs(self) -> int:
        """One node for two classes or a regression, else one for each class."""
        return len(self.labels) if len(self.labels) > 2 else 1


def load(
    data: str,
    examples: int = 600,
    seed: int = 0,
    label_column: str | None = None,
    dataset: str = "auto",
) -> Problem:
    """The training and validation part of a problem, and how its inputs become numbers.

    Args:
        data: one of TOYS, "digits", "spam", or the path of a .csv file.
        examples: how many training points a toy problem gets.
        seed: of a toy's points, and of the division of the others.
        label_column: of a table; its last column if None.
        dataset: for digits and spam, the data set's name; auto is the real one if it is to be had.
    Raises:
        ConfigError: no such data, or an option that does not fit.
        InputError: a table that cannot be read. DataError: a data set that is not to be had.
    """
    if label_column and not data.lower().endswith(".csv"):
        raise ConfigError(f"--label-column is for a table, PATH.csv; {data} has none")
    name, note = data, ""
    if data in TOYS:
        train, features, labels = _toy(data, examples, seed)
        validation = _toy(data, HELD_OUT, _part_seed(seed, "validation"))[0]
        n = len(features)
        encoder = Encoder((), np.zeros(n), np.ones(n))
        return Problem(data, features, labels, train, validation, encoder, data)
    if data in ("digits", "spam"):
        source = catalogue.find(data, dataset)
        found = source.load("train")
        whole, labels = Part(found.inputs, found.labels), found.label_names
        name, note = source.name, source.note
        features = tuple(f"pixel{i}" for i in range(784)) if data == "digits" else ()
    else:
        table = _table(data, label_column)
        whole, labels, features = _table_part(table, "train", seed), table.labels, table.features
    train, validation = _divide(whole, bool(labels), 0.1 if data == "digits" else 0.2, seed)
    if data == "digits":
        encoder = Encoder((), np.zeros(784), np.full(784, 255.0))
    else:
        encoder = fit_encoder(train.inputs)
        features = encoder.words or features
    return Problem(data, features, labels, train, validation, encoder, name, note)


def load_test(
    data: str, seed: int = 0, label_column: str | None = None, dataset: str = "auto"
) -> Part:
    """The test part of a problem that `load` gave the training part of."""
    if data in TOYS:
        return _toy(data, HELD_OUT, _part_seed(seed, "test"))[0]
    if data in ("digits", "spam"):
        found = catalogue.find(data, dataset).load("test")
        return Part(found.inputs, found.labels)
    return _table_part(_table(data, label_column), "test", seed)


def fit_encoder(raw: np.ndarray) -> Encoder:
    """Standardising, after the commonest words of texts have been chosen."""
    words: tuple[str, ...] = ()
    if raw.dtype == object:
        counts = Counter(word for text in raw for word in tokens(text))
        commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        words = tuple(word for word, _ in commonest[:MOST_WORDS])
    X = numbers(raw, words)
    deviation = X.std(axis=0)
    return Encoder(words, X.mean(axis=0), np.where(deviation > 0, deviation, 1.0))


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, and its numbers as one word each."""
    return re.findall(WORD, text.casefold())


def numbers(raw: Any, words: tuple[str, ...]) -> np.ndarray:
    """Texts as log(1 + count) of `words`, pictures as rows of grey levels, numbers as they are."""
    if not words:
        X = np.asarray(raw, float)
        return X.reshape(len(X), -1)
    place = {word: i for i, word in enumerate(words)}
    X = np.zeros((len(raw), len(words)))
    for row, text in zip(X, raw, strict=True):
        for word in tokens(text):
            if word in place:
                row[place[word]] += 1
    return np.log1p(X)


def _part_seed(seed: int, part: str) -> int:
    """Points of the parts must differ, whatever the seed."""
    return int(np.random.SeedSequence([seed, PARTS.index(part)]).generate_state(1)[0])


def _toy(name: str, n: int, seed: int) -> tuple[Part, tuple[str, ...], tuple[str, ...]]:
    X, y = toy_data.TABLE[name](n, seed)
    labels = () if y.dtype.kind == "f" else tuple(str(k) for k in range(y.max() + 1))
    return Part(X, y), tuple(f"x{i + 1}" for i in range(X.shape[1])), labels


def _table(data: str, label_column: str | None) -> Table:
    if not data.lower().endswith(".csv"):
        known = ", ".join([*TOYS, "digits", "spam"])
        raise ConfigError(f"--data is one of {known}, or the path of a .csv file; got {data!r}")
    return read_table(Path(data).expanduser(), label_column)


def _table_part(table: Table, split: str, seed: int) -> Part:
    """80 % of a table's rows to train with, 20 % to test with."""
    train, test = _divide(Part(table.inputs, table.y), bool(table.labels), 0.2, seed)
    return train if split == "train" else test


def _divide(part: Part, classes: bool, fraction: float, seed: int) -> tuple[Part, Part]:
    """Two parts, the second holding `fraction`; stratified where there are classes."""
    labels = part.y if classes else np.zeros(len(part.y), int)
    first, second = stratified_split(labels, fraction, seed)
    return Part(part.inputs[first], part.y[first]), Part(part.inputs[second], part.y[second])
