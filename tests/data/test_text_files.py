"""A user's own texts: tables and folders, whole, divided and broken."""

import contextlib
import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data import table_files, tables, text_files, user_data
from nnguide.data.distinct import distinct_key
from nnguide.errors import ConfigError, DataError, InputError

# The same texts in each form; every one has a tab's, quote's or comma's worth of trouble.
TEXTS = ["See you", 'He said "hi", twice', "Füße ☕", '"quoted"', " spaced ", "win, now"]
LABELS = [0, 0, 1, 1, 0, 1]
NAMES = ["ham", "spam"]


def as_csv(rows, delimiter=",", header=("label", "text")):
    stored = io.StringIO(newline="")
    writer = csv.writer(stored, delimiter=delimiter)
    writer.writerows([header, *rows] if header else rows)
    return stored.getvalue()


def as_json(rows, **kwargs):
    return "".join(json.dumps({"label": a, "text": b}, **kwargs) + "\n" for a, b in rows)


def as_collection(rows):
    return "".join(f"{label}\t{text}\n" for label, text in rows)


ROWS = [(NAMES[label], text) for label, text in zip(LABELS, TEXTS, strict=True)]
FORMS = {
    "header.csv": as_csv(ROWS),
    "no-header.csv": as_csv(ROWS, header=None),
    "bom.csv": "\ufeff" + as_csv(ROWS),
    "bom-no-header.csv": "\ufeff" + as_csv(ROWS, header=None),
    "upper.CSV": as_csv([(a.upper(), b) for a, b in ROWS], header=(" Label", "TEXT ")),
    "more.csv": as_csv([(b, "x", a, "") for a, b in ROWS], header=("text", "", "label", "")),
    "numbers.csv": as_csv([(NAMES.index(a), b) for a, b in ROWS]),
    "pandas.csv": as_csv(ROWS, header=("0", "1")),
    "label-as-header.csv": as_csv([(NAMES.index(a), b) for a, b in ROWS], header=("spam", "email")),
    "booleans.csv": as_csv([(a == "spam", b) for a, b in ROWS]),
    "unix.csv": as_csv(ROWS).replace("\r\n", "\n").rstrip("\n"),
    "blank.csv": as_csv(ROWS).replace("\r\n", "\r\n\r\n"),
    "header.tsv": as_csv(ROWS, "\t"),
    "collection.tsv": as_collection(ROWS),
    "collection.txt": as_collection(ROWS),
    "SMSSpamCollection": as_collection(ROWS),
    "crlf": as_collection(ROWS).replace("\n", "\r\n"),
    "header.jsonl": as_json(ROWS),
    "unescaped.jsonl": as_json(ROWS, ensure_ascii=False),
    "booleans.jsonl": as_json([(a == "spam", b) for a, b in ROWS]),
    "numbers.jsonl": as_json([(int(a == "spam"), b) for a, b in ROWS]),
    "bom.jsonl": "\ufeff" + as_json(ROWS),
}


def store(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, message, split="all", error=InputError, **columns):
    with pytest.raises(error, match=message) as caught:
        text_files.read(path, split, **columns)
    return str(caught.value)


# Tables


@pytest.mark.parametrize("name", FORMS)
def test_each_form_gives_the_same_examples(tmp_path, name):
    found = text_files.read(store(tmp_path / name, FORMS[name]), "all")
    assert found.inputs.tolist() == TEXTS
    assert found.inputs.dtype == object
    assert found.labels.tolist() == LABELS
    assert found.labels.dtype == np.int64
    assert found.label_names == ("ham", "spam")


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
TABLE = st.lists(st.tuples(st.sampled_from(NAMES), TEXT), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(rows=TABLE, form=st.sampled_from(["csv", "bare csv", "tsv", "jsonl", "raw jsonl"]))
def test_any_text_reads_back_from_any_table(tmp_path_factory, rows, form):
    rows = [("ham", "a"), ("spam", "b"), *rows]
    content, suffix = {
        "csv": (as_csv(rows), ".csv"),
        "bare csv": (as_csv(rows, header=None), ".csv"),
        "tsv": (as_csv(rows, "\t"), ".tsv"),
        "jsonl": (as_json(rows), ".jsonl"),
        "raw jsonl": (as_json(rows, ensure_ascii=False), ".jsonl"),
    }[form]
    path = store(tmp_path_factory.getbasetemp() / f"any{suffix}", content)
    found = text_files.read(path, "all")
    assert list(zip([NAMES[n] for n in found.labels], found.inputs, strict=True)) == rows


LINE = TEXT.map(lambda text: text.replace("\n", " ").rstrip("\r"))


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(LINE, min_size=1, max_size=6), suffix=st.sampled_from(["", ".tsv", ".txt"]))
def test_any_line_reads_back_from_the_collection_form(tmp_path_factory, texts, suffix):
    rows = [("ham", "a"), ("spam", "b"), *(("spam", text) for text in texts)]
    path = store(tmp_path_factory.getbasetemp() / f"line{suffix}", as_collection(rows))
    assert text_files.read(path, "all").inputs.tolist() == ["a", "b", *texts]


@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=200)
    | st.text(st.sampled_from('ham\tspam,"{}[]:\r\n0\ufeff'), max_size=60).map(str.encode),
    start=st.sampled_from([b"", b"label,text\n", b"ham\t", b'{"label": "ham", "text": "']),
    suffix=st.sampled_from(["", ".csv", ".tsv", ".jsonl", ".txt"]),
)
def test_random_bytes_give_texts_or_an_input_error(tmp_path_factory, content, start, suffix):
    path = store(tmp_path_factory.getbasetemp() / f"random{suffix}", start + content)
    with contextlib.suppress(InputError):
        assert all(isinstance(text, str) for text in text_files.read(path, "all").inputs)


def test_columns_may_be_named(tmp_path):
    rows = [("ham", "a", "x"), ("spam", "b", "y")]
    path = store(tmp_path / "t.csv", as_csv(rows, header=("v1", "v2", "label")))
    found = text_files.read(path, "all", label_column="v1", text_column="v2")
    assert found.inputs.tolist() == ["a", "b"]
    path = store(tmp_path / "t.jsonl", '{"v1": 0, "text": "a"}\n{"text": "b", "v1": true}\n')
    assert text_files.read(path, "all", label_column="v1").labels.tolist() == [0, 1]
    assert text_files.read(path, "all", label_column="v1", text_column="").inputs[1] == "b"


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl"])
def test_a_named_column_that_is_not_there_is_refused_with_those_that_are(tmp_path, name):
    content = {"t.csv": as_csv(ROWS), "t.tsv": as_csv(ROWS, "\t"), "t.jsonl": as_json(ROWS)}[name]
    path = store(tmp_path / name, content)
    message = refused(path, "no column 'kind'; it has 'label', 'text'", "all", ConfigError,
                      label_column="kind")  # fmt: skip
    assert str(path) in message
    refused(path, "both are named 'text'", "all", ConfigError, label_column="text")


def test_columns_cannot_be_named_where_there_are_none(tmp_path):
    refused(store(tmp_path / "t", as_collection(ROWS)), "no named columns", "all", ConfigError,
            text_column="text")  # fmt: skip
    refused(store(tmp_path / "t.tsv", as_collection(ROWS)), "no column 'body'", "all", ConfigError,
            text_column="body")  # fmt: skip
    store(tmp_path / "d" / "spam" / "1", "win")
    store(tmp_path / "d" / "ham" / "1", "hi")
    refused(tmp_path / "d", "has no columns", "all", ConfigError, text_column="text")


BROKEN = {
    "empty": ("t.csv", "", "the file has none"),
    "empty json": ("t.jsonl", "\n\n", "the file has none"),
    "empty tsv": ("t.tsv", "", "the file has none"),
    "only a BOM": ("t", "\ufeff", "the file has none"),
    "header only": ("t.csv", "label,text\n", "the file has none"),
    "wrong columns": ("t.csv", "a,b\nham,hi\n", "line 1: expected a header.*got 'a', 'b'"),
    "semicolons": ("t.csv", "a;b\nham;hi\n", "got 'a', 'b'"),
    "one column": ("t.csv", "ham\nspam\n", "got 'ham'"),
    "three, no header": ("t.csv", "ham,a,b\n", "got 'ham', 'a', 'b'"),
    "two of a name": ("t.csv", "label,text,text\nham,a,b\n", "one column named 'text'; got 2"),
    "label": ("t.csv", "label,text\nham,a\nsapm,b\n", "line 3: expected the label.*got 'sapm'"),
    "label after text of 2 lines": ("t.csv", 'ham,"a\nb"\nx,c\n', "line 3: expected the label"),
    "no label": ("t.csv", "label,text\n,b\n", "line 2: expected the label.*got ''"),
    "label 2": ("t.jsonl", '{"label": 2, "text": ""}', "line 1: expected the label.*got '2'"),
    "label null": ("t.jsonl", '{"label": null, "text": ""}', "got 'null'"),
    "label list": ("t.jsonl", '{"label": ["ham"], "text": ""}', "line 1: expected the label"),
    "label 1.0": ("t.jsonl", '{"label": 1.0, "text": ""}', "got '1.0'"),
    "label in a line": ("t.txt", "ham\ta\nHi\tb\n", "line 2: expected the label"),
    "no tab": ("t.txt", "ham\ta\nham b\n", "line 2: expected a label, a tab"),
    "short row": ("t.csv", "label,text\nham\n", "line 2: expected 2 fields.*got 1"),
    "long row": ("t.csv", "ham,a\nham,b, c\n", 'line 2: expected 2 fields.*"double quotes"'),
    "open quote": ("t.csv", 'ham,a\nspam,"b\nham,c\n', "line 2.*unexpected end of data"),
    "text after quote": ("t.csv", 'ham,a\nspam,"b"c\n', "line 2"),
    "lone CR": ("t.csv", "label,text\nham,a\rspam,b", "line 2.*new-line character"),
    "NUL": ("t.csv", b"label,text\nham,a\0b\n", "line 2: expected text; got a NUL byte"),
    "Latin-1": (
        "t.csv",
        b"label,text\nham,a\nham,caf\xe9\n",
        "line 3.*0xe9.*windows-1252",
    ),
    "Latin-1 line": ("t", b"ham\ta\nham\tcaf\xe9\n", "line 2: expected UTF-8"),
    "UTF-16": ("t.csv", "label,text\nham,a\n".encode("utf-16"), "got UTF-16.*--encoding utf-16"),
    "surrogate bytes": ("t.jsonl", b'{"label": "ham", "text": "\xed\xa0\x80"}', "line 1.*UTF-8"),
    "surrogate": ("t.jsonl", '{"label": "ham", "text": "\\ud800"}', "half of a surrogate"),
    "no JSON": ("t.jsonl", "ham\n", "line 1: expected a JSON object"),
    "array": ("t.jsonl", '["ham", "a"]\n', "got list"),
    "deep": ("t.jsonl", "[" * 100_000, "line 1: expected a JSON object"),
    "long number": ("t.jsonl", "1" * 10_000, "line 1: expected a JSON object"),
    "wrong keys": ("t.jsonl", '{"a": 1}', "expected the keys label and text; got 'a'"),
    "missing key": ("t.jsonl", '{"label":0,"text":""}\n{"label":0}', "line 2.*'text' is missing"),
    "text of a number": ("t.jsonl", '{"label": 0, "text": 5}', "line 1: expected a text.*got int"),
    "one label": ("t.csv", "ham,a\nham,b\n", "expected spam and ham; all 2 texts are ham"),
    "one label of two": ("t", "spam\ta\n", "all 1 texts are spam"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_table_is_refused_with_its_line(tmp_path, case):
    name, content, message = BROKEN[case]
    path = store(tmp_path / name, content)
    assert str(path) in refused(path, message)


LONG = "x" * 5_000_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", as_csv([*ROWS[:2], ("ham", LONG)])),
        ("t.csv", as_csv([*ROWS[:2], ("ham", "x\n" * 600_000)])),
        ("t.tsv", as_collection([("ham", "a"), *ROWS[:2], ("ham", LONG)])),
        ("t.jsonl", as_json([("ham", "a"), *ROWS[:2], ("ham", LONG)])),
        ("t", as_collection([("ham", "a"), *ROWS[:2], ("ham", LONG)])),
    ],
    ids=["csv", "csv of many lines", "tsv", "jsonl", "collection"],
)
def test_a_message_of_5_megabytes_is_refused_with_its_line(tmp_path, name, content):
    refused(store(tmp_path / name, content), "line 4: expected .* at most 1,000,000 characters")


def test_a_text_of_a_million_characters_is_read(tmp_path):
    path = store(tmp_path / "t.csv", as_csv([("ham", "é" * tables.MAX_TEXT), ("spam", "b")]))
    assert len(text_files.read(path, "all").inputs[0]) == tables.MAX_TEXT


def test_limits_of_files_lines_and_rows(tmp_path, monkeypatch):
    path = store(tmp_path / "t.csv", as_csv(ROWS))
    monkeypatch.setattr(user_data, "MAX_EXAMPLES", 5)
    refused(path, "at most 5 texts")
    monkeypatch.setattr(table_files, "MAX_LINE", 20)
    refused(path, "line 3: expected at most .* a line")
    with path.open("r+b") as file:
        file.truncate(table_files.MAX_FILE + 1)  # a hole: it takes no room on the disk
    refused(path, "at most 2 GiB")


# Folders


def test_folders_of_messages(tmp_path):
    store(tmp_path / "ham" / "2.txt", "Füße")
    store(tmp_path / "ham" / "10.eml", "From: a@example.org\nSubject: Lunch\n\nAt noon?\n")
    store(tmp_path / "Spam" / "a", b"Win caf\xe9 now")
    store(tmp_path / "Spam" / ".hidden", b"")
    found = text_files.read(tmp_path, "all")
    assert found.inputs.tolist() == ["Füße", "Lunch\nAt noon?", "Win café now"]
    assert found.labels.tolist() == [0, 0, 1]


def test_all_bad_messages_are_counted_and_the_first_named(tmp_path, caplog):
    for index in range(8):
        store(tmp_path / "ham" / f"{index}", "" if index < 6 else "hi")
        store(tmp_path / "spam" / f"{index}", "win")
    (tmp_path / "spam" / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "spam" / "pipe")
    found = text_files.read(tmp_path, "all")
    assert found.counts() == {"ham": 2, "spam": 8}
    assert len(found.left_out) == 8
    assert "8 of the 18 messages" in caplog.text
    assert "ham/0: it is empty" in caplog.text
    assert "and 3 more" in caplog.text


def test_folders_that_are_no_classes_are_refused(tmp_path):
    refused(tmp_path, "expected a table.*got nothing")
    store(tmp_path / "spam" / "1", "win")
    refused(tmp_path, "expected a table.*got spam")
    (tmp_path / "ham").mkdir()
    refused(tmp_path, "ham: expected mails or messages; the folder holds no mail")
    with pytest.raises(DataError, match="no file or folder"):
        text_files.read(tmp_path / "none", "all")
    with pytest.raises(ConfigError, match="train, test, all"):
        text_files.read(tmp_path, "dev")


def test_a_folder_may_hold_one_table(tmp_path):
    store(tmp_path / "messages.csv", as_csv(ROWS))
    store(tmp_path / "readme.txt", "about")
    assert text_files.read(tmp_path, "all").inputs.tolist() == TEXTS
    store(tmp_path / "other.csv", as_csv(ROWS))
    refused(tmp_path, "got messages.csv, other.csv, readme.txt")


def parts_of(folder, form):
    for part, rows in (("train", ROWS[:4]), ("test", ROWS[4:])):
        if form == "tables":
            store(folder / f"{part}.csv", as_csv(rows))
        elif form == "folders of a table":
            store(folder / part / "messages.jsonl", as_json(rows))
        else:
            for index, (label, text) in enumerate(rows):
                store(folder / part / label / str(index), text)
    return folder


@pytest.mark.parametrize("form", ["tables", "folders of a table", "folders"])
def test_parts_are_used_as_they_are(tmp_path, form):
    parts_of(tmp_path, form)
    assert len(text_files.read(tmp_path, "train")) == 4
    assert len(text_files.read(tmp_path, "test")) == 2
    assert len(text_files.read(tmp_path, "all")) == 6
    for file in [*tmp_path.glob("test/**/*"), *tmp_path.glob("test.csv")]:
        if file.is_file():
            file.write_bytes(b"")
    assert len(text_files.read(tmp_path, "train")) == 4  # the test set is not opened
    with pytest.raises(InputError):
        text_files.read(tmp_path, "test")


def test_a_test_part_may_have_one_label_and_a_training_part_not(tmp_path):
    store(tmp_path / "train.csv", as_csv(ROWS[:2]))
    store(tmp_path / "test" / "ham" / "1", "hi")
    assert text_files.read(tmp_path, "test").counts() == {"ham": 1, "spam": 0}
    refused(tmp_path, "expected spam and ham", "train")


def test_parts_that_are_missing_or_there_twice_are_refused(tmp_path):
    store(tmp_path / "train.csv", as_csv(ROWS))
    refused(tmp_path, "has a train set and no test set", "test")
    assert len(text_files.read(tmp_path, "all")) == 6
    store(tmp_path / "train.tsv", as_csv(ROWS, "\t"))
    refused(tmp_path, "one train set; got train.csv, train.tsv")


# The split


def numbered(count, copies=1):
    rows = [(NAMES[n % 2], f"message {n}") for n in range(count)]
    variants = [str.upper, str, lambda text: text.replace(" ", "\u2003 ")]
    return [(label, change(text)) for label, text in rows for change in variants[:copies]]


def test_without_parts_a_fifth_of_each_label_is_for_the_test(tmp_path):
    path = store(tmp_path / "t.csv", as_csv(numbered(100)))
    train, test = (text_files.read(path, split) for split in ("train", "test"))
    assert train.counts() == {"ham": 40, "spam": 40}
    assert test.counts() == {"ham": 10, "spam": 10}
    assert sorted([*train.inputs, *test.inputs]) == sorted(text for _, text in numbered(100))
    assert text_files.read(path, "test").inputs.tolist() == test.inputs.tolist()
    other = text_files.read(path, "test", split_seed=1)
    assert other.inputs.tolist() != test.inputs.tolist()


def test_equal_texts_stand_on_one_side(tmp_path):
    path = store(tmp_path / "t.csv", as_csv(numbered(30, copies=3)))
    sides = [text_files.read(path, split).inputs for split in ("train", "test")]
    train, test = ({distinct_key(text) for text in side} for side in sides)
    assert (len(train), len(test)) == (24, 6)
    assert not train & test


def test_a_label_with_one_distinct_text_cannot_be_divided(tmp_path):
    rows = [*numbered(10), ("spam", "message 0")]
    path = store(tmp_path / "t.csv", as_csv([row for row in rows if row[0] == "ham"] + [rows[1]]))
    message = refused(path, "at least 2 distinct examples of every label.*spam has 1", "train")
    assert str(path) in message


@pytest.mark.data
def test_the_sms_spam_collection_has_all_its_rows():
    folder = os.environ.get("NNGUIDE_DATA_DIR")
    if not folder:
        pytest.skip("NNGUIDE_DATA_DIR is not set")
    found = text_files.read(Path(folder) / "sms_spam" / "SMSSpamCollection", "all")
    assert found.counts() == {"ham": 4827, "spam": 747}
