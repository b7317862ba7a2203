"""What the library logs, under "nnguide", as lines for a function that wants them.

Work is told with INFO, what may go wrong with WARNING. nnguide adds no handler of its own: as
Python has it, warnings reach stderr and the rest nobody, until a program configures logging.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

LOG = logging.getLogger("nnguide")

_lock = threading.Lock()
_listeners: list[_Listener] = []
_before = (LOG.level, LOG.propagate)  # when there was no listener


class _Listener(logging.Handler):
    """Takes the messages of the thread that made it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say, self._thread = say, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._say(record.getMessage())


@contextlib.contextmanager
def shown_by(say: Callable[[str], None] | None) -> Iterator[None]:
    """Hand each message that this thread logs to `say`; None changes nothing.

    Where the program has not asked for such messages, they go to `say` alone.
    """
    global _before
    if say is None:
        yield
        return
    listener = _Listener(say)
    with _lock:
        if not _listeners:
            _before = LOG.level, LOG.propagate
            if not LOG.isEnabledFor(logging.INFO):
                LOG.setLevel(logging.INFO)
                LOG.propagate = False
        _listeners.append(listener)
        LOG.addHandler(listener)
    try:
        yield
    finally:
        with _lock:
            LOG.removeHandler(listener)
            _listeners.remove(listener)
            if not _listeners:
                LOG.setLevel(_before[0])
                LOG.propagate = _before[1]


@contextlib.contextmanager
def warnings_alone() -> Iterator[None]:
    """Log nothing below a warning: another process tells of the work."""
    level = LOG.level
    LOG.setLevel(logging.WARNING)
    try:
        yield
    finally:
        LOG.setLevel(level)
