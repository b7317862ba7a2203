"""A user's own texts.

They are a table, or folders `spam` and `ham` of mails and plain messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nnguide.data import records, table_files, tables, user_data
from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples, LeftOut
from nnguide.data.tables import Columns
from nnguide.errors import ConfigError, InputError

Texts = tuple[list[int], list[str], tuple[LeftOut, ...]]  # labels, texts, what was left out
TABLES = (*table_files.SUFFIXES, *table_files.PACKED)
FORMS = (
    f"a table ({', '.join(tables.SUFFIXES)}, also .gz), folders spam/ and ham/ with mailboxes, "
    "mails or a message a file, or a train and a test set, each a table or such folders"
)


def read(
    path: Path,
    split: str,
    label_names: tuple[str, ...] = tables.SPAM,
    *,
    split_seed: int = 0,
    label_column: str | None = None,
    text_column: str | None = None,
    encoding: str | None = None,
) -> Examples:
    """Read labelled messages from `path`.

    A folder with a training and a test set (`train/` and `test/`, or `train.csv` and
    `test.csv`) is used as it is divided, and only the split asked for is opened. Anything else is
    divided 80/20 within each label, texts with one distinct_key on one side.

    Args:
        path: a table (see tables.read) or a folder.
        split: "train", "test" or "all".
        label_names: the labels, in label order.
        split_seed: chooses the division of a path without splits.
        label_column: a table's column of labels; None: "label".
        text_column: a table's column of texts; None: "text".
        encoding: of a table; None: UTF-8.
    Returns:
        (n,) object, each a str; labels by their place in `label_names`.
    Raises:
        ConfigError: no such split, or no such column.
        DataError: nothing at `path`.
        InputError: data that cannot be used, one label only among it.
    """
    path = Path(path)
    columns = Columns(label_column or None, text_column or None, encoding or None, label_names)
    user_data.check(path, split)
    if records.is_records(path):
        if columns.named or encoding:
            raise ConfigError(f"{path} holds records, which have no columns and no encoding")
        return records.read(path, split, label_names, split_seed)
    by_split = found_splits(path) if path.is_dir() else {}
    if by_split:
        return user_data.official(
            path,
            split,
            by_split,
            lambda name: _read_source(by_split[name], columns, name != "test"),
        )
    whole = _read_source(path, columns, both=True)
    if split == "all":
        return whole
    keys = [distinct_key(text) for text in whole.inputs]
    return user_data.divided(path, whole, split, split_seed, keys)


def _listed(columns: Columns) -> str:
    """Return the labels in words, the last first: spam and ham."""
    return " and ".join(columns.labels[::-1])


def found_splits(path: Path) -> dict[str, Path]:
    """Return where each split of a folder lies.

    It is a folder or a table of that name.
    """
    by_name: dict[str, list[Path]] = {}
    for entry in user_data.entries(path):
        suffix = next((s for s in TABLES if entry.name.lower().endswith(s)), "")
        stem = entry.name[: len(entry.name) - len(suffix)] if not entry.is_dir() else entry.name
        if suffix or entry.is_dir():
            by_name.setdefault(stem, []).append(entry)
    splits = user_data.find_splits(by_name)
    for split, name in splits.items():
        if len(by_name[name]) > 1:
            raise InputError(
                f"{path}: expected one {split} set; got "
                f"{user_data.listed([entry.name for entry in by_name[name]])}. "
                "Remove the others."
            )
    return {split: by_name[name][0] for split, name in splits.items()}


def labelled(source: Path, columns: Columns) -> Iterator[tuple[str, tuple[int, str] | InputError]]:
    """Yield each text of a table or folder.

    The folder has one table or class folders. Each comes with its name, and the place of its label
    with the text, or why it cannot be read.
    """
    if not source.is_dir():
        for line, row in tables.each(source, columns):
            yield f"line {line}", row
        return
    inside = user_data.entries(source)
    named = {entry.name.lower().removesuffix(".mbox"): entry for entry in inside}
    classes = {name: named[name] for name in columns.labels if name in named}
    listed_tables = [entry for entry in inside if entry.name.lower().endswith(TABLES)]
    if len(listed_tables) == 1 and not classes:
        yield from labelled(listed_tables[0], columns)
        return
    if not classes:
        raise _unknown_form(source, inside)
    _check_no_columns(source, columns)
    for name, folder in classes.items():
        for file, text in _each_text(folder):
            place = str(Path(file).relative_to(source))
            label = columns.labels.index(name)
            yield place, text if isinstance(text, InputError) else (label, text)


def _unknown_form(source: Path, inside: Sequence[Path]) -> InputError:
    return InputError(
        f"{source}: expected {FORMS}; got {user_data.listed([e.name for e in inside])}."
    )


def _check_no_columns(path: Path, columns: Columns) -> None:
    if columns.named:
        raise ConfigError(
            f"{path} has no columns: its folders {_listed(columns)} hold messages. "
            "Leave out --label-column and --text-column."
        )


def _read_source(source: Path, columns: Columns, both: bool) -> Examples:
    """Read a table, or a folder of texts.

    The folder has one table, or spam/ and ham/; with `both` it must have both labels.
    """
    if source.is_dir():
        inside = user_data.entries(source)
        named = {entry.name.lower().removesuffix(".mbox"): entry for entry in inside}
        classes = [named[name] for name in columns.labels if name in named]
        listed_tables = [entry for entry in inside if entry.name.lower().endswith(TABLES)]
        if len(classes) == len(columns.labels) or (classes and not both):
            labels, texts, left_out = _read_folders(source, classes, columns)
        elif len(listed_tables) == 1 and not classes:
            labels, texts, left_out = tables.read(listed_tables[0], columns)
        else:
            raise _unknown_form(source, inside)
    else:
        labels, texts, left_out = tables.read(source, columns)
    if both and len(set(labels)) < 2:
        raise InputError(
            f"{source}: expected {_listed(columns)}; all {len(texts):,} texts are "
            f"{columns.labels[labels[0]]}. Add some of the other label."
            + "".join(f" Left out: {item}." for item in left_out[:1])
        )
    inputs = np.empty(len(texts), object)
    inputs[:] = texts
    return Examples(inputs, np.array(labels, np.int64), columns.labels, left_out)


def _read_folders(path: Path, folders: Sequence[Path], columns: Columns) -> Texts:
    """Read the messages in class folders.

    A file is a plain text, or mail in any form.
    """
    _check_no_columns(path, columns)
    labels: list[int] = []
    messages: list[str] = []
    bad: list[LeftOut] = []
    for folder in folders:
        name = folder.name.lower().removesuffix(".mbox")
        texts = _texts(path, folder, bad)
        labels += [columns.labels.index(name)] * len(texts)
        messages += texts
        if len(messages) > user_data.MAX_EXAMPLES:
            raise InputError(f"{path}: expected at most {user_data.MAX_EXAMPLES:,} messages.")
    left_out = user_data.leave_out(path, "messages", bad, len(messages) + len(bad))
    return labels, messages, left_out


def _texts(path: Path, folder: Path, bad: list[LeftOut]) -> list[str]:
    """Return the texts of the mails and plain files in `folder`.

    What is neither is added to `bad`.
    """
    texts: list[str] = []
    for name, text in _each_text(folder):
        if isinstance(text, str):
            texts.append(text)
        elif Path(name) == folder:
            raise InputError(f"{folder}: expected mails or messages; {text}.") from text
        else:
            bad.append(LeftOut(str(Path(name).relative_to(path)), str(text)))
    return texts


def _each_text(folder: Path) -> Iterator[tuple[str, str | InputError]]:
    from nnguide.data.mail.mailboxes import mails
    from nnguide.data.mail.message import message_text

    for name, raw in mails(folder):
        try:
            yield name, raw if isinstance(raw, InputError) else message_text(raw)
        except InputError as error:
            yield name, error
