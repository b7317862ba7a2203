"""Pictures and labels in a NumPy archive.

Nothing is unpickled, and sizes are checked before memory is used.
"""

from __future__ import annotations

import contextlib
import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nnguide.data import user_data
from nnguide.errors import InputError

SIDE = 28
MAX_LABEL = 99
MAX_BYTES = 4 << 30  # of one array, unpacked
BLOCK = 16_384  # pictures brought to uint8 at once
SHAPES = "(n, 28, 28), (n, 28, 28, 1) or (n, 784)"


class Archive:
    """An open `.npz` whose arrays are read one by one."""

    def __init__(self, path: Path, opened: np.lib.npyio.NpzFile) -> None:
        self.path = path
        self._opened = opened
        assert opened.zip is not None  # it is open
        self._zip = opened.zip
        self.names: tuple[str, ...] = tuple(opened.files)

    def array(self, name: str) -> np.ndarray:
        """Return the array `name`, of any shape (n, …) and plain type.

        Any other is an InputError.
        """
        self._header(name)
        return self._array(name)

    def images(self, name: str) -> tuple[np.ndarray, dict[int, str]]:
        """Return the pictures `name`, (n, 28, 28) uint8, and errors.

        An error says, by position, why a row is not a picture. The array may be of integers in
        0..255, or of floats in [0, 1] or in 0..255. Where no number is above 1, all are fractions;
        a single picture of such numbers among others is an error.

        Raises:
            InputError: another shape, type or range, values that are not finite.
        """
        shape, dtype = self._header(name)
        sizes = shape[1:]
        if len(shape) < 2 or sizes not in ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,)):
            raise self._refused(
                name,
                f"pictures of shape {SHAPES}",
                f"{shape}. Save other sizes as image files in class folders, which are "
                "brought to that form",
            )
        if dtype.kind not in "uif":
            raise self._refused(name, "numbers, best uint8", f"the type {dtype}")
        return self._grey(name, self._array(name).reshape(-1, SIDE, SIDE))

    def labels(self, name: str) -> np.ndarray:
        """Return the labels `name`, (n,) int64 in 0..99.

        Raises:
            InputError: another shape, type or range.
        """
        shape, dtype = self._header(name)
        if len(shape) != 1 or dtype.kind not in "ui":
            raise self._refused(
                name,
                f"one integer in 0..{MAX_LABEL} per picture, shape (n,)",
                f"{dtype} of shape {shape}",
            )
        labels = self._array(name)
        if labels.min() < 0 or labels.max() > MAX_LABEL:
            raise self._refused(
                name, f"labels in 0..{MAX_LABEL}", f"{labels.min()} to {labels.max()}"
            )
        return labels.astype(np.int64)

    def _grey(self, name: str, pixels: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
        scale = 255 if pixels.max() <= 1 else 1  # NaN is not
        grey = np.zeros(pixels.shape, np.uint8)
        bad: dict[int, str] = {}
        for start in range(0, len(pixels), BLOCK):
            block = pixels[start : start + BLOCK]
            low, high = block.min((1, 2)), block.max((1, 2))
            finite = np.isfinite(low) & np.isfinite(high)
            good = finite & (low >= 0) & (high <= 255)
            if scale == 1:
                good &= (high > 1) | (high == 0)
            for place in np.flatnonzero(~good).tolist():
                got = f"values from {low[place]:g} to {high[place]:g}"
                bad[start + place] = (
                    "expected grey levels in [0, 1] or in 0..255, of all pictures alike; got "
                    + (got if finite[place] else "NaN or infinity")
                )
            exact = block[good].astype(np.float64) * scale
            grey[start : start + BLOCK][good] = np.rint(exact)
        return grey, bad

    def _header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """Return the shape and type of an array.

        They come from its first bytes; its size is checked against the limits.
        """
        shape, dtype = self._describe(name)
        if dtype.hasobject:
            raise self._refused(name, "plain numbers", "Python objects, which are never unpickled")
        if not shape or not 1 <= shape[0] <= user_data.MAX_EXAMPLES:
            raise self._refused(
                name, f"1 to {user_data.MAX_EXAMPLES:,} rows", f"an array of shape {shape}"
            )
        size = dtype.itemsize
        for length in shape:  # Python's integers do not overflow
            size *= length
        if size > MAX_BYTES:
            raise self._refused(
                name, f"at most {MAX_BYTES >> 30} GiB", f"{size / 2**30:,.1f} GiB. Save it as uint8"
            )
        if size > self._zip.getinfo(f"{name}.npy").file_size:
            raise self._refused(name, f"{size:,} bytes, as its header announces", "fewer")
        return shape, dtype

    def _describe(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        with _reading(self.path), self._zip.open(f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            if version == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(member)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(member)
            return shape, dtype

    def _array(self, name: str) -> np.ndarray:
        with _reading(self.path):
            return self._opened[name]

    def _refused(self, name: str, expected: str, got: str) -> InputError:
        return InputError(f"{self.path}: expected {name} to hold {expected}; got {got}.")


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an `.npz` file.

    Raises:
        InputError: not such a file, damaged, or unreadable.
    """
    with contextlib.ExitStack() as stack:
        with _reading(path):
            file = stack.enter_context(path.open("rb"))  # np.load leaves a damaged one open
            whole = zipfile.is_zipfile(file)
            file.seek(0)
            opened = stack.enter_context(np.load(file, allow_pickle=False)) if whole else None
        if opened is None:
            raise InputError(
                f"{path}: expected a NumPy archive, as np.savez writes; got another file."
            )
        yield Archive(path, opened)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise an InputError where zipfile or NumPy find damage."""
    damage: tuple[type[Exception], ...]
    damage = (ValueError, EOFError, KeyError, SyntaxError, TypeError, RuntimeError)
    damage += (struct.error, tokenize.TokenError, AttributeError, MemoryError)
    packing = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
    try:
        yield
    except (*damage, *packing) as error:
        raise InputError(
            f"{path}: the archive is damaged or not plain arrays ({error}). "
            "Save it again with np.savez."
        ) from error
    except OSError as error:
        raise user_data.unreadable(path, error) from error
