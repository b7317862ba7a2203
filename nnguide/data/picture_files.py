"""Pictures of a user's own: class folders of image files, IDX files, or an `.npz`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nnguide.data import class_folders, idx, npz, user_data
from nnguide.data.examples import Examples
from nnguide.errors import InputError

PREFIXES = {"train": "train", "test": "t10k"}  # MNIST's file names


def read(path: Path, split: str, *, split_seed: int = 0) -> Examples:
    """Labelled pictures from `path`.

    A path with a training and a test part (folders `train` and `test`, IDX files `train-…` and
    `t10k-…`, arrays `x_train` and `x_test`) is used as it is divided, and only the part asked
    for is opened. Any other is divided 80/20 within each label, identical pictures on one side.

    Args:
        path: a folder or an `.npz` file.
        split: "train", "test" or "all".
        split_seed: chooses the division of a path without parts.
    Returns:
        (n, 28, 28) uint8 in MNIST's form. IDX and `.npz` pictures are taken to be in it; image
        files are brought to it. Labels are named by their folders or numbers, "2" before "10".
    Raises:
        ConfigError: no such split.
        DataError: nothing at `path`.
        InputError: data that cannot be used; every bad picture of a folder is counted.
    """
    path = Path(path)
    user_data.check(path, split)
    if path.is_dir():
        if found := _idx_parts(path):
            return user_data.official(path, split, found, lambda part: _read_idx(path, found, part))
        if found := class_folders.found_parts(path):
            return user_data.official(
                path, split, found, lambda part: class_folders.read_part(path, found, part)
            )
        whole = class_folders.read(path)
    elif path.suffix.lower() == ".npz":
        with npz.open_archive(path) as archive:
            found = tuple(part for part in user_data.PARTS if f"x_{part}" in archive.names)
            if found:
                return user_data.official(path, split, found, lambda part: _read_npz(archive, part))
            whole = _read_npz(archive, None)
    else:
        raise InputError(f"{path}: expected {user_data.PICTURE_FORMS}; got another file.")
    return user_data.divided(path, whole, split, split_seed, _identical(whole.inputs))


def _identical(images: np.ndarray) -> list[int]:
    """(n,) equal numbers for pictures that are equal in every pixel."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1).view(np.dtype((np.void, 784)))
    return np.unique(rows.ravel(), return_inverse=True)[1].tolist()


# IDX files and arrays: labels are numbers


def _numbered(
    path: Path, images: np.ndarray, labels: np.ndarray, training: Callable[[], np.ndarray]
) -> Examples:
    """Examples whose labels are named by the numbers that the training part has.

    Args:
        path: for messages.
        images: (n, 28, 28) uint8.
        labels: (n,) int, one per picture.
        training: gives the labels of the training part.
    """
    if len(images) != len(labels):
        raise InputError(
            f"{path}: expected one label per picture; got {len(images):,} pictures "
            f"and {len(labels):,} labels."
        )
    known = np.unique(training())
    if len(known) not in user_data.LABELS_ALLOWED or known[-1] > npz.MAX_LABEL:
        raise InputError(
            f"{path}: expected 2 to 100 different labels, each in 0..{npz.MAX_LABEL}; "
            f"got {len(known)}: {user_data.listed(known.tolist())}."
        )
    strange = np.setdiff1d(labels, known)
    if len(strange):
        raise InputError(
            f"{path}: expected only labels that the training part has; "
            f"got also {user_data.listed(strange.tolist())}."
        )
    numbers = np.searchsorted(known, labels).astype(np.int64)
    return Examples(images, numbers, tuple(str(number) for number in known))


def _idx_file(path: Path, part: str, kind: str) -> Path | None:
    """MNIST's file of one part, by any of the names it goes under."""
    shape = {"images": 3, "labels": 1}[kind]
    for dot in "-.":
        for packed in ("", ".gz"):
            file = path / f"{PREFIXES[part]}-{kind}{dot}idx{shape}-ubyte{packed}"
            if file.is_file():
                return file
    return None


def _idx_parts(path: Path) -> tuple[str, ...]:
    return tuple(part for part in user_data.PARTS if _idx_file(path, part, "images"))


def _read_idx(path: Path, found: Sequence[str], part: str) -> Examples:
    def labels(part: str) -> np.ndarray:
        file = _idx_file(path, part, "labels")
        if file is None:
            raise InputError(
                f"{path}: expected {PREFIXES[part]}-labels-idx1-ubyte (or .gz) beside the "
                "pictures; it is missing."
            )
        return idx.read_labels(file)

    file = _idx_file(path, part, "images")
    assert file is not None  # the part was found by it
    own = labels(part)
    return _numbered(
        path, idx.read_images(file), own, lambda: own if part == found[0] else labels(found[0])
    )


def _read_npz(archive: npz.Archive, part: str | None) -> Examples:
    """x_train and y_train, x_test and y_test, or (part None) x and y."""
    end = f"_{part}" if part else ""
    x, y = f"x{end}", f"y{end}"
    if missing := [name for name in (x, y) if name not in archive.names]:
        raise InputError(
            f"{archive.path}: expected the arrays x_train, y_train, x_test, y_test, or x and y; "
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, "
            f"found: {user_data.listed(archive.names)}."
        )
    own = archive.labels(y)
    trained = part == "test" and "y_train" in archive.names
    return _numbered(
        archive.path,
        archive.images(x),
        own,
        lambda: archive.labels("y_train") if trained else own,
    )
