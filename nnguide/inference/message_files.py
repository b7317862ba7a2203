"""Reading of message files: a message a line, or a table.

Of a table the column of texts is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nnguide.data import other_forms, table_files, tables, unlabelled
from nnguide.errors import InputError


def is_table(path: Path) -> bool:
    """Return whether a file's name is that of a table.

    The texts are in one of its columns.
    """
    return path.is_file() and path.name.lower().endswith(
        (*table_files.SUFFIXES, *table_files.PACKED)
    )


def texts(path: Path, columns: tables.Columns) -> Iterator[tuple[str, str | InputError]]:
    """Yield the name and text of each row of a table.

    A text is its own name; one that cannot be read is named by its line.
    """
    for line, text in unlabelled.texts(path, columns):
        yield f"{path}, line {line}" if isinstance(text, InputError) else text, text


def refusal(beginning: bytes) -> InputError | None:
    """Return an error where `beginning` is not the start of text.

    None where it may be text in UTF-8.
    """
    if (other := other_forms.named(beginning)) is not None:
        kind, advice = other
        return InputError(f"expected messages, one a line; got {kind}. {advice}.")
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return InputError(
            "expected UTF-8; got UTF-16. Save it as UTF-8, or read it with --encoding utf-16."
        )
    if b"\0" in beginning:
        return InputError(
            "expected messages, one a line; got a binary file or another encoding (a NUL byte). "
            "Give a text file in UTF-8, or --encoding, as utf-16-le."
        )
    return None
