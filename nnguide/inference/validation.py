"""The door: what a person hands over is checked here, before any network sees it.

A classifier fed NaN answers without a word, so finiteness, shape and range are looked at first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.data.mail import MailText
from nnguide.errors import InputError

_FILE = (str, os.PathLike, bytes)  # a path, or the content of a picture file
MAX_TEXT = 1_000_000  # characters; a longer text is no message


def check(kind: str, raw: Any) -> np.ndarray:
    """Raw inputs of a task as the array its model takes; `kind` is "pictures" or "texts"."""
    return pictures(raw) if kind == "pictures" else texts(raw)


def pictures(raw: Any) -> np.ndarray:
    """One picture or many as (n, 28, 28) float32 grey levels 0-255, white on black.

    Args:
        raw: a path to an image file or several, each brought to MNIST's form; or an array
            (28, 28), (n, 28, 28), (n, 28, 28, 1) or (n, 784) of grey levels 0-255.
    Raises:
        InputError: not a picture, not finite, out of range or of another shape.
    """
    if isinstance(raw, _FILE):
        raw = [raw]
    if isinstance(raw, (list, tuple)) and raw and all(isinstance(item, _FILE) for item in raw):
        from nnguide.preprocessing.pictures import read

        sources = [Path(item) if isinstance(item, str) else item for item in raw]
        return np.stack([read(source) for source in sources]).astype(np.float32)
    try:
        array = np.asarray(raw)
    except ValueError as error:
        raise InputError("expected pictures of one size, 28 by 28; got several sizes") from error
    if array.dtype.kind not in "uif":
        raise InputError(f"expected grey levels 0-255 as numbers; got an array of {array.dtype}")
    if array.shape == (28, 28) or array.shape == (784,):
        array = array[None]
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2 and array.shape[1] == 784:
        array = array.reshape(-1, 28, 28)
    if array.ndim != 3 or array.shape[1:] != (28, 28):
        raise InputError(
            "expected pictures of shape (n, 28, 28); "
            f"got an array of shape {np.shape(raw)}. For a picture file give its path."
        )
    if not np.isfinite(array).all():
        raise InputError("expected finite grey levels 0-255; got NaN or infinity")
    array = array.astype(np.float32)
    if array.size and (array.min() < 0 or array.max() > 255):
        raise InputError(
            f"expected grey levels 0-255; got values from {array.min():g} to {array.max():g}"
        )
    if array.size and 0 < array.max() <= 1 and (array % 1 != 0).any():
        raise InputError(
            "expected grey levels 0-255; got values in [0, 1]. Multiply them by 255: "
            "the model scales its inputs itself."
        )
    return array


def texts(raw: Any) -> np.ndarray:
    """One text or many as (n,) object, each a str that UTF-8 can hold.

    Raises:
        InputError: not a text, or longer than MAX_TEXT characters.
    """
    if isinstance(raw, str):
        raw = [raw]
    try:
        items = None if isinstance(raw, bytes) else list(raw)
    except TypeError:
        items = None
    if items is None:
        raise InputError(f"expected a text or several; got {type(raw).__name__}")
    checked = np.empty(len(items), object)
    checked[:] = [text(item) for item in items]
    return checked


def text(raw: Any) -> str:
    """One text, checked; lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    if not isinstance(raw, str):
        raise InputError(f"expected a text; got {type(raw).__name__}")
    if isinstance(raw, MailText):  # a reader made it: clean, and short enough
        return raw
    if len(raw) > MAX_TEXT:
        raise InputError(
            f"expected a message of at most {MAX_TEXT:,} characters; got {len(raw):,}. Cut it."
        )
    return str(raw).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
