"""Official files of a data set that its user downloaded.

They are found, and read within limits.
"""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide.errors import DataError

if TYPE_CHECKING:
    from nnguide.data.examples import Examples

_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}


@dataclass(frozen=True)
class OfficialSet:
    """A set that consists of its official files.

    It has what `nnguide.data.preparation` needs.

    Attributes:
        files: their names.
        read: the splits "train" and "test" of a folder that holds them; DataError for others.
    """

    files: tuple[str, ...]
    read: Callable[[Path], dict[str, Examples]]

    def holds(self, folder: Path) -> bool:
        """Return whether `folder` holds any official file."""
        return any(find(folder, file) for file in self.files)

    def is_made(self, variant: str) -> bool:
        """Return False: no other form of the set is kept."""
        return False

    def check(self, folder: Path) -> None:
        """Check that `folder` holds the official files; raise DataError if not."""
        self.read(folder)

    def read_splits(
        self, source: Callable[[], Path], variant: str, split_seed: int
    ) -> dict[str, Examples]:
        """Return the splits "train" and "test" of the publisher."""
        return self.read(source())


def find(folder: Path, file: str) -> Path | None:
    """Return the official `file` in `folder`, packed or unpacked."""
    unpacked = file.removesuffix(Path(file).suffix) if Path(file).suffix in _OPEN else file
    return next((p for p in (folder / file, folder / unpacked) if p.is_file()), None)


def content(folder: Path, file: str, longest: int) -> bytes:
    """Return the unpacked content of an official file.

    Args:
        longest: bytes; what is longer is another file, and is not read to its end.
    Raises:
        DataError: it is missing, damaged or too long.
    """
    path = find(folder, file)
    if path is None:
        raise DataError(f"{file} is missing in {folder}. Fetch it again, whole.")
    try:
        with _OPEN.get(path.suffix, Path.open)(path, "rb") as opened:
            opened_bytes = bytes(opened.read(longest + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or cannot be read ({error}). Fetch it again.") from None
    if len(opened_bytes) > longest:
        raise DataError(f"{path}: expected at most {longest:,} bytes unpacked; got more.")
    return opened_bytes


def idx(folder: Path, file: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the numbers of an IDX file, checked.

    It must have this dtype and shape.

    Args:
        dtype: of NumPy, ">u1" or ">i4".
    Raises:
        DataError: it is missing, damaged or of another form.
    """
    kind = {">u1": 8, ">i4": 12}[dtype]
    header = bytes([0, 0, kind, len(shape)]) + np.asarray(shape, ">u4").tobytes()
    length = len(header) + int(np.prod(shape)) * np.dtype(dtype).itemsize
    data = content(folder, file, length)
    if data[: len(header)] != header or len(data) != length:
        raise DataError(
            f"{find(folder, file)}: expected an IDX file of {' × '.join(f'{n:,}' for n in shape)} "
            f"numbers, {length:,} bytes unpacked; got {len(data):,} bytes that begin with "
            f"0x{data[: len(header)].hex()}. Fetch it again."
        )
    return np.frombuffer(data, dtype, offset=len(header)).reshape(shape)


def check_labels(labels: np.ndarray, counts: Sequence[int], where: object) -> None:
    """Check that labels 0-9 occur as often as the publisher says.

    Raises:
        DataError: they do not, or others occur.
    """
    there = labels[(labels >= 0) & (labels < len(counts))]
    counted = np.bincount(there, minlength=len(counts)).tolist()
    if len(there) != len(labels) or counted != list(counts):
        raise DataError(
            f"{where}: expected the digits 0 to 9 {list(counts)} times; got {counted}. "
            "These are other labels than the official ones."
        )
