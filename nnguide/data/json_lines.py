"""Reading of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnguide.data.table_files import each_line, lines
from nnguide.errors import InputError


def json_records(
    path: Path, encoding: str | None
) -> Iterator[tuple[int, dict[str, Any] | InputError]]:
    """Yield the objects of JSON lines, with their line numbers.

    Blank lines are skipped.
    """
    for number, line in enumerate(lines(path, encoding), 1):
        if line.strip():
            yield number, _json_object(line)


def each_json_record(
    path: Path, encoding: str | None
) -> Iterator[tuple[int, dict[str, Any] | InputError]]:
    """Yield objects as `json_records`, from a file of any size.

    A line that is not text does not stop the others from being read.
    """
    for number, (line, error) in enumerate(each_line(path, encoding), 1):
        if error is not None:
            yield number, error
        elif line.strip():
            yield number, _json_object(line)


def _json_object(line: str) -> dict[str, Any] | InputError:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return InputError(
            f'expected a JSON object, as {{"label": "ham", "text": "See you"}}; got: {error}'
        )
    if not isinstance(record, dict):
        return InputError(
            f"expected a JSON object with label and text, one a line; got {type(record).__name__}"
        )
    return record
