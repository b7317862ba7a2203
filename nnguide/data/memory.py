"""Examples in a Python program's memory.

They are arrays, lists, tables, data sets or open files.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide.data import containers, table_files, user_data
from nnguide.data.class_folders import natural
from nnguide.data.dataset_info import MEMORY, TRAIN_AND_TEST
from nnguide.data.examples import Examples, LeftOut
from nnguide.errors import ConfigError, InputError, NnguideError

if TYPE_CHECKING:
    from nnguide.tasks.kinds import Kind

NAME = "the data"  # in messages
SAMPLE = 100  # rows by which a table is told from texts, one a line
FORMS = (
    "a pair (inputs, labels), a table with a column of labels (a pandas or Polars DataFrame, a "
    "Hugging Face Dataset, a dict of columns, a list of dicts), a list of (input, label), a "
    "tf.data.Dataset of (input, label), an open file of a table, Examples, or a dict with train "
    "and test, each one of these"
)


def splits_of(data: Any) -> dict[str, Any]:
    """Return the training and test set of data with both.

    They are returned by their names. Such data is a dict or DatasetDict with train and test, an
    archive with x_train, y_train, x_test and y_test, or as Keras's data sets:
    ((inputs, labels), (inputs, labels)).
    """
    if isinstance(data, Mapping) and "x_train" in data:
        ends = user_data.find_splits(str(k).removeprefix("x_") for k in data if f"{k}"[:2] == "x_")
        if missing := [f"y_{end}" for end in ends.values() if f"y_{end}" not in data]:
            raise InputError(f"expected {', '.join(missing)} beside the inputs")
        return {split: (data[f"x_{end}"], data[f"y_{end}"]) for split, end in ends.items()}
    if isinstance(data, Mapping):
        named = user_data.find_splits(str(key) for key in data)
        if named and all(str(key).lower() in _SPLIT_NAMES for key in data):
            return {split: data[name] for split, name in named.items()}
    if isinstance(data, tuple) and len(data) == 2 and all(_is_pair(pair) for pair in data):
        return dict(zip(TRAIN_AND_TEST, data, strict=True))
    return {}


_SPLIT_NAMES = {name for names in user_data.SPLIT_NAMES.values() for name in names}


def _is_pair(pair: Any) -> bool:
    return (
        isinstance(pair, tuple)
        and len(pair) == 2
        and all(hasattr(side, "__len__") and not isinstance(side, (str, bytes)) for side in pair)
    )


def reader(
    kind: Kind,
    labels: tuple[str, ...],
    data: Any,
    *,
    split_seed: int,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
) -> tuple[Callable[[str], Examples], str]:
    """Return a reader of the data's splits, and its name.

    The name depends on the content.

    Args:
        kind: of its inputs.
        labels: in label order; () for those that the data has.
        split_seed: chooses the division of data without splits.
        label_column, text_column: of a table; None: the usual.
        encoding: of an open file.
    Raises:
        InputError: data of another form, or that cannot be used.
    """
    if hasattr(data, "read"):
        return _file_reader(kind, labels, data, split_seed, label_column, text_column, encoding)
    if encoding:
        raise ConfigError("an encoding is of a file; this data is in memory")

    def examples_of(pair: Any, known: tuple[str, ...]) -> Examples:
        return read(kind, known, pair, label_column=label_column, text_column=text_column)

    by_split = splits_of(data)
    first = next(iter(by_split), None)
    whole = examples_of(data if first is None else by_split[first], labels)

    def read_split(split: str) -> Examples:
        if first is None:
            return user_data.divided(NAME, whole, split, split_seed, _groups(whole))
        return user_data.official(
            NAME,
            split,
            by_split,
            lambda name: whole if name == first else examples_of(by_split[name], whole.label_names),
        )

    return read_split, MEMORY + fingerprint(whole)[:12]


def _file_reader(
    kind: Kind,
    labels: tuple[str, ...],
    stream: Any,
    split_seed: int,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
) -> tuple[Callable[[str], Examples], str]:
    content = _content(stream)
    name = getattr(stream, "name", "")

    def read_split(split: str) -> Examples:
        with _written(content, name) as path:
            return kind.read(
                path,
                split,
                labels,
                split_seed=split_seed,
                label_column=label_column,
                text_column=text_column,
                encoding=encoding,
            )

    return read_split, MEMORY + hashlib.sha256(content).hexdigest()[:12]


def read(
    kind: Kind,
    labels: tuple[str, ...],
    data: Any,
    *,
    label_column: str | None = None,
    text_column: str | None = None,
) -> Examples:
    """Read all examples of data without splits.

    What cannot be used is left out, counted and named.

    Raises:
        InputError: data of another form, or nothing of it can be used.
    """
    if isinstance(data, Examples):
        return data
    inputs, values = _opened(kind, labels, data, label_column, text_column)
    checked = kind.each(inputs)
    values = list(values)
    if len(checked) != len(values):
        raise InputError(
            f"expected one label for each input; got {len(checked):,} inputs and "
            f"{len(values):,} labels"
        )
    if not checked:
        raise InputError("expected labelled examples; got none")
    numbers, names = kind.numbered([plain(value) for value in values], labels)
    bad: list[LeftOut] = []
    good: list[int] = []
    for place, pair in enumerate(zip(checked, numbers, strict=True)):
        wrong = next((value for value in pair if isinstance(value, InputError)), None)
        if wrong is None:
            good.append(place)
        else:
            bad.append(LeftOut(f"[{place}]", str(wrong)))
    left_out = user_data.leave_out(NAME, f"{kind.thing}s", bad, len(checked))
    taken = kind.stacked([checked[place] for place in good])
    if taken.ndim == 3:  # pictures, as files give them
        taken = np.rint(taken).astype(np.uint8)
    return Examples(
        taken,
        np.array([numbers[place] for place in good], np.int64),
        names,
        left_out,
        features=kind.columns(inputs),
    )


def _opened(
    kind: Kind,
    labels: tuple[str, ...],
    data: Any,
    label_column: str | None,
    text_column: str | None,
) -> tuple[Any, Any]:
    """Return the raw inputs and labels of data."""
    if containers.is_tf_dataset(data):
        inputs, values = containers.from_tf(data)
        if values is not None:
            return _decoded(kind, inputs), values
        if isinstance(inputs, dict):
            data = {name: _decoded(kind, column) for name, column in inputs.items()}
    table = containers.table(data)
    if table is not None:
        return _of_table(kind, labels, table, label_column, text_column)
    if label_column or text_column:
        raise ConfigError("label_column and text_column are for a table; this data is not one")
    if isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], str):
        return data
    pairs = data if isinstance(data, list) else []
    if pairs and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    raise InputError(f"expected {FORMS}; got {type(data).__name__}")


def _decoded(kind: Kind, column: Any) -> Any:
    """Return a tf.data.Dataset's column, with texts as str if wanted."""
    return column if kind.is_array else containers.decoded(column)


def _of_table(
    kind: Kind,
    labels: tuple[str, ...],
    table: containers.Table,
    label_column: str | None,
    text_column: str | None,
) -> tuple[Any, Any]:
    label = _column(table, label_column) or kind.label_column(table, labels)
    if label is None:
        raise InputError(
            f"expected a table with a column label; got {user_data.listed(list(table))}. "
            "Name it: label_column"
        )
    text = _column(table, text_column)
    if text == label:
        raise ConfigError(f"label and text are two columns; both are named {label!r}")
    inputs = {name: column for name, column in table.items() if name != label}
    return inputs if text is None else list(inputs[text]), list(table[label])


def _column(table: containers.Table, wanted: str | None) -> str | None:
    """Return the column that the caller named.

    It has the same name, else the same but for case.
    """
    if wanted is None:
        return None
    same = [name for name in table if name.strip().casefold() == wanted.strip().casefold()]
    if wanted in table or len(same) == 1:
        return wanted if wanted in table else same[0]
    raise ConfigError(f"{NAME} has no column {wanted!r}; it has {user_data.listed(list(table))}")


def plain(value: Any) -> Any:
    """Return a label as a word or whole number.

    What is neither is returned as it is.
    """
    value = containers.scalar(value)  # of labels (n, 1), too
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def numbered(
    values: Sequence[Any], labels: tuple[str, ...]
) -> tuple[list[int | InputError], tuple[str, ...]]:
    """Return labels of any 2 to 100 names as numbers.

    See `nnguide.tasks.kinds.Kind.numbered`.
    """
    named = [_label_name(value) for value in values]
    if not labels:
        present = {name for name in named if isinstance(name, str)}
        labels = tuple(sorted(present, key=natural))
        if present and len(labels) not in user_data.LABELS_ALLOWED:
            raise InputError(
                f"expected 2 to 100 different labels; got {len(labels)}: {user_data.listed(labels)}"
            )
    place = {name: number for number, name in enumerate(labels)}
    numbers: list[int | InputError] = []
    for name in named:
        if isinstance(name, InputError):
            numbers.append(name)
        elif name in place:
            numbers.append(place[name])
        else:
            numbers.append(InputError(f"expected a label of {', '.join(labels)}; got {name}"))
    return numbers, labels


def not_one_label(value: Any) -> InputError | None:
    """Return an error for a missing label or several; else None."""
    if containers.is_missing(value):
        return InputError("expected a label; got none")
    if np.ndim(value):
        return InputError(
            f"expected one label for each input; got {np.shape(value)}. Of labels in one-hot form "
            "give labels.argmax(axis=1)"
        )
    return None


def _label_name(value: Any) -> str | InputError:
    if (wrong := not_one_label(value)) is not None:
        return wrong
    if not isinstance(value, (str, int)) or not str(value).strip() or not str(value).isprintable():
        return InputError(f"expected a word or a whole number as label; got {str(value)[:40]!r}")
    return str(value).strip()


def _groups(examples: Examples) -> Sequence[Any] | np.ndarray:
    """Return the group of each example, for splitting, (n,).

    Equal numbers or texts stay on one side of a split, as for files.
    """
    from nnguide.data import picture_files, splits

    if (texts := splits.groups(examples)) is not None:
        return texts
    return (
        picture_files.identical(examples.inputs)
        if examples.inputs.ndim == 3
        else range(len(examples))
    )


def fingerprint(examples: Examples) -> str:
    """Return the SHA-256 of inputs and labels, in their order."""
    digest = hashlib.sha256()
    for name in np.array(examples.label_names)[examples.labels]:
        digest.update(str(name).encode() + b"\0")
    for value in examples.inputs:
        if isinstance(value, str):
            digest.update(value.encode("utf-8", "surrogatepass") + b"\0")
        else:
            digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


# Open files


@contextlib.contextmanager
def saved(stream: Any) -> Iterator[Path]:
    """Write an open file's content to a temporary file.

    Its name says its form. Without a name of its own it is a table where its rows are even, and
    else texts, one a line.
    """
    with _written(_content(stream), getattr(stream, "name", "")) as path:
        if not getattr(stream, "name", "") and _holds_lines(path):
            path = path.rename(path.with_suffix(".txt"))
        yield path


def _holds_lines(path: Path) -> bool:
    """Return whether a CSV file is really texts, one a line."""
    if table_files.form(path) not in ("csv", "tsv"):
        return False
    delimiter = table_files.likely_delimiter(path, None)
    rows = table_files.each_record(path, None, delimiter)
    names, *others = [fields for _, fields in itertools.islice(rows, SAMPLE)] or [[]]
    if isinstance(names, list) and "text" in [name.strip().casefold() for name in names]:
        return False
    uneven = sum(isinstance(fields, InputError) for fields in others)
    return uneven >= 0.5 * len(others)


def _content(stream: Any) -> bytes:
    content = containers.content(stream)
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content


@contextlib.contextmanager
def _written(content: bytes, name: Any) -> Iterator[Path]:
    known = Path(name).name if isinstance(name, str) else ""
    with tempfile.TemporaryDirectory(prefix="nnguide-") as folder:
        path = Path(folder) / (known or f"data{_suffix(content)}")
        path.write_bytes(content)
        try:
            yield path
        except NnguideError as error:
            raise type(error)(str(error).replace(str(path), known or NAME)) from error


def _suffix(content: bytes) -> str:
    """Return a suffix for the content of a file without a name."""
    line = content.lstrip(b"\xef\xbb\xbf").partition(b"\n")[0]
    if content.startswith(b"PK\x03\x04"):
        return ".npz"
    if line.lstrip().startswith(b"{"):
        return ".jsonl"
    if b"\t" in line:
        return ".tsv"
    return ".csv" if b"," in line or b";" in line else ".txt"
