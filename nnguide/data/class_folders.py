"""Class folders: one folder per label, its pictures inside, as image files of any size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from nnguide.data import user_data
from nnguide.data.examples import Examples
from nnguide.errors import InputError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff"})
OTHER_PICTURES = frozenset({".webp", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".ppm"})
BATCH = 1024  # pictures decoded between two looks at Ctrl-C


def found_parts(path: Path) -> tuple[str, ...]:
    """Which of train/ and test/ make up `path`: both of them, or the only folder there is."""
    folders = [entry.name for entry in user_data.entries(path) if entry.is_dir()]
    found = tuple(part for part in user_data.PARTS if part in folders)
    if len(found) == 2:
        return found
    # One of them among other folders is a label: cars, trains, ships.
    return found if len(found) == len(folders) else ()


def read(path: Path) -> Examples:
    """All pictures of the class folders in `path`, which has no parts."""
    folders = _class_folders(path)
    return _read_folders(path, folders, _names(path, folders))


def read_part(path: Path, found: Sequence[str], part: str) -> Examples:
    """train/ or test/, with the labels of train/ where it is there."""
    folders = _class_folders(path / part)
    names = _names(path / found[0], _class_folders(path / found[0]))
    strange = [folder.name for folder in folders if folder.name not in names]
    if strange:
        raise InputError(
            f"{path / part}: expected only labels that {path / found[0]} has; "
            f"got also {user_data.listed(strange)}. Rename or move these folders."
        )
    if not folders:
        raise InputError(f"{path / part}: expected folders named by labels; got none.")
    return _read_folders(path / part, folders, names)


def _class_folders(path: Path) -> list[Path]:
    folders = [entry for entry in user_data.entries(path) if entry.is_dir()]
    return sorted(folders, key=lambda folder: _natural(folder.name))


def _natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """A sorting key under which "2" stands before "10", and numbers before words."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(True, 0, p) if p[0] not in "0123456789" else (False, int(p), "") for p in pieces], name


def _names(path: Path, folders: Sequence[Path]) -> tuple[str, ...]:
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


def _read_folders(path: Path, folders: Sequence[Path], names: tuple[str, ...]) -> Examples:
    files: list[Path] = []
    labels: list[int] = []
    for folder in folders:
        inside = [
            entry
            for entry in user_data.entries(folder)
            if entry.suffix.lower() in SUFFIXES | OTHER_PICTURES
        ]
        if not inside:
            raise InputError(
                f"{folder}: expected pictures of the label {folder.name} "
                f"({', '.join(sorted(SUFFIXES))}); got none."
            )
        files += inside
        labels += [names.index(folder.name)] * len(inside)
        if len(files) > user_data.MAX_EXAMPLES:
            raise InputError(
                f"{path}: expected at most {user_data.MAX_EXAMPLES:,} pictures; got more."
            )
    return Examples(_decode(path, files), np.array(labels, np.int64), names)


def _decode(path: Path, files: Sequence[Path]) -> np.ndarray:
    """The pictures in `files`, in order: (n, 28, 28) uint8."""
    from nnguide.preprocessing import pictures

    def decode(file: Path) -> np.ndarray | str:
        if file.suffix.lower() in OTHER_PICTURES:
            return f"{file.suffix} is not read; save it as PNG"
        if not file.is_file():  # a pipe would block, a broken link fail
            return "it is no regular file"
        try:
            return pictures.read(file)
        except InputError as error:
            return str(error).removeprefix(f"{file}: ")

    images = np.empty((len(files), 28, 28), np.uint8)
    bad: list[tuple[Path, str]] = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            for index, (file, decoded) in enumerate(
                zip(batch, pool.map(decode, batch), strict=True), start
            ):
                if isinstance(decoded, str):
                    bad.append((file, decoded))
                else:
                    images[index] = decoded
    user_data.refuse_bad(path, "pictures", bad, len(files))
    return images
