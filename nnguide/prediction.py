"""Inputs as a person names them - files, folders, lines - to answers, in a steady stream."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from nnguide import inputs
from nnguide.errors import ConfigError, InputError
from nnguide.runs import Answer, Run, answer

BATCH = 256
IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff"}

Named = Iterator[tuple[str, Any]]  # the input's name and its value, or an InputError


def pictures(paths: Sequence[str]) -> Named:
    """Each image file, and those in each folder, brought to MNIST's form: (28, 28) uint8."""
    from nnguide.preprocessing.pictures import read

    if not paths:
        raise ConfigError("expected image files or folders. As in: nnguide predict digits a.png")
    for path in map(Path, paths):
        found: Iterable[Path] = [path]
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGES)
            if not found:
                yield str(path), InputError("the folder holds no image files")
        for file in found:
            try:
                yield str(file), read(file)
            except InputError as error:
                yield str(file), error


def texts(messages: Sequence[str], file: Path | None, mail: Path | None, stdin: IO[bytes]) -> Named:
    """The given messages, then the file's lines, then the mails; `-` is standard input."""
    if not messages and file is None and mail is None:
        raise ConfigError(
            "expected messages, --file, --mail or -. As in: nnguide predict spam 'win a prize'"
        )
    for message in messages:
        if message == "-":
            yield from _lines(stdin)
        else:
            yield message, _checked(message)
    if file is not None:
        try:
            with file.open("rb") as lines:
                yield from _lines(lines)
        except OSError as error:
            yield str(file), InputError(f"cannot be read: {error.strerror}")
    if mail is not None:
        yield from _mails(mail)


def _checked(message: str) -> str | InputError:
    try:
        if not message.strip():
            raise InputError("expected a message; got an empty one")
        return inputs.text(message)
    except InputError as error:
        return error


def _lines(stream: IO[bytes]) -> Named:
    """The messages of a stream, one a line; an overlong one is skipped in pieces."""
    limit = 4 * inputs.MAX_TEXT  # bytes: UTF-8 takes at most four for a character
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) > limit:
            while line and not line.endswith(b"\n"):
                line = stream.readline(limit)
            yield f"line {number}", InputError(f"expected at most {limit:,} bytes a line")
            continue
        stripped = line.rstrip(b"\r\n")
        if not stripped.strip():
            continue
        try:
            message = stripped.decode("utf-8")
        except UnicodeDecodeError:
            yield f"line {number}", InputError("expected UTF-8 text; got other bytes")
            continue
        yield message, _checked(message)


def _mails(path: Path) -> Named:
    from nnguide.data.mail import message_text

    if not path.exists():
        yield str(path), InputError("there is no such file or folder")
        return
    files = [path]
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        if not files:
            yield str(path), InputError("the folder holds no files")
    for file in files:
        try:
            yield str(file), inputs.text(message_text(file.read_bytes()))
        except InputError as error:
            yield str(file), error
        except OSError as error:
            yield str(file), InputError(f"cannot be read: {error.strerror}")


def predict(
    run: Run, named: Named, threshold: float | None = None
) -> Iterator[tuple[str, Answer | InputError]]:
    """The answer to each named input, in order; an input that failed keeps its error.

    Args:
        run: whose network answers.
        named: from `pictures` or `texts`; read BATCH at a time, so memory stays bounded.
        threshold: for spam, instead of the run's own.
    """
    from nnguide.evaluation.evaluate import outputs

    limit = run.threshold if threshold is None else threshold
    while batch := list(itertools.islice(named, BATCH)):
        good = [value for _, value in batch if not isinstance(value, InputError)]
        rows: Iterator[np.ndarray] = iter(())
        if good:
            checked = inputs.check(
                run.task.inputs, np.stack(good) if run.task.inputs == "pictures" else good
            )
            rows = iter(outputs(run.model, checked))
        for name, value in batch:
            failed = isinstance(value, InputError)
            yield name, value if failed else answer(next(rows), run.labels, limit)
