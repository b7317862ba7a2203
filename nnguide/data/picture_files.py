"""A user's own pictures.

They are class folders of image files, IDX files, or an `.npz`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nnguide.data import class_folders, corrections, idx, npz, pixel_tables, records, user_data
from nnguide.data.dataset_info import TRAIN_AND_TEST
from nnguide.data.examples import Examples, LeftOut
from nnguide.errors import ConfigError, InputError

log = logging.getLogger(__name__)
TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PREFIXES = {"train": "train", "test": "t10k"}  # MNIST's file names


def read(
    path: Path,
    split: str,
    *,
    split_seed: int = 0,
    label_column: str | None = None,
    encoding: str | None = None,
) -> Examples:
    """Read labelled pictures from `path`.

    A path with a training and a test set (folders `train` and `test`, IDX files `train-…` and
    `t10k-…`, arrays `x_train` and `x_test`) is used as it is divided, and only the split asked
    for is opened. Any other is divided 80/20 within each label, identical pictures on one side.

    Args:
        path: a folder, an `.npz` file or a table (see pixel_tables).
        split: "train", "test" or "all".
        split_seed: chooses the division of a path without splits.
        label_column, encoding: of a table; None: "label" and UTF-8.
    Returns:
        (n, 28, 28) uint8 in MNIST's form. IDX and `.npz` pictures that are white on black are taken
        to be in it; others and image files are brought to it. Labels are named by their folders
        or numbers, "2" before "10".
    Raises:
        ConfigError: no such split.
        DataError: nothing at `path`.
        InputError: data that cannot be used; every bad picture of a folder is counted.
    """
    path = Path(path)
    user_data.check(path, split)
    if records.is_records(path):
        if label_column or encoding:
            raise ConfigError(f"{path} holds records, which have no columns and no encoding")
        return records.read(path, split, (), split_seed, records.PICTURES)
    if path.is_dir():
        if corrections.labels_of(path):
            if split == "test":
                raise InputError(
                    f"{path} holds corrections, all of which are learned from: it has no test set. "
                    "Evaluate on other data, as with --dataset mnist."
                )
            return class_folders.read(path)
        if by_split := tables(path):
            return user_data.official(
                path,
                split,
                by_split,
                lambda name: _read_table(by_split, name, label_column, encoding),
            )
        if idx_names := idx_splits(path):
            return user_data.official(
                path, split, idx_names, lambda name: _read_idx(path, idx_names, name)
            )
        if folders := class_folders.found_splits(path):
            return user_data.official(
                path, split, folders, lambda name: class_folders.read_split(folders, name)
            )
        whole = class_folders.read(path)
    elif path.suffix.lower() == ".npz":
        with npz.open_archive(path) as archive:
            if ends := npz_splits(archive):
                return user_data.official(
                    path, split, ends, lambda name: _read_npz(archive, ends, name)
                )
            whole = _read_npz(archive, {}, "")
    elif path.name.lower().endswith(TABLES):
        whole = _read_table({"train": path}, "train", label_column, encoding)
    else:
        raise InputError(f"{path}: expected {user_data.PICTURE_FORMS}; got another file.")
    return user_data.divided(path, whole, split, split_seed, identical(whole.inputs))


def identical(images: np.ndarray) -> list[int]:
    """Return (n,) equal numbers for pictures equal in every pixel."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1).view(np.dtype((np.void, 784)))
    return np.unique(rows.ravel(), return_inverse=True)[1].tolist()


# Tables


def tables(path: Path) -> dict[str, Path]:
    """Return the tables of a folder's splits, such as train.csv.

    The mapping is empty where there are none.
    """
    tables = [entry for entry in user_data.entries(path) if entry.name.lower().endswith(TABLES)]
    by_name = {entry.name.partition(".")[0].removeprefix("mnist_"): entry for entry in tables}
    splits = user_data.find_splits(by_name)
    return {split: by_name[name] for split, name in splits.items()}


def _read_table(
    by_split: Mapping[str, Path], split: str, label_column: str | None, encoding: str | None
) -> Examples:
    images, labels, left_out = pixel_tables.read(by_split[split], label_column, encoding)
    known = labels
    if split == "test" and "train" in by_split:
        known = pixel_tables.read(by_split["train"], label_column, encoding)[1]
    names = sorted(set(known), key=class_folders.natural)
    if len(names) not in user_data.LABELS_ALLOWED:
        raise InputError(
            f"{by_split[split]}: expected 2 to 100 different labels; got {len(names)}: "
            f"{user_data.listed(names)}."
        )
    if strange := sorted(set(labels) - set(names)):
        raise InputError(
            f"{by_split[split]}: expected only labels that the training set has; "
            f"got also {user_data.listed(strange)}."
        )
    numbers = {name: number for number, name in enumerate(names)}
    return Examples(
        images, np.array([numbers[label] for label in labels], np.int64), tuple(names), left_out
    )


# IDX files and arrays: labels are numbers


def _numbered(
    path: Path, images: np.ndarray, labels: np.ndarray, training: Callable[[], np.ndarray]
) -> Examples:
    """Return examples with the training set's numbers as label names.

    Args:
        path: for messages.
        images: (n, 28, 28) uint8.
        labels: (n,) int, one per picture.
        training: gives the labels of the training set.
    """
    if len(images) != len(labels):
        raise not_one_label_each(path, len(images), len(labels))
    known = np.unique(training())
    check_numbers(path, known)
    strange = np.setdiff1d(labels, known)
    if len(strange):
        raise InputError(
            f"{path}: expected only labels that the training set has; "
            f"got also {user_data.listed(strange.tolist())}."
        )
    numbers = np.searchsorted(known, labels).astype(np.int64)
    return Examples(images, numbers, tuple(str(number) for number in known))


def white_on_black(path: Path, images: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """Bring pictures that are dark on white to MNIST's form.

    Returns:
        The pictures (n, 28, 28) uint8, and why some of them, by place, hold no digit.
    """
    from nnguide.preprocessing import mnist_form

    turned, bad = mnist_form.white_on_black(images)
    if turned is not images:
        log.info(pixel_tables.DARK_ON_WHITE, path)
    return turned, {place: str(error) for place, error in bad.items()}


def check_numbers(path: Path, known: np.ndarray) -> None:
    """Raise an InputError for unusable label numbers.

    There are too few or too many labels, or high numbers.
    """
    if len(known) not in user_data.LABELS_ALLOWED or known[-1] > npz.MAX_LABEL:
        raise InputError(
            f"{path}: expected 2 to 100 different labels, each in 0..{npz.MAX_LABEL}; "
            f"got {len(known)}: {user_data.listed(known.tolist())}."
        )


def not_one_label_each(path: Path, pictures: int, labels: int) -> InputError:
    """Return the error for unequal numbers of pictures and labels."""
    return InputError(
        f"{path}: expected one label per picture; got {pictures:,} pictures and {labels:,} labels."
    )


def without_labels(path: Path, split: str) -> InputError:
    """Return the error for IDX pictures without a file of labels."""
    return InputError(
        f"{path}: expected {PREFIXES[split]}-labels-idx1-ubyte (or .gz) beside the "
        "pictures; it is missing."
    )


def idx_file(path: Path, split: str, kind: str) -> Path | None:
    """Return MNIST's file of one split, by any usual name."""
    shape = {"images": 3, "labels": 1}[kind]
    for dot in "-.":
        for packed in ("", ".gz"):
            file = path / f"{PREFIXES[split]}-{kind}{dot}idx{shape}-ubyte{packed}"
            if file.is_file():
                return file
    return None


def idx_splits(path: Path) -> tuple[str, ...]:
    return tuple(split for split in TRAIN_AND_TEST if idx_file(path, split, "images"))


def _read_idx(path: Path, names: Sequence[str], split: str) -> Examples:
    def labels(split: str) -> np.ndarray:
        file = idx_file(path, split, "labels")
        if file is None:
            raise without_labels(path, split)
        return idx.read_labels(file)

    file = idx_file(path, split, "images")
    assert file is not None  # the split was found by it
    own = labels(split)
    images, bad = white_on_black(file, idx.read_images(file))
    examples = _numbered(path, images, own, lambda: own if split == names[0] else labels(names[0]))
    return _without(examples, file, file.name, bad)


def npz_splits(archive: npz.Archive) -> dict[str, str]:
    """Return the splits of an archive, with their array suffixes."""
    return user_data.find_splits(
        name.removeprefix("x_") for name in archive.names if name.startswith("x_")
    )


def arrays(
    archive: npz.Archive, ends: Mapping[str, str], split: str
) -> tuple[str, np.ndarray, dict[int, str], np.ndarray]:
    """Return pictures and labels of an archive's split.

    They are x_train and y_train, x_test and y_test, or (split "") x and y.

    Returns:
        The pictures' name, the pictures (n, 28, 28) uint8, errors by position, and labels (n,).
    """
    end = f"_{ends[split]}" if split else ""
    x, y = f"x{end}", f"y{end}"
    if missing := [name for name in (x, y) if name not in archive.names]:
        raise InputError(
            f"{archive.path}: expected the arrays x_train, y_train, x_test, y_test, or x and y; "
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, "
            f"found: {user_data.listed(archive.names)}."
        )
    own = archive.labels(y)
    images, bad = archive.images(x)
    if len(own) != len(images):
        raise not_one_label_each(archive.path, len(images), len(own))
    images, without_digit = white_on_black(archive.path, images)
    return x, images, without_digit | bad, own


def _read_npz(archive: npz.Archive, ends: Mapping[str, str], split: str) -> Examples:
    x, images, bad, own = arrays(archive, ends, split)
    y = f"y{x[1:]}"
    trained = f"y_{ends['train']}" if split == "test" and "train" in ends else y
    if trained not in archive.names:
        trained = y
    examples = _numbered(archive.path, images, own, lambda: archive.labels(trained))
    return _without(examples, archive.path, x, bad)


def _without(examples: Examples, path: Path, name: str, bad: Mapping[int, str]) -> Examples:
    """Leave out what could not be read of the array `name`."""
    unread = [LeftOut(f"{name}[{place}]", reason) for place, reason in sorted(bad.items())]
    left_out = user_data.leave_out(path, "pictures", unread, len(examples))
    if bad:
        examples = examples.take(np.setdiff1d(np.arange(len(examples)), list(bad)))
    return replace(examples, left_out=left_out)
