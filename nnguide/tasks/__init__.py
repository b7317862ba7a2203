"""Tasks: one file each, with one `TASK` declaration in it.

A new file is a new task everywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnguide.config import Config
from nnguide.config.values import unknown
from nnguide.errors import ConfigError
from nnguide.tasks import kinds

if TYPE_CHECKING:
    import keras
    import numpy as np
    from keras_tuner import HyperParameters

    from nnguide.data.examples import Examples
    from nnguide.models.heads import Head


@dataclass(frozen=True)
class Task:
    """Declaration of a task: all that commands may ask of it.

    Attributes:
        name: as typed on the command line.
        title: what it decides, in a few words.
        inputs: the name of what it reads: pictures, texts, or numbers, which are rows of a table.
        labels: the labels of the official data, in label order; () where the data names them.
        preprocessor: (config, training inputs) -> a Keras layer adapted to them, which takes
            raw inputs and travels with the model.
        feed: (preprocessor, inputs) -> what training holds in memory, and the layer that each
            batch of it still goes through, or None where that is done.
        draw: (config, training examples) -> more inputs to learn from, and their targets as the
            loss takes them; None where nothing can be drawn.
        augment: (config, inputs of a batch, seed, rows) -> those rows of them, changed at random
            as they would be among all; None for never.
        build: (config, preprocessor, labels) -> the uncompiled core, from preprocessed inputs
            to probabilities.
        adapt: (core, preprocessor, what `feed` gave) -> None: shows a new core the examples that
            it will learn from; None where it need not know them.
        head: (number of labels) -> how the network ends.
        space: (keras-tuner's HyperParameters, the settings a search starts from) -> None: declares
            what `tune` may change, each hyperparameter under its setting's name.
        models: the kinds of model that `--model` offers, with the settings each starts from.
        defaults: the settings a run starts from.
        threshold: of a new network of one node, which answers the probability of the second of two
            labels; None where the most probable label wins.
        intended, limits: what a network is for, and what not, for reports; () takes what holds
            for its kind of input.
    """

    name: str
    title: str
    inputs: str
    labels: tuple[str, ...]
    preprocessor: Callable[[Config, np.ndarray], keras.layers.Layer]
    feed: Callable[[Any, np.ndarray], tuple[Any, keras.layers.Layer | None]]
    draw: Callable[[Config, Examples], tuple[np.ndarray, np.ndarray]] | None
    augment: Callable[[Config, Any, Any, slice], Any] | None
    build: Callable[[Config, Any, int], keras.Model]
    adapt: Callable[[keras.Model, Any, Any], None] | None
    head: Callable[[int], Head]
    space: Callable[[HyperParameters, Config], None]
    models: Mapping[str, Mapping[str, Any]]
    defaults: Config
    threshold: float | None = None
    intended: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def kind(self) -> kinds.Kind:
        """Record of the task's kind of input."""
        return kinds.get(self.inputs)


def names() -> tuple[str, ...]:
    """Return the names of all tasks, without importing them.

    They are the names of the files beside this one.
    """
    modules = pkgutil.iter_modules(__path__)
    return tuple(sorted(module.name for module in modules if not module.ispkg))


def get(name: str) -> Task:
    """Return the task of a name.

    Raises:
        ConfigError: there is none; the nearest name is given.
    """
    if name not in names():
        raise ConfigError(unknown(name, list(names()), "task"))
    return importlib.import_module(f"{__name__}.{name}").TASK
