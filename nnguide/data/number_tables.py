"""Tables of numbers in CSV files, read strictly: what is wrong is named with its line."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnguide.data import splits
from nnguide.data.examples import Examples
from nnguide.errors import ConfigError, DataError, InputError

MOST_CLASSES = 20  # a numeric label column with more values than this is a regression's


@dataclass(frozen=True)
class Table:
    """A table's rows.

    Attributes:
        inputs: (n, features) float64.
        y: class numbers (n,) int64, or a regression's values (n,) float64.
        labels: the classes' names in the order of their numbers; () for a regression.
        features: the names of the input columns.
    """

    inputs: np.ndarray
    y: np.ndarray
    labels: tuple[str, ...]
    features: tuple[str, ...]


def read_table(path: Path, label_column: str | None = None) -> Table:
    """Read a CSV file with a header, numbers as inputs and one label column.

    A label column of words, or of at most MOST_CLASSES whole numbers, names classes; other
    numbers are values to predict.

    Raises:
        DataError: no such file. ConfigError: no such label column.
        InputError: no header, a row of another length, text or nothing where a number belongs,
            fewer than ten rows or a single class; the line is named.
    """
    header, rows = _read(path)
    wanted = header[-1] if label_column is None else label_column
    if wanted not in header:
        raise ConfigError(
            f"{path} has no column {wanted!r}; its columns are {', '.join(header)}. "
            "Choose one with --label-column."
        )
    at = header.index(wanted)
    features = tuple(name for i, name in enumerate(header) if i != at)
    inputs = np.array(
        [
            [_number(cell, path, line, header[i]) for i, cell in enumerate(row) if i != at]
            for line, row in rows
        ]
    )
    y, labels = _labels([(line, row[at].strip()) for line, row in rows], path, wanted)
    return Table(inputs, y, labels, features)


def read(
    path: Path, split: str, *, split_seed: int = 0, label_column: str | None = None
) -> Examples:
    """The examples of a table with labels: its "train" or "test" rows, 80/20, or "all".

    Raises:
        As `read_table`; InputError where the label column holds values to predict.
    """
    table = read_table(path, label_column)
    if not table.labels:
        raise InputError(
            f"{path}: the label column holds values, not labels. Choose another column with "
            "--label-column, or fit the values: nnguide blueprint train --data " + str(path)
        )
    whole = Examples(
        table.inputs.astype(np.float32), table.y, table.labels, features=table.features
    )
    return splits.part(whole, split, split_seed)


def read_inputs(path: Path, features: tuple[str, ...]) -> np.ndarray:
    """The columns `features` of a CSV file, (n, features) float64, other columns left out.

    Raises:
        DataError: no such file. InputError: a column is missing, or a cell is no number.
    """
    header, rows = _read(path)
    if missing := [name for name in features if name not in header]:
        raise InputError(f"{path} has no column {', '.join(missing)}; it has {', '.join(header)}")
    places = [header.index(name) for name in features]
    return np.array(
        [[_number(row[i], path, line, header[i]) for i in places] for line, row in rows]
    )


def _read(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each row that is not empty with its line number."""
    if not path.is_file():
        raise DataError(f"there is no file {path}. Expected a CSV file of numbers.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if not lines:
        raise InputError(f"{path} is empty; expected a header line and rows of numbers")
    header = [name.strip() for name in lines[0][1]]
    if all(_is_number(name) for name in header):
        raise InputError(f"{path}: expected a header line with names; got {','.join(header)}")
    if len(header) < 2 or len(set(header)) < len(header) or "" in header:
        raise InputError(
            f"{path}: expected two or more columns with different names; got {','.join(header)}"
        )
    for line, row in lines[1:]:
        if len(row) != len(header):
            raise InputError(f"{path}, line {line}: expected {len(header)} columns; got {len(row)}")
    return header, lines[1:]


def _number(cell: str, path: Path, line: int, column: str) -> float:
    if not _is_number(cell):
        got = repr(cell) if cell.strip() else "nothing"
        raise InputError(
            f"{path}, line {line}, column {column}: expected a number; got {got}. "
            "Leave the row out, or write a number."
        )
    return float(cell)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _labels(
    cells: list[tuple[int, str]], path: Path, column: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers and names, or values and ()."""
    if len(cells) < 10:
        raise InputError(f"{path}: expected 10 rows or more to learn from; got {len(cells)}")
    for line, cell in cells:
        if not cell:
            raise InputError(f"{path}, line {line}, column {column}: the label is missing")
    values = sorted({cell for _, cell in cells})
    numeric = all(_is_number(value) for value in values)
    if numeric and not (
        len(values) <= MOST_CLASSES and all(float(value).is_integer() for value in values)
    ):
        return np.array([float(cell) for _, cell in cells]), ()
    if numeric:
        values.sort(key=float)
    if len(values) < 2 or len(values) > 100:
        raise InputError(f"{path}: expected 2 to 100 classes in {column}; got {len(values)}")
    place = {value: i for i, value in enumerate(values)}
    return np.array([place[cell] for _, cell in cells]), tuple(values)
