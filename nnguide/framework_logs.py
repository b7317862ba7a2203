"""Import TensorFlow without its noise, and choose what its libraries read at start-up."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from nnguide.errors import ConfigError

verbose = False  # the command line's -v lets everything through


def tensorflow() -> Any:
    """The tensorflow module; its first import takes seconds and is silent unless `verbose`.

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
    """A file that takes no room on a disk, which may be full, where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def stderr_diverted() -> Iterator[None]:
    """Keep what C++ code writes to file descriptor 2; show it only if the block raises.

    absl and oneDNN write there before any log level reaches them.
    """
    if verbose:
        yield
        return
    sys.stderr.flush()
    with _nowhere() as log:
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            log.seek(0)
            os.write(kept, log.read()[-20_000:])
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
