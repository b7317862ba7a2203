"""Arrays in .npz files, which may be damaged."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

DAMAGE = (  # what reading a damaged .npz raises
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,  # an encrypted member, or one packed in a way that is not known
    MemoryError,  # a size that cannot be
    SyntaxError,  # a header that is no header
    AttributeError,  # a file that is no archive
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays in a .npz file.

    Pickled objects, which could run code, are not loaded.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("it is not a regular file")
        with np.load(path, allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}
    except FileNotFoundError:
        raise
    except DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from error
