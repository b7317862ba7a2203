"""Folder of pictures with corrected answers, to learn from next.

    corrections.json   the labels of the model that was corrected, in label order
    7/3fa9….png        a picture in MNIST's form that shows a 7

It grows while a server runs, may lack labels, and has no test set: a run learns from all of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nnguide.errors import ConfigError, InputError, WriteError
from nnguide.files import atomic, write_json

FILE = "corrections.json"
MOST = 10_000  # pictures that a folder takes


def labels_of(folder: Path) -> tuple[str, ...]:
    """Return the labels of a folder of corrections.

    () where it is not such a folder.

    Raises:
        InputError: its file of labels is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise InputError(f"{path} is damaged: expected labels, a list of names")
    return tuple(labels)


def prepare(folder: Path, labels: Sequence[str]) -> None:
    """Make the folder of a model's corrections, if it is missing.

    Raises:
        ConfigError: it holds something else, or corrections of a model with other labels.
        WriteError: it cannot be written.
    """
    if unfit := [label for label in labels if Path(label).name != label or label.startswith(".")]:
        raise ConfigError(f"a label that is to be a folder's name cannot be {unfit[0]!r}")
    known = labels_of(folder)
    if known and known != tuple(labels):
        raise ConfigError(
            f"{folder} holds corrections of a model with the labels {', '.join(known)}; this one "
            f"has {', '.join(labels)}. Give another folder."
        )
    if not known:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} holds something else than corrections. Give a new folder.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(f"cannot write {folder}: {error.strerror}") from error
        write_json(folder / FILE, {"schema": 1, "labels": list(labels)})


def save(folder: Path, label: str, levels: np.ndarray) -> Path:
    """Add a picture with its corrected label.

    One that was there under another label moves to this one.

    Args:
        levels: (28, 28) uint8 in MNIST's form.
    Raises:
        InputError: the model has no such label.
        WriteError: the folder is full or cannot be written.
    """
    from PIL import Image

    labels = labels_of(folder)
    if label not in labels:
        raise InputError(f"expected one of the labels {', '.join(labels)}; got {label[:40]!r}")
    name = _name(levels)
    there = list(folder.glob("*/*.png"))
    if len(there) >= MOST and not any(path.name == name for path in there):
        raise WriteError(f"{folder} holds {MOST:,} corrections already: it takes no more")
    path = folder / label / name
    with atomic(path) as beside:
        Image.fromarray(levels).save(beside, "PNG")
    for other in there:
        if other.name == name and other != path:
            other.unlink(missing_ok=True)
    return path


def saved(path: Path) -> np.ndarray | None:
    """Return a picture as `save` wrote it, else None.

    It is in MNIST's form already, (28, 28) uint8; its name is its hash.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as image:
            if (image.mode, image.size) != ("L", (28, 28)):
                return None
            levels = np.array(image)
    except (OSError, SyntaxError, ValueError):
        return None
    return levels if path.name == _name(levels) else None


def _name(levels: np.ndarray) -> str:
    return f"{hashlib.sha256(levels.tobytes()).hexdigest()[:16]}.png"
