"""Texts of a user's own: a table, or folders `spam` and `ham` with a message a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nnguide.data import tables, user_data
from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples
from nnguide.data.tables import Columns
from nnguide.errors import ConfigError, InputError

LABEL_NAMES = ("ham", "spam")
FORMS = (
    f"a table ({', '.join(tables.SUFFIXES)}), folders spam/ and ham/ with a message a file, or "
    "a train and a test part, each a table or such folders"
)


def read(
    path: Path,
    split: str,
    *,
    split_seed: int = 0,
    label_column: str | None = None,
    text_column: str | None = None,
) -> Examples:
    """Labelled messages from `path`.

    A folder with a training and a test part (`train/` and `test/`, or `train.csv` and
    `test.csv`) is used as it is divided, and only the part asked for is opened. Anything else is
    divided 80/20 within each label, texts with one distinct_key on one side.

    Args:
        path: a table (see tables.read) or a folder.
        split: "train", "test" or "all".
        split_seed: chooses the division of a path without parts.
        label_column: a table's column of labels; None: "label".
        text_column: a table's column of texts; None: "text".
    Returns:
        (n,) object, each a str; labels 0 ham and 1 spam.
    Raises:
        ConfigError: no such split, or no such column.
        DataError: nothing at `path`.
        InputError: data that cannot be used, one label only among it.
    """
    path = Path(path)
    columns = Columns(label_column or None, text_column or None)
    user_data.check(path, split)
    found = _found_parts(path) if path.is_dir() else {}
    if found:
        return user_data.official(
            path, split, found, lambda part: _read_source(found[part], columns, part != "test")
        )
    whole = _read_source(path, columns, both=True)
    if split == "all":
        return whole
    keys = [distinct_key(text) for text in whole.inputs]
    return user_data.divided(path, whole, split, split_seed, keys)


def _found_parts(path: Path) -> dict[str, Path]:
    """Where each part of a folder lies: a folder or a table of that name."""
    found: dict[str, Path] = {}
    for part in user_data.PARTS:
        names = (part, *(part + suffix for suffix in tables.SUFFIXES))
        candidates = [entry for entry in user_data.entries(path) if entry.name in names]
        if len(candidates) > 1:
            raise InputError(
                f"{path}: expected one {part} part; got "
                f"{user_data.listed([entry.name for entry in candidates])}. Move the others away."
            )
        if candidates:
            found[part] = candidates[0]
    return found


def _read_source(source: Path, columns: Columns, both: bool) -> Examples:
    """A table, or a folder with one table or with spam/ and ham/; `both` labels must be there."""
    if source.is_dir():
        inside = user_data.entries(source)
        folders = {entry.name.lower(): entry for entry in inside if entry.is_dir()}
        classes = [folders[name] for name in LABEL_NAMES if name in folders]
        listed_tables = [entry for entry in inside if entry.suffix.lower() in tables.SUFFIXES]
        if len(classes) == 2 or (classes and not both):
            labels, found = _read_folders(source, classes, columns)
        elif len(listed_tables) == 1 and not classes:
            labels, found = tables.read(listed_tables[0], columns)
        else:
            raise InputError(
                f"{source}: expected {FORMS}; got {user_data.listed([e.name for e in inside])}."
            )
    else:
        labels, found = tables.read(source, columns)
    if both and len(set(labels)) < 2:
        raise InputError(
            f"{source}: expected spam and ham; all {len(found):,} texts are "
            f"{LABEL_NAMES[labels[0]]}. Add some of the other label."
        )
    inputs = np.empty(len(found), object)
    inputs[:] = found
    return Examples(inputs, np.array(labels, np.int64), LABEL_NAMES)


def _read_folders(
    path: Path, folders: Sequence[Path], columns: Columns
) -> tuple[list[int], list[str]]:
    """One message a file, plain text or a mail."""
    if columns.named:
        raise ConfigError(
            f"{path} has no columns: its folders spam and ham hold a message a file. "
            "Leave out --label-column and --text-column."
        )
    files: list[tuple[int, Path]] = []
    for folder in folders:
        label = LABEL_NAMES.index(folder.name.lower())
        inside = [(label, entry) for entry in user_data.entries(folder) if not entry.is_dir()]
        if not inside:
            raise InputError(f"{folder}: expected files, a message in each; got none.")
        files += inside
    if len(files) > user_data.MAX_EXAMPLES:
        raise InputError(
            f"{path}: expected at most {user_data.MAX_EXAMPLES:,} messages; got {len(files):,}."
        )
    found: list[str] = []
    bad: list[tuple[Path, str]] = []
    for _, file in files:
        try:
            found.append(_read_message(file))
        except InputError as error:
            bad.append((file, str(error)))
    user_data.refuse_bad(path, "messages", bad, len(files))
    return [label for label, _ in files], found


def _read_message(file: Path) -> str:
    from nnguide.data import mail

    if not file.is_file():  # a pipe would block, a broken link fail
        raise InputError("it is no regular file")
    try:
        with file.open("rb") as opened:
            raw = opened.read(mail.MAX_BYTES + 1)  # message_text refuses more
    except OSError as error:
        raise InputError(str(error.strerror or error)) from error
    return mail.message_text(raw)
