"""A program trains, measures, asks, explains and searches with what it holds in memory."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import tiny
from PIL import Image

import nnguide
from nnguide import Answers, NnguideError, Run, load, tasks
from nnguide.data import memory
from nnguide.errors import ConfigError, DataError, InputError
from nnguide.inference import validation
from nnguide.inference.decision import Answer

ROOT = Path(__file__).parent.parent
SPAM = tiny.examples("spam", 120)
TEXTS = [str(text) for text in SPAM.inputs]
LABELS = [SPAM.label_names[number] for number in SPAM.labels]
COLUMNS = {"label": LABELS, "text": TEXTS}
WORDS = [*tiny.words("spam"), "train.epochs=1"]


class FakeTensor:
    """A label in a framework's tensor: only `numpy` gives it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def numpy(self) -> Any:
        return self.value if isinstance(self.value, bytes) else np.array(self.value)


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


@pytest.mark.slow
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


# What is hidden, missing, closed or ambiguous


def test_a_masked_array_is_not_read_as_if_nothing_were_hidden() -> None:
    pictures = np.array(tiny.examples("digits", 20).inputs[:2])
    hidden = np.ma.masked_array(pictures, mask=pictures > 100)
    for raw in (hidden, hidden[0], [pictures[0], hidden[1]]):
        with pytest.raises(InputError, match="got a masked array"):
            load("digits").predict(raw)
    whole = np.ma.masked_array(pictures, mask=False)
    assert load("digits").predict(whole) == load("digits").predict(pictures)
    with pytest.raises(InputError, match="got a masked array"):
        validation.numbers(np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]]))


def test_nothing_to_ask_is_no_answers() -> None:
    for task in ("digits", "spam"):
        assert load(task).predict([]) == load(task).predict(()) == []


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_a_file_that_cannot_be_read_is_said(task: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xd8 neither a text nor a picture")
    closed = io.StringIO("a")
    closed.close()
    with (tmp_path / "writing").open("w") as writing, (tmp_path / "file").open() as as_text:
        for stream in (closed, writing, as_text):
            with pytest.raises(InputError, match="open for reading"):
                load(task).predict(stream)
    with pytest.raises(InputError, match="open for reading"):
        nnguide.train(task, closed, out=tmp_path / "run")


def test_the_path_of_a_picture_is_not_empty() -> None:
    with pytest.raises(InputError, match="got an empty text"):
        load("digits").predict("")


def test_texts_with_commas_are_lines_and_a_table_is_a_table() -> None:
    run = load("spam")
    lines = "WIN a free prize now, call\nsee you at six\nlunch, then the train, then home\n"
    assert len(run.predict(io.StringIO(lines))) == 3
    assert len(run.predict(io.StringIO("WIN a free prize, call now"))) == 1
    assert len(run.predict(io.StringIO('body,day\n"a, b",1\nc d e,2\n'))) == 2
    assert len(run.predict(io.StringIO("text,day\nsee you,1\nbad row\n"))) == 2


@pytest.mark.parametrize(
    "labels",
    [
        np.array(LABELS)[:, None],
        [FakeTensor(label) for label in LABELS],
        [FakeTensor(label.encode()) for label in LABELS],
    ],
)
def test_labels_may_stand_in_a_column_or_be_tensors(labels: Any) -> None:
    kind = tasks.get("spam").kind
    found = memory.read(kind, ("ham", "spam"), (TEXTS, labels))
    assert [found.label_names[number] for number in found.labels] == LABELS


def test_a_missing_label_and_one_in_one_hot_form_are_said() -> None:
    kind = tasks.get("spam").kind
    for value, why in (
        (None, "expected a label; got none"),
        (float("nan"), "expected a label; got none"),
        (np.ma.masked, "expected a label; got none"),
        (np.eye(2)[0], "argmax"),
    ):
        found = memory.read(kind, ("ham", "spam"), (TEXTS, [value, *LABELS[1:]]))
        assert (found.left_out[0].name, why in found.left_out[0].reason) == ("[0]", True)
    odd = memory.read(kind, ("ham", "spam"), ([b"a", None, *TEXTS[2:]], LABELS)).left_out
    assert "Decode them" in odd[0].reason
    assert odd[1].reason == "expected a text; got none"


class Lazy:
    """A table that is not computed yet, as Polars' LazyFrame."""

    def collect_schema(self) -> dict[str, str]:
        return dict.fromkeys(COLUMNS, "str")

    def collect(self) -> dict[str, list[str]]:
        return COLUMNS


class Streamed:
    """A data set whose columns have no length, as Hugging Face's IterableDataset."""

    column_names = ("text", "label")
    features: ClassVar = {"label": SimpleNamespace(names=["spam", "ham"])}

    def __getitem__(self, name: str) -> Iterator[Any]:
        if name == "text":
            return (FakeTensor(text.encode()) for text in TEXTS)
        return (FakeTensor(["spam", "ham"].index(label)) for label in LABELS)


@pytest.mark.parametrize("table", [Lazy(), Streamed()])
def test_a_table_may_be_lazy_and_its_label_numbers_tensors(table: Any) -> None:
    found = memory.read(tasks.get("spam").kind, ("ham", "spam"), table)
    assert [found.label_names[number] for number in found.labels] == LABELS
    assert load("spam").predict(table).labels == load("spam").predict(TEXTS).labels


@pytest.mark.parametrize("mode", ["L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "F"])
def test_an_image_may_be_of_any_mode(mode: str) -> None:
    grey = Image.open(ROOT / "docs" / "digit.png").convert("L")
    way = {"La": ["LA"], "RGBa": ["RGBA"], "PA": ["P"], "CMYK": ["RGB"]}.get(mode, [])
    image = functools.reduce(Image.Image.convert, [*way, mode], grey)
    assert load("digits").predict(image).labels == ["7"]
