"""QMNIST: MNIST's test set made again from NIST's scans.

It has the 50,000 digits that MNIST left out. A digit's label is the first of the eight numbers
that stand for it.

Source: C. Yadav, L. Bottou, Cold Case: The Lost MNIST Digits, NeurIPS 2019.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nnguide.data import official_files

if TYPE_CHECKING:
    from nnguide.data.examples import Examples

NEEDED = "the four .gz files to train and to test, from github.com/facebookresearch/qmnist"
FILES = tuple(
    f"qmnist-{split}-{kind}.gz"
    for split in ("train", "test")
    for kind in ("images-idx3-ubyte", "labels-idx2-int")
)
DOWNLOADS = ()
_COUNT = 60_000  # digits of each split
_OF_MNIST = 10_000  # at the front of the test set: those that MNIST's test set has


def _read(folder: Path) -> dict[str, Examples]:
    """Return the 60,000 training digits, and 50,000 test digits.

    The latter are those of its test set that MNIST does not have.
    """
    from nnguide.data.dataset_info import DIGITS
    from nnguide.data.examples import Examples

    read = {}
    for split, first in (("train", 0), ("test", _OF_MNIST)):
        images, labels = (name for name in FILES if f"-{split}-" in name)
        inputs = official_files.idx(folder, images, ">u1", (_COUNT, 28, 28))
        digits = official_files.idx(folder, labels, ">i4", (_COUNT, 8))[:, 0].astype("int64")
        if digits.min() < 0 or digits.max() > 9:
            official_files.check_labels(digits, [_COUNT // 10] * 10, folder / labels)
        read[split] = Examples(inputs[first:], digits[first:], DIGITS)
    return read


_SET = official_files.OfficialSet(FILES, _read)
holds, is_made, check, read_splits = _SET.holds, _SET.is_made, _SET.check, _SET.read_splits
