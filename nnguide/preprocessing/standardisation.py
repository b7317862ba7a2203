"""Mean and standard deviation for the standardisation of columns."""

from __future__ import annotations

import numpy as np


def mean_and_std(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and standard deviation of each column.

    The inputs are (n, features). A std of 0 is returned as 1.
    """
    mean, std = inputs.mean(axis=0, dtype=float), inputs.std(axis=0, dtype=float)
    return mean, np.where(std > 0, std, 1.0)
