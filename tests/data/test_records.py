"""Record files: the same data, read by index, prepared whole whatever happens."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import mails
import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from nnguide import data, tasks
from nnguide.data import mail as mail_texts
from nnguide.data import record_files, record_store, records, splits, tables, text_files
from nnguide.data.examples import Examples, stratified_split
from nnguide.errors import ConfigError, DataError, InputError

WORDS = ("See you at six", "WINNER! Claim your free prize", "ok", "Füße: 5 €", "two\nlines, one")


def table(path: Path, count: int) -> Path:
    """A labelled table; some texts stand there twice, one of them in other case."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "text"])
        for n in range(count):
            text = f"{WORDS[n % 5]} {n - n % 7 % 2}"
            writer.writerow(["spam" if n % 5 == 1 else "ham", text.upper() if n % 11 else text])
    return path


@pytest.fixture
def small_files(monkeypatch):
    """Many record files of few texts."""
    monkeypatch.setattr(record_store, "SHARD", 16)
    monkeypatch.setattr(records, "AT_ONCE", 7)


def prepare(path: Path, **options) -> Path:
    return record_files.prepare(path, tables.Columns(), **options)[0]


@pytest.mark.parametrize("split", ["train", "test", "all"])
def test_each_split_is_that_of_the_table(tmp_path, small_files, split):
    source = table(tmp_path / "t.csv", 60)
    folder = prepare(source)
    assert folder == tmp_path / "t.csv.records"
    for seed in (0, 1):
        found = data.find("spam", str(folder), split_seed=seed).load(split)
        known = data.find("spam", str(source), split_seed=seed).load(split)
        assert list(found.inputs) == list(known.inputs)
        np.testing.assert_array_equal(found.labels, known.labels)
        assert found.counts() == known.counts()


@given(
    groups=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), min_size=12, max_size=60),
    fraction=st.floats(0.05, 0.9),
    seed=st.integers(0, 5),
)
def test_groups_as_numbers_divide_as_texts_do(groups, fraction, seed):
    labels = np.array([label for _, label in groups])
    names = [f"group {group}" for group, _ in groups]
    numbers = np.array([hash(name) % 2**63 for name in names], np.uint64)
    try:
        known = stratified_split(labels, fraction, seed, names)
    except InputError:
        with pytest.raises(InputError):
            stratified_split(labels, fraction, seed, numbers)
        return
    for one, other in zip(known, stratified_split(labels, fraction, seed, numbers), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """Records, and the same texts as an array."""
    folder = prepare(table(tmp_path_factory.mktemp("held") / "t.csv", 40))
    found = records.read(folder, "all", tables.SPAM, 0).inputs
    return found, np.asarray(found)


@given(at=st.integers(-40, 39), some=st.lists(st.integers(0, 39)), ends=st.slices(40))
def test_records_are_indexed_as_an_array_is(held, at, some, ends):
    found, known = held
    places = np.array(some, np.int64)
    assert found[at] == known[at]
    assert list(found[places]) == list(known[places]) == [found[n] for n in some]
    assert list(found[ends]) == list(known[ends])
    assert len(found[ends]) == len(known[ends]) and found[ends].shape == known[ends].shape


def test_few_files_are_open_together(tmp_path, small_files, monkeypatch):
    monkeypatch.setattr(record_store, "OPEN", 2)
    found = records.read(prepare(table(tmp_path / "t.csv", 90)), "all", tables.SPAM, 0).inputs
    known = text_files.read(tmp_path / "t.csv", "all").inputs
    order = np.random.default_rng(0).permutation(90)
    for place in order.tolist():
        assert found[place] == known[place]
        assert len(found.store._files) <= 2
    assert list(found[order]) == list(known[order])


def test_folds_are_those_of_the_table(held):
    from nnguide.training.calibrate import assign_folds

    found, known = held
    labels = np.arange(40) % 2
    one, other = (Examples(inputs, labels, tables.SPAM) for inputs in (found, known))
    np.testing.assert_array_equal(assign_folds(one, 4, 0), assign_folds(other, 4, 0))
    np.testing.assert_array_equal(
        splits.validation_split(one, 0.2, 3)[1].labels,
        splits.validation_split(other, 0.2, 3)[1].labels,
    )


def test_a_training_is_the_same_to_the_bit(tmp_path, small_files):
    from nnguide.training.train import train

    source = table(tmp_path / "t.csv", 90)
    with tiny.bare():
        runs = [
            train(
                "spam", settings=(*tiny.words("spam"), f"data.dataset={path}"), out=tmp_path / name
            )
            for name, path in (("memory", source), ("records", prepare(source)))
        ]
    memory, read = ([w for w in run.model.get_weights() if w.dtype != object] for run in runs)
    for one, other in zip(memory, read, strict=True):
        np.testing.assert_array_equal(one, other)
    assert runs[0].history == runs[1].history
    assert runs[0].learned_from == runs[1].learned_from


def test_killed_anywhere_it_goes_on_to_the_same_bytes(tmp_path, small_files):
    source = table(tmp_path / "t.csv", 70)
    whole = prepare(source, out=tmp_path / "whole")

    def stop(progress):
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            prepare(source, out=tmp_path / "cut", resume=True, report=stop)
        assert not (tmp_path / "cut").exists()
    with pytest.raises(ConfigError, match="--resume"):
        prepare(source, out=tmp_path / "cut")
    cut = prepare(source, out=tmp_path / "cut", resume=True)
    names = sorted(path.name for path in whole.iterdir())
    assert names == sorted(path.name for path in cut.iterdir())
    assert all((whole / name).read_bytes() == (cut / name).read_bytes() for name in names)
    with pytest.raises(ConfigError, match="not empty"):
        prepare(source, out=tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        prepare(source, out=tmp_path / "cut", force=True, report=stop)
    assert (cut / "records.json").is_file()  # what it was to replace
    table(source, 71)
    with pytest.raises(ConfigError, match="other data"):
        prepare(source, out=tmp_path / "cut", resume=True, force=True)


def test_a_bad_row_is_left_out_and_said(tmp_path, caplog):
    source = table(tmp_path / "t.csv", 20)
    source.write_bytes(source.read_bytes() + b"ham,caf\xe9\nhorse,an animal\nspam,one,more\n")
    _, done = record_files.prepare(source, tables.Columns())
    assert (done.inputs, done.bad, done.rows) == (20, 3, 23)
    assert "3 of the 23 rows" in caplog.text and "line" in caplog.text


def test_folders_and_sets(tmp_path):
    for part in ("train", "test"):
        for label in ("ham", "spam"):
            (tmp_path / "d" / part / label).mkdir(parents=True)
            (tmp_path / "d" / part / label / "a.txt").write_text(f"a {label} of {part}")
    (tmp_path / "d" / "train" / "spam" / "b.eml").write_bytes(b"Subject: hi\nFrom: a@b.c\n\nbuy\n")
    folder = prepare(tmp_path / "d")
    for split, count in (("train", 3), ("test", 2), ("all", 5)):
        found = records.read(folder, split, tables.SPAM, 0)
        known = text_files.read(tmp_path / "d", split)
        assert list(found.inputs) == list(known.inputs) and len(found) == count
        np.testing.assert_array_equal(found.labels, known.labels)
    assert records.kinds(folder) == ["messages", "mail"]


@given(text=st.text(), others=st.lists(st.text(), max_size=2), name=st.text(max_size=5))
def test_a_record_gives_its_text_back(text, others, name):
    made = mail_texts.MailText.of(text, tuple(others), name)
    for given_text in (text.encode("utf-8", "replace").decode(), made):
        found = record_store.to_text(record_store.to_record(given_text))
        assert (type(found), found) == (type(given_text), given_text)
    assert (found.alternatives, found.message_id) == (made.alternatives, name)


def test_mails_are_answered_as_those_of_their_folders(tmp_path, small_files):
    """An empty one is a guess, and of alternatives the one most like spam counts."""
    offer = mails.multipart(
        "alternative",
        b"Content-Type: text/plain\n\nentirely other words than those over there",
        mails.spam_part("text/html"),
    )
    empty = mails.plain(9, "", Subject="")
    for label, found in (("ham", [*mails.several(4), empty]), ("spam", [offer, mails.plain(7)])):
        (tmp_path / "d" / label).mkdir(parents=True)
        for number, raw in enumerate(found):
            (tmp_path / "d" / label / f"{number}.eml").write_bytes(raw)
    read = records.read(prepare(tmp_path / "d"), "all", tables.SPAM, 0).inputs
    known = text_files.read(tmp_path / "d", "all").inputs
    assert any(text.alternatives for text in known) and "" in list(known)
    for one, other in zip(read, known, strict=True):
        assert (one, one.alternatives, one.message_id) == (
            other, other.alternatives, other.message_id,
        )  # fmt: skip

    def network(texts):
        return np.array([[len(text) % 97 / 97] for text in texts], np.float32)

    np.testing.assert_array_equal(
        mail_texts.outputs(network, read), mail_texts.outputs(network, known)
    )


def test_a_table_of_mails_is_of_the_same_kinds(tmp_path):
    source = tmp_path / "t.csv"
    rows = [("ham" if n % 2 else "spam", f"Subject: offer {n}\nbuy") for n in range(20)]
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([("label", "text"), *rows])
    known = tasks.get("spam").kind.learned_from(text_files.read(source, "all"))
    assert records.kinds(prepare(source)) == list(known) == ["messages", "mail"]


def test_bad_rows_after_a_full_file_and_a_name_that_is_no_text(tmp_path, small_files):
    source = table(tmp_path / "t.csv", 32)
    source.write_bytes(source.read_bytes() + b"horse,an animal\n")
    folder, done = record_files.prepare(source, tables.Columns())
    assert (done.inputs, done.bad, done.rows) == (32, 1, 33)
    assert len(list(folder.glob("*.tfrecord"))) == 2
    for label in ("ham", "spam"):
        (tmp_path / "d" / label).mkdir(parents=True)
        (tmp_path / "d" / label / "a.txt").write_text(f"a {label}")
    (tmp_path / "d" / "ham" / os.fsdecode(b"\xff.txt")).write_bytes(b" ")
    _, done = record_files.prepare(tmp_path / "d", tables.Columns())
    assert (done.inputs, done.bad, done.left_out[0][0]) == (2, 1, "ham/\\udcff.txt")


def test_the_current_folder_has_its_records_beside_it(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    table(tmp_path / "d" / "t.csv", 20)
    monkeypatch.chdir(tmp_path / "d")
    assert prepare(Path()) == tmp_path / "d.records"


def test_what_is_damaged_or_cannot_be_prepared(tmp_path, small_files):
    source = table(tmp_path / "t.csv", 40)
    folder = prepare(source)
    shard = folder / "00001.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    found = records.read(folder, "all", tables.SPAM, 0)
    assert found.inputs[0]
    with pytest.raises(DataError, match="SHA-256 is wrong"):
        list(found.inputs)
    (folder / "labels.npy").unlink()
    with pytest.raises(DataError, match="missing or damaged"):
        records.read(folder, "all", tables.SPAM, 0)
    (folder / "records.json").write_text("{}")
    with pytest.raises(DataError, match="is damaged"):
        records.read(folder, "all", tables.SPAM, 0)
    (tmp_path / "one.csv").write_text("label,text\nham,a\nham,b\n")
    (tmp_path / "none.csv").write_text("label,text\n")
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    for name, said in (("one", "all 2 texts are ham"), ("none", "it has none"), ("no", "header")):
        with pytest.raises(InputError, match=said):
            prepare(tmp_path / f"{name}.csv")
        assert not list(tmp_path.glob(f"{name}.csv.*"))
    with pytest.raises(ConfigError, match="records already"):
        prepare(folder)
