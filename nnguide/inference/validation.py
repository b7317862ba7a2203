"""The door: what a person hands over is checked here, before any network sees it.

A classifier fed NaN answers without a word, so finiteness, shape and range are looked at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data.mail.text import MailText
from ..errors import InputError
from . import picture_inputs

MAX_TEXT = 1_000_000  # characters; a longer text is no message


def numbers(raw: Any, features: int | None = None) -> np.ndarray:
    """One row of numbers or many as (n, features) float32.

    Args:
        raw: an array or a list (features,) or (n, features).
        features: how many numbers a row has; None takes any number.
    Raises:
        InputError: not numbers, not finite, or of another shape.
    """
    expected = "numbers" if features is None else f"{features} numbers"
    try:
        array = np.asarray(raw)
    except ValueError as error:
        raise InputError(f"expected rows of {expected}; got rows of several lengths") from error
    if array.ndim == 1:
        array = array[None]
    if array.dtype.kind not in "uif" and array.size:
        raise InputError(f"expected rows of {expected}; got an array of {array.dtype}")
    if array.ndim != 2 or features not in (None, array.shape[1]):
        raise InputError(f"expected rows of {expected}; got an array of shape {np.shape(raw)}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError("expected finite numbers; got NaN, infinity or numbers beyond 3e38")
    return array


def each_text(raw: Any) -> list[Any]:
    """Each text on its own: checked, or the InputError that it is.

    Raises:
        InputError: `raw` holds no texts at all.
    """
    found: list[Any] = []
    for item in _texts(raw):
        try:
            found.append(text(item))
        except InputError as error:
            found.append(error)
    return found


def pictures(raw: Any) -> np.ndarray:
    """One picture or many as (n, 28, 28) float32 grey levels 0-255, white on black.

    Args:
        raw: as for `picture_inputs.read_each`.
    Raises:
        InputError: one is no picture, not finite, out of range or of another shape.
    """
    return picture_inputs.checked(picture_inputs.read_each(raw))


def texts(raw: Any) -> np.ndarray:
    """One text or many as (n,) object, each a str that UTF-8 can hold.

    Raises:
        InputError: not a text, or longer than MAX_TEXT characters.
    """
    items = _texts(raw)
    checked = np.empty(len(items), object)
    checked[:] = [text(item) for item in items]
    return checked


def _texts(raw: Any) -> list[Any]:
    """The items of what should be a text or several."""
    if isinstance(raw, str):
        return [raw]
    if isinstance(raw, Mapping):
        raise InputError(f"expected a text or several; got {type(raw).__name__}. Give its values.")
    if hasattr(raw, "columns") and hasattr(raw, "to_numpy"):
        return list(raw[_text_column(raw)])
    try:
        items = None if isinstance(raw, bytes) else list(raw)
    except TypeError:
        items = None
    if items is None:
        raise InputError(f"expected a text or several; got {type(raw).__name__}")
    return items


def _text_column(table: Any) -> Any:
    """The column of a DataFrame that holds the texts: the one called text, or the only one."""
    names = list(table.columns)
    called = [name for name in names if str(name).strip().lower() == "text"]
    texts = called or [
        name
        for name in names
        if str(name).strip().lower() != "label"
        and len(table)
        and all(isinstance(value, str) for value in table[name])
    ]
    if len(texts) != 1:
        raise InputError(
            f"expected a table with a column text; got {', '.join(map(str, names))}. "
            "Give the column itself, as table['body']."
        )
    return texts[0]


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
