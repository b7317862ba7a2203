"""Training that starts from a run's weights, not random ones.

The new network is built as the run's, with its preprocessing: the vocabulary of its texts, the
scale of its pictures. Every weight is taken over; of the last layer those of the labels that the
run knows too. `train.start_from` names the run and the SHA-256 of its manifest, so that the same
configuration starts from the same weights or not at all.
"""

from __future__ import annotations

import dataclasses
import functools
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide import runs, tasks
from nnguide.config import Config
from nnguide.config.values import flat
from nnguide.errors import ConfigError, RunError
from nnguide.files import sha256
from nnguide.runs import MANIFEST, Run

if TYPE_CHECKING:
    import keras

BUILT = ("model", "tokens")  # groups of settings that weights depend on
STRENGTHS = {
    *("dropout", "l1", "l2", "test_time_shift", "token_dropout", "word_dropout", "eight_bits"),
}
_PINNED = re.compile(r"(.+)@([0-9a-f]{64})")


def source(start_from: str) -> Run:
    """Return the run that `train.start_from` names.

    Args:
        start_from: a run's folder or a task's name, and after an @ the SHA-256 of its manifest.
    Raises:
        RunError: there is none, it is damaged, or it is another one than the hash says.
    """
    name, wanted = named(start_from)
    if not wanted:
        return runs.load(name)
    for run in _candidates(name):
        if fingerprint(run) == wanted:
            return run
    raise RunError(
        f"{name} is no longer the run that this training starts from (its {MANIFEST} had the "
        f"SHA-256 {wanted[:12]}…). Restore that run, or start from the current one with "
        f"--from {name}."
    )


def named(start_from: str) -> tuple[str, str]:
    """Return the name and the SHA-256 in `train.start_from`.

    The name is the run's; the hash, of its manifest, may be missing.
    """
    match = _PINNED.fullmatch(start_from)
    return (match[1], match[2]) if match else (start_from, "")


def _candidates(name: str) -> Iterator[Run]:
    yield runs.load(name)
    if name in tasks.names() and not Path(name).is_dir():
        yield from (run for run in runs.finished() if run.task.name == name)
        yield from map(Run.open, runs.all_shipped(name))


def fingerprint(run: Run) -> str:
    """Return the SHA-256 of a run's manifest.

    The manifest holds those of all that determines the run's answers.
    """
    return sha256(run.folder / MANIFEST)


def same_start(stored: str, wanted: str) -> bool:
    """Return whether `wanted` is what `stored` has recorded.

    `wanted` is as a user gives it.
    """
    return wanted in (stored, named(stored)[0])


def settle(config: Config, base: Config, over: Callable[[Config], Config]) -> Config:
    """Return a configuration that fits the run it starts from.

    Args:
        config: names the run in `train.start_from`.
        base: the settings under those that the user gave.
        over: puts the user's settings over a base.
    Raises:
        RunError: there is no such run.
        ConfigError: it is of another task, or a setting does not fit its weights.
    """
    run = source(config.train.start_from)
    name = named(config.train.start_from)[0]
    if run.task.name != config.task:
        raise ConfigError(
            f"--from {name} is a run of {run.task.name}; expected one of {config.task}, whose "
            "weights fit."
        )
    theirs = run.config.to_dict()
    built: dict[str, Any] = {group: theirs[group] for group in BUILT if group in theirs}
    chosen = over(base.merge(built))
    wanted = flat({group: chosen.to_dict()[group] for group in built})
    unfit = {
        key: value
        for key, value in flat(built).items()
        if key.rpartition(".")[2] not in STRENGTHS and wanted.get(key) != value
    }
    if unfit:
        unfit = {key: unfit[key] for key in unfit if key == "model.kind"} or unfit
        asked = ", ".join(f"{key}={wanted.get(key, 'none')}" for key in unfit)
        has = ", ".join(f"{key}={value}" for key, value in unfit.items())
        raise ConfigError(
            f"the weights of {name} do not fit {asked}: it was trained with {has}. Remove these "
            f"settings, or train without --from."
        )
    start_from = f"{name}@{fingerprint(run)}"
    return dataclasses.replace(
        chosen, train=dataclasses.replace(chosen.train, start_from=start_from)
    )


def network(run: Run) -> Any:
    """Return the Keras model of a run.

    Loading it draws no random number that training would draw.
    """
    return _loaded(run.folder.absolute(), fingerprint(run))


@functools.lru_cache(maxsize=1)  # one for the training and its folds
def _loaded(folder: Path, fingerprint: str) -> Any:
    drawn, drawn_numpy = random.getstate(), np.random.get_state()
    try:
        return Run.open(folder).model
    finally:
        random.setstate(drawn)
        np.random.set_state(drawn_numpy)


def layers_of(run: Run) -> dict[str, keras.layers.Layer]:
    """Return the layers of a run's network by name.

    Raises:
        RunError: it joins several networks.
    """
    layers = {layer.name: layer for layer in network(run).get_layer("core").layers}
    if "logits" not in layers:
        raise RunError(
            f"{run.folder} is not one network but an ensemble. Start from one of its members."
        )
    return layers


def transfer(run: Run, core: keras.Model, labels: tuple[str, ...]) -> None:
    """Copy the weights of a run's network to a new core.

    Args:
        run: whose network is built as `core` is, but for the number of labels.
        core: uncompiled; its labels that the run does not know keep their random weights.
        labels: its labels, in label order.
    Raises:
        RunError: the run's network is built otherwise: it joins several.
    """
    theirs = layers_of(run)
    for layer in transferable(core):
        weights = theirs[layer.name].get_weights()
        if layer.name == "logits" and labels != run.labels:
            weights = _of_labels(layer.get_weights(), weights, labels, run.labels)
        layer.set_weights(weights)


def transferable(core: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers whose weights another network can take.

    It has the same form.
    """
    from nnguide.models.blocks import Dropout
    from nnguide.models.heads import Calibration

    return [
        layer
        for layer in core.layers
        if layer.weights and not isinstance(layer, Dropout | Calibration)
    ]


def _of_labels(
    mine: list[np.ndarray],
    theirs: list[np.ndarray],
    labels: tuple[str, ...],
    known: tuple[str, ...],
) -> list[np.ndarray]:
    """Return the last layer's weights, partly from another network.

    They are (…, labels); those of labels that both know are the other's.
    """
    for place, label in enumerate(labels):
        if label in known:
            for own, other in zip(mine, theirs, strict=True):
                own[..., place] = other[..., known.index(label)]
    return mine
