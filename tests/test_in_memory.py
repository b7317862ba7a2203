"""A program trains, measures, asks, explains and searches with what it holds in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

import nnguide
from nnguide import Answers, NnguideError, Run, load
from nnguide.errors import ConfigError, DataError, InputError
from nnguide.inference.decision import Answer

SPAM = tiny.examples("spam", 120)
TEXTS = [str(text) for text in SPAM.inputs]
LABELS = [SPAM.label_names[number] for number in SPAM.labels]
COLUMNS = {"label": LABELS, "text": TEXTS}
WORDS = [*tiny.words("spam"), "train.epochs=1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that learned from a table in memory."""
    folder = tmp_path_factory.mktemp("runs") / "held"
    return nnguide.train("spam", COLUMNS, settings=WORDS, out=folder)


def test_a_run_says_that_its_data_was_in_memory(run: Run) -> None:
    assert run.manifest["dataset"] == run.config.data.dataset
    assert run.manifest["dataset"].startswith("memory:")
    assert run.manifest["dataset_path"] is None
    assert not run.learned_from_stand_in
    assert run.metrics["n_train"] + run.metrics["n_validation"] < len(TEXTS)
    with pytest.raises(DataError, match="Give it again with data="):
        nnguide.evaluate(run)


def test_its_own_data_is_measured_on_the_test_set_and_other_data_on_all(run: Run) -> None:
    own = nnguide.evaluate(run, COLUMNS)
    assert own["split"] == "test"
    assert own["n"] + run.metrics["n_train"] + run.metrics["n_validation"] == len(TEXTS)
    other = nnguide.evaluate(run, (TEXTS[:40], LABELS[:40]))
    assert (other["split"], other["n"]) == ("all", 40)
    only_ham = [text for text, label in zip(TEXTS, LABELS, strict=True) if label == "ham"]
    assert nnguide.evaluate(run, (only_ham, ["ham"] * len(only_ham)))["n"] == len(only_ham)


def test_the_old_name_of_an_argument_works_and_warns(run: Run) -> None:
    with pytest.warns(DeprecationWarning, match="data= now; the old name goes in"):
        old = nnguide.evaluate(run, dataset=COLUMNS)  # type: ignore[call-arg]
    assert old == nnguide.evaluate(run, data=COLUMNS)
    with pytest.raises(TypeError, match="its old name"):
        nnguide.evaluate(run, data=COLUMNS, dataset=COLUMNS)  # type: ignore[call-arg]


def test_a_training_goes_on_with_the_same_data_alone(run: Run) -> None:
    again = nnguide.train("spam", COLUMNS, settings=WORDS, out=run.folder, resume=True)
    assert again.manifest == run.manifest
    with pytest.raises(ConfigError, match=r"started with other settings \(data.dataset memory:"):
        nnguide.train("spam", (TEXTS[1:], LABELS[1:]), settings=WORDS, out=run.folder, resume=True)


def test_data_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="both say what to learn from"):
        nnguide.train("spam", COLUMNS, settings=["data.dataset=spam_sample"], out=tmp_path / "a")
    with pytest.raises(ConfigError, match="unknown data set 'no_such'"):
        nnguide.train("spam", "no_such", out=tmp_path / "a")
    with pytest.raises(InputError, match="expected a pair"):
        nnguide.train("spam", 5, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_settings_may_be_a_mapping_beside_data(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    rows = [f"{label},see you at {place}" for place, label in enumerate(LABELS)]
    path.write_text("\n".join(["kind,body", *rows]), encoding="utf-8")
    tree = {"train": {"epochs": 1, "batch_size": 64}, "calibration": {"on": "none"}}
    found = nnguide.train(
        "spam", path, label_column="kind", text_column="body", settings=tree, out=tmp_path / "run"
    )
    assert found.manifest["dataset"] == str(path)
    assert found.config.data.text_column == "body"
    assert found.config.train.batch_size == 64


def test_a_search_takes_what_a_program_holds(tmp_path: Path) -> None:
    found = nnguide.tune(
        "spam",
        COLUMNS,
        settings=[*WORDS, "calibration.folds=2"],
        trials=1,
        compare=0,
        train_best=True,
        out=tmp_path / "search",
    )
    assert found["completed"] == 1
    assert found["dataset"].startswith("memory:")
    assert nnguide.Run.open(found["run"]).manifest["dataset"] == found["dataset"]
    with pytest.raises(ConfigError, match="workers=1"):
        nnguide.tune("spam", COLUMNS, workers=2, out=tmp_path / "other")


# Answers


def test_answers_are_a_list_and_columns() -> None:
    spam = load("spam").predict(["WIN a free prize, call now", 3, "See you at six"])
    assert isinstance(spam, Answers)
    assert spam.labels == ["spam", None, "ham"]
    assert spam.classes == ("ham", "spam")
    assert spam.probabilities.shape == (3, 2)
    np.testing.assert_allclose(spam.probabilities[[0, 2]].sum(axis=1), 1, atol=1e-6)
    assert spam.probabilities[0, 1] == np.float32(spam[0].probability)
    assert np.isnan(spam.probabilities[1]).all()
    assert list(spam.errors) == [1]
    assert spam[1:].labels == [None, "ham"]
    assert load("spam").predict([]) == []

    digits = load("digits").predict(tiny.examples("digits", 100).inputs, reject=False)
    assert digits.probabilities.shape == (len(digits), len(digits.classes))
    winners = [digits.classes[place] for place in digits.probabilities.argmax(axis=1)]
    assert digits.labels == winners


def test_answers_become_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["WIN a free prize, call now", "See you"]}, index=[7, 3])
    found = load("spam").predict(frame).to_pandas()
    assert list(found.columns) == ["label", "probability", "P(ham)", "P(spam)"]
    assert list(found.index) == [7, 3]
    assert found.loc[7, "label"] == "spam"
    with_error = load("spam").predict(["see you", 3]).to_pandas()
    assert with_error["error"].isna().tolist() == [True, False]


def test_to_pandas_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(NnguideError, match="pip install pandas"):
        Answers([Answer("ham", 0.1)], ("ham", "spam")).to_pandas()


# Explanations


def test_nnguide_explain_is_called_and_opened(trained: Callable[[str], Run]) -> None:
    run = trained("spam")
    found: Any = nnguide.explain(run, "WIN a free prize", "occlusion")
    assert found.input == "WIN a free prize"
    assert (
        found.weights == nnguide.explain(run, {"text": ["WIN a free prize"]}, "occlusion").weights
    )
    every = nnguide.explain.explain_all(run, {"text": TEXTS[:2]}, "occlusion")  # type: ignore[attr-defined]
    assert [one.input for one in every] == TEXTS[:2]
    with pytest.raises(InputError, match="expected one input; got 2"):
        nnguide.explain(run, TEXTS[:2], "occlusion")
