"""scikit-learn estimators of nnguide's tasks.

They work in pipelines, searches and cross-validation.

    from nnguide.sklearn import SpamClassifier
    from sklearn.model_selection import cross_val_score

    cross_val_score(SpamClassifier(epochs=3), texts, labels)

`check_estimator` passes every check that it can try. It draws tables of numbers, which are neither
pictures nor texts, so of DigitsClassifier and SpamClassifier it tries few; TableClassifier, which
shares all but the input with them, stands for the three.

Each `fit` trains as `nnguide.train` does, on all that it is given, and the estimator keeps the
finished run: it is pickled with it, and `save_run` writes it to a folder that every command takes.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from nnguide.config.values import LIMIT
from nnguide.errors import ConfigError, InputError
from nnguide.runs import CHECKPOINT, Answers, Run, registry

__all__ = ["DigitsClassifier", "SpamClassifier", "TableClassifier"]


PIXELS = 28 * 28


class _Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc, unused-ignore]
    """Common part of the estimators: fit makes a run, predict asks it.

    Args:
        preset: a recipe of nnguide's, as `nnguide train --preset`.
        epochs, batch_size, learning_rate, dropout: settings that searches often change; None is
            the preset's.
        settings: any other settings, KEY=VALUE words or a nested mapping; they win.
        random_state: of weights, order and dropout: an int, a RandomState or None for a new seed
            at each fit.

    Attributes:
        classes_: the labels, sorted.
        run_: the finished Run.
        n_features_in_, feature_names_in_: of an X in two dimensions, and of a DataFrame.
    """

    task: ClassVar[str]

    def __init__(
        self,
        *,
        preset: str = "default",
        epochs: int | None = None,
        batch_size: int | str | None = None,
        learning_rate: float | None = None,
        dropout: float | None = None,
        settings: Iterable[str] | Mapping[str, Any] = (),
        random_state: Any = 0,
    ) -> None:
        self.preset = preset
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on all of X and y.

        Args:
            X: inputs as `nnguide.Run.predict` takes them, n of them.
            y: (n,) labels, words or whole numbers.
        Raises:
            ValueError: what cannot be learned from; nnguide's InputError and ConfigError are such.
        """
        if y is None:
            raise InputError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        X, y = self._checked(X, y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        self._check_classes()
        names = self._names()
        from nnguide.training.train import train

        with tempfile.TemporaryDirectory(prefix="nnguide-") as folder:
            run = train(
                self.task,
                {"train": (X, [names[number] for number in numbers])},
                preset=self.preset,
                config=self._tree(),
                settings=self.settings,
                out=Path(folder) / "run",
                watch=lambda title: (),
            )
            registry.forget(run.folder)
            self._kept = _Kept.of(run.folder)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of each input, (n,).

        Labels have the type that `fit` was given. With a threshold, as for spam, the run's own
        threshold decides.
        """
        check_is_fitted(self, "classes_")
        place = {name: number for number, name in enumerate(self._names())}
        return self.classes_[[place[label] for label in self._answers(X).labels if label]]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every label, (n, classes).

        The columns are in the order of `classes_`.
        """
        check_is_fitted(self, "classes_")
        answers = self._answers(X)
        return answers.probabilities[:, [answers.classes.index(name) for name in self._names()]]

    @property
    def run_(self) -> Run:
        """The run of the last `fit`."""
        check_is_fitted(self, "classes_")
        return self._kept.run

    def save_run(self, folder: Path | str) -> Run:
        """Write the run to a new folder and open it.

        Raises:
            ConfigError: the folder exists.
        """
        check_is_fitted(self, "classes_")
        if Path(folder).exists():
            raise ConfigError(f"{folder} exists already: a run is written to a new folder")
        self._kept.write(Path(folder))
        registry.remember(Path(folder))
        return Run.open(folder)

    def _answers(self, X: Any) -> Answers:
        answers = self._kept.run.predict(self._checked(X)[0], reject=False)
        for error in answers.errors.values():
            raise error
        return answers

    def _checked(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        """Return X and y after scikit-learn's own checks.

        There is a y in `fit` alone. What X holds is checked by nnguide.
        """
        if y is None:
            return X, None
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return X, y

    def _check_classes(self) -> None:
        if len(self.classes_) < 2:
            raise InputError("expected two classes or more to tell apart; got 1 class")
        names = self._names()
        if len({name for name in names if name}) < len(names):
            raise InputError(
                "expected classes whose names are not empty and differ in more than spaces around "
                f"them; got {', '.join(repr(str(label)) for label in self.classes_)}"
            )

    def _names(self) -> list[str]:
        """Return the run's name of each of `classes_`."""
        from nnguide.data.memory import plain

        return [str(plain(label)).strip() for label in self.classes_]

    def _tree(self) -> dict[str, Any]:
        """Return the settings of the next fit.

        No example is kept for validation: the caller splits the data.
        """
        seed = int(check_random_state(self.random_state).randint(0, min(LIMIT, 2**31) - 1))
        if isinstance(self.random_state, int | np.integer):
            seed = int(self.random_state)
        chosen: dict[str, dict[str, Any]] = {
            "data": {"validation": 0},
            "calibration": {"on": "none"},
            "train": {"seed": seed, "epochs": self.epochs, "batch_size": self.batch_size},
            "model": {"dropout": self.dropout},
        }
        chosen["train"]["learning_rate"] = self.learning_rate
        return {
            group: {key: value for key, value in values.items() if value is not None}
            for group, values in chosen.items()
        }


class DigitsClassifier(_Classifier):
    """Classifier of handwritten digits, or of pictures of 2 to 100 signs.

    X is an array (n, 28, 28) of grey levels 0-255, white on black, or paths, PIL images or open
    files of pictures. An array in two dimensions, (n, 784), holds a picture a row.
    """

    task = "digits"

    def _checked(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        X, y = super()._checked(X, y)
        if isinstance(X, np.ndarray) and X.ndim == 2:
            if X.shape[1] != PIXELS:
                raise InputError(
                    f"expected an X of shape (n, 28, 28) or (n, {PIXELS}); got {X.shape}. Pictures "
                    "of other sizes: a list of arrays, one each"
                )
            self.n_features_in_ = PIXELS
        return X, y

    def __sklearn_tags__(self) -> Any:
        """Return tags that say that X holds pictures.

        They keep away scikit-learn's checks that draw tables of any width.
        """
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


class SpamClassifier(_Classifier):
    """Classifier of spam, or of texts of any two classes.

    The second of `classes_` is the class that nnguide calls `spam`. X is a list, an array, a Series
    of texts, or a DataFrame with a column `text`.
    """

    task = "spam"

    def _check_classes(self) -> None:
        super()._check_classes()
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass: "
                f"got {len(self.classes_)} classes"
            )

    def _names(self) -> list[str]:
        return ["ham", "spam"]

    def __sklearn_tags__(self) -> Any:
        """Return tags that say that X holds texts, not numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        tags.classifier_tags.multi_class = False
        return tags


class TableClassifier(_Classifier):
    """Classifier of rows of numbers with any 2 to 100 labels.

    X is (n, features) of finite numbers.
    """

    task = "table"

    def _checked(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        if y is None:
            X = validate_data(self, X, reset=not hasattr(self, "classes_"), dtype="numeric")
        else:
            X, y = validate_data(self, X, y, dtype="numeric")
            check_classification_targets(y)
        return (X.astype(np.float32) if X.dtype == bool else X), y


class _Kept:
    """A run that lives with its estimator.

    It holds the run's files, and writes them to a folder when that is needed.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    @classmethod
    def of(cls, folder: Path) -> _Kept:
        files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
        files.pop(CHECKPOINT, None)
        return cls({name: path.read_bytes() for name, path in files.items()})

    @functools.cached_property
    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="nnguide-")

    @functools.cached_property
    def run(self) -> Run:
        folder = Path(self._folder.name) / "run"
        self.write(folder)
        return Run.open(folder)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files}
