"""Texts of a table of any size that needs no labels."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnguide.data import json_lines, table_files
from nnguide.data.tables import (
    SAMPLED,
    Columns,
    begins_as_collection,
    checked,
    layout,
    position,
    quoted,
    text_columns,
    without_place,
)
from nnguide.errors import InputError

log = logging.getLogger(__name__)


def texts(path: Path, columns: Columns) -> Iterator[tuple[int, str | InputError]]:
    """Yield the texts of a table without labels, with lines.

    The table may have any size. A bad row does not stop the others from being read: it has an
    InputError in its place.

    Raises:
        ConfigError, InputError: there is no column of texts, or more than one could be it.
    """
    if begins_as_collection(path, columns):
        yield from _collection_texts(path, columns)
        return
    if table_files.form(path) == "jsonl":
        rows: Any = _objects(path, columns.encoding)
    else:
        delimiter, _ = layout(path, columns)
        rows = table_files.each_record(path, columns.encoding, delimiter)
    before: list[tuple[int, InputError]] = []  # bad lines of JSON before the first good one
    while (first := next(rows, None)) and isinstance(first[1], InputError):
        before.append(first)
        if table_files.form(path) != "jsonl":  # without its header nothing can be read
            break
    if first is None or isinstance(first[1], InputError):
        for line, error in before[:1]:
            raise InputError(f"{path}, line {line}: {without_place(path, line, error)}")
        return
    names = list(first[1])
    place = position(path, names, columns.text or "text", columns.text)
    ahead = list(itertools.islice(rows, SAMPLED))
    sample = [
        [value if isinstance(value, str) else json.dumps(value) for value in fields]
        for _, fields in ahead
        if not isinstance(fields, InputError)
    ]
    if place is None and columns.lack_header(names, sample):
        ahead, place = [first, *ahead], 1  # no header
    elif place is None and len(candidates := text_columns(sample, range(len(names)))) == 1:
        place = candidates[0]
        log.warning("%s: reading the column %s", path, quoted([names[place]]))
    if place is None:
        raise InputError(
            f"{path}: expected a column text; got {quoted(names)}. Name it with --text-column."
        )
    for line, fields in itertools.chain(before, ahead, rows):
        if isinstance(fields, InputError):
            yield line, InputError(without_place(path, line, fields))
            continue
        try:
            text = fields[place]
            if text is None or (isinstance(text, str) and not text.strip()):
                raise InputError("expected a text; got none")
            if not isinstance(text, str):
                raise InputError(f"expected a text; got {type(text).__name__}")
            yield line, checked(text)
        except InputError as error:
            yield line, error


def _collection_texts(path: Path, columns: Columns) -> Iterator[tuple[int, str | InputError]]:
    for number, (line, error) in enumerate(table_files.each_line(path, columns.encoding), 1):
        if error is not None:
            yield number, InputError(without_place(path, number, error))
        elif line.strip():
            _, tab, text = line.removesuffix("\n").removesuffix("\r").partition("\t")
            try:
                if not tab or not text.strip():
                    raise InputError("expected a label, a tab and a text")
                yield number, checked(text)
            except InputError as bad:
                yield number, bad


def _objects(path: Path, encoding: str | None) -> Iterator[tuple[int, Any]]:
    """Yield JSON lines as rows of a table.

    The first row is the keys of the first object; the others are values.
    """
    keys: list[str] | None = None
    for number, record in json_lines.each_json_record(path, encoding):
        if isinstance(record, InputError):
            yield number, record
            continue
        if keys is None:
            keys = list(record)
            yield number, keys
        yield number, [record.get(key) for key in keys]
