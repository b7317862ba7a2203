"""Reading of a person's picture of one digit.

It may have any common format and mode, within limits.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..files import reading
from . import heif, many, picture_limits
from .grey_levels import is_coloured, to_grey

if TYPE_CHECKING:
    from PIL import Image

    from .touching import Judge

log = logging.getLogger(__name__)
MAX_BYTES = 20_000_000
FORMATS = "PNG, JPEG, BMP, GIF, TIFF, WebP or HEIF"
FORMS = (  # how a file begins, and Pillow's name of its format; heif has its own
    (b"\x89PNG\r\n\x1a\n", "Png"),
    (b"\xff\xd8\xff", "Jpeg"),
    (b"BM", "Bmp"),
    (b"GIF8", "Gif"),
    (b"II*\0", "Tiff"),
    (b"MM\0*", "Tiff"),
    (b"RIFF", "WebP"),
)


def read(source: Path | bytes) -> np.ndarray:
    """Return the digit on a picture, in MNIST's form.

    Args:
        source: the path of a picture file, or its bytes.
    Returns:
        (28, 28) uint8, white on black.
    Raises:
        InputError: it is not a picture within the limits, or no digit is seen on it.
    """
    with _decoded(source) as (grey, _):
        try:
            return many.one(grey)
        except InputError as error:
            raise type(error)(f"{name_of(source)}: {error}") from error


def read_image(image: Image.Image) -> np.ndarray:
    """Return the digit on an image that Pillow holds.

    It is what `read` returns for the file of the image.

    Raises:
        InputError: it is beyond the limits, damaged, or no digit is seen on it.
    """
    picture_limits.check_size(image.size)
    try:
        grey = to_grey(image.convert("LA") if image.mode == "La" else image.copy())
    except Exception as error:  # of an open file whose content is damaged, as in _decoded
        raise InputError(f"expected a whole picture; its content is damaged ({error})") from error
    return many.one(grey)


def read_many(source: Path | bytes, judge: Judge | None = None) -> list[many.Mark]:
    """Return every digit on a picture, line by line.

    Boxes are in pixels of the upright picture.

    Args:
        source: as for `read`.
        judge: as for `many.find`.
    Raises:
        InputError: it is not a picture within the limits, or no digit is seen on it.
    """
    with _decoded(source) as (grey, (width, height)):
        if (width < height) != (grey.shape[1] < grey.shape[0]):  # it was turned
            width, height = height, width
        try:
            return many.find(grey, (width, height), judge)
        except InputError as error:
            raise type(error)(f"{name_of(source)}: {error}") from error


def decode(source: Path | bytes) -> np.ndarray:
    """Return a picture in grey, as a person sees it.

    The first frame is taken, turned as its EXIF orientation says. What is transparent shows
    white or black, whichever the ink stands out from. A picture whose longer side is above
    3,000 pixels is reduced by a whole factor.

    Args:
        source: the path of a picture file, or its bytes: PNG, JPEG, BMP, GIF, TIFF, WebP or,
            with the extra `heic`, HEIF, at most 20 MB and 40 million pixels and within
            `picture_limits`, by its content and not by its name.
    Returns:
        (h, w) float32 in [0, 1], 0 black.
    Raises:
        InputError: the file cannot be read, is no such picture, damaged or too large.
    """
    with _decoded(source) as (grey, _):
        return grey


def form(source: Path) -> tuple[bool, tuple[int, int]]:
    """Return whether a picture is in colour, and its size.

    The size is width and height. `read` takes the picture. Colour is not
    looked for in a picture of more than 4 million pixels, unless it is a JPEG or HEIF.
    """
    from PIL import Image

    with source.open("rb") as file:
        beginning = file.read(16)
    if heif.is_heif(beginning):
        seen = heif.decoded(source.read_bytes())
        return seen.colour, seen.size
    with Image.open(source) as picture:
        size = picture.size
        picture.draft("RGB", (256, 256))  # of a JPEG not more is decoded
        return picture.width * picture.height <= 4_000_000 and is_coloured(picture), size


@contextlib.contextmanager
def _decoded(source: Path | bytes) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """Yield the grey picture and the file's width and height.

    While it is in use, no other large one is decoded.
    """
    name = name_of(source)
    data = content(source, name)
    if heif.is_heif(data):
        with picture_limits.turn(picture_limits.MAX_MEMORY):
            try:
                seen = heif.decoded(data)
            except InputError as error:
                raise type(error)(f"{name}: {error}") from error
            yield seen.grey, seen.size
        return
    picture = opened(data, name)
    size = picture.size
    try:
        memory = picture_limits.check(picture, data)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    with picture_limits.turn(memory):
        try:
            if getattr(picture, "is_animated", False):
                log.warning("%s: only the first of its pages or frames is read", name)
            grey = to_grey(picture)
        except InputError as error:  # it took too long
            raise InputError(f"{name}: {error}") from error
        except Exception as error:  # damaged bytes end in a dozen exceptions, by decoder
            raise InputError(
                f"{name}: expected a whole {picture.format} picture; its content is damaged or "
                f"cut short ({error})"
            ) from error
        yield grey, size


def name_of(source: Path | bytes) -> str:
    """Return the picture's name for messages."""
    return "the picture" if isinstance(source, bytes) else str(source)


def content(source: Path | bytes, name: str) -> bytes:
    """Return the bytes of a picture file.

    There must be some, and not too many.
    """
    if isinstance(source, bytes):
        size = len(source)
    else:
        try:
            with reading.opened(Path(source)) as file:
                source = file.read(MAX_BYTES + 1)
                size = max(len(source), Path(name).stat().st_size)
        except OSError as error:
            raise InputError(
                f"{name}: expected a picture file that can be read; {error.strerror}"
            ) from error
    if not source:
        raise InputError(f"{name}: expected a {FORMATS} picture; the file is empty")
    if size > MAX_BYTES:
        raise InputError(
            f"{name}: expected a picture of at most {MAX_BYTES // 10**6} MB; got "
            f"{size / 10**6:,.1f} MB. Give a smaller copy."
        )
    return source


def opened(data: bytes, name: str) -> Image.Image:
    """Return the picture, with only its header read.

    The format's own class is called, not Image.open: that would warn of large pictures, which
    are refused here with a message, and try formats that are not allowed.
    """
    for start, form in FORMS:
        if data.startswith(start):
            plugin = importlib.import_module(f"PIL.{form}ImagePlugin")  # no other is needed
            kind = getattr(plugin, f"{form}ImageFile")
            try:
                return kind(picture_limits.TimedBytes(data))
            except InputError as error:  # it took too long
                raise InputError(f"{name}: {error}") from error
            except Exception as error:  # as in decode
                raise InputError(
                    f"{name}: expected a whole {kind.format} picture; its header is damaged or "
                    f"cut short ({error})"
                ) from error
    raise InputError(
        f"{name}: expected a {FORMATS} picture, recognized by its content; got a file that begins "
        f"with {data[:8]!r}"
    )
