"""Calibrated probabilities and a threshold, from unseen examples.

The predictions are for examples that the network did not learn from.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from nnguide.config import Config
from nnguide.data.examples import Examples
from nnguide.data.origins import Origins
from nnguide.data.splits import groups, training_and_validation
from nnguide.evaluation.calibration import (
    apply_platt,
    apply_temperature,
    fit_platt,
    fit_temperature,
)
from nnguide.models.saving import outputs, preprocessor
from nnguide.tasks import Task
from nnguide.training.fit import fit
from nnguide.training.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Held:
    """Scores of examples that the scoring network did not learn from.

    Attributes:
        logits: (n, nodes) float32, before calibration.
        labels: (n,) int64.
        where: which examples: "the validation set" or "5 folds of the training set".
        seen: whether the scoring network learned from other examples of the same set.
    """

    logits: np.ndarray
    labels: np.ndarray
    where: str
    seen: bool = True


def logits(model: keras.Model, examples: Examples) -> np.ndarray:
    """Return the inputs of the calibration, (n, nodes) float32.

    The examples are raw.
    """
    core = model.get_layer("core")
    scores = keras.Model(core.inputs, core.get_layer("logits").output)
    raw = model.inputs[0]
    return outputs(keras.Model(raw, scores(preprocessor(model)(raw))), examples.inputs)


def out_of_fold(
    task: Task,
    config: Config,
    examples: Examples,
    runtime: Runtime,
    watch: Callable[[str], Sequence[keras.callbacks.Callback]] = lambda title: (),
    origins: Origins | None = None,
) -> Held:
    """Score every training example with a network trained without its fold.

    Equal texts share a fold. Each network is trained as the run's own, validation set and
    early stopping included, so its scores are distributed as the run's own on new examples.

    Args:
        watch: makes the callbacks that show a training's progress, for a title.
        origins: of the examples, for calibration.on=sources: each set is a fold.
    """
    if origins is None:
        folds = config.calibration.folds
        assigned = assign_folds(examples, folds, config.data.split_seed)
        titles = [f"calibration fold {fold + 1} of {folds}" for fold in range(folds)]
        where = f"{folds} folds of the training set"
    else:
        folds, assigned = len(origins.names), origins.of
        titles = [f"calibration without {name}" for name in origins.names]
        where = f"{folds} data sets, each by a network that did not learn from it"
    scored: np.ndarray | None = None
    started = time.perf_counter()
    for fold in range(folds):
        title = titles[fold]
        keras.utils.set_random_seed(config.train.seed)
        rest, held = np.flatnonzero(assigned != fold), np.flatnonzero(assigned == fold)
        if not len(held):
            continue
        training, validation = training_and_validation(config, examples.take(rest))
        fitted = fit(task, config, training, validation, runtime, callbacks=watch(title))
        if fitted.interrupted:
            raise KeyboardInterrupt
        scores = logits(fitted.model, examples.take(held))
        if scored is None:
            scored = np.zeros((len(examples), scores.shape[1]), np.float32)
        scored[held] = scores
        passed = time.perf_counter() - started
        left = passed / (fold + 1) * (folds - fold - 1)
        log.info(f"{title}: {passed:.0f} s so far, about {left:.0f} s left")
    assert scored is not None
    return Held(scored, examples.labels, where, seen=origins is None)


def assign_folds(examples: Examples, folds: int, seed: int) -> np.ndarray:
    """Return the fold of each example, (n,) int.

    Folds are stratified by label; equal texts are together.
    """
    random = np.random.default_rng(seed)
    keys = groups(examples)
    if isinstance(keys, np.ndarray):
        _, places, group = np.unique(keys, return_index=True, return_inverse=True)
        owner = places[group]
    else:
        first: dict[object, int] = {}
        owner = np.array(
            [first.setdefault(i if keys is None else keys[i], i) for i in range(len(examples))]
        )
    fold = np.zeros(len(examples), int)
    for label in np.unique(examples.labels):
        mine = np.unique(owner[examples.labels[owner] == label])
        fold[mine] = random.permutation(len(mine)) % folds
    return fold[owner]


def fit_calibration(model: keras.Model, held: Held) -> dict[str, float]:
    """Fit the model's calibration layer to out-of-sample scores, and set it."""
    layer = model.get_layer("core").get_layer("calibration")
    if held.logits.shape[1] == 1:
        scale, shift = fit_platt(held.logits[:, 0], held.labels)
    else:
        scale, shift = fit_temperature(held.logits, held.labels), 0.0
    layer.scale.assign(scale)
    layer.shift.assign(shift)
    return {"scale": float(layer.scale), "shift": float(layer.shift)}


def probabilities(held: Held, calibration: dict[str, float]) -> np.ndarray:
    """Return the calibrated probabilities of out-of-sample scores.

    They are (n,) for one node, else (n, nodes).
    """
    if held.logits.shape[1] == 1:
        return apply_platt(held.logits[:, 0], calibration["scale"], calibration["shift"])
    return apply_temperature(held.logits, calibration["scale"])
