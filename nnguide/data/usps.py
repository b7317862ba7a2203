"""USPS: 9,298 digits from American envelopes, in MNIST's form.

The originals are 16×16. A line is a label from 1 to 10, then index:value of 256 pixels from -1 to
1; white on black.

Source: J. J. Hull, A database for handwritten text recognition research, 1994; the files of LIBSVM.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nnguide.data import official_files
from nnguide.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from nnguide.data.examples import Examples

NEEDED = (
    "usps.bz2 and usps.t.bz2, from csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps"
)
FILES = ("usps.bz2", "usps.t.bz2")
DOWNLOADS = ()
_SIDE = 16
_COUNTS = {  # of the digits 0 to 9 in each file
    "usps.bz2": (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644),
    "usps.t.bz2": (359, 264, 198, 166, 200, 160, 170, 147, 166, 177),
}
_LONGEST = 64 * 2**20  # bytes, unpacked


def _read_splits(folder: Path) -> dict[str, Examples]:
    """Return the 7,291 training and 2,007 test digits."""
    import numpy as np

    from nnguide.data.dataset_info import DIGITS
    from nnguide.data.examples import Examples
    from nnguide.data.optdigits import to_mnist

    read = {}
    for split, file in zip(("train", "test"), FILES, strict=True):
        pixels, digits = _read(folder, file)
        read[split] = Examples(np.stack([to_mnist(grey) for grey in pixels]), digits, DIGITS)
    return read


def _read(folder: Path, file: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (n, 16, 16) uint8 and labels (n,) int64."""
    import numpy as np

    lines = official_files.content(folder, file, _LONGEST).split(b"\n")
    digits, rows = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label, *pixels = line.split()
            digits.append(int(float(label)) - 1)
            pairs = dict(pixel.split(b":") for pixel in pixels)
            rows.append([float(pairs.get(b"%d" % place, 0)) for place in range(1, _SIDE**2 + 1)])
        except (ValueError, OverflowError):
            raise DataError(
                f"{official_files.find(folder, file)}: line {number} is no label with "
                "index:value of 256 pixels. Fetch the file again."
            ) from None
    levels = np.asarray(rows, float).reshape(-1, _SIDE, _SIDE)
    if not (np.isfinite(levels).all() and np.abs(levels).max(initial=0) <= 1):
        raise DataError(f"{official_files.find(folder, file)}: expected pixels from -1 to 1.")
    labels = np.asarray(digits, np.int64)
    official_files.check_labels(labels, _COUNTS[file], official_files.find(folder, file))
    return np.rint((levels + 1) * 127.5).astype(np.uint8), labels


_SET = official_files.OfficialSet(FILES, _read_splits)
holds, is_made, check, read_splits = _SET.holds, _SET.is_made, _SET.check, _SET.read_splits
