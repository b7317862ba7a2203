"""Log messages for a caller's function, and TensorFlow without its noise.

nnguide logs under "nnguide": its work with INFO, what may go wrong with WARNING. It adds no handler
of its own: as Python has it, warnings reach stderr and the rest nobody, until a program configures
logging. TensorFlow is imported here, silently, and what its C++ code writes is kept back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any

from nnguide.errors import ConfigError

LOG = logging.getLogger("nnguide")

_lock = threading.Lock()
_listeners: list[_Listener] = []
_before = (LOG.level, LOG.propagate)  # when there was no listener
verbose = False  # the command line's -v lets everything through


class _Listener(logging.Handler):
    """Handler that takes the messages of the thread that made it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say, self._thread = say, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._say(record.getMessage())


@contextlib.contextmanager
def shown_by(say: Callable[[str], None] | None) -> Iterator[None]:
    """Pass each message that this thread logs to `say`.

    With None nothing changes. Where the program has not asked for such messages, they go to `say`
    alone.
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
    """Log nothing below a warning.

    It is for work that another process already reports.
    """
    level = LOG.level
    LOG.setLevel(logging.WARNING)
    try:
        yield
    finally:
        LOG.setLevel(level)


def tensorflow() -> Any:
    """Return the tensorflow module, imported without its noise.

    The first import takes seconds; with `verbose` it is not silent.

    Raises:
        ConfigError: Keras is set to another backend.
    """
    if "tensorflow" not in sys.modules:
        _check_backend(os.environ.setdefault("KERAS_BACKEND", "tensorflow"))
        if verbose:
            import keras
            import tensorflow
        else:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
            os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else each broken handshake is a line
            with stderr_diverted():
                import keras  # noqa: F401
                import tensorflow  # noqa: F401
            sys.modules["tensorflow"].get_logger().setLevel("ERROR")
            _silence_absl()
        _check_backend(sys.modules["keras"].backend.backend())  # it may be imported already
    return sys.modules["tensorflow"]


def _check_backend(name: str) -> None:
    if name != "tensorflow":
        raise ConfigError(
            f"nnguide runs on Keras's TensorFlow backend; it is set to {name}. "
            "Set KERAS_BACKEND=tensorflow."
        )


def _silence_absl() -> None:
    from absl import logging

    logging.set_verbosity(logging.ERROR)


def _nowhere() -> IO[bytes]:
    """Return a temporary file in memory where the system allows it.

    It needs no room on a disk, which may be full.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def stderr_diverted() -> Iterator[None]:
    """Keep back what C++ code writes to file descriptor 2.

    It is shown only if the block raises. absl and oneDNN write there before any log level reaches
    them.
    """
    if verbose:
        yield
        return
    sys.stderr.flush()
    with _nowhere() as log:
        stderr = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            log.seek(0)
            os.write(stderr, log.read()[-20_000:])
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
