"""Limits of the cost of decoding a picture file.

The cost is estimated from its header, and watched while decoding runs. A small file can ask for
much: many scans over one JPEG, pixels of many bytes, tiles larger than their picture. No picture
takes more than about 300 MB and two seconds of processor time.
"""

from __future__ import annotations

import io
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 40_000_000
MAX_MEMORY = 200_000_000  # bytes of a decoded picture; it is converted in strips
MAX_SCANS = 100  # of a JPEG; a usual progressive one has ten
MAX_SCANNED = 1_000_000_000  # pixels of all scans together
SECONDS = 1.8  # of processor time, of the two that a picture may cost
LARGE = 16_000_000  # bytes; larger pictures are decoded one after the other

_TIFF_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}  # not old JPEG, and nothing exotic
_one_large = threading.Lock()


class TimedBytes(io.BytesIO):
    """A file in memory that can be read for limited time.

    Reading ends when this thread has worked too long on it.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._end = time.thread_time() + SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        if time.thread_time() > self._end:
            raise InputError(f"it takes more than {SECONDS:g} s to decode. Give a smaller copy.")
        return super().read(size)


def check(picture: Image.Image, data: bytes) -> int:
    """Return about how many bytes decoding `picture` takes.

    Args:
        picture: its header read, nothing decoded.
        data: the file.
    Raises:
        InputError: it is beyond the limits.
    """
    check_size(picture.size)
    width, height = picture.size
    pixels = width * height
    memory, stored = pixels * _bytes_a_pixel(picture), 0
    if picture.format == "JPEG":
        scans = data.count(b"\xff\xda")
        if scans > MAX_SCANS or scans * pixels > MAX_SCANNED:
            raise InputError(
                f"expected a JPEG of a few scans; got {scans:,} over {pixels:,} pixels. "
                "Save it anew."
            )
        memory = min(memory, 40_000_000)  # it is reduced while it is decoded
        if scans > 1:
            memory += pixels * _coefficients(picture)
    elif picture.format == "PNG":
        depth, colour = data[24], data[25]
        bands = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 4)
        stored = pixels * bands * max(depth, 8) // 8
    elif picture.format == "TIFF":
        stored = _tiff_bytes(picture, data)
    if max(memory, stored) > MAX_MEMORY:
        raise InputError(
            f"expected a picture that takes at most {MAX_MEMORY // 10**6} MB when it is decoded; "
            f"got one of {max(memory, stored) // 10**6:,} MB ({width:,} x {height:,}, "
            f"{picture.mode}). Give a smaller copy."
        )
    return memory


def check_size(size: tuple[int, int]) -> None:
    """Refuse a picture of no or too many pixels, by its size.

    Raises:
        InputError: it is beyond the limits.
    """
    width, height = size
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise InputError(
            f"expected a picture of 1 to {MAX_PIXELS:,} pixels; got {width:,} x {height:,}. "
            "Give a smaller copy."
        )


def _bytes_a_pixel(picture: Image.Image) -> int:
    if picture.mode.startswith(("I", "F")):
        return 20  # 16 or 32 bits, and float32 of them
    return 1 if picture.mode in ("1", "L", "P") else 4  # of any number of bands


def _coefficients(picture: Image.Image) -> int:
    """Return the bytes a pixel that a progressive JPEG keeps.

    It has several scans, and keeps 2 bytes for each sample.
    """
    layers = getattr(picture, "layer", [])  # (id, horizontal, vertical sampling, table)
    if not layers:
        return 8
    largest = max(h for _, h, _, _ in layers) * max(v for _, _, v, _ in layers)
    return math.ceil(2 * sum(h * v for _, h, v, _ in layers) / max(largest, 1))


def _tiff_bytes(picture: Image.Image, data: bytes) -> int:
    """Return the bytes of a TIFF's strips or tiles, unpacked."""
    tags = picture.tag_v2  # type: ignore[attr-defined, unused-ignore]
    if (kind := tags.get(259, 1)) not in _TIFF_COMPRESSIONS:
        raise InputError(
            f"expected a TIFF of usual compression; got number {kind}. Save it as PNG."
        )
    if kind == 7 and data.count(b"\xff\xda") > MAX_SCANS:
        raise InputError("expected a TIFF of few JPEG scans. Save it as PNG.")
    width, height = picture.size
    bits = tags.get(258, (1,))
    depth = max(bits if isinstance(bits, tuple) else (bits,))
    if 322 in tags or 323 in tags:
        across, down = int(tags.get(322, width)), int(tags.get(323, height))
        if across < 1 or down < 1:
            raise InputError("expected a whole TIFF picture; got tiles of no size")
        width, height = math.ceil(width / across) * across, math.ceil(height / down) * down
    return math.ceil(width * height * int(tags.get(277, 1)) * depth / 8)


@contextmanager
def turn(memory: int) -> Iterator[None]:
    """Wait until no other large picture is being decoded.

    A small picture does not wait.
    """
    if memory <= LARGE:
        yield
        return
    with _one_large:
        yield
