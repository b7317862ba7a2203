"""Sets of digits beside MNIST, read from official files that are made small here."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import nnguide
from nnguide import data
from nnguide.data import ardis, emnist, qmnist, usps
from nnguide.errors import DataError

RANDOM = np.random.default_rng(3)
DIGITS = np.arange(10).repeat(2)  # two of each in every part
PICTURES = RANDOM.integers(0, 256, (20, 28, 28), np.uint8)


def _idx(array: np.ndarray, code: int) -> bytes:
    shape = np.asarray(array.shape, ">u4").tobytes()
    return bytes([0, 0, code, array.ndim]) + shape + array.tobytes()


def _qmnist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmnist, "_COUNT", 20)
    monkeypatch.setattr(qmnist, "_OF_MNIST", 5)
    labels = np.zeros((20, 8), ">i4")
    labels[:, 0], labels[:, 1] = DIGITS, 4
    for name in qmnist.FILES:
        made = _idx(PICTURES, 8) if "images" in name else _idx(labels, 12)
        (folder / name).write_bytes(gzip.compress(made))


def _emnist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emnist, "_EACH", {"train": 2, "test": 2})
    for name in emnist.FILES:
        lying = PICTURES.transpose(0, 2, 1).copy()
        made = _idx(lying, 8) if "images" in name else _idx(DIGITS.astype(np.uint8), 8)
        (folder / name.removesuffix(".gz")).write_bytes(made)  # unpacked, as a zip's user may have


def _ardis(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ardis, "_EACH", {"train": 2, "test": 2})
    for name in ardis.FILES:
        rows = np.eye(10)[DIGITS] if "labels" in name else PICTURES.reshape(20, -1)
        np.savetxt(folder / name, rows)


def _usps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usps, "_COUNTS", dict.fromkeys(usps.FILES, (2,) * 10))
    levels = PICTURES[:, :16, :16].reshape(20, -1) / 127.5 - 1
    lines = [
        " ".join([str(digit + 1), *(f"{i}:{x:.4f}" for i, x in enumerate(row, 1))])
        for digit, row in zip(DIGITS, levels, strict=True)
    ]
    for name in usps.FILES:
        (folder / name).write_bytes(bz2.compress("\n".join(lines).encode()))


Write = Callable[[Path, pytest.MonkeyPatch], None]
SETS: dict[str, Write] = {
    "qmnist": _qmnist,
    "emnist/digits": _emnist,
    "ardis": _ardis,
    "usps": _usps,
}


@pytest.fixture(params=SETS)
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A set whose official files, made small, lie in NNGUIDE_DATA_DIR; an empty cache."""
    folder = tmp_path / "data" / request.param.partition("/")[0]
    folder.mkdir(parents=True)
    monkeypatch.setenv("NNGUIDE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    SETS[request.param](folder, monkeypatch)
    return request.param


def test_the_pictures_and_labels_are_those_of_the_files(name: str):
    source = data.find("digits", name)
    for part in ("train", "test"):
        skipped = 5 if (name, part) == ("qmnist", "test") else 0
        read = source.load(part)
        assert read.labels.tolist() == DIGITS[skipped:].tolist()
        assert (read.inputs.shape[1:], read.inputs.dtype) == ((28, 28), np.uint8)
        if name != "usps":  # brought to MNIST's form, upright like the others
            np.testing.assert_array_equal(read.inputs, PICTURES[skipped:])
    if name == "usps":
        lit = read.inputs > 0
        assert lit.any(2).sum(1).max() <= 20
        assert lit.any(1).sum(1).max() <= 20


def test_each_is_evaluated_by_its_name(name: str):
    figures = nnguide.evaluate(nnguide.load("digits"), data=name)
    assert figures["n"] == (15 if name == "qmnist" else 20)


def _shortened(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("spoil", [_shortened, lambda content: b"", lambda content: b"0 1\n2 x\n"])
def test_a_damaged_file_is_named(name: str, tmp_path: Path, spoil: Callable[[bytes], bytes]):
    folder = tmp_path / "data" / name.partition("/")[0]
    path = sorted(folder.iterdir())[-1]
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match=path.name):
        data.prepare(name)


@pytest.mark.parametrize("line", [b"inf 1:0", b"x 1:0", b"1 1", b"1 1:2", b"1 1:nan", b"1 1:0"])
def test_a_bad_line_of_usps_is_an_error_and_an_empty_one_none(
    line: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _usps(tmp_path, monkeypatch)
    path = tmp_path / "usps.bz2"
    whole = bz2.decompress(path.read_bytes())
    path.write_bytes(bz2.compress(b" \r\n" + whole.replace(b"\n", b"\r\n \t\n")))
    usps.check(tmp_path)
    path.write_bytes(bz2.compress(whole + b"\n" + line))
    with pytest.raises(DataError, match=path.name):
        usps.check(tmp_path)


def test_a_missing_file_is_named(name: str, tmp_path: Path):
    folder = tmp_path / "data" / name.partition("/")[0]
    path = sorted(folder.iterdir())[0]
    path.unlink()
    with pytest.raises(DataError, match=path.name):
        data.prepare(name, folder)


@pytest.mark.parametrize("name", SETS)
def test_one_that_is_nowhere_says_where_to_get_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=rf"prepare {name} --manual-dir DIR") as caught:
        data.find("digits", name)
    assert "does not download it" in str(caught.value)
    assert "from " in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "counts"), [([0, 1, 1], [1, 1]), ([0, 1, 2], [1, 1]), ([0, -1], [1, 0])]
)
def test_other_labels_are_refused(labels: Sequence[int], counts: Sequence[int]):
    from nnguide.data import official_files

    with pytest.raises(DataError, match="other labels"):
        official_files.check_labels(np.asarray(labels), counts, "a file")
