"""A file appears whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnguide import files
from nnguide.errors import WriteError
from nnguide.files import csv_rows


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_name_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.json"
    with files.atomic(target) as beside:
        assert beside.parent == target.parent
        assert beside.suffix == ".json"
        assert not target.exists()
        beside.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(target.parent) == ["a.json"]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyError), files.atomic(target) as beside:
        beside.write_text("half")
        raise KeyError
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_death_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    code = (
        "import os, sys\nfrom nnguide import files\n"
        "with files.atomic(sys.argv[1]) as beside:\n"
        "    beside.write_text('half')\n    os._exit(9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert died.returncode == 9
    assert target.read_text() == "old"
    assert all(name == "a.txt" or name.startswith(".a-") for name in names(tmp_path))


def test_a_file_that_no_one_else_may_read_is_never_readable(tmp_path: Path, monkeypatch) -> None:
    modes = []
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda path, to: modes.append(path.stat().st_mode) or replace(path, to)
    )
    with files.atomic(tmp_path / "a", 0o600) as beside:
        beside.write_text("mine")
    assert [mode & 0o777 for mode in modes] == [0o600]


def test_the_users_mask_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EACCES, "den")]
)
def test_a_refusal_is_a_write_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(WriteError, match=words) as caught:
        files.write_text(tmp_path / "a.txt", "x")
    assert str(tmp_path / "a.txt") in str(caught.value)
    assert names(tmp_path) == []


def test_a_path_through_a_file_is_a_write_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="it is a file, not a folder"):
        files.write_text(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(WriteError, match="too long"):
        files.write_text(tmp_path / ("a" * 300), "x")


def test_json_is_strict_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    files.write_json(target, {"é": [1, None]})
    assert json.loads(target.read_text("utf-8")) == {"é": [1, None]}
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(target, float("nan"))
    assert json.loads(target.read_text("utf-8")) == {"é": [1, None]}
    assert names(tmp_path) == ["a.json"]


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_folders_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNGUIDE_CACHE", "~/c")
    monkeypatch.setenv("NNGUIDE_DATA_DIR", "/d")
    assert files.cache_dir() == Path.home() / "c"
    assert files.data_dir() == Path("/d")
    monkeypatch.delenv("NNGUIDE_CACHE")
    monkeypatch.delenv("NNGUIDE_DATA_DIR")
    assert files.cache_dir().name == "nnguide"
    assert files.data_dir() is None


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n))))
def test_what_is_written_as_csv_is_read_again(rows: list[list[str]]) -> None:
    assert list(csv_rows.read(io.StringIO(csv_rows.text(rows)))) == rows


def test_a_table_whose_rows_differ_in_length_has_no_columns() -> None:
    assert csv_rows.columns("epoch,loss\n1,0.5\n\n2,0.25\n") == {
        "epoch": ["1", "2"],
        "loss": ["0.5", "0.25"],
    }
    assert csv_rows.columns("") == {}
    for text in ("epoch,loss\n1\n", "epoch,loss\n1,2,3\n", 'epoch,loss\n1,"2\n'):
        with pytest.raises(csv_rows.RowError):
            csv_rows.columns(text)
