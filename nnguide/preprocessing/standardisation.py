"""The mean and the standard deviation that columns of numbers are brought to 0 and 1 with."""

from __future__ import annotations

import numpy as np


def mean_and_std(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean and standard deviation of each column of (n, features); 1 where it is 0."""
    mean, std = inputs.mean(axis=0, dtype=float), inputs.std(axis=0, dtype=float)
    return mean, np.where(std > 0, std, 1.0)
