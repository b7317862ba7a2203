"""ARDIS: 7,600 digits from Swedish church records, in MNIST's form.

The records are of 1895 to 1970. A line is 784 grey levels, or ten marks of which the 1 stands for
the digit.

Source: H. Kusetogullari, A. Yavariabdi, A. Cheddad, H. Grahn, J. Hall, ARDIS: a Swedish historical
handwritten digit dataset, 2019; its data set IV.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nnguide.data import official_files
from nnguide.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from nnguide.data.examples import Examples

NEEDED = "the four .csv files of ARDIS_DATASET_IV.rar, from ardisdataset.github.io/ARDIS"
_EACH = {"train": 660, "test": 100}  # pictures of each digit
FILES = tuple(f"ARDIS_{split}_{kind}.csv" for split in _EACH for kind in ("2828", "labels"))
DOWNLOADS = ()
_LONGEST = 192 * 2**20  # bytes: a level takes up to 25 as a text


def _read(folder: Path) -> dict[str, Examples]:
    """Return the 6,600 training and 1,000 test digits."""
    import numpy as np

    from nnguide.data.dataset_info import DIGITS
    from nnguide.data.examples import Examples

    read = {}
    for split, each in _EACH.items():
        images, labels = (name for name in FILES if f"_{split}_" in name)
        levels = _numbers(folder, images, (10 * each, 784), 255)
        digits = _numbers(folder, labels, (10 * each, 10), 1).argmax(1)
        official_files.check_labels(digits, [each] * 10, folder / labels)
        inputs = np.rint(levels).astype(np.uint8).reshape(-1, 28, 28)
        read[split] = Examples(inputs, digits.astype(np.int64), DIGITS)
    return read


def _numbers(folder: Path, file: str, shape: tuple[int, int], highest: int) -> np.ndarray:
    """Read the numbers of a file, separated by spaces.

    They are `shape` float64 from 0 to `highest`.
    """
    import numpy as np

    text = official_files.content(folder, file, _LONGEST)
    try:
        rows = np.array([line.split() for line in text.split(b"\n") if line.strip()], float)
    except ValueError:
        rows = np.empty((0, 0))
    if rows.shape != shape or not ((rows >= 0) & (rows <= highest)).all():
        raise DataError(
            f"{folder / file}: expected {shape[0]:,} lines of {shape[1]} numbers from 0 to "
            f"{highest}. Fetch it again."
        )
    return rows


_SET = official_files.OfficialSet(FILES, _read)
holds, is_made, check, read_splits = _SET.holds, _SET.is_made, _SET.check, _SET.read_splits
