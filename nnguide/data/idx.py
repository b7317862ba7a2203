"""IDX, the format of MNIST's four files.

A file is a magic number, the sizes, then the bytes.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database, "File formats".
"""

from __future__ import annotations

import contextlib
import gzip
import math
import zlib
from collections.abc import Iterator
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
    """Read the pictures in an IDX file, compressed or not.

    Returns:
        (n, 28, 28) uint8.
    Raises:
        InputError: not such a file, not 28 by 28, more than 2 million, cut off or too long.
    """
    return _read(path, IMAGES, "pictures")


def read_labels(path: Path) -> np.ndarray:
    """Read the labels in an IDX file, compressed or not.

    Returns:
        (n,) uint8.
    Raises:
        InputError: not such a file, more than 2 million, cut off or too long.
    """
    return _read(path, LABELS, "labels")


def each_image(path: Path) -> Iterator[np.ndarray]:
    """Yield the pictures in an IDX file, each (28, 28) uint8.

    The file may have any length.

    Raises:
        InputError: as of `read_images`, once it comes to that.
    """
    with _opened(path) as file:
        (count, *_) = _shape(path, file, IMAGES, "pictures")
        for number in range(count):
            content = file.read(SIDE * SIDE)
            if len(content) != SIDE * SIDE:
                raise _other_length(path, count * SIDE * SIDE, f"{number:,} whole ones", "pictures")
            yield np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)
        if file.read(1):
            raise _other_length(path, count * SIDE * SIDE, "more", "pictures")


def each_label(path: Path) -> np.ndarray:
    """Read the labels in an IDX file of any length.

    They are (n,) uint8. Errors are those of `read_labels`.
    """
    with _opened(path) as file:
        return _content(path, file, _shape(path, file, LABELS, "labels"), "labels")


def _read(path: Path, magic: int, kind: str) -> np.ndarray:
    with _opened(path) as file:
        shape = _shape(path, file, magic, kind)
        if shape[0] > user_data.MAX_EXAMPLES:
            raise InputError(
                f"{path}: expected 1 to {user_data.MAX_EXAMPLES:,} {kind}; its header says "
                f"{shape[0]:,}. `nnguide data prepare {path.parent} --records` takes any number."
            )
        return _content(path, file, shape, kind)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the content of a file, compressed or not."""
    try:
        with path.open("rb") as file:
            # By content, not by name: browsers unpack a download and leave its name as it was.
            packed = file.read(2) == GZIP
            file.seek(0)
            if not packed:
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast(IO[bytes], unpacked)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: the gzip data is damaged or cut off ({error}). Fetch the file again."
        ) from error
    except OSError as error:
        raise user_data.unreadable(path, error) from error


def _shape(path: Path, file: IO[bytes], magic: int, kind: str) -> tuple[int, ...]:
    """Return the shape that the header states."""
    dimensions = magic & 0xFF
    header = file.read(4 * (1 + dimensions))
    if len(header) < 4 * (1 + dimensions) or int.from_bytes(header[:4], "big") != magic:
        raise InputError(
            f"{path}: expected an IDX file of {kind}, which begins with 0x{magic:08x}; "
            f"got 0x{header[:4].hex() or '0'} and {len(header)} bytes of header."
        )
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))
    if not shape[0]:
        raise InputError(f"{path}: expected {kind}; its header says 0.")
    if shape[1:] not in ((), (SIDE, SIDE)):
        raise InputError(
            f"{path}: expected pictures of {SIDE}x{SIDE}; its header says "
            f"{shape[1]:,}x{shape[2]:,}. Save other sizes as image files in class folders, "
            "which are brought to that form."
        )
    return shape


def _content(path: Path, file: IO[bytes], shape: tuple[int, ...], kind: str) -> np.ndarray:
    expected = math.prod(shape)
    content = _read_at_most(file, expected + 1)
    if len(content) != expected:
        got = f"{len(content):,}" if len(content) < expected else "more"
        raise _other_length(path, expected, got, kind)
    return np.frombuffer(content, np.uint8).reshape(shape)


def _other_length(path: Path, expected: int, got: str, kind: str) -> InputError:
    return InputError(
        f"{path}: its header announces {expected:,} bytes of {kind}; got {got}. "
        "Fetch the file again."
    )


def _read_at_most(file: IO[bytes], size: int) -> bytearray:
    """Read up to `size` bytes.

    Memory grows with what is there, not with what the header states.
    """
    content = bytearray()
    while len(content) < size and (chunk := file.read(min(CHUNK, size - len(content)))):
        content += chunk
    return content
