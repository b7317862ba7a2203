"""What a Python program holds is read as the same data in a file would be, or refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import data
from nnguide.data.examples import Examples
from nnguide.errors import ConfigError, DataError, InputError, NnguideError
from nnguide.tasks import kinds

SPAM = tiny.examples("spam", 60)
TEXTS = [str(text) for text in SPAM.inputs]
LABELS = [SPAM.label_names[number] for number in SPAM.labels]
DIGITS = tiny.examples("digits", 100)
NAMES = [DIGITS.label_names[number] for number in DIGITS.labels]
ROWS = np.arange(120, dtype=np.float32).reshape(40, 3)
SIDES = ["left" if row % 2 else "right" for row in range(40)]
COLUMNS = {"label": LABELS, "text": TEXTS}


def csv_of(**columns: Any) -> str:
    lines = [",".join(columns)]
    for row in zip(*columns.values(), strict=True):
        lines.append(",".join('"' + str(cell).replace('"', '""') + '"' for cell in row))
    return "\n".join(lines) + "\n"


def in_many_forms() -> dict[str, Any]:
    """The same messages as programs hold them without another library."""
    return {
        "pair of lists": (TEXTS, LABELS),
        "pair of arrays": (np.array(TEXTS), np.array(LABELS)),
        "numbers as labels": (TEXTS, SPAM.labels),
        "truth as labels": (TEXTS, SPAM.labels == 1),
        "floats as labels": (TEXTS, SPAM.labels.astype(float)),
        "labels in other case": (TEXTS, [label.upper() for label in LABELS]),
        "columns": COLUMNS,
        "rows": [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)],
        "pairs": list(zip(TEXTS, LABELS, strict=True)),
        "examples": SPAM,
        "columns of other names": {"v1": LABELS, "v2": TEXTS},
    }


@pytest.mark.parametrize("form", in_many_forms())
def test_messages_are_the_same_in_every_form(form: str) -> None:
    source = data.hold("spam", in_many_forms()[form])
    for split in ("train", "test", "all"):
        mine, wanted = source.load(split), data.hold("spam", COLUMNS).load(split)
        assert mine.inputs.tolist() == wanted.inputs.tolist()
        assert mine.labels.tolist() == wanted.labels.tolist()
        assert mine.label_names == ("ham", "spam")
    assert source.name == data.hold("spam", COLUMNS).name


def test_a_file_and_the_same_data_in_memory_are_divided_alike(tmp_path: Path) -> None:
    tables = {
        "spam": (csv_of(**COLUMNS), COLUMNS),
        "table": (
            csv_of(a=ROWS[:, 0], b=ROWS[:, 1], side=SIDES),
            {"a": ROWS[:, 0], "b": ROWS[:, 1], "side": SIDES},
        ),
    }
    for task, (content, columns) in tables.items():
        path = tmp_path / f"{task}.csv"
        path.write_text(content, encoding="utf-8")
        for held in (columns, io.StringIO(content), io.BytesIO(content.encode()), path.open()):
            source, file = data.hold(task, held), data.find(task, str(path))
            for split in ("train", "test"):
                mine, wanted = source.load(split), file.load(split)
                assert mine.inputs.tolist() == wanted.inputs.tolist()
                assert mine.labels.tolist() == wanted.labels.tolist()
                assert (mine.label_names, mine.features) == (wanted.label_names, wanted.features)


def test_pictures_in_many_forms() -> None:
    from PIL import Image

    pixels = {f"pixel{place}": DIGITS.inputs.reshape(-1, 784)[:, place] for place in range(784)}
    forms: list[Any] = [
        (DIGITS.inputs, NAMES),
        (DIGITS.inputs[..., None].astype(float), DIGITS.labels),
        (DIGITS.inputs.reshape(-1, 784), NAMES),
        ([Image.fromarray(one) for one in DIGITS.inputs], NAMES),
        (list(DIGITS.inputs), NAMES),
        {"label": NAMES, **pixels},
        {"image": list(DIGITS.inputs), "label": DIGITS.labels, "id": range(len(DIGITS))},
    ]
    for held in forms:
        found = data.hold("digits", held).load("all")
        np.testing.assert_array_equal(found.labels, DIGITS.labels)
        assert found.label_names == DIGITS.label_names
        assert found.inputs.dtype == np.uint8
    for held in (*forms[:3], *forms[4:]):  # a PIL image is read as its file would be
        np.testing.assert_array_equal(data.hold("digits", held).load("all").inputs, DIGITS.inputs)


def test_an_array_or_a_series_of_pictures_is_a_list_of_them() -> None:
    from PIL import Image

    held = np.empty(2, object)
    held[:] = [Image.fromarray(one) for one in DIGITS.inputs[:2]]
    pictures = kinds.get("pictures")
    wanted = pictures.each(list(held))
    np.testing.assert_array_equal(pictures.each(held), wanted)
    pandas = pytest.importorskip("pandas")
    np.testing.assert_array_equal(pictures.each(pandas.Series(list(held))), wanted)
    frame = pandas.DataFrame({"digit": [3, 4], "scan": list(held)})
    np.testing.assert_array_equal(pictures.each(frame), wanted)


def test_libraries_tables_are_read(tf: Any) -> None:
    forms: list[Any] = [
        tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)),
        tf.data.Dataset.from_tensor_slices((TEXTS, SPAM.labels)).batch(7),
        tf.data.Dataset.from_tensor_slices({"label": LABELS, "text": TEXTS}).batch(7),
    ]
    pandas = pytest.importorskip("pandas")
    forms += [pandas.DataFrame(COLUMNS), pandas.DataFrame(COLUMNS).astype("category")]
    wanted = data.hold("spam", COLUMNS).name
    assert [data.hold("spam", held).name for held in forms] == [wanted] * len(forms)
    stacked = tf.data.Dataset.from_tensor_slices((DIGITS.inputs, DIGITS.labels))
    for held in (stacked, stacked.batch(9), stacked.map(lambda x, y: {"image": x, "label": y})):
        assert data.hold("digits", held).name == data.hold("digits", (DIGITS.inputs, NAMES)).name
    with pytest.raises(InputError, match="repeats"):
        data.hold("digits", stacked.repeat())
    with pytest.raises(InputError, match="one-hot"):
        data.hold("digits", stacked.map(lambda x, y: (x, tf.one_hot(y, 10))))
    with pytest.raises(InputError, match="expected a pair"):
        data.hold("digits", stacked.map(lambda x, y: x))
    assert len(kinds.get("pictures").each(stacked.batch(9).map(lambda x, y: x))) == len(DIGITS)


def test_a_polars_frame_is_read() -> None:
    polars = pytest.importorskip("polars")
    held = polars.DataFrame(COLUMNS)
    assert data.hold("spam", held).name == data.hold("spam", COLUMNS).name
    assert kinds.get("texts").each(held) == kinds.get("texts").each(held["text"]) == TEXTS


def test_a_hugging_face_data_set_is_read() -> None:
    datasets = pytest.importorskip("datasets")
    classes = datasets.ClassLabel(names=["ham", "spam"])
    features = datasets.Features({"sms": datasets.Value("string"), "label": classes})
    held = datasets.Dataset.from_dict(
        {"sms": TEXTS, "label": SPAM.labels.tolist()}, features=features
    )
    assert data.hold("spam", held).name == data.hold("spam", COLUMNS).name
    both = datasets.DatasetDict({"train": held, "test": held.select(range(5))})
    assert len(data.hold("spam", both).load("test")) == 5
    assert kinds.get("texts").each(held) == TEXTS


def test_parts_are_used_as_they_are() -> None:
    some = slice(0, 70), slice(70, None)
    train, test = ((DIGITS.inputs[part], DIGITS.labels[part]) for part in some)
    for held in (
        (train, test),
        {"train": train, "test": test},
        {"training": train, "validation": test},
        {"x_train": train[0], "y_train": train[1], "x_test": test[0], "y_test": test[1]},
    ):
        source = data.hold("digits", held)
        np.testing.assert_array_equal(source.load("train").inputs, train[0])
        np.testing.assert_array_equal(source.load("test").inputs, test[0])
        assert len(source.load("all")) == len(DIGITS)
    alone = data.hold("digits", {"train": train})
    assert len(alone.load("train")) == 70
    with pytest.raises(InputError, match="no test set"):
        alone.load("test")


def test_the_test_set_is_not_touched_before_it_is_asked_for() -> None:
    source = data.hold("spam", {"train": COLUMNS, "test": object()})
    assert len(source.load("train")) == len(SPAM)
    with pytest.raises(InputError, match="expected a pair"):
        source.load("test")


def test_what_cannot_be_used_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    held = {"text": [*TEXTS, None, "hello"], "label": [*LABELS, "ham", float("nan")]}
    found = data.hold("spam", held).load("all")
    assert found.inputs.tolist() == TEXTS
    assert [str(one)[:4] for one in found.left_out] == ["[60]", "[61]"]
    assert "2 of the 62 messages" in caplog.text


@pytest.mark.parametrize(
    ("task", "held", "message"),
    [
        ("spam", 5, "expected a pair .inputs, labels.*got int"),
        ("spam", TEXTS, "expected a pair .*got list"),
        ("spam", ("one", "spam"), "expected a pair .*got tuple"),
        ("spam", {"a", "b"}, "expected a pair .*got set"),
        ("spam", iter([("a", "ham")]), "expected a pair"),
        ("spam", (TEXTS, LABELS[:-1]), "60 inputs and 59 labels"),
        ("spam", {"text": TEXTS, "label": LABELS[1:]}, "one length; got text 60, label 59"),
        ("spam", {"text": TEXTS}, "a column label; got text"),
        ("spam", (TEXTS, ["urgent"] * 60), "cannot be used"),
        ("spam", ([], []), "got none"),
        ("digits", (DIGITS.inputs / 255, NAMES), "Multiply them by 255"),
        ("digits", (DIGITS.inputs, np.eye(10)[DIGITS.labels]), r"labels.argmax\(axis=1\)"),
        ("digits", (DIGITS.inputs, ["one"] * 100), "2 to 100 different labels; got 1"),
        ("table", (ROWS, np.full(40, np.nan)), "cannot be used"),
        ("table", (np.array([["a", "b"]] * 40), SIDES), "expected rows of numbers"),
    ],
)
def test_everything_else_is_refused_in_words(task: str, held: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        data.hold(task, held)


def test_columns_that_are_not_there_are_named() -> None:
    assert len(data.hold("spam", {"a": LABELS, "b": TEXTS}, label_column="A").load("all")) == 60
    with pytest.raises(ConfigError, match="no column 'body'; it has label, text"):
        data.hold("spam", COLUMNS, text_column="body")
    with pytest.raises(ConfigError, match="for a table; this data is not one"):
        data.hold("spam", (TEXTS, LABELS), label_column="label")


def test_data_that_was_in_memory_is_asked_for_again() -> None:
    with pytest.raises(DataError, match="Give it again"):
        data.find("spam", "memory:0123456789ab")


def test_the_columns_of_a_row_are_taken_by_name() -> None:
    numbers = kinds.get("numbers")
    found = numbers.check({"b": [2.0, 4.0], "more": ["x", "y"], "a": [1.0, 3.0]}, ("a", "b"))
    assert found.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(InputError, match="it has no b"):
        numbers.check({"a": [1.0]}, ("a", "b"))


def test_an_open_file_of_messages_gives_one_a_line() -> None:
    texts = kinds.get("texts")
    assert texts.each(io.StringIO("see you\n\nwin\n")) == ["see you", "win"]
    assert texts.each(io.BytesIO(csv_of(**COLUMNS).encode())) == TEXTS
    mail = "From: a@b.c\nTo: d@e.f\nSubject: hello\nDate: today\n\nsee you\n"
    [refused] = texts.each(io.StringIO(mail))
    assert isinstance(refused, InputError)


VALUES = st.one_of(
    st.none(),
    st.integers(-3, 12),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=3),
    st.booleans(),
)


@settings(max_examples=60)
@given(
    st.sampled_from(["spam", "digits", "table"]),
    st.one_of(
        VALUES,
        st.lists(VALUES, max_size=3),
        st.dictionaries(st.text(max_size=5), st.lists(VALUES, max_size=3), max_size=3),
        st.tuples(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3)),
        st.lists(st.tuples(VALUES, VALUES), max_size=3),
    ).filter(lambda held: not isinstance(held, str)),
)
def test_whatever_a_program_holds_is_read_or_refused(task: str, held: Any) -> None:
    try:
        found = data.hold(task, held).load("all")
    except NnguideError as error:
        assert str(error)
    else:
        assert isinstance(found, Examples)
        assert len(found)
