"""Tables of numbers.

A row that cannot be used is named with its line; the others are read.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnguide.data import splits, table_files, user_data
from nnguide.data.examples import Examples, LeftOut
from nnguide.errors import ConfigError, InputError

MOST_CLASSES = 20  # a numeric label column with more values than this is a regression's

Row = tuple[int, list[str] | InputError]  # line (from 1), its fields or why it has none


@dataclass(frozen=True)
class Table:
    """Rows of a table.

    Attributes:
        inputs: (n, features) float64.
        y: class numbers (n,) int64, or a regression's values (n,) float64.
        labels: the classes' names in the order of their numbers; () for a regression.
        features: the names of the input columns.
        left_out: the rows that cannot be used.
    """

    inputs: np.ndarray
    y: np.ndarray
    labels: tuple[str, ...]
    features: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def read_table(path: Path, label_column: str | None = None, encoding: str | None = None) -> Table:
    """Read a table with a header, numeric inputs and a label column.

    A label column of words, or of at most MOST_CLASSES whole numbers, names classes; other
    numbers are values to predict. Rows that cannot be used are left out, with a warning.

    Args:
        path: a CSV or TSV file, packed by gzip or not; of the usual delimiters that which fits.
        label_column: None is the last one.
        encoding: None is UTF-8.
    Raises:
        DataError: no such file. ConfigError: no such label column.
        InputError: no table, no header, no usable row, fewer than ten or a single class.
    """
    header, rows = _read(path, encoding)
    wanted = header[-1] if label_column is None else label_column
    if wanted not in header:
        raise ConfigError(
            f"{path} has no column {wanted!r}; its columns are {', '.join(header)}. "
            "Choose one with --label-column."
        )
    at = header.index(wanted)
    places = [place for place in range(len(header)) if place != at]
    inputs: list[list[float]] = []
    cells: list[str] = []
    bad: list[LeftOut] = []
    for line, row in rows:
        try:
            numbers = _numbers(row, places, header)
            if not (cell := row[at].strip()):  # type: ignore[index]  # an error is raised above
                raise InputError(f"column {wanted}: the label is missing")
        except InputError as error:
            bad.append(LeftOut(f"line {line}", str(error)))
            continue
        inputs.append(numbers)
        cells.append(cell)
    left_out = user_data.leave_out(path, "rows", bad, len(cells) + len(bad))
    y, labels = _labels(cells, path, wanted)
    features = tuple(header[place] for place in places)
    return Table(np.array(inputs), y, labels, features, left_out)


def read(
    path: Path,
    split: str,
    *,
    split_seed: int = 0,
    label_column: str | None = None,
    encoding: str | None = None,
) -> Examples:
    """Read the examples of a table with labels.

    They are its "train" or "test" rows, 80/20, or "all".

    Raises:
        As `read_table`; InputError where the label column holds values to predict.
    """
    table = read_table(path, label_column, encoding)
    if not table.labels:
        raise InputError(
            f"{path}: the label column holds values, not labels. Choose another column with "
            "--label-column, or fit the values: nnguide blueprint train --data " + str(path)
        )
    whole = Examples(
        table.inputs.astype(np.float32),
        table.y,
        table.labels,
        features=table.features,
    )
    return dataclasses.replace(splits.take(whole, split, split_seed), left_out=table.left_out)


def read_inputs(
    path: Path, features: tuple[str, ...], encoding: str | None = None
) -> Iterator[tuple[int, list[float] | InputError]]:
    """Yield the columns `features` of each row, with its line.

    In the place of a row that cannot be used is an InputError.

    Raises:
        DataError: no such file. InputError: no such table, or a column is missing.
    """
    header, rows = _read(path, encoding)
    if missing := [name for name in features if name not in header]:
        raise InputError(f"{path} has no column {', '.join(missing)}; it has {', '.join(header)}")
    places = [header.index(name) for name in features]
    for line, row in rows:
        try:
            yield line, _numbers(row, places, header)
        except InputError as error:
            yield line, error


def _read(path: Path, encoding: str | None) -> tuple[list[str], Iterator[Row]]:
    """Return the header, and the rows that are not blank."""
    user_data.check(path, "all")
    if path.is_dir():
        raise InputError(f"{path}: expected a table of numbers (CSV or TSV); got a folder.")
    delimiter = table_files.likely_delimiter(path, encoding)
    rows = table_files.records(path, encoding, delimiter)
    first = table_files.first_record(path, rows)
    if first is None:
        raise InputError(f"{path} is empty; expected a header line and rows of numbers")
    header = [name.strip() for name in first[1]]
    if all(_is_number(name) for name in header):
        got = user_data.listed(header)
        raise InputError(f"{path}: expected a header line with names; got {got}")
    if len(header) < 2 or len(set(header)) < len(header) or "" in header:
        raise InputError(
            f"{path}: expected two or more columns with different names; got "
            f"{user_data.listed([name[:80] for name in header])}"
        )
    return header, rows


def _numbers(row: list[str] | InputError, places: list[int], header: list[str]) -> list[float]:
    if isinstance(row, InputError):
        raise row
    return [_number(row[place], header[place]) for place in places]


def _number(cell: str, column: str) -> float:
    if not _is_number(cell):
        got = repr(cell[:80]) if cell.strip() else "nothing"
        raise InputError(f"column {column}: expected a number; got {got}")
    return float(cell)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _labels(cells: list[str], path: Path, column: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return class numbers and names, or values and ()."""
    if len(cells) < 10:
        raise InputError(f"{path}: expected 10 rows or more to learn from; got {len(cells)}")
    values = sorted(set(cells))
    numeric = all(_is_number(value) for value in values)
    if numeric and not (
        len(values) <= MOST_CLASSES and all(float(value).is_integer() for value in values)
    ):
        return np.array([float(cell) for cell in cells]), ()
    if numeric:
        values.sort(key=float)
    if len(values) < 2 or len(values) > 100:
        raise InputError(f"{path}: expected 2 to 100 classes in {column}; got {len(values)}")
    place = {value: i for i, value in enumerate(values)}
    return np.array([place[cell] for cell in cells]), tuple(values)
