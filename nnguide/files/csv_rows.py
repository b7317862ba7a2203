"""Reading and writing of CSV.

All rows of comma-separated values that nnguide reads and writes go through here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any


class RowError(ValueError):
    """A row that cannot be parsed.

    Its quotes are wrong, a field is too long, or it has a wrong number of fields.
    """


def read(
    lines: Iterable[str], delimiter: str = ",", is_spaced: bool = False
) -> Iterator[list[str]]:
    """Yield the fields of each row.

    A field in quotes may hold line ends.

    Args:
        is_spaced: whether a blank after a delimiter belongs to no field.
    Raises:
        RowError: quotes that do not end as they should, or a field that is too long.
    """
    try:
        yield from csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=is_spaced)
    except csv.Error as error:
        raise RowError(str(error)) from error


def columns(text: str) -> dict[str, list[str]]:
    """Return the columns of a table by their names.

    The first row has the names; empty rows are left out.

    Raises:
        RowError: as of `read`, or a row has other than as many fields as the first.
    """
    header, *rows = [row for row in read(io.StringIO(text)) if row] or [[]]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise RowError(f"row {number} has {len(row)} fields, the first {len(header)}")
    return {name: [row[at] for row in rows] for at, name in enumerate(header)}


def accept_fields_of(length: int) -> None:
    """Allow fields of up to `length` characters.

    The limit holds for the whole process.
    """
    csv.field_size_limit(max(csv.field_size_limit(), length))


def text(rows: Iterable[Iterable[Any]]) -> str:
    """Write rows of values as CSV; None is an empty field."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue()
