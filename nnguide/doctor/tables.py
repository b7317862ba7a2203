"""Data from the command line: .npz archive, CSV file or data set."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import data as sets
from nnguide.config.values import unknown
from nnguide.data.npz import open_archive
from nnguide.doctor.data import NAMES, Data, Pair, read
from nnguide.errors import ConfigError, DataError, InputError
from nnguide.files import csv_rows, expanded

log = logging.getLogger(__name__)

MAX_BYTES = 512 << 20  # of a CSV file
CATEGORICAL = ("categoricalcrossentropy", "categoricalfocalcrossentropy")


def own_data(name: str, model: Any, label_column: str | None) -> Data:
    """Load the data that `--data` names, in the form for `model`.

    An archive is taken as it is. The labels of a CSV file and of a data set have no form of
    their own: they become one-hot where the model's loss wants that, else numbers.

    Raises:
        ConfigError: neither a file nor the name of a data set.
        DataError: no such file, or the data set is not available.
        InputError: a file of another form.
    """
    path = expanded(name)
    if name in sets.names():
        return _shaped(_named(name), model)
    if path.suffix not in (".npz", ".csv"):
        raise ConfigError(
            f"--data takes an .npz or .csv file. {unknown(name, list(sets.names()), 'data set')}"
        )
    if not path.is_file():
        raise DataError(f"there is no file {path}. Check the path.")
    if path.suffix == ".npz":
        if label_column:
            raise ConfigError("--label-column is for a CSV file")
        return _archive(path)
    return _shaped(_table(path, label_column or "label"), model)


def _archive(path: Path) -> Data:
    with open_archive(path) as archive:
        if foreign := sorted(set(archive.names) - set(NAMES)):
            raise InputError(
                f"{path}: expected the arrays {', '.join(NAMES)}, the last four if you like; "
                f"got {', '.join(foreign)}"
            )
        return read({name: archive.array(name) for name in archive.names})


def _named(name: str) -> Data:
    from nnguide.data.dataset_info import BY_NAME

    source = sets.find(BY_NAME[name].task, name)
    if source.note:
        log.info(source.note)

    def pair(split: str) -> Pair:
        examples = source.load(split)
        return Pair(examples.inputs, examples.labels)

    return Data(pair("train"), None, pair("test"))


def _table(path: Path, label: str) -> Data:
    """Read a CSV file with a header.

    It has the column `label`, and columns of numbers or one of texts.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: expected at most {MAX_BYTES >> 20} MB; got more")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header, *rows = [row for row in csv_rows.read(io.StringIO(text)) if row] or [[]]
    except (UnicodeDecodeError, csv_rows.RowError) as error:
        raise InputError(f"{path}: expected a CSV file in UTF-8; got: {error}") from error
    if label not in header or len(header) < 2:
        raise InputError(
            f"{path}: expected a header with {label!r} and other columns; got "
            f"{', '.join(header[:20]) or 'nothing'}. Name it with --label-column."
        )
    bad = next((line for line, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if bad or not rows:
        what = f"line {bad} with another number of fields" if bad else "no rows"
        raise InputError(f"{path}: expected rows as long as the header; got {what}")
    place = header.index(label)
    others = [[field for i, field in enumerate(row) if i != place] for row in rows]
    named = [row[place].strip() for row in rows]
    return Data(Pair(_inputs(path, others), _numbered(named)))


def _inputs(path: Path, rows: list[list[str]]) -> np.ndarray:
    try:
        return np.array(rows, np.float32)
    except ValueError as error:
        if len(rows[0]) == 1:
            return np.array([row[0] for row in rows], object)
        raise InputError(
            f"{path}: expected numbers in every column but the label's, or one column of texts; "
            f"got: {error}"
        ) from error


def _numbered(labels: list[str]) -> np.ndarray:
    """Return labels as numbers.

    Names of classes are numbered in their alphabetical order.
    """
    try:
        numbers = np.array(labels, np.float64)
    except ValueError:
        return np.unique(np.array(labels), return_inverse=True)[1].astype(np.int64)
    whole = np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()
    return numbers.astype(np.int64) if whole else numbers.astype(np.float32)


def _shaped(data: Data, model: Any) -> Data:
    """Return the data in the form that the model takes.

    Pictures have the model's shape, labels the form that its loss takes.
    """
    from nnguide.doctor.graph import functional
    from nnguide.doctor.losses import describe

    function = functional(model)
    compiled = getattr(model, "_compile_loss", None)
    one_hot = compiled is not None and describe(compiled._user_loss)[0] in CATEGORICAL

    def pair(of: Pair | None) -> Pair | None:
        if of is None:
            return None
        x, y = of.x, of.y
        wanted = tuple(function.inputs[0].shape[1:]) if function else x.shape[1:]
        if None not in wanted and x[0].size == np.prod(wanted, dtype=int) and x.ndim > 1:
            x = x.reshape(len(x), *wanted)
        if one_hot and y.dtype.kind == "i" and y.min() >= 0:
            nodes = function.outputs[0].shape[-1] if function else None
            y = np.eye(max(int(y.max()) + 1, nodes or 0), dtype=np.float32)[y]
        return Pair(x, y)

    train = pair(data.train)
    assert train is not None
    return Data(train, pair(data.validation), pair(data.test))
