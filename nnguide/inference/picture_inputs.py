"""Reading of pictures from files, PIL images and arrays.

Each picture is read on its own, as the caller has it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import containers
from ..errors import InputError

if TYPE_CHECKING:
    from ..preprocessing.touching import Judge

SIDE = 28
SMALLEST = 12  # pixels of the shorter side of an array that is read as a picture file is
Picture = np.ndarray | InputError
FORMS = (
    "pictures: paths, bytes or open files, PIL images, arrays of grey levels 0-255, a table (a "
    "DataFrame, a Hugging Face Dataset, a dict of columns) with a column image or with pixels, or "
    "a tf.data.Dataset"
)

_FILE = (str, os.PathLike, bytes)  # a path, or the content of a picture file


def read_each(raw: Any) -> list[Picture]:
    """Read each picture as (28, 28) float32 grey levels 0-255.

    Pictures are white on black. In the place of what is not a picture is an InputError.

    Args:
        raw: one picture or a list of them: a path, bytes or an open file, a PIL image, an array
            (height, width), (height, width, 3) or (height, width, 4); all in one array
            (n, 28, 28), (n, 28, 28, 1) or (n, 784); or a tf.data.Dataset. Levels are 0-255.
    Raises:
        InputError: it holds no pictures at all.
    """
    if containers.is_tf_dataset(raw):
        return _of_tf(*containers.from_tf(raw))
    if _is_single(raw):
        return [_read(raw)]
    if getattr(raw, "ndim", None) == 1 and np.asarray(raw).dtype == object:
        raw = list(raw)  # a Series or an array of paths or images
    if isinstance(raw, (list, tuple)) and (not raw or any(_is_single(item) for item in raw)):
        return [_read(item) for item in raw]
    if isinstance(raw, (list, tuple)) and not _is_numbers(raw):
        return [_read(item) for item in raw]
    array = _array(raw)
    if array.shape in ((SIDE, SIDE), (SIDE * SIDE,)):
        array = array[None]
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2 and array.shape[1] == SIDE * SIDE:
        array = array.reshape(-1, SIDE, SIDE)
    if array.ndim == 3 and array.shape[1:] == (SIDE, SIDE):
        return _levels(array)
    if array.ndim == 4 and array.shape[-1] in (3, 4):
        return [_read(item) for item in array]
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (1, 3, 4)):
        return [_read(array)]
    if array.ndim == 3 and min(array.shape[1:]) >= SMALLEST:
        return [_read(item) for item in array]
    raise InputError(
        "expected pictures of shape (n, 28, 28); "
        f"got an array of shape {np.shape(raw)}. For a picture file give its path."
    )


def _of_tf(inputs: Any, labels: list[Any] | None) -> list[Picture]:
    """Read the pictures of a tf.data.Dataset.

    Without labels an element may be a batch of pictures.
    """
    if isinstance(inputs, dict):
        return read_each(only_pictures(inputs))
    if labels is not None:
        return read_each(inputs)
    return [picture for element in inputs for picture in read_each(element)]


def read_many(raw: Any, judge: Judge | None = None) -> list[Any]:
    """Read every digit on one picture.

    The picture is a path, bytes, an open file or a PIL image.

    Args:
        judge: how sure a network is of digits, to take those apart that touch.
    Raises:
        InputError: it is not one of these, or no digit is seen on it.
    """
    from ..preprocessing import pictures

    if not _is_single(raw):
        raise InputError(
            "expected one picture: a path, the bytes of a picture file or a PIL image; got "
            f"{type(raw).__name__}"
        )
    if hasattr(raw, "read"):
        raw = containers.content(raw)
    if _is_image(raw):
        file = io.BytesIO()
        raw.save(file, "PNG")
        raw = file.getvalue()
    return pictures.read_many(raw if isinstance(raw, bytes) else Path(raw), judge)


def only_pictures(table: containers.Table) -> list[Any]:
    """Return the pictures of a table that has a column of them.

    It is the column called image, or the only column beside labels.

    Raises:
        InputError: it has no such column, or several.
    """
    known = ("image", "img", "picture")
    names = [name for name in table if name.strip().lower() in known]
    names = names or list(containers.without_labels(table))
    if len(names) != 1:
        raise InputError(f"expected a table with a column image; got {', '.join(table)}")
    values = list(table[names[0]])
    return [  # a Hugging Face Dataset holds what it does not decode as bytes and a path
        (item.get("bytes") or item.get("path")) if isinstance(item, dict) else item
        for item in values
    ]


def _is_single(raw: Any) -> bool:
    """Return whether `raw` is one file, image or mark, not an array."""
    from ..preprocessing import joined

    is_file = isinstance(raw, _FILE) or hasattr(raw, "read")
    return is_file or _is_image(raw) or joined.is_mark(raw)


def _is_image(raw: Any) -> bool:
    return hasattr(raw, "getbands") and hasattr(raw, "convert")


def _is_numbers(raw: Sequence[Any]) -> bool:
    """Return whether a list is one array of numbers.

    Its pictures then have one size.
    """
    try:
        return np.asarray(raw).dtype.kind in "uifbc"
    except ValueError:
        return not any(hasattr(item, "__len__") for item in raw)


def _array(raw: Any) -> np.ndarray:
    try:
        array = np.asarray(raw)
    except ValueError as error:
        raise InputError("expected pictures of one size, 28 by 28; got several sizes") from error
    containers.check_unmasked(raw)
    if array.dtype.kind not in "uif":
        kind = f"{type(raw).__name__}, " if array.dtype == object else ""
        raise InputError(f"expected {FORMS}; got {kind}an array of {array.dtype}")
    return array


def _read(item: Any) -> Picture:
    """Read one picture, (28, 28) float32, or return its error."""
    from ..preprocessing import joined, pictures

    try:
        if isinstance(item, str):
            if not item.strip():
                raise InputError("expected the path of a picture; got an empty text")
            item = Path(item)
        elif hasattr(item, "read"):
            item = containers.content(item)
        if isinstance(item, (bytes, os.PathLike)):
            source: Any = item if isinstance(item, bytes) else Path(item)
            return pictures.read(source).astype(np.float32)
        if _is_image(item):
            return pictures.read_image(item).astype(np.float32)
        if joined.is_mark(item):  # it was read before
            levels = _levels(np.asarray(item)[None])[0]
            return levels if isinstance(levels, InputError) else levels.view(joined.Mark)
        return _read_array(_array(item))
    except InputError as error:
        return error


def _read_array(array: np.ndarray) -> Picture:
    from ..preprocessing import pictures

    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape == (SIDE * SIDE,):
        array = array.reshape(SIDE, SIDE)
    if array.shape == (SIDE, SIDE):
        return _levels(array[None])[0]
    colours = array.ndim == 3 and array.shape[-1] in (3, 4)
    if (array.ndim != 2 and not colours) or min(array.shape[:2]) < SMALLEST:
        return InputError(
            f"expected a picture (height, width) of at least {SMALLEST} pixels a side, or (height, "
            f"width, 3); got an array of shape {array.shape}"
        )
    if (wrong := _wrong(array)) is not None:
        return wrong
    from PIL import Image

    return pictures.read_image(Image.fromarray(np.rint(array).astype(np.uint8))).astype(np.float32)


def _wrong(array: np.ndarray) -> InputError | None:
    """Return an error where a picture's levels are wrong.

    None where they can be grey levels 0-255.
    """
    if not np.isfinite(array).all():
        return InputError("expected finite grey levels 0-255; got NaN or infinity")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 255:
        return InputError(f"expected grey levels 0-255; got values from {low:g} to {high:g}")
    if 0 < high <= 1:
        return InputError(
            "expected grey levels 0-255; got values in [0, 1]. Multiply them by 255: "
            "the model scales its inputs itself."
        )
    return None


def _levels(array: np.ndarray) -> list[Picture]:
    """Check pictures (n, 28, 28) one by one.

    Those that are white on black stay as they are. What is dark on white is brought to MNIST's
    form, as its file would be.
    """
    from ..preprocessing import mnist_form

    if not len(array):
        return []
    flat = array.reshape(len(array), -1)
    with np.errstate(invalid="ignore"):
        low, high = flat.min(1), flat.max(1)
        good = np.isfinite(low) & np.isfinite(high) & (low >= 0) & (high <= 255)
        good &= (high > 1) | (high == 0)
    pixels = array.astype(np.float32)
    levels: list[Picture] = list(pixels)
    for place in np.flatnonzero(~good | mnist_form.is_dark_on_white(pixels)).tolist():
        levels[place] = _wrong(array[place]) or _dark_on_white(pixels[place])
    return levels


def _dark_on_white(levels: np.ndarray) -> Picture:
    from ..preprocessing import mnist_form

    try:
        return mnist_form.normalise(levels / np.float32(255)).astype(np.float32)
    except InputError as error:
        return error


def checked(read: Sequence[Picture]) -> np.ndarray:
    """Return the pictures as one array (n, 28, 28) float32.

    Raises:
        InputError: the first that is not one; of several its number is said.
    """
    raise_first(read)
    return np.stack(read) if read else np.zeros((0, SIDE, SIDE), np.float32)  # type: ignore[arg-type]


def raise_first(made: Sequence[Any]) -> None:
    """Raise the first InputError among what was made of pictures.

    Of several pictures its number is said.
    """
    for number, error in enumerate(made, 1):
        if isinstance(error, InputError):
            which = f"picture {number} of {len(made)}: " if len(made) > 1 else ""
            raise InputError(f"{which}{error}")
