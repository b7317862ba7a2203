"""Record files of pictures: the same examples as the files that they were made from."""

from __future__ import annotations

import csv
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

from nnguide import data
from nnguide.data import picture_files, record_files, record_store, records, tables
from nnguide.errors import ConfigError, InputError


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    """Many record files of few pictures."""
    monkeypatch.setattr(record_store, "SHARD", 16)
    monkeypatch.setattr(records, "AT_ONCE", 7)


def pictures(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Drawn pictures (n, 28, 28) uint8, some of them twice, and labels (n,) from 2 to 11."""
    random = np.random.default_rng(seed)
    found = np.zeros((count, 28, 28), np.uint8)
    found[:, 6:22, 10:18] = random.integers(1, 256, (count, 16, 8))
    found[3], found[-1] = found[0], found[1]
    labels = 2 + np.arange(count) % 3 * 5 % 11
    labels[3], labels[-1] = labels[0], labels[1]
    return found, labels


def write_table(path: Path, seed: int = 0, count: int = 50) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", *(f"pixel{n}" for n in range(784))])
        for picture, label in zip(*pictures(count, seed), strict=True):
            writer.writerow([label, *picture.ravel()])


def write_idx(folder: Path, part: str, seed: int) -> None:
    found, labels = pictures(40, seed)
    header = struct.pack(">4I", 0x803, len(found), 28, 28)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(header + found.tobytes())
    header = struct.pack(">2I", 0x801, len(found))
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.astype(np.uint8).tobytes())


def write_folders(folder: Path, seed: int = 0, label: Callable[[int], str] = str) -> None:
    """One is broken, one has colours, one is large, and one file is no picture."""
    for number, (picture, digit) in enumerate(zip(*pictures(18, seed), strict=True)):
        place = folder / label(digit) / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(picture)
        if number == 4:
            image = Image.merge("RGB", [image, Image.new("L", (28, 28)), image]).resize((56, 56))
        image.save(place)
    place.with_name("broken.png").write_bytes(b"cut")
    place.with_name("list.txt").write_text("no picture")


def table(folder: Path) -> Path:
    write_table(folder / "t.csv")
    return folder / "t.csv"


def two_tables(folder: Path) -> Path:
    (folder / "d").mkdir()
    write_table(folder / "d" / "mnist_train.csv")
    write_table(folder / "d" / "mnist_test.csv", 1)
    return folder / "d"


def idx(folder: Path) -> Path:
    (folder / "d").mkdir()
    write_idx(folder / "d", "train", 0)
    write_idx(folder / "d", "t10k", 1)
    return folder / "d"


def folders(folder: Path) -> Path:
    write_folders(folder / "d", label=lambda digit: f"class {digit}")
    return folder / "d"


def divided_folders(folder: Path) -> Path:
    write_folders(folder / "d" / "train")
    write_folders(folder / "d" / "test", 1)
    return folder / "d"


def archive(folder: Path) -> Path:
    (x, y), (test, of_test) = pictures(40), pictures(30, 1)
    np.savez(folder / "d.npz", x_train=x, y_train=y, x_test=test, y_test=of_test)
    return folder / "d.npz"


def whole_archive(folder: Path) -> Path:
    x, y = pictures(40)
    np.savez(folder / "d.npz", x=x, y=y)
    return folder / "d.npz"


FORMS = [table, two_tables, idx, folders, divided_folders, archive, whole_archive]


@pytest.mark.parametrize("form", FORMS)
def test_each_split_is_that_of_the_files(tmp_path, form, caplog):
    caplog.set_level("INFO", "nnguide")
    source = form(tmp_path)
    folder, done = record_files.prepare(source, tables.Columns())
    is_of_files = form in (folders, divided_folders)
    assert (done.bad > 0) == is_of_files
    assert ("in colour" in caplog.text) == is_of_files == ("list.txt" in caplog.text)
    for split in ("train", "test"):
        found = data.find("digits", str(folder), split_seed=1).load(split)
        known = data.find("digits", str(source), split_seed=1).load(split)
        assert isinstance(found.inputs, records.PictureRecords)
        np.testing.assert_array_equal(np.asarray(found.inputs), known.inputs)
        np.testing.assert_array_equal(found.labels, known.labels)
        assert (found.label_names, found.counts()) == (known.label_names, known.counts())
        assert found.notes == known.notes


def test_they_are_indexed_as_an_array_is(tmp_path):
    whole = data.find("digits", str(record_files.prepare(table(tmp_path), tables.Columns())[0]))
    found = whole.load("all").inputs
    drawn = pictures(5, 9)[0]
    for one, known in (
        (found, np.asarray(found)),
        (found.followed_by(drawn), np.concatenate([np.asarray(found), drawn])),
        (found[3:9].followed_by(found[:2]), np.asarray(found)[[3, 4, 5, 6, 7, 8, 0, 1]]),
    ):
        assert one.shape == known.shape and len(one) == len(known)
        for at in (slice(2, 40, 3), np.array([len(known) - 1, 0, 4, 4]), slice(0, 0)):
            np.testing.assert_array_equal(np.asarray(one[at]), known[at])
        np.testing.assert_array_equal(one[-1], known[-1])
        np.testing.assert_array_equal(list(one), known)
        np.testing.assert_array_equal(np.concatenate(list(one.chunks(7))), known)


def test_a_training_is_the_same_to_the_bit(tmp_path):
    """With augmentation and drawings; evaluated, too."""
    from nnguide.evaluation.evaluate import evaluate
    from nnguide.training.train import train

    source = table(tmp_path)
    words = (*tiny.words("digits"), "train.epochs=1", "train.batch_size=20")
    more = ("augment.not_digits=8", "augment.hands=0", "augment.elastic=0")
    found = {}
    for path in (source, record_files.prepare(source, tables.Columns())[0]):
        settings = (*words, *more, f"data.dataset={path}")
        with tiny.bare():
            run = train("digits", settings=settings, out=tmp_path / f"{path}.run")
        measured = evaluate(run)
        found[path] = run.model.get_weights(), run.history, measured["loss"], measured["n"]
    (one, *figures), (other, *same) = found.values()
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)
    assert figures == same


@pytest.mark.parametrize("form", [idx, divided_folders])
def test_killed_anywhere_it_goes_on_to_the_same_bytes(tmp_path, form):
    source = form(tmp_path)
    whole, _ = record_files.prepare(source, tables.Columns(), tmp_path / "whole")

    def stop(progress):
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            record_files.prepare(
                source, tables.Columns(), tmp_path / "cut", resume=True, report=stop
            )
    cut, _ = record_files.prepare(source, tables.Columns(), tmp_path / "cut", resume=True)
    names = sorted(path.name for path in whole.iterdir())
    assert names == sorted(path.name for path in cut.iterdir())
    assert all((whole / name).read_bytes() == (cut / name).read_bytes() for name in names)


def test_what_cannot_be_prepared_says_so_and_leaves_nothing(tmp_path):
    def strange_label(folder: Path) -> Path:
        two_tables(folder)
        with (folder / "d" / "mnist_test.csv").open("a") as file:
            file.write("99" + ",7" * 784 + "\n")
        return folder / "d"

    def cut(folder: Path) -> Path:
        idx(folder)
        file = folder / "d" / "t10k-images-idx3-ubyte"
        file.write_bytes(file.read_bytes()[:-1])
        return folder / "d"

    def fewer_labels(folder: Path) -> Path:
        idx(folder)
        file = folder / "d" / "train-labels-idx1-ubyte"
        file.write_bytes(struct.pack(">2I", 0x801, 39) + file.read_bytes()[8:-1])
        return folder / "d"

    def one_label(folder: Path) -> Path:
        (folder / "d" / "7").mkdir(parents=True)
        Image.new("L", (28, 28), 9).save(folder / "d" / "7" / "a.png")
        return folder / "d"

    for number, (form, said) in enumerate(
        (
            (strange_label, "labels that the training set has; got also 99"),
            (cut, "its header announces"),
            (fewer_labels, "one label per picture"),
            (one_label, "expected 2 to 100 labels"),
        )
    ):
        place = tmp_path / str(number)
        place.mkdir()
        source = form(place)
        with pytest.raises(InputError, match=said):
            record_files.prepare(source, tables.Columns())
        assert [path.name for path in place.iterdir()] == [source.name]
    with pytest.raises(InputError, match="folders spam/ and ham/"):
        record_files.prepare(place / "d", tables.Columns(), of="texts")


def test_texts_are_no_pictures_and_pictures_no_texts(tmp_path):
    (tmp_path / "t.csv").write_text("label,text\n" + "".join(
        f"{'spam' if n % 2 else 'ham'},word {n}\n" for n in range(30)
    ))  # fmt: skip
    texts, _ = record_files.prepare(tmp_path / "t.csv", tables.Columns())
    (tmp_path / "p").mkdir()
    drawn, _ = record_files.prepare(idx(tmp_path / "p"), tables.Columns())
    with pytest.raises(InputError, match="records of pictures; these are records of texts"):
        picture_files.read(texts, "train")
    with pytest.raises(InputError, match="records of texts; these are records of pictures"):
        data.find("spam", str(drawn)).load("train")
    with pytest.raises(ConfigError, match="no columns"):
        data.find("digits", str(drawn), label_column="label").load("train")
