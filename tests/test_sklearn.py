"""scikit-learn takes nnguide's estimators for its own: checks, clones, pipelines, searches."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import tiny
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

import nnguide
from nnguide.errors import ConfigError, InputError
from nnguide.sklearn import DigitsClassifier, SpamClassifier, TableClassifier

SPAM = tiny.examples("spam", 80)
TEXTS = np.array([str(text) for text in SPAM.inputs], object)
LABELS = np.array(SPAM.label_names)[SPAM.labels]
WINE = tiny.examples("table", 178)
TINY = {
    DigitsClassifier: {"settings": tiny.words("digits")},
    SpamClassifier: {"settings": tiny.words("spam")},
    TableClassifier: {},
}


@pytest.fixture(scope="module")
def spam() -> Any:
    """A tiny classifier of spam that has learned."""
    return SpamClassifier(**TINY[SpamClassifier], epochs=2).fit(TEXTS, LABELS)


@pytest.mark.parametrize("estimator", TINY)
def test_an_estimator_is_cloned_with_its_parameters(estimator: Any) -> None:
    made = estimator(**TINY[estimator], epochs=2, random_state=7)
    copy = clone(made)
    assert copy.get_params() == made.get_params()
    assert copy.set_params(dropout=0.1).dropout == 0.1
    assert repr(copy).startswith(f"{estimator.__name__}(")
    with pytest.raises(NotFittedError):
        copy.predict([[1.0, 2.0]])


@pytest.mark.parametrize("estimator", [DigitsClassifier, SpamClassifier])
def test_check_estimator_passes_what_it_can_try_on_pictures_and_texts(estimator: Any) -> None:
    """It draws tables of numbers, which are neither: TableClassifier stands for the three."""
    with pytest.warns(match="Can't test estimator"):
        found = check_estimator(estimator(**TINY[estimator]), on_skip=None)
    assert {row["status"] for row in found} == {"passed"}


@pytest.mark.slow
def test_check_estimator_passes_all_that_it_tries() -> None:
    found = check_estimator(TableClassifier(epochs=3), on_skip=None)
    skipped = {row["check_name"] for row in found if row["status"] != "passed"}
    assert skipped <= {"check_array_api_input"}
    assert len(found) > 50


@pytest.mark.parametrize(
    "check",
    [
        "check_requires_y_none",
        "check_fit2d_1sample",
        "check_dict_unchanged",
        "check_classifiers_one_label",
        "check_estimators_unfitted",
    ],
)
def test_some_of_these_checks_in_every_run(check: str) -> None:
    getattr(estimator_checks, check)("TableClassifier", TableClassifier(epochs=2))


def test_probabilities_are_in_the_order_of_the_classes(spam: Any) -> None:
    assert spam.classes_.tolist() == ["ham", "spam"]
    found = spam.predict_proba(TEXTS[:9])
    assert found.shape == (9, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(spam.predict(TEXTS[:9]) == "spam", found[:, 1] > 0.5)


def test_a_fitted_estimator_is_stored_whole(spam: Any, tmp_path: Path) -> None:
    joblib.dump(spam, tmp_path / "spam.joblib")
    loaded = joblib.load(tmp_path / "spam.joblib")
    assert loaded.run_.folder != spam.run_.folder
    for one in (loaded, pickle.loads(pickle.dumps(spam))):
        np.testing.assert_array_equal(one.predict_proba(TEXTS[:5]), spam.predict_proba(TEXTS[:5]))


def test_its_run_is_a_run_for_every_command(spam: Any, tmp_path: Path) -> None:
    run = spam.save_run(tmp_path / "run")
    assert nnguide.load(tmp_path / "run").predict(list(TEXTS[:3])).labels == list(
        spam.predict(TEXTS[:3])
    )
    assert run.metrics["n_train"] == len(TEXTS)  # nothing is held back
    with pytest.raises(ConfigError, match="exists already"):
        spam.save_run(tmp_path / "run")
    assert not any("nnguide-" in place.read_text() for place in _registry())


def _registry() -> list[Path]:
    return list(Path(os.environ["NNGUIDE_REGISTRY"]).glob("*.txt"))


@pytest.mark.slow
def test_a_pipeline_is_searched_by_cross_validation() -> None:
    pipeline = make_pipeline(StandardScaler(), TableClassifier(epochs=3))
    search = GridSearchCV(pipeline, {"tableclassifier__learning_rate": [1e-4, 0.05]}, cv=2)
    search.fit(WINE.inputs, WINE.labels)
    assert search.best_params_ == {"tableclassifier__learning_rate": 0.05}
    assert search.predict(WINE.inputs[:4]).dtype == WINE.labels.dtype
    assert search.score(WINE.inputs, WINE.labels) > 0.6


def test_a_picture_may_be_a_row_of_pixels() -> None:
    digits = tiny.examples("digits", 200)
    X = digits.inputs.reshape(-1, 784)
    made = DigitsClassifier(**TINY[DigitsClassifier], epochs=2).fit(X, digits.labels)
    assert made.n_features_in_ == 784
    assert made.predict(X[:2]).dtype == digits.labels.dtype
    np.testing.assert_array_equal(made.predict(X[:9]), made.predict(digits.inputs[:9]))
    with pytest.raises(ValueError, match=r"\(n, 28, 28\) or \(n, 784\); got \(2, 64\)"):
        made.predict(np.zeros((2, 64)))


def test_texts_go_through_a_pipeline(spam: Any) -> None:
    shorter = FunctionTransformer(lambda texts: [text[:40] for text in texts])
    found = make_pipeline(shorter, spam).predict(TEXTS[:3])
    assert set(found) <= {"ham", "spam"}


def test_labels_of_any_kind_come_back(spam: Any) -> None:
    for labels in (SPAM.labels, SPAM.labels == 1, np.where(SPAM.labels == 1, "b", "a")):
        assert clone(spam)._checked(TEXTS, labels)[1].dtype == labels.dtype
    rows = WINE.inputs[:, :2]
    made = TableClassifier(epochs=1).fit(rows, np.array(["x 1", "y", "x 10"])[WINE.labels])
    assert set(made.predict(rows)) <= {"x 1", "y", "x 10"}


@pytest.mark.parametrize(
    ("estimator", "X", "y", "message"),
    [
        (SpamClassifier, TEXTS, ["ham"] * 80, "1 class"),
        (SpamClassifier, TEXTS[:3], ["a", "b", "c"], "Only binary classification"),
        (SpamClassifier, TEXTS, LABELS[:-1], "80 inputs and 79 labels"),
        (SpamClassifier, [1, 2], [0, 1], "expected a text"),
        (DigitsClassifier, np.zeros((4, 9)), [0, 1, 0, 1], "or .n, 784.; got"),
        (TableClassifier, [[1.0], [float("nan")]], [0, 1], "NaN"),
        (TableClassifier, WINE.inputs, np.linspace(0, 1, 178), "Unknown label type"),
    ],
)
def test_what_cannot_be_learned_is_a_value_error(
    estimator: Any, X: Any, y: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        estimator(**TINY[estimator]).fit(X, y)


@pytest.mark.parametrize("labels", [("a", " a "), ("a", "")])
def test_classes_have_names_that_differ(labels: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="differ in more than spaces"):
        TableClassifier().fit(WINE.inputs[:20], np.array(labels * 10, object))


def test_a_table_may_hold_true_and_false() -> None:
    X, y = WINE.inputs > np.median(WINE.inputs, axis=0), WINE.labels
    made = TableClassifier(epochs=np.int64(1)).fit(X, y)
    np.testing.assert_array_equal(made.predict(X), made.predict(X.astype(float)))
