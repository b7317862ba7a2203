"""Python objects that hold data: tables, data sets and tensors.

They are recognized by what they can do. A table is a pandas or Polars DataFrame, an Arrow table, a
Hugging Face Dataset, a dict of columns or a list of dicts. None of their libraries is imported
here, nor is TensorFlow: the caller's program has imported it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError

Table = dict[str, Any]  # name -> column, each of one length
LABELS = ("label", "class", "digit", "target", "y")  # what a column of labels is called


def table(raw: Any) -> Table | None:
    """Return the columns of a table; None for other objects.

    The columns are in order. Labels that a Hugging Face Dataset keeps as numbers of names are given
    as names.

    Raises:
        InputError: two columns of one name, or columns of several lengths.
    """
    if hasattr(raw, "collect") and hasattr(raw, "collect_schema"):  # Polars' LazyFrame
        raw = raw.collect()
    if isinstance(raw, Mapping):
        if not raw or not all(map(_is_column, raw.values())):
            return None
        return _even({str(name): column for name, column in raw.items()})
    if isinstance(raw, (list, tuple)):
        if not raw or not all(isinstance(row, Mapping) for row in raw):
            return None
        keys = dict.fromkeys(key for row in raw for key in row)
        return {str(key): [row.get(key) for row in raw] for key in keys}
    columns = getattr(raw, "column_names", None)
    columns = getattr(raw, "columns", None) if columns is None else columns
    if columns is None or callable(columns) or not hasattr(raw, "__getitem__"):
        return None
    names = list(columns)
    if len(set(map(str, names))) < len(names):
        twice = next(name for name in names if [str(n) for n in names].count(str(name)) > 1)
        raise InputError(f"expected columns of different names; got two called {twice}")
    features = getattr(raw, "features", None) or {}
    return {
        str(name): _named(raw[name], getattr(features.get(name), "names", None)) for name in names
    }


def _named(column: Any, names: Sequence[str] | None) -> Any:
    """Return a column with its label numbers as names.

    `names` are those that its data set keeps of them.
    """
    if hasattr(column, "to_pylist"):
        column = column.to_pylist()
    if names is None:
        return column if hasattr(column, "__len__") else list(column)  # of an IterableDataset
    known = dict(enumerate(names))
    values = map(scalar, column)
    return [known.get(value, value) if isinstance(value, int) else value for value in values]


def scalar(value: Any) -> Any:
    """Return a single value as Python's; return others unchanged."""
    if hasattr(value, "numpy"):  # a tensor
        value = value.numpy()
    if hasattr(value, "item") and np.size(value) == 1 and not is_missing(value):
        return value.item()
    return value


def _is_column(value: Any) -> bool:
    return not isinstance(value, (str, bytes, Mapping)) and hasattr(value, "__len__")


def _even(columns: Table) -> Table:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise InputError(f"expected columns of one length; got {shown}")
    return columns


def label_column(columns: Table) -> str | None:
    """Return the name of the column of labels.

    None where no column has one of its usual names.
    """
    named = {name.strip().lower(): name for name in columns}
    return next((named[name] for name in LABELS if name in named), None)


def without_labels(columns: Table) -> Table:
    """Return a table without its column of labels."""
    label = label_column(columns)
    return {name: column for name, column in columns.items() if name != label}


def is_missing(value: Any) -> bool:
    """Return whether a table's value is missing.

    None, NaN, pandas' NA and NumPy's masked are missing.
    """
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def name_of(value: Any) -> str:
    """Return what an error calls a value of the wrong kind."""
    if isinstance(value, bytes):
        return "bytes. Decode them, as with bytes.decode()"
    return "none" if is_missing(value) else type(value).__name__


def content(stream: Any) -> str | bytes:
    """Return the rest of an open file.

    Raises:
        InputError: it is closed, or open for writing alone.
    """
    try:
        read: str | bytes = stream.read()
    except (ValueError, OSError) as error:
        raise InputError(
            f'expected a file that is open for reading, one of no text with "rb"; {error}'
        ) from error
    return read


def check_unmasked(raw: Any) -> None:
    """Raise an InputError for a masked array.

    NumPy would read the hidden numbers all the same.
    """
    if any(map(np.ma.is_masked, raw if isinstance(raw, (list, tuple)) else [raw])):
        raise InputError(
            "expected a number in every place; got a masked array. Fill it, as with array.filled(0)"
        )


# TensorFlow


def is_tf_dataset(raw: Any) -> bool:
    """Return whether `raw` is a tf.data.Dataset."""
    return hasattr(raw, "as_numpy_iterator") and hasattr(raw, "element_spec")


def from_tf(raw: Any) -> tuple[Any, list[Any] | None]:
    """Return the inputs and labels of a tf.data.Dataset.

    It may be batched or not. The labels are None where it has none. Elements that are dicts give a
    table. Elements without labels are given as they are, each an input or a batch of inputs. Texts
    are bytes, as TensorFlow has them.

    Raises:
        InputError: it never ends, is empty, or its labels are not one an input.
    """
    if int(raw.cardinality()) == -1:
        raise InputError("expected a tf.data.Dataset that ends; got one that repeats. Use take(n).")
    elements = list(raw.as_numpy_iterator())
    if not elements:
        raise InputError("expected a tf.data.Dataset with elements; got an empty one")
    first = elements[0]
    if isinstance(first, Mapping):
        batched = _is_batch(list(first.values()))
        return {name: _joined([e[name] for e in elements], batched) for name in first}, None
    if not isinstance(first, tuple):
        return elements, None
    if len(first) != 2:
        raise InputError(
            f"expected a tf.data.Dataset of (input, label); got elements of {len(first)} parts"
        )
    batched = _is_batch(list(first))
    inputs, labels = (_joined([e[side] for e in elements], batched) for side in (0, 1))
    return inputs, [label.decode() if isinstance(label, bytes) else label for label in labels]


def _is_batch(sides: Sequence[Any]) -> bool:
    """Return whether an element holds several examples.

    Each of its parts then has one value for each.
    """
    if 0 in map(np.ndim, sides):
        return False
    if len({len(side) for side in sides}) > 1:
        shapes = " and ".join(str(np.shape(side)) for side in sides)
        raise InputError(
            f"expected a tf.data.Dataset with one label for each input; got elements of shapes "
            f"{shapes}. Of labels in one-hot form give tf.argmax(label, -1)."
        )
    return True


def _joined(batches: Sequence[Any], batched: bool) -> list[Any]:
    return [row for batch in batches for row in batch] if batched else list(batches)


def decoded(values: Iterable[Any]) -> list[Any]:
    """Return texts that TensorFlow holds as bytes as str.

    They may be alone or in batches. What is not UTF-8 stays bytes.
    """
    labels: list[Any] = []
    for value in values:
        for element in value.ravel().tolist() if isinstance(value, np.ndarray) else [value]:
            try:
                labels.append(element.decode() if isinstance(element, bytes) else element)
            except UnicodeDecodeError:
                labels.append(element)
    return labels
