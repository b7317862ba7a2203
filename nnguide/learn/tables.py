"""A learner's own table as points of a plane."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.data import number_tables
from nnguide.errors import InputError
from nnguide.preprocessing.standardisation import mean_and_std

MOST_POINTS = 300


def points(text: Any) -> list[tuple[float, float, int]]:
    """Parse a CSV file as points with labels.

    It has two columns of numbers and a label of two classes.

    Both columns are standardised, to three decimals. Of more than MOST_POINTS rows every k-th is
    taken, so that the rest still covers the file.

    Raises:
        InputError: it is no such table; the line is named where one is wrong.
    """
    if not isinstance(text, str):
        raise InputError("a table is the text of a CSV file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text(text, "utf-8")
        try:
            table = number_tables.read_table(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), "your table")) from error
    if table.left_out:
        raise InputError(f"your table, {table.left_out[0]}. Leave the row out, or write a number.")
    if table.inputs.shape[1] != 2 or len(table.labels) != 2:
        raise InputError(
            "expected two columns of numbers and a last one with two labels; got "
            f"{table.inputs.shape[1]} columns of numbers and {len(table.labels)} labels"
        )
    keep = slice(None, None, -(-len(table.y) // MOST_POINTS))
    mean, std = mean_and_std(table.inputs)
    X = np.clip(np.round((table.inputs - mean) / std, 3), -4, 4)[keep]
    return [(float(a), float(b), int(k)) for (a, b), k in zip(X, table.y[keep], strict=True)]
