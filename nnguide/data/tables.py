"""Tables of labelled texts: CSV, TSV, JSON lines, and the form of the SMS Spam Collection.

A file is read line by line, so that its size does not matter and an error names its line.
Every reader gives rows of (line, label, text); labels are 0 for ham and 1 for spam.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnguide.data import user_data
from nnguide.errors import ConfigError, InputError

SUFFIXES = (".csv", ".tsv", ".jsonl")
MAX_FILE = 2 << 30  # bytes
MAX_TEXT = 1_000_000  # characters of one field
MAX_LINE = 16 << 20  # bytes; JSON writes a character with up to 12
LABELS = {"ham": 0, "0": 0, "false": 0, "spam": 1, "1": 1, "true": 1}
BOM = b"\xef\xbb\xbf"
COLUMNS_HELP = "Name the columns with --label-column and --text-column."

Row = tuple[int, int, str]  # line (from 1), label, text


@dataclass(frozen=True)
class Columns:
    """What the user calls the columns; None: "label" and "text"."""

    label: str | None = None
    text: str | None = None

    @property
    def named(self) -> list[str]:
        return [name for name in (self.label, self.text) if name]

    def find(self, path: Path, names: Sequence[str]) -> tuple[int, int] | None:
        """Where the label and the text are among `names`; None if they are not.

        Raises:
            ConfigError: a column that the user named is not there, or both are the same.
            InputError: a name occurs twice.
        """
        found = [
            _position(path, names, wanted, given)
            for wanted, given in (
                (self.label or "label", self.label),
                (self.text or "text", self.text),
            )
        ]
        label, text = found
        if label is None or text is None:
            return None
        if label == text:
            raise ConfigError(
                f"label and text are two columns of {path}; both are named {names[label]!r}."
            )
        return label, text


def _position(path: Path, names: Sequence[str], wanted: str, given: str | None) -> int | None:
    """Where `wanted` is: the same name, else the same but for case and white space."""
    matches = [i for i, name in enumerate(names) if name == wanted] or [
        i for i, name in enumerate(names) if name.strip().casefold() == wanted.strip().casefold()
    ]
    if len(matches) > 1:
        raise InputError(f"{path}: expected one column named {wanted!r}; got {len(matches)}.")
    if not matches and given:
        raise ConfigError(
            f"{path} has no column {wanted!r}; it has {_quoted(names)}. {COLUMNS_HELP}"
        )
    return matches[0] if matches else None


def read(path: Path, columns: Columns) -> tuple[list[int], list[str]]:
    """Labels (0 ham, 1 spam) and texts of a table, in its order.

    `.csv` and `.tsv` are read with their quotes, `.jsonl` as one object a line, any other file
    in the form of the SMS Spam Collection: a label, a tab, the text to the line's end, quotes
    being plain characters. A `.tsv` whose every line begins with ham or spam and a tab is in
    that form too. Blank lines are skipped.

    Raises:
        ConfigError: a column that the user named is not there.
        InputError: anything else that is wrong with the file; the message has the line.
    """
    size = path.stat().st_size
    if size > MAX_FILE:
        raise InputError(
            f"{path}: expected at most {MAX_FILE >> 30} GiB; got {size / 2**30:.1f} GiB. "
            "Divide it, or take a part of it."
        )
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        rows = _json_rows(path, columns)
    elif suffix == ".csv":
        rows = _separated_rows(path, columns, ",")
    elif suffix == ".tsv" and (columns.named or not _is_collection(path)):
        rows = _separated_rows(path, columns, "\t")
    else:
        rows = _collection_rows(path, columns)

    labels: list[int] = []
    texts: list[str] = []
    for line, label, text in rows:
        _check_text(path, line, text)
        labels.append(label)
        texts.append(text)
        if len(texts) > user_data.MAX_EXAMPLES:
            raise InputError(
                f"{path}: expected at most {user_data.MAX_EXAMPLES:,} texts; got more."
            )
    if not texts:
        raise InputError(f"{path}: expected labelled texts; the file has none.")
    return labels, texts


# Lines


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, each with its number and its line end."""
    try:
        with path.open("rb") as file:
            if not (first := file.readline(MAX_LINE + 1).removeprefix(BOM)):
                return
            number, line = 1, first
            while line:
                yield number, _decoded(path, number, line)
                number, line = number + 1, file.readline(MAX_LINE + 1)
    except OSError as error:
        raise user_data.unreadable(path, error) from error


def _decoded(path: Path, number: int, line: bytes) -> str:
    if len(line) > MAX_LINE:
        raise InputError(
            f"{path}, line {number}: expected at most {MAX_LINE >> 20} MB a line; got more. "
            "Is it a table with a text a line?"
        )
    if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            f"{path}: expected UTF-8; got UTF-16. "
            f"Convert it: iconv -f UTF-16 -t UTF-8 {path.name} > utf8-{path.name}"
        )
    if b"\0" in line:
        raise InputError(
            f"{path}, line {number}: expected text; got a NUL byte. "
            f"If it is a text file, remove them: tr -d '\\0' < {path.name} > clean-{path.name}"
        )
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {number}: expected UTF-8; got the byte 0x{line[error.start]:02x} at "
            f"position {error.start + 1}. If the file is in Latin-1 or Windows-1252, convert it: "
            f"iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8-{path.name}"
        ) from error


def _check_text(path: Path, line: int, text: str) -> None:
    if len(text) > MAX_TEXT:
        raise InputError(
            f"{path}, line {line}: expected a text of at most {MAX_TEXT:,} characters; "
            f"got {len(text):,}. Shorten or remove it."
        )


def _label(path: Path, line: int, value: str) -> int:
    try:
        return LABELS[value.strip().lower()]
    except KeyError:
        raise InputError(
            f"{path}, line {line}: expected the label spam or ham, 1 or 0, true or false; "
            f"got {_quoted([value])}."
        ) from None


def _quoted(values: Sequence[object]) -> str:
    """`values` for a message: escaped, none of them long."""
    return user_data.listed([ascii(str(value)[:40])[:60] for value in values])


# The forms


def _is_collection(path: Path) -> bool:
    """Whether every line is ham or spam, a tab and a text, as in the SMS Spam Collection."""
    return all(line.startswith(("ham\t", "spam\t")) for _, line in _lines(path) if line.strip())


def _collection_rows(path: Path, columns: Columns) -> Iterator[Row]:
    if columns.named:
        raise ConfigError(
            f"{path} has no named columns: each line is a label, a tab and a text. Leave out "
            f"--label-column and --text-column, or give a {', '.join(SUFFIXES)} file."
        )
    for number, line in _lines(path):
        if not line.strip():
            continue
        label, tab, text = line.removesuffix("\n").removesuffix("\r").partition("\t")
        if not tab:
            raise InputError(
                f"{path}, line {number}: expected a label, a tab and a text; got no tab. "
                f"Tables of other forms are known by their names: {', '.join(SUFFIXES)}."
            )
        yield number, _label(path, number, label), text


def _records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV or TSV file, each with the number of its first line."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_TEXT))  # never lowered: it is global
    reader = csv.reader((line for _, line in _lines(path)), delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        reason = str(error).replace(" - do you need to open the file with newline=''?", "")
        raise InputError(
            f"{path}, from line {start}: expected fields of at most {MAX_TEXT:,} characters, "
            f'those with line ends in "double quotes", quotes inside doubled; got: {reason}.'
        ) from error


def _separated_rows(path: Path, columns: Columns, delimiter: str) -> Iterator[Row]:
    records = _records(path, delimiter)
    first = next(records, None)
    if first is None:
        return
    line, names = first
    where = columns.find(path, names)
    if where is None:
        if len(names) != 2 or names[0].strip().lower() not in LABELS:
            raise InputError(
                f"{path}, line {line}: expected a header with the columns label and text, or two "
                "columns without a header, label (spam or ham, 1 or 0, true or false) and text; "
                f"got {_quoted(names)}. {COLUMNS_HELP}"
            )
        where = (0, 1)
        yield line, _label(path, line, names[0]), names[1]
    for line, fields in records:
        if len(fields) != len(names):
            raise InputError(
                f"{path}, line {line}: expected {len(names)} fields as in the first line; got "
                f'{len(fields)}. Put a text that holds the delimiter in "double quotes".'
            )
        yield line, _label(path, line, fields[where[0]]), fields[where[1]]


def _json_rows(path: Path, columns: Columns) -> Iterator[Row]:
    keys: tuple[str, str] | None = None
    for number, line in _lines(path):
        if not line.strip():
            continue
        record = _json_object(path, number, line)
        if keys is None:
            names = list(record)
            where = columns.find(path, names)
            if where is None:
                raise InputError(
                    f"{path}, line {number}: expected the keys label and text; got "
                    f"{_quoted(names)}. {COLUMNS_HELP}"
                )
            keys = names[where[0]], names[where[1]]
        if missing := [key for key in keys if key not in record]:
            raise InputError(
                f"{path}, line {number}: expected the keys {_quoted(keys)} as in the first "
                f"object; {_quoted(missing)} is missing."
            )
        label, text = record[keys[0]], record[keys[1]]
        if not isinstance(text, str) or any("\ud800" <= c <= "\udfff" for c in text):
            got = "half of a surrogate pair" if isinstance(text, str) else type(text).__name__
            raise InputError(f"{path}, line {number}: expected a text in {keys[1]!a}; got {got}.")
        if not isinstance(label, str | bool | int):
            label = json.dumps(label)
        yield number, _label(path, number, str(label)), text


def _json_object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}, line {number}: expected a JSON object, as "
            f'{{"label": "ham", "text": "See you"}}; got: {error}.'
        ) from error
    if not isinstance(record, dict):
        raise InputError(
            f"{path}, line {number}: expected a JSON object with label and text, one a line; "
            f"got {type(record).__name__}."
        )
    return record
