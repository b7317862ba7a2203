"""Batch size and epochs that suit the number of examples.

They change only where the user chose none. A preset's are for its own data sets. A few hundred
examples in batches of 128 make two updates an epoch, which teach a network next to nothing.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Any

from nnguide.config import Config, Settings, each
from nnguide.config.values import Typed, flat

log = logging.getLogger(__name__)

ENOUGH = 400  # updates; from 300 digits of MNIST they reached 96 % of its test set, 200 92 %
ENOUGH_FROM_A_RUN = 100  # of a training that starts from a run's weights
SMALLEST = 32  # examples per batch; as many updates on smaller ones reached less
CHOSEN = ("train.batch_size", "train.epochs")


def named_settings(tree: Mapping[str, Any], settings: Settings) -> set[str]:
    """Return the keys of the settings that a user gave.

    They may be in a configuration or over it.
    """
    keys = set(flat(tree))
    for item in each(settings):
        if isinstance(item, Mapping):
            keys |= set(flat(item))
        else:
            key, _, text = item.partition("=")
            keys |= set(flat({key.strip(): Typed(text.strip()).parse()}))
    return keys


def suited(
    config: Config,
    chosen: set[str],
    examples: int,
    options: str = "--batch-size and --epochs",
) -> Config:
    """Return a configuration with enough updates.

    Where there are too few, it has smaller batches and more epochs.

    Args:
        config: whose batch size and epochs are a preset's, unless they are in `chosen`.
        chosen: keys of the settings that the user gave; they stay.
        examples: of the training set.
        options: set others.
    """
    asked, epochs = config.train.batch_size, config.train.epochs
    if isinstance(asked, str) or is_enough(config, examples):
        return config
    enough, batch = _enough(config), int(asked)
    if "train.batch_size" not in chosen:
        while batch > SMALLEST and _updates(examples, batch, epochs) < enough:
            batch = max(batch // 2, SMALLEST)
    if "train.epochs" not in chosen:
        epochs = max(epochs, math.ceil(enough / _updates(examples, batch, 1)))
    if _updates(examples, batch, epochs) == _updates(examples, int(asked), config.train.epochs):
        return config  # no batch size changes anything
    log.info(
        f"batches of {batch} and {epochs} epoch{'s' * (epochs != 1)} make "
        f"{_updates(examples, batch, epochs):,} updates; {asked} and {config.train.epochs} "
        f"would make {_updates(examples, int(asked), config.train.epochs):,}. "
        f"{options} set others"
    )
    train = dataclasses.replace(config.train, batch_size=batch, epochs=epochs)
    return dataclasses.replace(config, train=train)


def is_enough(config: Config, examples: int) -> bool:
    """Return whether a training set of `examples` makes enough updates."""
    batch = config.train.batch_size
    size = examples if isinstance(batch, str) else int(batch)
    return _updates(examples, size, config.train.epochs) >= _enough(config)


def _enough(config: Config) -> int:
    return ENOUGH_FROM_A_RUN if config.train.start_from else ENOUGH


def _updates(examples: int, batch: int, epochs: int) -> int:
    return max(examples // batch, 1) * epochs
