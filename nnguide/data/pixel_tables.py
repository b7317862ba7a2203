"""Pictures as rows of a table.

A row is a label and the grey levels of a square picture, row by row.
"""

from __future__ import annotations

import itertools
import logging
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.data import containers, table_files, user_data
from nnguide.data.examples import LeftOut
from nnguide.data.tables import position
from nnguide.errors import InputError

SIDE = 28
SIDES = range(8, 65)  # of the square pictures that are read
HELP = (
    "a label and the 784 grey levels of a picture a row (label,pixel0,…,pixel783; also "
    "without a header, or of another square size)"
)

DARK_ON_WHITE = "%s: pictures that are dark on white are read as white on black"

log = logging.getLogger(__name__)
Pixels = tuple[int, str | None, np.ndarray]  # line (from 1), label, (side, side) grey levels


def read(
    path: Path, label_column: str | None, encoding: str | None
) -> tuple[np.ndarray, list[str], tuple[LeftOut, ...]]:
    """Read labelled pictures of a CSV or TSV file.

    Returns:
        (n, 28, 28) uint8 in MNIST's form, their labels, and the rows left out.
    Raises:
        ConfigError: a column that the user named is not there.
        InputError: the file has no such rows, or no labels.
    """
    pictures: list[np.ndarray] = []
    labels: list[str] = []
    bad: list[LeftOut] = []
    for line, label, picture in rows(path, label_column, encoding):
        if isinstance(picture, InputError):
            bad.append(LeftOut(f"line {line}", str(picture)))
            continue
        if label is None:
            raise without_labels(path)
        pictures.append(picture)
        labels.append(label)
        if len(pictures) > user_data.MAX_EXAMPLES:
            raise InputError(
                f"{path}: expected at most {user_data.MAX_EXAMPLES:,} pictures; got more."
            )
    if not pictures and not bad:
        raise InputError(f"{path}: expected {HELP}; the file has no rows.")
    left_out = user_data.leave_out(path, "rows", bad, len(pictures) + len(bad))
    return np.stack(pictures), labels, left_out


def without_labels(path: Path) -> InputError:
    """Return the error for a table of pictures without labels."""
    return InputError(
        f"{path}: expected a column of labels; got pictures alone. `nnguide predict` "
        "takes them; to learn or to measure, add a column called label."
    )


def rows(
    path: Path, label_column: str | None = None, encoding: str | None = None
) -> Iterator[tuple[int, str | None, np.ndarray | InputError]]:
    """Yield the pictures of a table with line and label.

    A label may be None; a picture is (28, 28) uint8. Of pictures of 28 by 28, white on black, the
    levels are taken as they are; others are brought to MNIST's form as a picture file is.
    """
    delimiter = table_files.likely_delimiter(path, encoding)
    records = table_files.records(path, encoding, delimiter)
    first = table_files.first_record(path, records)
    if first is None:
        return
    names = None if all(map(_is_number, first[1])) else first[1]
    if names is None:
        records = itertools.chain([first], records)
    label, pixels = _layout(path, names or [], len(first[1]), label_column)
    if names is None and label == 0:
        sample = list(itertools.islice(records, 2000))
        records = itertools.chain(sample, records)
        rows_ahead = [fields for _, fields in sample if isinstance(fields, list)]
        if len({fields[0] for fields in rows_ahead}) < 2 <= len({f[-1] for f in rows_ahead}):
            log.warning("%s: reading the last column as label: the first is always the same", path)
            label, pixels = len(first[1]) - 1, list(range(len(first[1]) - 1))
    parsed = ((line, _parsed(fields, label, pixels)) for line, fields in records)
    ahead = list(itertools.islice(parsed, 2000))
    levels = [row[1] for _, row in ahead if not isinstance(row, InputError)]
    whole = max((float(candidate.max()) for candidate in levels), default=255.0)
    for line, row in itertools.chain(ahead, parsed):
        if isinstance(row, InputError):
            yield line, None, row
        else:
            yield line, row[0], _picture(path, row[1], whole)


def pictures(table: containers.Table) -> list[Any]:
    """Return the pictures of a table in memory, one per row.

    Each is (28, 28) float32, or the InputError that says why it is not one.

    Raises:
        InputError: its columns are not those of square pictures.
    """
    names = list(table)
    _, places = _layout("the table", names, len(names), None)
    try:
        levels = np.column_stack([np.asarray(table[names[at]], np.float64) for at in places])
    except (ValueError, TypeError) as error:
        raise InputError(f"expected {HELP}; {error}") from error
    checked = [_checked(row) for row in levels]
    whole = max((row.max() for row in checked if not isinstance(row, InputError)), default=255.0)
    images = [
        row if isinstance(row, InputError) else _picture("the table", row, whole) for row in checked
    ]
    return [
        image if isinstance(image, InputError) else image.astype(np.float32) for image in images
    ]


def is_index(name: str) -> bool:
    """Return whether a column's name is that of row numbers.

    pandas writes such columns.
    """
    return re.fullmatch(r"|index|id|unnamed: \d+", name.strip().casefold()) is not None


def _is_number(field: str) -> bool:
    try:
        return math.isfinite(float(field))
    except ValueError:
        return False


def _layout(
    path: Path | str, names: Sequence[str], count: int, label_column: str | None
) -> tuple[int | None, list[int]]:
    """Return the places of the label and of the pixels.

    The label's may be None; those of the pixels are in their order.
    """
    label: int | None = None
    for name in (label_column,) if label_column else containers.LABELS:
        label = position(path, names, name, label_column)
        if label is not None:
            break
    if label is None and math.isqrt(count) ** 2 != count:
        if names:
            raise InputError(
                f"{path}: expected {HELP}; got {count} columns, none of them called "
                f"{', '.join(containers.LABELS)}: {user_data.listed(names)}. "
                "Name it with --label-column."
            )
        label = 0  # without a header it comes first
    pixels = [place for place in range(count) if place != label]
    if math.isqrt(len(pixels)) ** 2 != len(pixels):  # rows may have been numbered
        pixels = [place for place in pixels if not names or not is_index(names[place])]
    side = math.isqrt(len(pixels))
    if side * side != len(pixels) or side not in SIDES:
        raise InputError(
            f"{path}: expected {HELP}; got {len(pixels)} grey levels, which make no "
            f"square of {SIDES[0]} to {SIDES[-1]} pixels."
        )
    numbered = [re.fullmatch(r"\D*(\d+)", names[place]) if names else None for place in pixels]
    if all(numbered):
        pixels.sort(key=lambda place: int(re.sub(r"\D", "", names[place])))
    return label, pixels


def _parsed(
    fields: list[str] | InputError, label: int | None, pixels: list[int]
) -> tuple[str | None, np.ndarray] | InputError:
    if isinstance(fields, InputError):
        return fields
    try:
        levels = np.array([fields[place] for place in pixels], np.float64)
    except ValueError as error:
        return InputError(f"expected numbers as grey levels; {error}")
    checked = _checked(levels)
    if isinstance(checked, InputError):
        return checked
    if label is None:
        return None, levels
    name = fields[label].strip()
    if not name or not name.isprintable():
        return InputError("expected a label; got none")
    return name.removesuffix(".0"), levels


def _checked(levels: np.ndarray) -> np.ndarray | InputError:
    """Return the levels of one picture, or an error.

    It says why they cannot be grey levels.
    """
    if np.isfinite(levels).all() and levels.min() >= 0 and levels.max() <= 255:
        return levels
    return InputError(
        f"expected grey levels in [0, 1] or in 0..255; got {levels.min():g} to {levels.max():g}"
    )


def _picture(path: Path | str, levels: np.ndarray, whole: float) -> np.ndarray | InputError:
    """Return (side * side,) levels as a picture in MNIST's form.

    `whole` is the highest level of the file.
    """
    from nnguide.preprocessing import mnist_form

    white = 1.0 if whole <= 1 else 16.0 if whole <= 16 else 255.0
    if white == 255 and 0 < levels.max() <= 1:
        return InputError("expected grey levels 0-255 as in the other rows; got none above 1")
    side = math.isqrt(len(levels))
    grey = np.clip(levels.reshape(side, side) / white, 0, 1)
    if side == SIDE:
        picture = mnist_form.to_levels(grey)
        if not mnist_form.is_dark_on_white(picture[None])[0]:
            return picture
        log.info(DARK_ON_WHITE, path)
    try:
        return mnist_form.normalise(grey)
    except InputError as error:
        return error
