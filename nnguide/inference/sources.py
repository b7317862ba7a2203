"""Read inputs as they are named on the command line: files, folders, lines, mails."""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from nnguide.errors import ConfigError, InputError
from nnguide.inference import validation

CHUNK = 2**16  # bytes of a stream that are read together, at most
IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff"}

# The input's name and its value or an InputError; None where more will come, but later.
Named = Iterator[tuple[str, Any] | None]


def pictures(paths: Sequence[str]) -> Named:
    """Each image file, and those in each folder, brought to MNIST's form: (28, 28) uint8."""
    from nnguide.preprocessing.pictures import read

    if not paths:
        raise ConfigError("expected image files or folders. As in: nnguide predict digits a.png")
    for path in map(Path, paths):
        try:
            found = _images(path)
        except OSError as error:
            yield str(path), InputError(f"cannot be read: {error.strerror}")
            continue
        if not found:
            yield str(path), InputError("the folder holds no image files")
        for file in found:
            try:
                yield str(file), read(file)
            except InputError as error:
                yield str(file), InputError(str(error).removeprefix(f"{file}: "))


def _images(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [file for file in _files(path) if file.suffix.lower() in IMAGES]


def _files(folder: Path) -> list[Path]:
    """The files in `folder` and its folders, by name, but hidden ones."""
    found = (path for path in folder.rglob("*") if not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def texts(messages: Sequence[str], file: Path | None, mail: Path | None, stdin: IO[bytes]) -> Named:
    """The given messages, then the file's lines, then the mails; `-` is standard input."""
    if not messages and file is None and mail is None:
        raise ConfigError(
            "expected messages, --file, --mail or -. As in: nnguide predict spam 'win a prize'"
        )
    for message in messages:
        if message == "-":
            yield from _lines(stdin, "standard input")
        else:
            yield message, _checked(message)
    if file is not None:
        try:
            with file.open("rb") as lines:
                yield from _lines(lines, str(file))
        except OSError as error:
            yield str(file), InputError(f"cannot be read: {error.strerror}")
    if mail is not None:
        yield from _mails(mail)


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
    """The messages of a stream, one a line; blank lines are none. A bad one goes by its number."""
    limit = 4 * validation.MAX_TEXT  # bytes: UTF-8 takes at most four for a character
    number = 0
    for line in _split(stream, limit):
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


def _split(stream: IO[bytes], limit: int) -> Iterator[bytes | None]:
    """The lines of a stream without their ends; None where it pauses.

    Of a line that is longer than `limit`, only somewhat more than that is kept.
    """
    line = b""
    while chunk := stream.read1(CHUNK):  # type: ignore[attr-defined]
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield line + piece
            line = b""
        line = (line + rest)[: limit + 2]
        if not _has_more(stream):
            yield None
    if line:
        yield line


def _has_more(stream: IO[bytes]) -> bool:
    """Whether reading from `stream` would give something, or its end, at once."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):  # held in memory, or on Windows: a pause cannot be seen
        return True


def _mails(path: Path) -> Named:
    from nnguide.data.mail import MAX_BYTES, message_text

    if not path.exists():
        yield str(path), InputError("there is no such file or folder")
        return
    files = _files(path) if path.is_dir() else [path]
    if not files:
        yield str(path), InputError("the folder holds no files")
    for file in files:
        try:
            with file.open("rb") as mail:
                content = mail.read(MAX_BYTES + 1)
            yield str(file), validation.text(message_text(content))
        except InputError as error:
            yield str(file), error
        except OSError as error:
            yield str(file), InputError(f"cannot be read: {error.strerror}")
