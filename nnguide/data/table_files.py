"""The one reader of tables: CSV, TSV and JSON lines, packed by gzip or not, to numbered rows.

A file is read line by line, so that its size does not matter and an error names its line. Line
ends may be those of Unix, Windows or an old Mac. Text is UTF-8, unless an encoding is given.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from nnguide.data import user_data
from nnguide.errors import ConfigError, InputError

SUFFIXES = (".csv", ".tsv", ".jsonl")
PACKED = tuple(f"{suffix}.gz" for suffix in SUFFIXES)
MAX_FILE = 2 << 30  # bytes, unpacked
MAX_DECODED = 256 << 20  # bytes of a file in UTF-16 or UTF-32, which is decoded as a whole
MAX_TEXT = 1_000_000  # characters of one field
MAX_LINE = 16 << 20  # bytes; JSON writes a character with up to 12
HEAD = 1 << 20  # bytes in which the first line's end is looked for
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
DELIMITERS = (",", ";", "\t", "|")

Record = tuple[int, list[str] | InputError]  # line (from 1), its fields or why it has none


def form(path: Path) -> str:
    """What the name of a file says of its form: "csv", "tsv", "jsonl", or "" for any other."""
    name = path.name.lower().removesuffix(".gz")
    return next((suffix[1:] for suffix in SUFFIXES if name.endswith(suffix)), "")


def check_encoding(encoding: str | None) -> str | None:
    """The name of a codec of texts, or None for UTF-8.

    Raises:
        ConfigError: Python knows no such encoding.
    """
    if not encoding:
        return None
    try:
        found = codecs.lookup(encoding)
        b"".decode(found.name)
    except LookupError as error:
        raise ConfigError(
            f"--encoding takes the name of a text encoding, as utf-8, windows-1252, latin-1 or "
            f"utf-16; got {encoding!r}."
        ) from error
    return None if found.name == "utf-8" else found.name


def lines(path: Path, encoding: str | None = None, quoted: bool = False) -> Iterator[str]:
    """The lines of a text file, each with its line end.

    Args:
        path: a file, packed by gzip or not.
        encoding: None is UTF-8; a byte order mark is no part of the text.
        quoted: line ends within double quotes do not end the first line.
    Raises:
        InputError: the file is too large, no text, or of another encoding; the line is named.
    """
    encoding = check_encoding(encoding)
    try:
        if path.stat().st_size > MAX_FILE:
            raise _too_large(path)
        with _opened(path, encoding) as file:
            head = file.read(HEAD)
            decoded = "utf-8" if _is_wide(encoding) else encoding or "utf-8"
            raw = _pieces(path, head, file, _line_end(head, quoted))
            for number, line in enumerate(raw, 1):
                if number == 1:
                    line = line.removeprefix(BOM)
                    if not line:
                        continue
                yield _decoded(path, number, line, decoded)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: expected a whole gzip file; got: {error}.") from error
    except OSError as error:
        raise user_data.unreadable(path, error) from error


def _opened(path: Path, encoding: str | None) -> IO[bytes]:
    """The bytes of a file, unpacked, and in UTF-8 where a line's end is more than a byte."""
    opened: Any = path.open("rb")
    if opened.read(2) == GZIP:
        opened.seek(0)
        opened = gzip.GzipFile(fileobj=opened)
    else:
        opened.seek(0)
    if not _is_wide(encoding):
        return opened
    with opened:
        content = opened.read(MAX_DECODED + 1)
    if len(content) > MAX_DECODED:
        raise InputError(f"{path}: expected at most {MAX_DECODED >> 20} MB in {encoding}.")
    try:
        text = content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected {encoding}; got other bytes ({error}).") from error
    return io.BytesIO(text.encode("utf-8", "surrogatepass"))


def _is_wide(encoding: str | None) -> bool:
    return bool(encoding) and "\n".encode(encoding or "utf-8") != b"\n"


def _line_end(head: bytes, quoted: bool) -> bytes:
    """What ends the lines of a file that begins with `head`: CR only where the first line's is."""
    if b"\r" not in head:
        return b"\n"
    inside = False
    start = 0
    while True:
        places = [head.find(mark, start) for mark in (b"\r", b"\n", *([b'"'] if quoted else []))]
        place = min((p for p in places if p >= 0), default=-1)
        if place < 0:
            return b"\n"
        if head[place : place + 1] == b'"':
            inside = not inside
        elif not inside:
            if head[place : place + 1] == b"\n":
                return b"\n"
            if head[place + 1 : place + 2] == b"\n":
                return b"\n"
            # quoted: the first unquoted end decides; else a CR within a text is no line's end
            return b"\r" if quoted or b"\n" not in head else b"\n"
        start = place + 1


def _pieces(path: Path, head: bytes, file: IO[bytes], end: bytes) -> Iterator[bytes]:
    """The lines of what begins with `head` and goes on in `file`, each with its end."""
    rest, total, number = head, len(head), 0
    while True:
        *ended, rest = rest.split(end)
        for line in ended:
            number += 1
            yield line + end
        if len(rest) > MAX_LINE:
            raise InputError(
                f"{path}, line {number + 1}: expected at most {MAX_LINE >> 20} MB a line; got "
                "more. Is it a table with a text a line?"
            )
        chunk = file.read(HEAD)
        total += len(chunk)
        if total > MAX_FILE:
            raise _too_large(path)
        if not chunk:
            break
        rest += chunk
    if rest:
        yield rest


def _too_large(path: Path) -> InputError:
    return InputError(
        f"{path}: expected at most {MAX_FILE >> 30} GiB; got more. Split it, or use less of it."
    )


def _decoded(path: Path, number: int, line: bytes, encoding: str) -> str:
    if len(line) > MAX_LINE:
        raise InputError(
            f"{path}, line {number}: expected at most {MAX_LINE >> 20} MB a line; got more. "
            "Is it a table with a text a line?"
        )
    if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path}: expected UTF-8; got UTF-16. Read it with --encoding utf-16.")
    if b"\0" in line:
        raise InputError(
            f"{path}, line {number}: expected text; got a NUL byte. If it is a table, it may be "
            "in another encoding, as --encoding utf-16-le, or damaged."
        )
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        advice = (
            f"If the file is in Windows-1252 or Latin-1, add --encoding {other}."
            if (other := "windows-1252") and encoding == "utf-8"
            else "Is it in another encoding?"
        )
        raise InputError(
            f"{path}, line {number}: expected {encoding.upper()}; got the byte "
            f"0x{line[error.start]:02x} at position {error.start + 1}. {advice}"
        ) from error


def records(path: Path, encoding: str | None, delimiter: str) -> Iterator[Record]:
    """The rows of a CSV or TSV file, each with the number of its first line; blank ones are none.

    A first line `sep=;` gives the delimiter, as spreadsheets write it. A row that has not as
    many fields as the first one is an InputError in its place.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_TEXT))  # never lowered: it is global
    source, start = lines(path, encoding, quoted=True), 1
    first = next(source, "")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        delimiter, start, first = first.strip()[-1], 2, next(source, "")
    reader = csv.reader(_chained(first, source), delimiter=delimiter, strict=True)
    skipped, wanted = start - 1, 0
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                wanted = wanted or len(fields)
                yield start, fields if len(fields) == wanted else _uneven(fields, wanted)
            start = skipped + reader.line_num + 1
    except csv.Error as error:
        reason = str(error).replace(" - do you need to open the file with newline=''?", "")
        raise InputError(
            f"{path}, from line {start}: expected fields of at most {MAX_TEXT:,} characters, "
            f'those with line ends in "double quotes", quotes inside doubled; got: {reason}.'
        ) from error


def _chained(first: str, source: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from source


def _uneven(fields: Sequence[str], wanted: int) -> InputError:
    return InputError(
        f"expected {wanted} fields as in the first line; got {len(fields)}. "
        'Put a text that holds the delimiter in "double quotes"'
    )


def first_rows(path: Path, encoding: str | None, delimiter: str) -> list[list[str]]:
    """The fields of the first two rows, where `delimiter` parts them; fewer where it cannot."""
    found: list[list[str]] = []
    try:
        for _, fields in records(path, encoding, delimiter):
            if isinstance(fields, list):
                found.append(fields)
            if len(found) == 2:
                break
    except InputError as error:
        if "from line" not in str(error):  # another delimiter cannot help
            raise
    return found


def json_records(
    path: Path, encoding: str | None
) -> Iterator[tuple[int, dict[str, Any] | InputError]]:
    """The objects of a file of JSON lines, each with its line; blank lines are none."""
    for number, line in enumerate(lines(path, encoding), 1):
        if line.strip():
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
