"""Divide a set that has no split of its own: 80/20, stratified, by a seed."""

from __future__ import annotations

import numpy as np

from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples, stratified_split

TEST_FRACTION = 0.2


def sides(whole: Examples, split_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the training and of the test part; equal texts stay together."""
    texts = whole.inputs.dtype == object
    groups = [distinct_key(text) for text in whole.inputs] if texts else None
    return stratified_split(whole.labels, TEST_FRACTION, split_seed, groups)


def divide(whole: Examples, split_seed: int) -> dict[str, Examples]:
    """The parts "train" and "test"."""
    train, test = sides(whole, split_seed)
    return {"train": whole.take(train), "test": whole.take(test)}


def part(whole: Examples, split: str, split_seed: int) -> Examples:
    """The part "train" or "test", or "all": the first, then the second."""
    divided = divide(whole, split_seed)
    return divided["train"].join(divided["test"]) if split == "all" else divided[split]
