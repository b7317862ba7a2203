"""Checks of inputs before a network sees them.

A classifier fed NaN answers without a word, so finiteness, shape and range are looked at first.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from ..data import containers
from ..data.mail.text import MailText
from ..errors import InputError

log = logging.getLogger(__name__)
MAX_TEXT = 1_000_000  # characters; a longer text is no message
FORMS = (
    "a text or several: a list, an array, a table with a column text (a pandas or Polars "
    "DataFrame, a Hugging Face Dataset, a dict of columns), a tf.data.Dataset or an open file"
)


def numbers(raw: Any, features: int | None = None) -> np.ndarray:
    """Return one or more rows of numbers, (n, features) float32.

    Args:
        raw: an array or a list (features,) or (n, features).
        features: how many numbers a row has; None takes any number.
    Raises:
        InputError: not numbers, not finite, or of another shape.
    """
    expected = "numbers" if features is None else f"{features} numbers"
    containers.check_unmasked(raw)
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
    """Return each text, checked, or its InputError.

    Raises:
        InputError: `raw` holds no texts at all.
    """
    values: list[Any] = []
    for item in _texts(raw):
        try:
            values.append(text(item))
        except InputError as error:
            values.append(error)
    return values


def pictures(raw: Any) -> np.ndarray:
    """Return one or more pictures, (n, 28, 28) float32.

    They are grey levels 0-255, white on black.

    Args:
        raw: as for `picture_inputs.read_each`.
    Raises:
        InputError: one is no picture, not finite, out of range or of another shape.
    """
    from . import picture_inputs

    return picture_inputs.checked(picture_inputs.read_each(raw))


def texts(raw: Any) -> np.ndarray:
    """Return one or more texts, (n,) object.

    Each is a str that UTF-8 can hold.

    Raises:
        InputError: not a text, or longer than MAX_TEXT characters.
    """
    items = _texts(raw)
    checked = np.empty(len(items), object)
    checked[:] = [text(item) for item in items]
    return checked


def _texts(raw: Any) -> list[Any]:
    """Return one text or several as a list, unchecked."""
    if isinstance(raw, str):
        return [raw]
    is_tensor = hasattr(raw, "numpy") and hasattr(raw, "dtype")
    if containers.is_tf_dataset(raw) or is_tensor:
        raw = np.atleast_1d(raw.numpy()) if is_tensor else containers.from_tf(raw)[0]
        if isinstance(raw, dict):
            raw = raw[_text_column(raw)]
        return containers.decoded(raw)
    if (table := containers.table(raw)) is not None:
        return list(table[_text_column(table)])
    if hasattr(raw, "to_pylist"):  # an Arrow array
        return list(raw.to_pylist())
    try:
        items = None if isinstance(raw, (bytes, Mapping, Set)) else list(raw)
    except TypeError:
        items = None
    if items is None:
        raise InputError(f"expected {FORMS}; got {type(raw).__name__}")
    return items


def _text_column(table: containers.Table) -> str:
    """Return the name of a table's column of texts.

    It is the column called text, or the only one of texts.
    """
    if called := [name for name in table if name.strip().lower() == "text"]:
        return called[0]
    columns = containers.without_labels(table).items()
    texts = [name for name, column in columns if _is_texts(column)]
    if len(texts) > 1:
        texts = [name for name, column in columns if _is_texts(column, words=True)]
    if len(texts) != 1:
        raise InputError(
            f"expected a table with a column text; got {', '.join(table)}. "
            "Give the column itself, as table['body']."
        )
    log.warning("reading the column %s as text", texts[0])
    return texts[0]


def _is_texts(column: Any, words: bool = False) -> bool:
    """Return whether a column holds texts.

    With `words`, at least half of them must have several words.
    """
    filled = [value for value in column if not containers.is_missing(value)]
    if not filled or not all(isinstance(value, (str, bytes)) for value in filled):
        return False
    return not words or sum(len(value.split()) > 1 for value in filled) >= 0.5 * len(filled)


def text(raw: Any) -> str:
    """Return one text, checked.

    Lone surrogates, which UTF-8 cannot hold, become U+FFFD.
    """
    if hasattr(raw, "numpy"):  # a tensor
        (raw,) = containers.decoded([raw.numpy()])
    if not isinstance(raw, str):
        raise InputError(f"expected a text; got {containers.name_of(raw)}")
    if isinstance(raw, MailText):  # a reader made it: clean, and short enough
        return raw
    if len(raw) > MAX_TEXT:
        raise InputError(
            f"expected a message of at most {MAX_TEXT:,} characters; got {len(raw):,}. Cut it."
        )
    return str(raw).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
