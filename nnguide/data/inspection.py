"""Preview of how data at a path would be read.

It shows the form, labels, counts, split, and what a network sees.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnguide.data import catalogue, table_files, user_data
from nnguide.data.dataset_info import TRAIN_AND_TEST
from nnguide.data.examples import Examples, LeftOut
from nnguide.errors import InputError

SHOWN = 3  # examples
INK = " .:-=+*#%@"  # from black to white


@dataclass(frozen=True, eq=False)
class Inspected:
    """Data that was found at a path.

    Attributes:
        task: whose examples they are.
        form: what the path is.
        splits: the training and the test set, as `train` and `evaluate` would take them.
        left_out: the inputs that cannot be read.
    """

    path: Path
    task: str
    form: str
    splits: dict[str, Examples]
    left_out: tuple[LeftOut, ...]

    @property
    def is_drawn(self) -> bool:
        """Whether the inputs are pictures, shown as lines of characters."""
        from nnguide import tasks

        return tasks.get(self.task).kind.is_drawn

    @property
    def shown(self) -> list[tuple[str, np.ndarray | str]]:
        """First training example of each of three labels, with its label."""
        train = self.splits.get("train") or next(iter(self.splits.values()))
        _, places = np.unique(train.labels, return_index=True)
        return [
            (train.label_names[int(train.labels[place])], train.inputs[place])
            for place in places[:SHOWN]
        ]


def inspect(
    path: Path,
    task: str | None = None,
    label_column: str | None = None,
    text_column: str | None = None,
    encoding: str | None = None,
) -> Inspected:
    """Read the data at a path as `train` would.

    Args:
        task: whose data it is; None tries every task.
        label_column, text_column, encoding: of a table, as for `catalogue.find`.
    Raises:
        InputError: no task can read it; the reasons are all said.
        Others: as `catalogue.find` and `Source.load`.
    """
    from nnguide import tasks

    is_table = table_files.form(path) != ""

    def rank(name: str) -> tuple[bool, bool]:
        """Return a sorting key for the order of tasks.

        In a table texts come first, elsewhere pictures; plain numbers are last, since they fit
        pixels too.
        """
        kind = tasks.get(name).kind
        first = kind.is_its_own_name if is_table else kind.is_drawn
        return not first, not (kind.is_its_own_name or kind.is_drawn)

    tried = sorted(tasks.names(), key=rank)
    reasons = []
    for name in (task,) if task else tried:
        column = text_column if tasks.get(name).kind.takes_mail else None
        try:
            source = catalogue.find(
                name,
                str(path),
                label_column=label_column,
                text_column=column,
                encoding=encoding,
            )
            splits = {}
            for split in TRAIN_AND_TEST:
                with contextlib.suppress(user_data.MissingSplitError):
                    splits[split] = source.load(split)
        except InputError as error:
            reasons.append(f"for {name}: {error}")
            continue
        bad = (item for examples in splits.values() for item in examples.left_out)
        return Inspected(path, name, form(path), splits, tuple(dict.fromkeys(bad)))
    raise InputError(f"{path} cannot be read\n" + "\n".join(reasons))


def form(path: Path) -> str:
    """Return what the path is, in a few words."""
    packed = ", packed by gzip" if path.name.lower().endswith(".gz") else ""
    if kind := table_files.form(path):
        return f"a table ({kind.upper()}{packed})"
    if path.suffix.lower() == ".npz":
        return "a NumPy archive"
    return "a folder" if path.is_dir() else "a file"


def drawn(levels: np.ndarray) -> list[str]:
    """Return a picture (28, 28) uint8 as 14 lines of characters.

    Each line is two rows of pixels.
    """
    pairs = levels.reshape(14, 2, 28).mean(1)
    ink = (pairs / 256 * len(INK)).astype(int)
    return ["".join(INK[level] for level in row).rstrip() for row in ink]


def save(inspected: Inspected, out: Path) -> None:
    """Write the shown pictures as one PNG file, eight times enlarged."""
    from PIL import Image

    row = np.hstack([np.asarray(picture) for _, picture in inspected.shown])
    Image.fromarray(row).resize((row.shape[1] * 8, row.shape[0] * 8), 0).save(out, "PNG")
