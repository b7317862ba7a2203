"""Open a user's file for reading.

A pipe that nobody writes to is an error, not a wait for ever.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import stat
from pathlib import Path
from typing import IO, Any

from ..errors import ConfigError

NO_WRITER = "it is a pipe that nobody writes to"


def opened(path: Path) -> IO[bytes]:
    """Open a file, or a pipe that is written to.

    In a shell `<(COMMAND)` is such a pipe.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        beginning = _beginning(descriptor, path)
        os.set_blocking(descriptor, True)
        return io.BufferedReader(_Pipe(descriptor, beginning))
    except BaseException:
        os.close(descriptor)
        raise


class _Pipe(io.FileIO):
    """Pipe whose `beginning` has been read."""

    def __init__(self, descriptor: int, beginning: bytes) -> None:
        super().__init__(descriptor, "rb")
        self._beginning = beginning

    def readinto(self, buffer: Any, /) -> int | None:
        if not self._beginning:
            return super().readinto(buffer)
        size = len(self._beginning)
        buffer[:size], self._beginning = self._beginning, b""
        return size

    def readall(self) -> bytes:
        beginning, self._beginning = self._beginning, b""
        return beginning + super().readall()


def _beginning(descriptor: int, path: Path) -> bytes:
    """Return what a pipe holds, a byte at most, where somebody writes to it."""
    try:
        beginning = os.read(descriptor, 1)
    except BlockingIOError:  # a writer is there that has written nothing so far
        return b""
    if not beginning:
        raise OSError(errno.EPIPE, NO_WRITER, str(path))
    return beginning


def check_encoding(encoding: str | None) -> str | None:
    """Return the codec of an encoding, or None for UTF-8.

    Raises:
        ConfigError: Python knows no such encoding.
    """
    if not encoding:
        return None
    try:
        codec = codecs.lookup(encoding)
        "text".encode(codec.name).decode(codec.name, "surrogateescape")
    except (LookupError, ValueError) as error:  # or one that is not of texts, as base64
        raise ConfigError(
            f"--encoding takes the name of a text encoding, as utf-8, windows-1252, latin-1 or "
            f"utf-16; got {encoding!r}."
        ) from error
    return None if codec.name == "utf-8" else codec.name
