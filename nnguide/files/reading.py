"""Open a user's file for reading.

A pipe that nobody writes to is an error, not a wait for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

NO_WRITER = "it is a pipe that nobody writes to"


def opened(path: Path) -> IO[bytes]:
    """Open a file, or a pipe that is written to.

    In a shell `<(COMMAND)` is such a pipe.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            _check_written(descriptor, path)
            os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check_written(descriptor: int, path: Path) -> None:
    """Make sure that a pipe holds something or has a writer."""
    import fcntl
    import termios

    waiting = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4)
    if not any(waiting):
        try:
            os.read(descriptor, 1)
        except BlockingIOError:  # a writer is there that has written nothing so far
            return
        raise OSError(errno.EPIPE, NO_WRITER, str(path))
