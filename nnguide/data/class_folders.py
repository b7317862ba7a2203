"""Class folders: one folder of pictures per label.

The pictures are image files of any size.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnguide.data import corrections, user_data
from nnguide.data.examples import Examples, LeftOut
from nnguide.errors import InputError

log = logging.getLogger(__name__)
SIDE = 28  # pixels of a picture as the network takes it
BATCH = 1024  # pictures decoded between two looks at Ctrl-C
Known = Callable[[Path], np.ndarray | None]


def found_splits(path: Path) -> dict[str, Path]:
    """Return the folders of the training and test set.

    The mapping is empty where `path` has no splits.
    """
    folders = [entry.name for entry in user_data.entries(path) if entry.is_dir()]
    splits = user_data.find_splits(folders)
    others = [name for name in folders if name not in splits.values()]
    if len(splits) == 2:
        validation = user_data.SPLIT_NAMES["validation"]
        if more := [name for name in others if name.lower() not in validation]:
            log.warning("%s: left out beside the splits: %s", path, user_data.listed(more))
    elif others:  # one of them among other folders is a label: cars, trains, ships
        return {}
    return {split: path / name for split, name in splits.items()}


def read(path: Path) -> Examples:
    """Read all pictures of class folders without splits."""
    folders = labelled_folders(path)
    if names := corrections.labels_of(path):  # of which some may have no picture yet
        folders = [folder for folder in folders if folder.name in names and any(folder.iterdir())]
        if not folders:
            raise InputError(f"{path} holds no corrections yet")
        return _read_folders(path, folders, names, corrections.saved)
    return _read_folders(path, folders, names_of(path, folders))


def read_split(splits: Mapping[str, Path], split: str) -> Examples:
    """Read the split "train" or "test" of class folders.

    The labels are those of the training set, where it is there.
    """
    return _read_folders(splits[split], *folders_of(splits, split))


def folders_of(splits: Mapping[str, Path], split: str) -> tuple[list[Path], tuple[str, ...]]:
    """Return the class folders of a split, and the labels.

    The labels are those of the training set.
    """
    path, first = splits[split], next(iter(splits.values()))
    folders = labelled_folders(path)
    names = names_of(first, labelled_folders(first))
    strange = [folder.name for folder in folders if folder.name not in names]
    if strange:
        raise InputError(
            f"{path}: expected only labels that {first} has; "
            f"got also {user_data.listed(strange)}. Rename or move these folders."
        )
    if not folders:
        raise InputError(f"{path}: expected folders named by labels; got none.")
    return folders, names


def labelled_folders(path: Path) -> list[Path]:
    """Return the class folders in `path`, in label order."""
    folders = [entry for entry in user_data.entries(path) if entry.is_dir()]
    return sorted(folders, key=lambda folder: natural(folder.name))


def natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sorting key that puts "2" before "10".

    Numbers come before words.
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(True, 0, p) if p[0] not in "0123456789" else (False, int(p), "") for p in pieces], name


def names_of(path: Path, folders: Sequence[Path]) -> tuple[str, ...]:
    if len(folders) not in user_data.LABELS_ALLOWED:
        raise InputError(
            f"{path}: expected 2 to 100 labels, each a folder of pictures; got {len(folders)}: "
            f"{user_data.listed([folder.name for folder in folders])}. "
            f"It may be {user_data.PICTURE_FORMS}."
        )
    for folder in folders:
        if not folder.name.isprintable():
            raise InputError(
                f"{path}: expected printable names of labels; got {folder.name!a}. Rename it."
            )
    return tuple(folder.name for folder in folders)


def _read_folders(
    path: Path, folders: Sequence[Path], names: tuple[str, ...], known: Known = lambda file: None
) -> Examples:
    files: list[Path] = []
    labels: list[int] = []
    others: list[Path] = []
    for folder in folders:
        inside, beside = pictures_in(folder)
        others += beside
        files += inside
        labels += [names.index(folder.name)] * len(inside)
        if len(files) > user_data.MAX_EXAMPLES:
            raise InputError(
                f"{path}: expected at most {user_data.MAX_EXAMPLES:,} pictures; got more."
            )
    say_others(path, others)
    images, bad = decoded(files, known)
    unread = [LeftOut(str(files[i].relative_to(path)), reason) for i, reason in bad.items()]
    kept = np.array([index not in bad for index in range(len(files))])
    left_out = user_data.leave_out(path, "pictures", unread, len(files))
    lost = Lost.each([file for file, good in zip(files, kept, strict=True) if good])
    notes = sum(lost, Lost()).notes
    return Examples(
        images[kept], np.array(labels, np.int64)[kept], names, left_out=left_out, notes=notes
    )


def say_others(path: Path, others: Sequence[Path]) -> None:
    """Log which files are not pictures."""
    if others:
        shown = user_data.listed([file.relative_to(path) for file in others])
        log.warning("%s: left out, not pictures: %s (%d)", path, shown, len(others))


def pictures_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return a label's pictures, and the other files, by name.

    Folders in the folder are searched too.

    Raises:
        InputError: it has no pictures.
    """
    files = _files_in(folder)
    if not files[0]:
        raise InputError(
            f"{folder}: expected pictures of the label {folder.name} "
            f"({', '.join(sorted(user_data.PICTURES))}); got none."
        )
    return files


def _files_in(folder: Path) -> tuple[list[Path], list[Path]]:
    files: tuple[list[Path], list[Path]] = ([], [])
    for entry in user_data.entries(folder):
        if entry.is_dir() and not entry.is_symlink():
            for mine, its in zip(files, _files_in(entry), strict=True):
                mine += its
        else:
            files[entry.suffix.lower() not in user_data.PICTURES | user_data.OTHER_PICTURES].append(
                entry
            )
    return files


def decoded(
    files: Sequence[Path], known: Known = lambda file: None
) -> tuple[np.ndarray, dict[int, str]]:
    """Return the pictures in `files`, (n, 28, 28) uint8, and errors.

    An error says, by position, why a file is not a picture. `known` gives the pictures that are
    taken as they are, and None for others.
    """
    from nnguide.preprocessing import pictures

    def decode(file: Path) -> np.ndarray | str:
        if not file.is_file():  # a pipe would block, a broken link fail
            return "it is not a regular file"
        if (levels := known(file)) is not None:
            return levels
        try:
            return pictures.read(file)
        except InputError as error:
            return str(error).removeprefix(f"{file}: ")

    images = np.zeros((len(files), 28, 28), np.uint8)
    bad: dict[int, str] = {}
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            for index, decoded in enumerate(pool.map(decode, batch), start):
                if isinstance(decoded, str):
                    bad[index] = decoded
                else:
                    images[index] = decoded
    return images, bad


@dataclass(frozen=True)
class Lost:
    """Colour and size that pictures lost when they were read.

    Attributes:
        largest: width and height of the largest of those that were `larger` than SIDE.
    """

    pictures: int = 0
    coloured: int = 0
    larger: int = 0
    largest: tuple[int, int] = (0, 0)

    def to_list(self) -> list[int]:
        """Return the counts as a list for JSON."""
        return [self.pictures, self.coloured, self.larger, *self.largest]

    @classmethod
    def of_list(cls, numbers: list[int]) -> Lost:
        """Return the object of a `to_list` list; [] is nothing."""
        pictures, coloured, larger, width, height = numbers or [0] * 5
        return cls(pictures, coloured, larger, (width, height))

    @classmethod
    def each(cls, files: Sequence[Path]) -> list[Lost]:
        """Return what each of some readable picture files loses."""
        from nnguide.preprocessing import pictures

        with ThreadPoolExecutor() as pool:
            forms = list(pool.map(pictures.form, files))
        return [
            cls(1, int(colour), 1, size) if max(size) > SIDE else cls(1, int(colour))
            for colour, size in forms
        ]

    def __add__(self, other: Lost) -> Lost:
        return Lost(
            self.pictures + other.pictures,
            self.coloured + other.coloured,
            self.larger + other.larger,
            max(self.largest, other.largest),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentence for each kind of loss."""
        notes = []
        if self.coloured:
            notes.append(
                f"{self.coloured:,} of {self.pictures:,} pictures in colour were read as grey"
            )
        if self.larger:
            width, height = self.largest
            notes.append(
                f"{self.larger:,} of {self.pictures:,} pictures, up to {width:,}×{height:,} "
                f"pixels, were reduced to {SIDE}×{SIDE}"
            )
        return tuple(notes)
