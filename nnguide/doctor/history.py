"""The history of a training: metrics per epoch.

They come from a CSV file or from Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.errors import InputError
from nnguide.files import csv_rows

MAX_BYTES = 16 << 20


def read(history: Any) -> dict[str, np.ndarray]:
    """Return the columns of a history as float64 arrays.

    The result is column -> (epochs,).

    Args:
        history: the path of a CSV file with a header, a Keras History, or its dict.
    Raises:
        InputError: of another form, no epochs, no column `loss`, or what is no number.
    """
    if isinstance(history, (str, Path)):
        columns = _csv(Path(history))
    else:
        columns = getattr(history, "history", history)
    if not isinstance(columns, Mapping):
        raise InputError(
            f"expected a history as a CSV file or a dict; got {type(history).__name__}"
        )
    try:
        figures = {str(name): np.asarray(values, np.float64) for name, values in columns.items()}
    except (TypeError, ValueError) as error:
        raise InputError(f"expected a number for each epoch of a history; got: {error}") from error
    if "loss" not in figures:
        raise InputError(
            f"expected a history with a column loss; got {', '.join(figures) or 'none'}"
        )
    if len({values.shape for values in figures.values()}) != 1 or not len(figures["loss"]):
        raise InputError(
            "expected a history with equally many numbers in every column, at least one"
        )
    return figures


def _csv(path: Path) -> dict[str, list[float]]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: expected a history of at most {MAX_BYTES >> 20} MB; got more")
    try:
        columns = csv_rows.columns(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, csv_rows.RowError) as error:
        raise InputError(f"{path}: expected a CSV file with a header; got: {error}") from error
    numbers: dict[str, list[float]] = {name: [] for name in columns}
    for name, texts in columns.items():
        for line, text in enumerate(texts, start=2):
            try:
                numbers[name].append(float(text))
            except ValueError as error:
                raise InputError(
                    f"{path}, line {line}: expected a number for {name}; got {text!r}"
                ) from error
    return numbers
