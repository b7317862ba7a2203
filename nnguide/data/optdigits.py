"""scikit-learn's 1,797 scanned digits of 8×8, brought to the form of MNIST."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from nnguide.data.examples import Examples

LABELS = tuple("0123456789")
_SIDE, _BOX = 28, 20  # pixels: MNIST's picture, and the box that a digit fills in it


@functools.cache
def load() -> Examples:
    """Return all digits, (1797, 28, 28) uint8, white on black."""
    import numpy as np
    from sklearn.datasets import load_digits

    from nnguide.data.examples import Examples

    scans = load_digits()
    levels = (scans.images * (255 / 16)).round().astype(np.uint8)
    inputs = np.stack([to_mnist(scan) for scan in levels])
    inputs.setflags(write=False)
    return Examples(inputs, scans.target.astype(np.int64), LABELS)


def to_mnist(scan: np.ndarray) -> np.ndarray:
    """Resize a digit to MNIST's form, centred by mass.

    The digit fills its picture, (h, w) uint8; the result is (28, 28) uint8.
    """
    import numpy as np
    from PIL import Image

    grey = Image.fromarray(scan)
    digit = np.asarray(grey.resize((_BOX, _BOX), Image.Resampling.BICUBIC))
    top, left = (_start(digit, axis) for axis in (0, 1))
    picture = np.zeros((_SIDE, _SIDE), np.uint8)
    picture[top : top + _BOX, left : left + _BOX] = digit
    return picture


def _start(digit: np.ndarray, axis: int) -> int:
    """Return where the box begins to centre the mass along `axis`."""
    import numpy as np

    mass = digit.sum(axis=1 - axis, dtype=float)
    centre = float(mass @ (np.arange(_BOX) + 0.5)) / mass.sum()
    return min(max(round(_SIDE / 2 - centre), 0), _SIDE - _BOX)
