"""EMNIST: 280,000 digits of NIST, in MNIST's form.

Many are from other writers than MNIST's. The pictures are stored column by column.

Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, EMNIST: an extension of MNIST to handwritten
letters, 2017.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nnguide.data import official_files

if TYPE_CHECKING:
    from nnguide.data.examples import Examples

NEEDED = "the four emnist-digits files of gzip.zip, from nist.gov/itl/iad (EMNIST)"
_EACH = {"train": 24_000, "test": 4_000}  # pictures of each digit
FILES = tuple(
    f"emnist-digits-{split}-{kind}-ubyte.gz"
    for split in _EACH
    for kind in ("images-idx3", "labels-idx1")
)
DOWNLOADS = ()


def _read(folder: Path) -> dict[str, Examples]:
    """Return the 240,000 training and 40,000 test digits, upright."""
    from nnguide.data.dataset_info import DIGITS
    from nnguide.data.examples import Examples

    read = {}
    for split, each in _EACH.items():
        images, labels = (name for name in FILES if f"-{split}-" in name)
        inputs = official_files.idx(folder, images, ">u1", (10 * each, 28, 28))
        digits = official_files.idx(folder, labels, ">u1", (10 * each,)).astype("int64")
        official_files.check_labels(digits, [each] * 10, folder / labels)
        read[split] = Examples(inputs.transpose(0, 2, 1).copy(), digits, DIGITS)
    return read


_SET = official_files.OfficialSet(FILES, _read)
holds, is_made, check, read_splits = _SET.holds, _SET.is_made, _SET.check, _SET.read_splits
