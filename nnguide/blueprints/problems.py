"""The data sets for networks by hand, encoded as numbers by NumPy.

    xor, moons, circles, spirals, line   drawn from a seed: two classes, or a regression
    digits                               784 grey levels divided by 255
    spam                                 which of the 1,000 most frequent words a message has
    PATH.csv                             a table of numbers, standardised

Words, means and standard deviations come from the training set alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide import data as datasets
from nnguide.blueprints import toy_data
from nnguide.data import number_tables
from nnguide.data.examples import Examples, stratified_split
from nnguide.data.splits import validation_split
from nnguide.errors import ConfigError
from nnguide.files import expanded
from nnguide.preprocessing.standardisation import mean_and_std

TOYS = tuple(toy_data.TABLE)
VALIDATION_POINTS = 400  # of a toy problem
VALIDATION = {"digits": 0.1, "spam": 0.2, "table": 0.2}  # fractions of the training set
MOST_WORDS = 1000
GREY_LEVELS = 255.0


@dataclass(frozen=True, eq=False)
class Origin:
    """The source of a task's examples, which a run is made from.

    Attributes:
        task: digits, spam or table.
        source: the data set.
        examples: its whole training set, raw.
        training, validation: the same divided in two.
        preprocessing: what the inputs went through: a Tokeniser, or mean and standard deviation.
        label_column: of a table, where it was named.
    """

    task: str
    source: datasets.Source
    examples: Examples
    training: Examples
    validation: Examples
    preprocessing: Any
    label_column: str | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """Examples as network inputs, and where they come from.

    Attributes:
        data: the name that was given: a toy problem, digits, spam or a path.
        labels: the names of the classes; () for a regression.
        features: the names of the inputs.
        X, y: training examples: (n, features) float, class numbers or values (n,).
        X_validation, y_validation: examples that training never fits.
        encode: raw inputs -> X.
        origin: for digits, spam and tables with labels; None for what cannot be a run.
    """

    data: str
    labels: tuple[str, ...]
    features: tuple[str, ...]
    X: np.ndarray
    y: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    encode: Callable[[Any], np.ndarray] = np.asarray
    origin: Origin | None = None

    @property
    def dataset(self) -> str:
        """The data set that was read.

        It may be the fallback of the one that was asked for.
        """
        return self.origin.source.name if self.origin else self.data

    @property
    def outputs(self) -> int:
        """The number of output nodes.

        One for a regression, a toy problem or spam; one for each class of digits and
        tables.
        """
        if self.origin and self.origin.task == "table":
            return len(self.labels)
        return len(self.labels) if len(self.labels) > 2 else 1


def load(data: str, examples: int = 600, seed: int = 0, label_column: str | None = None) -> Problem:
    """Read or draw the training and validation examples of a problem.

    Args:
        data: one of TOYS, "digits", "spam", or the path of a .csv file.
        examples: how many training points a toy problem has.
        seed: of a toy's points.
        label_column: of a table; its last column if None.
    Raises:
        ConfigError: no such data, or an option that does not fit.
        InputError: a table that cannot be read. DataError: a data set that is not available.
    """
    is_table = data.lower().endswith(".csv")
    if label_column and not is_table:
        raise ConfigError(f"--label-column is for a table, PATH.csv; {data} has none")
    if data in TOYS:
        return _toy(data, examples, seed)
    if data == "digits":
        return _digits()
    if data == "spam":
        return _spam()
    if is_table:
        return _table(data, label_column)
    known = ", ".join([*TOYS, "digits", "spam"])
    raise ConfigError(f"--data is one of {known}, or the path of a .csv file; got {data!r}")


def _toy(name: str, n: int, seed: int) -> Problem:
    X, y = toy_data.TABLE[name](n, seed)
    other = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])  # for other points
    validation = toy_data.TABLE[name](VALIDATION_POINTS, other)
    labels = () if y.dtype.kind == "f" else tuple(str(k) for k in range(y.max() + 1))
    features = tuple(f"x{i + 1}" for i in range(X.shape[1]))
    return Problem(name, labels, features, X, y, *validation)


def _digits() -> Problem:
    def encode(pictures: np.ndarray) -> np.ndarray:
        return np.asarray(pictures, np.float32).reshape(len(pictures), -1) / GREY_LEVELS

    features = tuple(f"pixel{i}" for i in range(784))
    source = datasets.find("digits")
    return _of_task("digits", source, features, lambda _: ((0.0, GREY_LEVELS), encode))


def _spam() -> Problem:
    from nnguide.preprocessing.tokens import Tokeniser

    def fit(texts: np.ndarray) -> tuple[Any, Callable[[Any], np.ndarray]]:
        tokeniser = Tokeniser.adapt(list(texts), words=MOST_WORDS, pairs=0, grams=(), buckets=0)

        def encode(texts: np.ndarray) -> np.ndarray:
            ids, lengths = tokeniser.ragged(list(texts))
            X = np.zeros((len(texts), tokeniser.size), np.float32)
            X[np.repeat(np.arange(len(texts)), lengths), ids] = 1
            return X

        return tokeniser, encode

    return _of_task("spam", datasets.find("spam"), ("words",), fit)


def _table(path: str, label_column: str | None) -> Problem:
    place = expanded(path)
    table = number_tables.read_table(place, label_column)
    if table.labels:
        source = datasets.find("table", str(place), label_column=label_column)

        def fit(rows: np.ndarray) -> tuple[Any, Callable[[Any], np.ndarray]]:
            mean, std = mean_and_std(rows)
            return (mean, std), lambda rows: ((rows - mean) / std).astype(np.float32)

        return _of_task(path, source, table.features, fit, label_column)
    learned, _ = stratified_split(np.zeros(len(table.y), int), 0.2, 0)  # the rest is the test set
    first, second = stratified_split(np.zeros(len(learned), int), VALIDATION["table"], 0)
    first, second = learned[first], learned[second]
    mean, std = mean_and_std(table.inputs[first])

    def encode(rows: np.ndarray) -> np.ndarray:
        return (np.asarray(rows, float) - mean) / std

    X, y = encode(table.inputs), table.y
    arrays = (X[first], y[first], X[second], y[second])
    return Problem(path, table.labels, table.features, *arrays, encode)


def _of_task(
    data: str,
    source: datasets.Source,
    features: tuple[str, ...],
    fit: Callable[[np.ndarray], tuple[Any, Callable[[Any], np.ndarray]]],
    label_column: str | None = None,
) -> Problem:
    """Return the problem of a task.

    `fit` makes the preprocessing from the training inputs.
    """
    whole = source.load("train")
    training, validation = validation_split(whole, VALIDATION[source.task], 0)
    preprocessing, encode = fit(training.inputs)
    return Problem(
        data,
        whole.label_names,
        features,
        encode(training.inputs),
        training.labels,
        encode(validation.inputs),
        validation.labels,
        encode,
        Origin(source.task, source, whole, training, validation, preprocessing, label_column),
    )
