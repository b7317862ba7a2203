"""Reader of tables: CSV, TSV and JSON lines to numbered rows.

Files may be packed by gzip. A file is read line by line, so that its size does not matter and an
error names its line. Line ends may be those of Unix, Windows or an old Mac. Text is UTF-8, unless
an encoding is given.
"""

from __future__ import annotations

import gzip
import io
import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from nnguide.data import other_forms, user_data
from nnguide.errors import InputError
from nnguide.files import csv_rows, reading

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
    """Return "csv", "tsv", "jsonl" or "", by a file's name."""
    name = path.name.lower().removesuffix(".gz")
    return next((suffix[1:] for suffix in SUFFIXES if name.endswith(suffix)), "")


def lines(path: Path, encoding: str | None = None, quoted: bool = False) -> Iterator[str]:
    """Yield the lines of a text file, with their line ends.

    Args:
        path: a file, packed by gzip or not.
        encoding: None is UTF-8; a byte order mark is no part of the text.
        quoted: line ends within double quotes do not end the first line.
    Raises:
        InputError: the file is too large, no text, or of another encoding; the line is named.
    """
    for line, error in each_line(path, encoding, quoted, MAX_FILE):
        if error is not None:
            raise error
        yield line


def each_line(
    path: Path, encoding: str | None = None, quoted: bool = False, most: float = math.inf
) -> Iterator[tuple[str, InputError | None]]:
    """Yield each line of a text file, and its error.

    The error is None for a good line. The file may have any size. A bad line does not stop the
    others from being read. Its bytes that are not text are escaped as Python does, so the text
    around them can still be read.

    Args:
        path, encoding, quoted: as for `lines`.
        most: bytes, unpacked.
    Raises:
        InputError: the file is too large, damaged, or cannot be read.
    """
    encoding = reading.check_encoding(encoding)
    try:
        if path.stat().st_size > most:
            raise _too_large(path)
        with _opened(path, encoding) as file:
            head = file.read(HEAD)
            if (other := other_forms.named(head)) is not None:
                kind, advice = other
                raise InputError(f"{path}: expected a table or text; got {kind}. {advice}.")
            decoded = "utf-8" if _is_wide(encoding) else encoding or "utf-8"
            raw = _pieces(path, head, file, _line_end(head, quoted), most)
            for number, line in enumerate(raw, 1):
                if isinstance(line, InputError):
                    yield "", line
                    continue
                if number == 1:
                    line = line.removeprefix(BOM)
                    if not line:
                        continue
                try:
                    yield _decoded(path, number, line, decoded), None
                except InputError as error:
                    yield line.decode(decoded, "surrogateescape"), error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: expected a whole gzip file; got: {error}.") from error
    except OSError as error:
        raise user_data.unreadable(path, error) from error


def _opened(path: Path, encoding: str | None) -> IO[bytes]:
    """Open the bytes of a file, unpacked.

    They are UTF-8 where a line's end is more than a byte.
    """
    opened: Any = reading.opened(path)
    if opened.peek(2).startswith(GZIP):
        opened = gzip.GzipFile(fileobj=opened)
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
    """Return the line end of a file that begins with `head`.

    It is CR only where the first line's is.
    """
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


def _pieces(
    path: Path, head: bytes, file: IO[bytes], end: bytes, most: float
) -> Iterator[bytes | InputError]:
    """Yield lines that begin with `head` and continue in `file`.

    In the place of a line that is too long stands an error.
    """
    rest, total, number = head, len(head), 0
    skipping = False  # the rest of a line that is too long
    while True:
        *ended, rest = rest.split(end)
        for line in ended:
            if skipping:
                skipping = False
                continue
            number += 1
            yield line + end
        if skipping:
            rest = b""
        elif len(rest) > MAX_LINE:
            number += 1
            yield InputError(
                f"{path}, line {number}: expected at most {MAX_LINE >> 20} MB a line; got "
                "more. Is it a table with a text a line?"
            )
            skipping, rest = True, b""
        chunk = file.read(HEAD)
        total += len(chunk)
        if total > most:
            raise _too_large(path)
        if not chunk:
            break
        rest += chunk
    if rest and not skipping:
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
    """Yield the rows of a table with their line numbers.

    The number is that of a row's first line. Blank rows are skipped. A first line `sep=;` gives the
    delimiter, as spreadsheets write it. A row that has not as many fields as the first one is an
    InputError in its place.
    """
    return _each_row(_Lines((line, None) for line in lines(path, encoding, True)), path, delimiter)


def first_record(path: Path, rows: Iterator[Record]) -> tuple[int, list[str]] | None:
    """Return the first row, a file's header; None if empty.

    Raises:
        InputError: it cannot be parsed.
    """
    line, fields = next(rows, (0, None))
    if isinstance(fields, InputError):
        raise InputError(f"{path}, from line {line}: {fields}")
    return None if fields is None else (line, fields)


def each_record(path: Path, encoding: str | None, delimiter: str) -> Iterator[Record]:
    """Yield rows as `records`, from a file of any size.

    A bad row does not stop the others from being read. A row whose bytes are no text is an
    InputError too.
    """
    return _each_row(_Lines(each_line(path, encoding, True)), path, delimiter)


def _each_row(source: _Lines, path: Path, delimiter: str) -> Iterator[Record]:
    """Yield the rows of a file, despite wrong quotes.

    The line at which they begin is an InputError, and those after it are rows of their own.
    """
    while True:
        try:
            yield from _records(source, path, delimiter)
            return
        except _QuotesError as error:
            yield source.first, InputError(str(error).partition(": ")[2])
            source.go_back()


class _QuotesError(InputError):
    """A row of a CSV file that cannot be parsed."""


class _Lines:
    """Lines for a parser that joins them to rows.

    They can be taken back.

    Attributes:
        first: the number, from 1, of the row's first line.
        wanted: how many fields a row has; 0 before the first.
        delimiter: that a first line `sep=;` gave; "" where there is none.
        is_spaced: whether a blank follows each delimiter, as it does in the first line.
    """

    def __init__(self, source: Iterator[tuple[str, InputError | None]]) -> None:
        self._source = source
        self._row: list[tuple[str, InputError | None]] = []
        self._again: list[tuple[str, InputError | None]] = []  # taken back, the next one last
        self.first, self.wanted, self.delimiter, self.is_spaced = 1, 0, "", False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._source)
        self._row.append(line)
        return line[0]

    def begin(self) -> None:
        """Begin a row with the next line."""
        self.first += len(self._row)
        self._row.clear()

    def take_back(self) -> None:
        """Put back the row's last line to be read again."""
        self._again += self._row[-1:]
        del self._row[-1:]

    def go_back(self) -> None:
        """Put back all but the row's first line."""
        self._again += self._row[:0:-1]
        del self._row[1:]
        self.begin()

    @property
    def error(self) -> InputError | None:
        """Error of a line of the row, or None."""
        return next((error for _, error in self._row if error is not None), None)


def _records(source: _Lines, path: Path, delimiter: str) -> Iterator[Record]:
    csv_rows.accept_fields_of(MAX_TEXT)
    if source.first == 1 and not source.wanted:
        first = next(source, "")
        if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
            source.delimiter = first.strip()[-1]
        else:
            source.take_back()
        source.begin()
    delimiter = source.delimiter or delimiter
    if source.first == 1 and not source.wanted:
        first = next(source, "")
        source.take_back()
        source.is_spaced = 0 < first.count(delimiter) == first.count(f"{delimiter} ")
    try:
        for fields in csv_rows.read(source, delimiter, source.is_spaced):
            if (error := source.error) is not None:
                yield source.first, error
            elif any(field.strip() for field in fields):
                source.wanted = source.wanted or len(fields)
                right = len(fields) == source.wanted
                yield source.first, fields if right else _uneven(fields, source.wanted)
            source.begin()
    except csv_rows.RowError as error:
        reason = str(error).replace(" - do you need to open the file with newline=''?", "")
        raise _QuotesError(
            f"{path}, from line {source.first}: expected fields of at most {MAX_TEXT:,} "
            'characters, those with line ends in "double quotes", quotes inside doubled; '
            f"got: {reason}."
        ) from error


def _uneven(fields: Sequence[str], wanted: int) -> InputError:
    return InputError(
        f"expected {wanted} fields as in the first line; got {len(fields)}. "
        'Put a text that holds the delimiter in "double quotes"'
    )


def first_rows(path: Path, encoding: str | None, delimiter: str) -> list[list[str]]:
    """Return the fields of the first two rows.

    There are fewer where `delimiter` does not separate them.
    """
    rows = (fields for _, fields in each_record(path, encoding, delimiter))
    return [fields for fields in itertools.islice(rows, 2) if isinstance(fields, list)]


def likely_delimiter(path: Path, encoding: str | None) -> str:
    """Return the delimiter with the most fields in the first two rows."""

    def most_fields(delimiter: str) -> int:
        return max(map(len, first_rows(path, encoding, delimiter)), default=0)

    return max(DELIMITERS, key=most_fields)
