"""Division of sets without own split: 80/20, stratified, by seed."""

from __future__ import annotations

import numpy as np

from nnguide.config import Config
from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples, stratified_split
from nnguide.data.records import Records
from nnguide.errors import InputError

TEST_FRACTION = 0.2


def groups(examples: Examples) -> list[str] | np.ndarray | None:
    """Return the group of each example, for splitting.

    Equal texts stay on one side. None where each input is by itself.
    """
    if isinstance(examples.inputs, Records):
        inputs = examples.inputs
        return inputs.keys if inputs.kept_together else np.arange(len(inputs))
    if examples.inputs.dtype != object:
        return None
    return [distinct_key(text) for text in examples.inputs]


def sides(whole: Examples, split_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the training and test set.

    Equal texts stay together.
    """
    return stratified_split(whole.labels, TEST_FRACTION, split_seed, groups(whole))


def validation_split(
    examples: Examples, fraction: float, split_seed: int
) -> tuple[Examples, Examples]:
    """Return the training and the validation examples.

    `fraction` of the examples are for validation; equal texts stay together.

    Raises:
        InputError: fewer than two labels.
    """
    present = np.unique(examples.labels)
    if len(present) < 2:
        only = examples.label_names[present[0]] if len(present) else "none"
        raise InputError(f"expected examples of at least two labels to learn from; got only {only}")
    first, second = stratified_split(examples.labels, fraction, split_seed, groups(examples))
    return examples.take(first), examples.take(second)


def training_and_validation(config: Config, examples: Examples) -> tuple[Examples, Examples | None]:
    """Return the training and validation set of a configuration.

    They are divided by `data.validation` and the split's seed. Where `data.validation` is 0, all is
    to be fitted and the second is None. Equal texts stand on one side, except in a set that keeps
    its duplicates on purpose; even there this division keeps them together.
    """
    if not config.data.validation:
        return examples, None
    return validation_split(examples, config.data.validation, config.data.split_seed)


def divide(whole: Examples, split_seed: int) -> dict[str, Examples]:
    """Return the splits "train" and "test"."""
    train, test = sides(whole, split_seed)
    return {"train": whole.take(train), "test": whole.take(test)}


def take(whole: Examples, split: str, split_seed: int) -> Examples:
    """Return the split "train" or "test", or "all".

    "all" is the first, then the second.
    """
    divided = divide(whole, split_seed)
    return divided["train"].join(divided["test"]) if split == "all" else divided[split]
