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
def test_what_is_written_to_it_is_read(pause: float) -> None:
    """As `predict spam --file <(COMMAND)` has it, in a shell."""
    end, begin = os.pipe()

    def write() -> None:
        with os.fdopen(begin, "wb") as file:
            time.sleep(pause)
            file.write(b"win a prize\n" * 20_000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        messages = READERS["messages"](Path(f"/dev/fd/{end}"))
        read = [named for named in messages if named is not None]
    finally:
        os.close(end)
    writer.join()
    assert read == [("win a prize", "win a prize")] * 20_000
