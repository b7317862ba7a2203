"""Common parts of a user's pictures and texts: splits and errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np

from nnguide.data.dataset_info import SPLITS, TRAIN_AND_TEST
from nnguide.data.examples import Examples, LeftOut, stratified_split
from nnguide.errors import ConfigError, DataError, InputError

SPLIT_NAMES = {  # what people call each split, in any case
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("val", "valid", "validation"),
}
TEST_SHARE = 0.2  # of data that comes without a test set
MAX_EXAMPLES = 2_000_000
LABELS_ALLOWED = range(2, 101)  # how many labels pictures may have
PICTURE_FORMS = (
    "class folders (one folder per label, its pictures inside), train/ and test/ with class "
    "folders, MNIST's IDX files, an .npz with x_train, y_train, x_test, y_test, or a table (.csv) "
    "of a label and 784 grey levels a row"
)
PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
    | {".heic", ".heif"}
)
OTHER_PICTURES = frozenset({".avif", ".jxl", ".jp2", ".svg", ".ppm"})  # not read
log = logging.getLogger(__name__)
SHOWN = 5  # bad files, columns or names that a message lists before it only counts


class MissingSplitError(InputError):
    """Data with a training set and no test set, or vice versa."""


def check(path: Path, split: str) -> None:
    """Raise an error for an unknown split or an unusable path.

    Raises:
        ConfigError: `split` is not one of SPLITS.
        DataError: nothing is at `path`.
        InputError: `path` is neither a file nor a folder.
    """
    if split not in SPLITS:
        raise ConfigError(f"split is one of {', '.join(SPLITS)}; got {split!r}.")
    if not path.exists():
        raise DataError(f"there is no file or folder {path}. Check the path.")
    if not path.is_file() and not path.is_dir():
        raise InputError(
            f"{path}: expected a file or a folder; got a pipe or device. Save it first."
        )


def entries(folder: Path) -> list[Path]:
    """Return the visible entries of `folder`, by name.

    Hidden files and what a Mac adds to archives are left out.
    """
    try:
        names = [
            entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX"))
        ]
    except OSError as error:
        raise unreadable(folder, error) from error
    names = [entry for entry in names if not entry.name.startswith((".", "__MACOSX"))]
    return sorted(names, key=lambda entry: entry.name)


def unreadable(path: Path, error: OSError) -> InputError:
    """Return the error for a path that cannot be read."""
    reason = error.strerror or error
    return InputError(f"cannot read {path}: {reason}. Check the path and its permissions.")


def listed(names: Sequence[object]) -> str:
    """Return the first few of `names`, and how many more."""
    shown = ", ".join(str(name) for name in names[:SHOWN])
    more = len(names) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown or "nothing"


def find_splits(names: Iterable[str]) -> dict[str, str]:
    """Return which `names` are the training and test set.

    The mapping is split -> name. Without a test set a validation set serves as one. Beside a test
    set it is left out, with a warning: training takes its validation set from the training set.
    """
    splits: dict[str, str] = {}
    for name in names:
        for split, known in SPLIT_NAMES.items():
            if name.lower() in known:
                splits.setdefault(split, name)
    validation = splits.pop("validation", None)
    if validation is not None and "train" in splits:
        if "test" in splits:
            log.warning(
                "%s is not used: training takes its validation set from %s",
                *(validation, splits["train"]),
            )
        else:
            log.warning("no test set found: using %s as the test set", validation)
            splits["test"] = validation
    return {split: splits[split] for split in TRAIN_AND_TEST if split in splits}


def leave_out(
    path: Path | str, kind: str, bad: Sequence[LeftOut], total: int, count: int | None = None
) -> tuple[LeftOut, ...]:
    """Count and name the inputs that could not be read.

    They are among `total` inputs in `path`.

    Args:
        count: how many those are, where `bad` has the first of them alone.
    Raises:
        InputError: nothing could be read.
    """
    if not bad:
        return ()
    count = len(bad) if count is None else count
    listed_bad = [f"  {item}" for item in bad[:SHOWN]]
    if count > SHOWN:
        listed_bad.append(f"  and {count - SHOWN:,} more")
    first = f"{count:,} of the {total:,} {kind} in {path} cannot be used"
    if count == total:
        raise InputError("\n".join([f"{first}:", *listed_bad]))
    log.warning(
        "%s",
        "\n".join([f"{first} and are left out:", *listed_bad]),
        extra={"left_out": count},  # by which the command line ends with status 4
    )
    return tuple(bad)


def official(
    path: Path | str, split: str, present: Collection[str], load: Callable[[str], Examples]
) -> Examples:
    """Return examples of data that comes in splits.

    No other split than the one asked for is opened.

    Args:
        path: for messages.
        split: one of SPLITS; "all" is every one there is.
        present: which of TRAIN_AND_TEST the data has.
        load: reads a split.
    Raises:
        MissingSplitError: the data has no such split.
    """
    wanted = [name for name in TRAIN_AND_TEST if name in present] if split == "all" else [split]
    if split not in (*present, "all"):
        other = TRAIN_AND_TEST[1 - TRAIN_AND_TEST.index(split)]
        raise MissingSplitError(
            f"{path} has a {other} set and no {split} set. Add a {split} set named like the "
            f"{other} set, or put all examples together: "
            "80 % will be for training and 20 % for the test."
        )
    examples = load(wanted[0])
    for name in wanted[1:]:
        examples = examples.join(load(name))
    return examples


def divided(
    path: Path | str,
    examples: Examples,
    split: str,
    seed: int,
    groups: Sequence[Hashable] | np.ndarray,
) -> Examples:
    """Return one side, or all, of data without splits.

    80 % is for training, 20 % for the test.

    Args:
        path: for messages.
        examples: all of them.
        split: one of SPLITS.
        seed: chooses the division.
        groups: (n,) equal for examples that must stand on one side.
    Raises:
        InputError: a label has only one distinct example, so it cannot be on both sides.
    """
    if split == "all":
        return examples
    for name, members in zip(examples.label_names, _distinct(examples, groups), strict=True):
        if members < 2:
            raise InputError(
                f"{path}: expected at least 2 distinct examples of every label, to split them into "
                f"training and test; {name} has {members}. Add more, or split them yourself "
                f"into a train and a test set."
            )
    train, test = stratified_split(examples.labels, TEST_SHARE, seed, groups)
    return examples.take(train if split == "train" else test)


def _distinct(examples: Examples, groups: Sequence[Hashable] | np.ndarray) -> list[int]:
    """Return how many groups each label has.

    A group has the label of its first example.
    """
    if isinstance(groups, np.ndarray):
        _, first = np.unique(groups, return_index=True)
        labels = examples.labels[first]
    else:
        owner: dict[Hashable, int] = {}
        for label, group in zip(examples.labels.tolist(), groups, strict=True):
            owner.setdefault(group, label)
        labels = np.fromiter(owner.values(), np.int64, len(owner))
    return np.bincount(labels, minlength=len(examples.label_names)).tolist()
