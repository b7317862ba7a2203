"""A pipe in the place of a file is read where somebody writes to it, and never waited for."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnguide.cli import _options
from nnguide.data.tables import Columns
from nnguide.errors import ConfigError
from nnguide.files import reading
from nnguide.inference import sources

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


READERS: dict[str, Callable[[Path], Any]] = {
    "picture": lambda path: sources.pictures([str(path)], io.BytesIO()),
    "messages": lambda path: sources.texts([], [path], [], io.BytesIO()),
    "encoded": lambda path: sources.texts(
        [], [path], [], io.BytesIO(), Columns(encoding="latin-1")
    ),
    "mail": lambda path: sources.texts([], [], [path], io.BytesIO()),
}


@pytest.mark.parametrize("reader", READERS)
def test_nobody_writes_to_it(pipe: Path, reader: str) -> None:
    [named] = READERS[reader](pipe)
    assert named is not None
    assert reading.NO_WRITER in str(named[1]) or "not a regular file" in str(named[1])


def test_a_configuration_is_no_idle_pipe(pipe: Path) -> None:
    with pytest.raises(ConfigError, match=reading.NO_WRITER):
        _options.read_config(pipe)


@pytest.mark.parametrize("pause", [0, 0.2])
def test_what_is_written_to_it_is_read(pipe: Path, pause: float) -> None:
    """As `predict spam --file <(COMMAND)` has it: the writer is there first."""
    before = os.open(pipe, os.O_RDWR)  # or the writer would wait for a reader

    def write() -> None:
        with pipe.open("wb") as file:
            os.close(before)
            time.sleep(pause)
            file.write(b"win a prize\n" * 20_000)

    writer = threading.Thread(target=write)
    writer.start()
    found = [named for named in READERS["messages"](pipe) if named is not None]
    writer.join()
    assert found == [("win a prize", "win a prize")] * 20_000
