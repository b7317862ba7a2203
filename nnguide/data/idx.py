"""IDX, the format of MNIST's four files: a magic number, the sizes, then the bytes.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database, "File formats".
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np

from nnguide.data import user_data
from nnguide.errors import InputError

SIDE = 28
IMAGES = 0x0803  # unsigned bytes, three dimensions
LABELS = 0x0801  # unsigned bytes, one dimension
CHUNK = 1 << 20
GZIP = b"\x1f\x8b"


def read_images(path: Path) -> np.ndarray:
    """The pictures in an IDX file, compressed or not.

    Returns:
        (n, 28, 28) uint8.
    Raises:
        InputError: not such a file, not 28 by 28, more than 2 million, cut off or too long.
    """
    return _read(path, IMAGES, "pictures")


def read_labels(path: Path) -> np.ndarray:
    """The labels in an IDX file, compressed or not.

    Returns:
        (n,) uint8.
    Raises:
        InputError: not such a file, more than 2 million, cut off or too long.
    """
    return _read(path, LABELS, "labels")


def _read(path: Path, magic: int, kind: str) -> np.ndarray:
    try:
        with path.open("rb") as file:
            # By content, not by name: browsers unpack a download and leave its name as it was.
            packed = file.read(2) == GZIP
            file.seek(0)
            if not packed:
                return _parse(path, file, magic, kind)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _parse(path, cast(IO[bytes], unpacked), magic, kind)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: the gzip data is damaged or cut off ({error}). Fetch the file again."
        ) from error
    except OSError as error:
        raise user_data.unreadable(path, error) from error


def _parse(path: Path, file: IO[bytes], magic: int, kind: str) -> np.ndarray:
    dimensions = magic & 0xFF
    header = file.read(4 * (1 + dimensions))
    if len(header) < 4 * (1 + dimensions) or int.from_bytes(header[:4], "big") != magic:
        raise InputError(
            f"{path}: expected an IDX file of {kind}, which begins with 0x{magic:08x}; "
            f"got 0x{header[:4].hex() or '0'} and {len(header)} bytes of header."
        )
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))
    if not 1 <= shape[0] <= user_data.MAX_EXAMPLES:
        raise InputError(
            f"{path}: expected 1 to {user_data.MAX_EXAMPLES:,} {kind}; "
            f"its header says {shape[0]:,}."
        )
    if shape[1:] not in ((), (SIDE, SIDE)):
        raise InputError(
            f"{path}: expected pictures of {SIDE}x{SIDE}; its header says "
            f"{shape[1]:,}x{shape[2]:,}. Save other sizes as image files in class folders, "
            "which are brought to that form."
        )
    expected = int(np.prod(shape))
    content = _read_at_most(file, expected + 1)
    if len(content) != expected:
        got = f"{len(content):,}" if len(content) < expected else "more"
        raise InputError(
            f"{path}: its header announces {expected:,} bytes of {kind}; got {got}. "
            "Fetch the file again."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_at_most(file: IO[bytes], size: int) -> bytearray:
    """Up to `size` bytes; memory grows with what is there, not with what is announced."""
    content = bytearray()
    while len(content) < size and (chunk := file.read(min(CHUNK, size - len(content)))):
        content += chunk
    return content
