"""Milestones: networks trained with the learner's own functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.blueprints import toy_data
from nnguide.errors import NnguideError
from nnguide.learn.exercises import catalogue

NETWORK = ("forward", "backward", "adam", "minibatches", "schedule", "initialise")
Load = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Milestone:
    """A goal to reach with one's own code.

    Attributes:
        bound: the accuracy on examples that were not trained on; `stand_in` where the real data
            is not at hand.
        exercises: whose functions it uses.
        epochs, batch, hidden, rate: of the training.
    """

    name: str
    title: str
    bound: float
    exercises: tuple[str, ...]
    epochs: int
    hidden: tuple[int, ...] = ()
    batch: int = 32
    rate: float = 0.01
    stand_in: float | None = None


MILESTONES = (
    Milestone("xor", "XOR", 1.0, (*NETWORK, "sigmoid", "bce"), 60, (16,)),
    Milestone("moons", "Two moons", 0.97, (*NETWORK, "sigmoid", "bce"), 60, (32, 16)),
    Milestone("digits", "Handwritten digits", 0.975, (*NETWORK, "cce"), 6, (128,), 64, 0.003, 0.96),
    Milestone(
        "spam",
        "Spam in the built-in messages",
        0.85,
        ("tokenise", "embedding", "sigmoid", "bce", "adam", "minibatches"),
        12,
    ),
)
BY_NAME = {milestone.name: milestone for milestone in MILESTONES}
SECONDS = 300.0  # for one milestone, on a busy machine


@functools.cache
def data(name: str) -> tuple[str, Any, Any, Any, Any]:
    """Return the data of a milestone.

    It is the data's name, training X and y, test X and y.
    """
    if name in ("xor", "moons"):
        make = toy_data.TABLE[name]
        return (name, *make(400, 1), *make(400, 2))
    if name == "spam":
        from nnguide.data import spam_sample

        sample = spam_sample.load()
        order = np.random.default_rng(0).permutation(len(sample.labels))
        training, test = np.split(order, [len(order) * 4 // 5])
        texts, labels = list(sample.inputs), sample.labels
        return (
            "spam_sample",
            [texts[i] for i in training],
            labels[training],
            [texts[i] for i in test],
            labels[test],
        )
    return _digits()


def _digits() -> tuple[str, Any, Any, Any, Any]:
    """Return MNIST, or else 1,797 small digits.

    MNIST is used where its files lie in NNGUIDE_DATA_DIR.
    """
    if (official := _mnist()) is not None:
        return official
    file = Path(toy_data.__file__).with_name("digits.npz")
    with np.load(file) as digits:
        X, y = digits["images"].reshape(-1, 64) / 16, digits["labels"].astype(int)
    training, test = np.split(np.random.default_rng(0).permutation(len(X)), [1400])
    return "optdigits", X[training], y[training], X[test], y[test]


def _mnist() -> tuple[str, Any, Any, Any, Any] | None:
    import os

    from nnguide.data import idx

    folder = Path(os.environ.get("NNGUIDE_DATA_DIR", "")) / "mnist"
    arrays: list[Any] = []
    for name in ("train", "t10k"):
        for kind, read in (("images-idx3", idx.read_images), ("labels-idx1", idx.read_labels)):
            names = [folder / f"{name}-{kind}-ubyte{end}" for end in (".gz", "")]
            file = next((path for path in names if path.is_file()), None)
            if file is None:
                return None
            try:
                arrays.append(read(file))
            except NnguideError:
                return None
    X, y, Xt, yt = arrays
    flat = [(images.reshape(-1, 784) / 255).astype(np.float32) for images in (X, Xt)]
    return "mnist", flat[0], y.astype(int), flat[1], yt.astype(int)


def bound(name: str, dataset: str) -> float:
    """Return the accuracy to reach on this data set."""
    milestone = BY_NAME[name]
    stand_in = milestone.stand_in if dataset == "optdigits" else None
    return milestone.bound if stand_in is None else stand_in


def reach(name: str, folder: Path, load: Load) -> dict[str, Any]:
    """Train with the learner's functions and measure on the test examples.

    Returns:
        dataset, accuracy, bound, reached.
    """
    milestone = BY_NAME[name]
    own: dict[str, Any] = {}
    for exercise in milestone.exercises:
        own |= load(str(folder / catalogue.file_name(catalogue.BY_NAME[exercise])))
    dataset, X, y, X_test, y_test = data(name)
    learn = _spam if name == "spam" else _network
    accuracy = float(np.mean(learn(milestone, own, X, y, X_test) == y_test))
    least = bound(name, dataset)
    return {
        "dataset": dataset,
        "accuracy": accuracy,
        "bound": least,
        "reached": accuracy >= least,
    }


def _network(m: Milestone, own: dict[str, Any], X: Any, y: Any, X_test: Any) -> Any:
    """Train a dense network; return its classes for X_test."""
    random = np.random.default_rng(0)
    classes = int(y.max()) + 1
    outputs = 1 if classes == 2 else classes
    epochs = m.epochs if len(X) > 10_000 or outputs == 1 else 5 * m.epochs  # few digits
    targets = np.eye(classes)[y] if outputs > 1 else y[:, None].astype(float)
    δ = own["cce_delta"] if outputs > 1 else own["bce_delta"]
    weights = own["initialise"]([X.shape[1], *m.hidden, outputs], random)
    optimizers = [own["Adam"](w) for w in weights]
    step, steps = 0, epochs * -(-len(X) // m.batch)
    for _ in range(epochs):
        for inputs, wanted in own["minibatches"](X, targets, m.batch, random):
            activations = own["forward"](inputs, weights)
            gradients = own["backward"](activations, weights, δ(activations[-1], wanted))
            α = own["cosine"](m.rate, step, steps)
            weights = [
                optimizer.step(w, g, α)
                for optimizer, w, g in zip(optimizers, weights, gradients, strict=True)
            ]
            step += 1
    z = np.asarray(own["forward"](X_test, weights)[-1])
    return z.argmax(axis=1) if outputs > 1 else (np.asarray(own["sigmoid"](z)) > 0.5)[:, 0]


def _spam(m: Milestone, own: dict[str, Any], X: list[str], y: Any, X_test: list[str]) -> Any:
    """Train a spam network; return which texts are spam.

    It is a bag of embeddings and one sigmoid node; the texts are X_test.
    """
    random = np.random.default_rng(0)
    words = own["vocabulary"](X, 1500)
    ids = np.empty(len(X), object)
    ids[:] = [np.array(own["tokenise"](text, words), int) for text in X]
    E, w, b = (
        random.normal(0, 0.1, (len(words) + 1, 16)),
        random.normal(0, 0.5, (16, 1)),
        np.zeros(1),
    )
    weights = [E, w, b]
    optimizers = [own["Adam"](weight) for weight in weights]
    for _ in range(m.epochs):
        for batch, labels in own["minibatches"](ids, y[:, None].astype(float), m.batch, random):
            E, w, b = weights
            mean = np.stack([own["embed"](text, E) for text in batch])
            δ = own["bce_delta"](mean @ w + b, labels)
            back = δ @ w.T
            dE = sum(own["embed_back"](text, E, d) for text, d in zip(batch, back, strict=True))
            gradients = [dE, mean.T @ δ, δ.sum(axis=0)]
            weights = [
                optimizer.step(weight, g, m.rate)
                for optimizer, weight, g in zip(optimizers, weights, gradients, strict=True)
            ]
    E, w, b = weights
    new = [own["embed"](np.array(own["tokenise"](text, words), int), E) for text in X_test]
    return (np.asarray(own["sigmoid"](np.stack(new) @ w + b)) > 0.5)[:, 0]
