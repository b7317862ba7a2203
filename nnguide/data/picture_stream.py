"""Labelled pictures of any number, one after another.

They come from class folders, IDX files, tables or an `.npz`. They come in the order in which
`picture_files` reads them, and are the same. An `.npz` is read whole; of the others only what is
being read is in memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.data import (
    class_folders,
    corrections,
    idx,
    npz,
    picture_files,
    pixel_tables,
    user_data,
)
from nnguide.data.class_folders import Lost
from nnguide.errors import InputError


@dataclass(frozen=True, eq=False)
class Row:
    """An input of a data set that is read one by one.

    Attributes:
        split: "train" or "test"; "" where the data is not divided.
        place: where it is from.
        labelled: its label and itself, or why it cannot be read.
        lost: what a picture file lost.
    """

    split: str
    place: str
    labelled: tuple[Any, Any] | InputError
    lost: Lost = field(default_factory=Lost)


def is_at(path: Path, label_column: str | None, encoding: str | None) -> bool:
    """Return whether there are pictures at a path.

    They are recognized by the path's form and by how it begins.
    """
    if path.is_dir():
        tables = picture_files.tables(path)
        if not tables:
            return bool(picture_files.idx_splits(path)) or _are_pictures(path)
        path = next(iter(tables.values()))
    if path.suffix.lower() == ".npz":
        return True
    if not path.name.lower().endswith(picture_files.TABLES):
        return False
    try:
        next(pixel_tables.rows(path, label_column, encoding), None)
    except InputError:
        return False
    return True


def _are_pictures(path: Path) -> bool:
    """Return whether most first files below a folder are pictures."""
    files = (file for file in path.rglob("*") if file.is_file())
    kinds = user_data.PICTURES | user_data.OTHER_PICTURES
    seen = [file.suffix.lower() in kinds for file in itertools.islice(files, 100)]
    return 2 * sum(seen) > len(seen)


def labels(path: Path) -> tuple[str, ...]:
    """Return the labels of class folders in their order.

    () for other data, in which they are found while reading.
    """
    if not path.is_dir() or picture_files.tables(path) or picture_files.idx_splits(path):
        return ()
    if corrections.labels_of(path):
        raise InputError(f"{path} holds corrections, which `train` takes as they are.")
    if splits := class_folders.found_splits(path):
        return class_folders.folders_of(splits, next(iter(splits)))[1]
    return class_folders.names_of(path, class_folders.labelled_folders(path))


def each(path: Path, label_column: str | None, encoding: str | None, passed: int) -> Iterator[Row]:
    """Yield every labelled picture but the first `passed`.

    The training set comes before the test set.
    """
    if path.is_dir() and not picture_files.tables(path) and not picture_files.idx_splits(path):
        yield from _of_folders(path, passed)
    else:
        yield from itertools.islice(_of_files(path, label_column, encoding), passed, None)


def _of_folders(path: Path, passed: int) -> Iterator[Row]:
    """Yield the pictures of class folders.

    No file is opened that is passed over.
    """
    splits = class_folders.found_splits(path)
    folders_by_split = {split: class_folders.folders_of(splits, split)[0] for split in splits}
    for split, folders in (folders_by_split or {"": class_folders.labelled_folders(path)}).items():
        root, others = splits.get(split, path), []
        for folder in folders:
            files, beside = class_folders.pictures_in(folder)
            others += beside
            skipped = min(passed, len(files))
            passed -= skipped
            for start in range(skipped, len(files), class_folders.BATCH):
                batch = files[start : start + class_folders.BATCH]
                yield from _decoded(split, root, folder.name, batch)
        class_folders.say_others(root, others)


def _decoded(split: str, root: Path, label: str, files: list[Path]) -> Iterator[Row]:
    pictures, bad = class_folders.decoded(files)
    lost = iter(Lost.each([file for place, file in enumerate(files) if place not in bad]))
    for number, file in enumerate(files):
        place = str(file.relative_to(root))
        if number in bad:
            yield Row(split, place, InputError(bad[number]))
        else:
            yield Row(split, place, (label, pictures[number]), next(lost))


def _of_files(path: Path, label_column: str | None, encoding: str | None) -> Iterator[Row]:
    if path.is_dir():
        tables = picture_files.tables(path)
        for split, table in tables.items():
            yield from _of_table(split, table, label_column, encoding)
        for split in () if tables else picture_files.idx_splits(path):
            yield from _of_idx(path, split)
    elif path.suffix.lower() == ".npz":
        yield from _of_npz(path)
    else:
        yield from _of_table("", path, label_column, encoding)


def _of_table(
    split: str, path: Path, label_column: str | None, encoding: str | None
) -> Iterator[Row]:
    for line, label, picture in pixel_tables.rows(path, label_column, encoding):
        if isinstance(picture, InputError):
            yield Row(split, f"line {line}", picture)
        elif label is None:
            raise pixel_tables.without_labels(path)
        else:
            yield Row(split, f"line {line}", (label, picture))


def _of_idx(path: Path, split: str) -> Iterator[Row]:
    pictures, labels = (picture_files.idx_file(path, split, what) for what in ("images", "labels"))
    assert pictures is not None  # the split was found by it
    if labels is None:
        raise picture_files.without_labels(path, split)
    numbers = idx.each_label(labels)
    if split == picture_files.idx_splits(path)[0]:
        picture_files.check_numbers(path, np.unique(numbers))
    count, images = 0, idx.each_image(pictures)
    while batch := list(itertools.islice(images, class_folders.BATCH)):
        read, bad = picture_files.white_on_black(pictures, np.stack(batch))
        for place, picture in enumerate(read[: max(len(numbers) - count, 0)]):
            at = f"{pictures.name}[{count + place}]"
            if place in bad:
                yield Row(split, at, InputError(bad[place]))
            else:
                yield Row(split, at, (str(numbers[count + place]), picture))
        count += len(batch)
    if count != len(numbers):
        raise picture_files.not_one_label_each(path, count, len(numbers))


def _of_npz(path: Path) -> Iterator[Row]:
    with npz.open_archive(path) as archive:
        splits = picture_files.npz_splits(archive)
        for split in splits or ("",):
            name, pictures, bad, numbers = picture_files.arrays(archive, splits, split)
            for place, (picture, number) in enumerate(zip(pictures, numbers, strict=True)):
                at = f"{name}[{place}]"
                if place in bad:
                    yield Row(split, at, InputError(bad[place]))
                else:
                    yield Row(split, at, (str(number), np.asarray(picture)))
