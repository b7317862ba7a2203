"""Inputs of a data set of any size, read one by one.

They come in order, and each is read only when its answer is wanted. An input that is skipped,
because it is another shard's or was answered before, is only found: no picture is decoded for it
and no mail parsed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nnguide.data import mail, pixel_tables, records, table_files, tables, unlabelled, user_data
from nnguide.data.mail.mailboxes import mails
from nnguide.data.mail.message import MAX_PART, is_mail, message_text, read_mail
from nnguide.data.tables import Columns
from nnguide.errors import InputError
from nnguide.files import reading
from nnguide.inference import message_files, sources, validation

# An input's name, and what reads it or gives the InputError that it is.
Unread = Iterator[tuple[str, Callable[[], Any]]]


def kinds_of_text(path: Path) -> list[str]:
    """Return the kinds of text in a data set.

    These are "messages" and "mail", recognized by how the data begins.
    """
    if path.is_dir():
        if records.is_records(path):
            return list(records.kinds(path))
        if _tables(path):
            return ["messages"]
        raw = next((raw for _, raw in mails(path) if isinstance(raw, bytes)), b"")
        return ["mail"] if is_mail(raw[:MAX_PART]) else ["messages"]
    if message_files.is_table(path):
        return ["messages"]
    return ["mail"] if sources.holds_mail(_beginning(path)) else ["messages"]


def texts(path: Path, columns: Columns, kinds: Sequence[str]) -> Unread:
    """Yield the texts of a file or folder.

    It may be a table, a mailbox, a file with a message a line, or a folder of these.

    Args:
        kinds: of text that are answered, of "messages" and "mail". In a folder of mail a file
            that holds none is an error, and in one of messages a mail is, unless both are.
    Raises:
        ConfigError, InputError: the whole file cannot be read as one of these.
    """
    if path.is_dir() and records.is_records(path):
        for number, text in enumerate(records.read(path, "all", columns.labels, 0).inputs, 1):
            yield f"{path}, record {number}", functools.partial(_same, text)
    elif path.is_dir():
        yield from _folder(path, columns, kinds)
    elif message_files.is_table(path):
        yield from _rows(path, columns)
    elif sources.holds_mail(beginning := _beginning(path)):
        yield from _mails(path, kinds)
    elif reason := message_files.refusal(beginning) if not columns.encoding else None:
        raise InputError(f"{path}: {reason}")
    elif tables.begins_as_collection(path, columns):
        yield from _rows(path, columns)
    else:
        yield from _lines(path, columns.encoding)


def pictures(path: Path, encoding: str | None = None) -> Unread:
    """Yield the pictures of a data set.

    It may be a folder, a table with a picture a row, record files, or one file.
    """
    if path.is_dir() and records.is_records(path):
        held = records.read(path, "all", (), 0, records.PICTURES).inputs
        for number, value in enumerate(held, 1):
            yield f"{path}, record {number}", functools.partial(_same, value)
        return
    if path.is_file() and message_files.is_table(path):
        for line, _, picture in pixel_tables.rows(path, None, encoding):
            yield f"{path}, line {line}", functools.partial(_same, picture)
        return
    images = sources.images(path)
    if not images:
        raise InputError(f"{path}: the folder holds no image files")
    for file in images:
        yield str(file), functools.partial(_picture, file)


def numbers(path: Path, features: Sequence[str]) -> Unread:
    """Yield the rows of a table with the columns `features`.

    Other columns are left out.

    Raises:
        InputError: it has no such columns.
    """
    delimiter = table_files.likely_delimiter(path, None)
    rows = table_files.each_record(path, None, delimiter)
    line, header = next(rows, (1, InputError("expected a header line with names; got nothing")))
    if isinstance(header, InputError):
        raise InputError(f"{path}: {tables.without_place(path, line, header)}")
    names = [name.strip() for name in header]
    if missing := [name for name in features if name not in names]:
        raise InputError(f"{path} has no column {', '.join(missing)}; it has {', '.join(names)}")
    places = [names.index(name) for name in features]
    for line, fields in rows:
        yield f"{path}, line {line}", functools.partial(_numbers, path, line, fields, places, names)


def examples(name: str, inputs: Iterable[Any]) -> Unread:
    """Yield inputs that are in memory, with the data set's name."""
    for number, value in enumerate(inputs, 1):
        yield f"{name}, row {number}", functools.partial(_same, value)


def _same(value: Any) -> Any:
    return value


def _picture(file: Path) -> Any:
    from nnguide.preprocessing.pictures import read

    return sources.picture(str(file), functools.partial(read, file))[1]


def _beginning(path: Path) -> bytes:
    try:
        with reading.opened(path) as file:
            return file.read(sources.CHUNK)
    except OSError as error:
        raise user_data.unreadable(path, error) from error


def _tables(folder: Path) -> list[Path]:
    """Return the tables in a folder, sorted by name.

    A folder of mail has none.
    """
    return [entry for entry in user_data.entries(folder) if message_files.is_table(entry)]


def _folder(folder: Path, columns: Columns, kinds: Sequence[str]) -> Unread:
    """Yield the rows of the tables in a folder.

    A folder without tables has mails and plain messages, which are read instead.
    """
    table_paths = _tables(folder)
    for table in table_paths:
        try:
            yield from _rows(table, columns)
        except InputError as error:  # the other tables are still read
            yield str(table), functools.partial(_same, _plain(table, error))
    if not table_paths:
        yield from _mails(folder, kinds)


def _rows(path: Path, columns: Columns) -> Unread:
    for line, text in unlabelled.texts(path, columns):
        yield f"{path}, line {line}", functools.partial(_checked, text)


def _lines(path: Path, encoding: str | None) -> Unread:
    for number, (line, error) in enumerate(table_files.each_line(path, encoding), 1):
        name = f"{path}, line {number}"
        if error is not None:
            reason = InputError(tables.without_place(path, number, error))
            yield name, functools.partial(_same, reason)
        elif line.strip():
            yield name, functools.partial(_checked, line.rstrip("\r\n"))


def _mails(path: Path, kinds: Sequence[str]) -> Unread:
    for name, raw in mails(path):
        yield name, functools.partial(_mail, raw, kinds)


def _mail(raw: bytes | InputError, kinds: Sequence[str]) -> mail.MailText | str | InputError:
    if isinstance(raw, InputError):
        return raw
    try:
        text = message_text(raw) if "messages" in kinds else read_mail(raw).text
    except InputError as error:
        return error
    if isinstance(text, mail.MailText) and "mail" not in kinds:
        return InputError("it is a mail among messages. Keep the two apart, or use --anyway.")
    return text


def _checked(text: str | InputError) -> str | InputError:
    try:
        return text if isinstance(text, InputError) else validation.text(text)
    except InputError as error:
        return error


def _numbers(
    path: Path, line: int, fields: list[str] | InputError, places: list[int], names: list[str]
) -> Any:
    if isinstance(fields, InputError):
        return InputError(tables.without_place(path, line, fields))
    row = []
    for place in places:
        try:
            row.append(float(fields[place]))
        except ValueError:
            got = repr(fields[place]) if fields[place].strip() else "nothing"
            return InputError(f"column {names[place]}: expected a number; got {got}")
    try:
        return validation.numbers(row, len(places))[0]
    except InputError as error:
        return error


def _plain(path: Path, error: InputError) -> InputError:
    return InputError(str(error).removeprefix(f"{path}, ").removeprefix(f"{path}: "))
