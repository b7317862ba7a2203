"""Reading of inputs as the command line names them.

They are files, folders, lines and mails.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import re
import select
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nnguide.data import mail
from nnguide.errors import ConfigError, InputError
from nnguide.files import reading
from nnguide.inference import validation

if TYPE_CHECKING:
    from nnguide.data.tables import Columns
    from nnguide.preprocessing.touching import Judge

log = logging.getLogger(__name__)
TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
CHUNK = 2**16  # bytes of a stream that are read together, at most
_LIKE_HEADER = re.compile(rb"\xef\xbb\xbf|\s*(?:From |[!-9;-~]+[ \t]*:)")

# The input's name and its value or an InputError; None where more will come, but later.
Named = Iterator[tuple[str, Any] | None]


def pictures(
    paths: Sequence[str],
    stdin: IO[bytes],
    encoding: str | None = None,
    many: bool = False,
    judge: Judge | None = None,
) -> Named:
    """Yield each picture in MNIST's form, (28, 28) uint8.

    With `many` each digit on each picture is yielded.

    A path is an image file, a folder of them, a table with a picture a row, or - for the bytes of
    one picture on standard input. Files in a folder that are no pictures are named in the log.
    With a `judge`, how sure a network is of digits, those that touch are taken apart.
    """
    from nnguide.preprocessing.pictures import MAX_BYTES, read

    if not paths:
        raise ConfigError("expected image files or folders. As in: nnguide predict digits a.png")
    if list(paths).count("-") > 1:
        raise ConfigError("standard input can be read only once; got - several times")
    for name in paths:
        path = Path(name)
        if not name:  # of an unset variable; it would be the current folder
            yield name, InputError("expected a picture; got an empty name")
            continue
        if name == "-":
            data = stdin.read(MAX_BYTES + 1)
            if many:
                yield from _marks("standard input", data, judge)
            else:
                yield picture("standard input", functools.partial(read, data))
            continue
        if path.name.lower().endswith(TABLES) and path.is_file():
            yield from _rows_of_pixels(path, encoding)
            continue
        try:
            files = images(path)
        except OSError as error:
            yield str(path), InputError(f"cannot be read: {error.strerror}")
            continue
        if not files:
            yield str(path), InputError("the folder holds no image files")
        for file in files:
            if many:
                yield from _marks(str(file), file, judge)
            else:
                yield picture(str(file), functools.partial(read, file))


def picture(name: str, read: Callable[[], Any]) -> tuple[str, Any]:
    """Return a name and its picture, or the picture's error.

    `read` gives the picture as the network takes it.
    """
    try:
        return name, read()
    except InputError as error:
        reason = str(error).removeprefix(f"{name}: ").removeprefix("the picture: ")
        return name, type(error)(reason)


def _marks(name: str, source: Path | bytes, judge: Judge | None) -> Named:
    """Yield each digit on a picture, named NAME#1, NAME#2 and so on."""
    from nnguide.preprocessing.pictures import read_many

    _, marks = picture(name, functools.partial(read_many, source, judge))
    if isinstance(marks, InputError):
        yield name, marks
        return
    for number, mark in enumerate(marks, start=1):
        yield f"{name}#{number}", mark


def _rows_of_pixels(path: Path, encoding: str | None) -> Named:
    from nnguide.data import pixel_tables

    try:
        for line, _, picture in pixel_tables.rows(path, None, encoding):
            yield f"{path}, line {line}", picture
    except InputError as error:
        yield str(path), InputError(str(error).removeprefix(f"{path}: "))


def images(path: Path) -> list[Path]:
    """Return `path` itself, or the pictures in a folder.

    Other files of the folder are named in the log.
    """
    if not path.is_dir():
        return [path]
    from nnguide.data import user_data

    files = _files(path)
    known = user_data.PICTURES | user_data.OTHER_PICTURES
    others = [file for file in files if file.suffix.lower() not in known]
    if others and len(others) < len(files):
        shown = user_data.listed([file.relative_to(path) for file in others])
        log.info("%s: left out, not pictures: %s (%d)", path, shown, len(others))
    return [file for file in files if file.suffix.lower() in known]


def _files(folder: Path) -> list[Path]:
    """Return the files below `folder`, sorted, without hidden ones."""
    paths = (path for path in folder.rglob("*") if not path.name.startswith("."))
    return sorted(path for path in paths if path.is_file())


def rows(
    inputs: Sequence[str], file: Path | None, features: Sequence[str], encoding: str | None = None
) -> Named:
    """Yield rows of numbers from arguments and a table.

    Each INPUT has its numbers between commas; of the table the columns `features` are read.
    """
    if not inputs and file is None:
        raise ConfigError(
            f"expected {len(features)} numbers between commas ({', '.join(features)}), "
            "or --file with a table of them"
        )
    for text in inputs:
        try:
            row = [float(number) for number in text.split(",")]
            yield text, validation.numbers(row, len(features))[0]
        except (ValueError, InputError):
            yield (
                text,
                InputError(
                    f"expected {len(features)} numbers between commas: {', '.join(features)}"
                ),
            )
    if file is not None:
        from nnguide.data.number_tables import read_inputs

        for line, values in read_inputs(file, tuple(features), encoding):
            if isinstance(values, InputError):
                yield f"{file}, line {line}", values
            else:
                yield ",".join(f"{value:g}" for value in values), validation.numbers(values)[0]


def texts(
    messages: Sequence[str],
    files: Sequence[Path],
    mails: Sequence[Path],
    stdin: IO[bytes],
    columns: Columns | None = None,
) -> Named:
    """Yield messages, then lines or rows of files, then mails.

    `-` is standard input.

    Beside `mails`, a message that is the path of a file or folder is one of them; without them it
    is an error: never a message. `columns` are those of tables among the files.
    """
    if not messages and not files and not mails:
        raise ConfigError(
            "expected messages, --file, --mail or -. As in: nnguide predict spam 'win a prize'"
        )
    if [*messages, *map(str, mails)].count("-") > 1:
        raise ConfigError("standard input can be read only once; got - several times")
    paths = list(mails)
    for message in messages:
        if message == "-":
            yield from _lines(stdin, "standard input")
        elif not is_path(message):
            yield message, _checked(message)
        elif mails:
            paths.append(Path(message))
        else:
            yield (
                message,
                InputError(
                    "it is a file or folder, not a message. For mail use --mail, for messages, "
                    "one a line, --file"
                ),
            )
    if files:
        from nnguide.data.tables import Columns

        for file in files:
            yield from file_messages(file, columns or Columns())
    for path in paths:
        yield from mail.texts_in(stdin, "-") if str(path) == "-" else mail.texts(path)


def file_messages(path: Path, columns: Columns) -> Named:
    """Yield the messages of a file.

    They are a table's column of texts, else one a line.
    """
    from nnguide.data import table_files
    from nnguide.inference import message_files

    try:
        if message_files.is_table(path):
            yield from message_files.texts(path, columns)
        elif columns.text:
            names = ", ".join(table_files.SUFFIXES)
            raise ConfigError(f"--text-column is for a table ({names}); {path} is not one")
        elif path.suffix.lower() == ".json":
            yield (
                str(path),
                InputError(
                    "expected messages, one a line, or a table; got JSON. Write an object with "
                    "text a line, and call the file .jsonl"
                ),
            )
        elif columns.encoding:
            content = "".join(table_files.lines(path, columns.encoding))
            yield from _lines(io.BytesIO(content.encode("utf-8")), str(path))
        else:
            with reading.opened(path) as lines:
                yield from _lines(lines, str(path))
    except InputError as error:
        yield str(path), InputError(str(error).removeprefix(f"{path}: "))
    except OSError as error:
        hint = ". Standard input is an input: give - without --file" if str(path) == "-" else ""
        yield str(path), InputError(f"cannot be read: {error.strerror}{hint}")


def is_path(message: str) -> bool:
    """Return whether a message is the path of an existing file.

    A folder counts too.
    """
    try:
        return message.strip(".") != "" and os.path.lexists(message)
    except ValueError:  # a NUL in it
        return False


def _checked(message: str) -> str | InputError:
    try:
        if not message.strip():
            raise InputError("expected a message; got an empty one")
        if any("\udc80" <= character <= "\udcff" for character in message):  # as Python has it
            raise InputError("expected UTF-8 text; got other bytes")
        return validation.text(message)
    except InputError as error:
        return error


def _lines(stream: IO[bytes], name: str) -> Named:
    """Yield the messages of a stream, one a line.

    Blank lines are no messages. A line that cannot be read is named by its number.
    """
    from nnguide.inference import message_files

    limit = 4 * validation.MAX_TEXT  # bytes: UTF-8 takes at most four for a character
    number = 0
    beginning = stream.read1(CHUNK)  # type: ignore[attr-defined]
    if holds_mail(beginning):
        yield name, InputError("it holds mail, not a message a line: use --mail")
        return
    if (reason := message_files.refusal(beginning)) is not None:
        yield name, reason
        return
    beginning = beginning.removeprefix(b"\xef\xbb\xbf")
    end = b"\r" if b"\r" in beginning and b"\n" not in beginning else b"\n"  # of an old Mac
    for line in _split(stream, limit, beginning, end):
        if line is None:
            yield None
            continue
        number += 1
        stripped = line.removesuffix(b"\r")
        if not stripped.strip():
            continue
        message = stripped.decode("utf-8", "surrogateescape")
        value = _checked(message)
        if len(stripped) > limit:
            value = InputError(f"expected at most {limit:,} bytes a line")
        yield f"{name}, line {number}" if isinstance(value, InputError) else message, value


def holds_mail(beginning: bytes) -> bool:
    """Return whether data that begins like this is mail.

    A mail or mbox has two header fields that mail has.
    """
    if not _LIKE_HEADER.match(beginning):
        return False
    from nnguide.data.mail.mailboxes import is_mbox
    from nnguide.data.mail.message import is_mail

    return is_mbox(beginning) or is_mail(beginning, fields=2)


def _split(
    stream: IO[bytes], limit: int, chunk: bytes, end: bytes = b"\n"
) -> Iterator[bytes | None]:
    """Yield the lines of a stream that begins with `chunk`.

    Lines come without their ends; None is yielded where the stream pauses. Of a line that is longer
    than `limit`, only somewhat more than that is kept.
    """
    line = b""
    while chunk:
        *ended, rest = chunk.split(end)
        for piece in ended:
            yield line + piece
            line = b""
        line = (line + rest)[: limit + 2]
        if not _has_more(stream):
            yield None
        chunk = stream.read1(CHUNK)  # type: ignore[attr-defined]
    if line:
        yield line


def _has_more(stream: IO[bytes]) -> bool:
    """Return whether reading from `stream` would not wait.

    It would give something, or the end, at once.
    """
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):  # held in memory, or on Windows: a pause cannot be seen
        return True
