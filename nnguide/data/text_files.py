"""Texts of a user's own: a table, or folders `spam` and `ham` with a message a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nnguide.data import table_files, tables, user_data
from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples, LeftOut
from nnguide.data.tables import Columns
from nnguide.errors import ConfigError, InputError

Texts = tuple[list[int], list[str], tuple[LeftOut, ...]]  # labels, texts, what was left out
TABLES = (*table_files.SUFFIXES, *table_files.PACKED)
LABEL_NAMES = ("ham", "spam")
FORMS = (
    f"a table ({', '.join(tables.SUFFIXES)}, also .gz), folders spam/ and ham/ with a message a "
    "file, or a train and a test part, each a table or such folders"
)


def read(
    path: Path,
    split: str,
    *,
    split_seed: int = 0,
    label_column: str | None = None,
    text_column: str | None = None,
    encoding: str | None = None,
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
        encoding: of a table; None: UTF-8.
    Returns:
        (n,) object, each a str; labels 0 ham and 1 spam.
    Raises:
        ConfigError: no such split, or no such column.
        DataError: nothing at `path`.
        InputError: data that cannot be used, one label only among it.
    """
    path = Path(path)
    columns = Columns(label_column or None, text_column or None, encoding or None)
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
    by_name: dict[str, list[Path]] = {}
    for entry in user_data.entries(path):
        suffix = next((s for s in TABLES if entry.name.lower().endswith(s)), "")
        stem = entry.name[: len(entry.name) - len(suffix)] if not entry.is_dir() else entry.name
        if suffix or entry.is_dir():
            by_name.setdefault(stem, []).append(entry)
    found = user_data.find_parts(by_name)
    for part, name in found.items():
        if len(by_name[name]) > 1:
            raise InputError(
                f"{path}: expected one {part} part; got "
                f"{user_data.listed([entry.name for entry in by_name[name]])}. "
                "Move the others away."
            )
    return {part: by_name[name][0] for part, name in found.items()}


def _read_source(source: Path, columns: Columns, both: bool) -> Examples:
    """A table, or a folder with one table or with spam/ and ham/; `both` labels must be there."""
    if source.is_dir():
        inside = user_data.entries(source)
        folders = {entry.name.lower(): entry for entry in inside if entry.is_dir()}
        classes = [folders[name] for name in LABEL_NAMES if name in folders]
        listed_tables = [entry for entry in inside if entry.name.lower().endswith(TABLES)]
        if len(classes) == 2 or (classes and not both):
            labels, found, left_out = _read_folders(source, classes, columns)
        elif len(listed_tables) == 1 and not classes:
            labels, found, left_out = tables.read(listed_tables[0], columns)
        else:
            raise InputError(
                f"{source}: expected {FORMS}; got {user_data.listed([e.name for e in inside])}."
            )
    else:
        labels, found, left_out = tables.read(source, columns)
    if both and len(set(labels)) < 2:
        raise InputError(
            f"{source}: expected spam and ham; all {len(found):,} texts are "
            f"{LABEL_NAMES[labels[0]]}. Add some of the other label."
            + "".join(f" Left out: {one}." for one in left_out[:1])
        )
    inputs = np.empty(len(found), object)
    inputs[:] = found
    return Examples(inputs, np.array(labels, np.int64), LABEL_NAMES, left_out)


def _read_folders(path: Path, folders: Sequence[Path], columns: Columns) -> Texts:
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
    labels: list[int] = []
    bad: list[LeftOut] = []
    for label, file in files:
        try:
            found.append(_read_message(file))
            labels.append(label)
        except InputError as error:
            bad.append(LeftOut(str(file.relative_to(path)), str(error)))
    return labels, found, user_data.leave_out(path, "messages", bad, len(files))


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
