"""Saving a network trained by hand as a run.

The Keras twin of the network holds the same weights.

Every command takes the run from there on - predict, evaluate, explain, audit, export, serve - and
`nnguide train TASK --config RUN/config.json` trains the same network in Keras.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide.blueprints.problems import MOST_WORDS, VALIDATION, Origin
from nnguide.blueprints.settings import Settings
from nnguide.files import write_json

if TYPE_CHECKING:
    from nnguide.config import Config
    from nnguide.files.workspace import Workspace
    from nnguide.runs import Run

SHARED = ("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "momentum")
MODEL = ("hidden", "activation", "dropout", "l1", "l2")


def configuration(origin: Origin, settings: Settings) -> Config:
    """Return the settings of the Keras twin."""
    from nnguide.training.configure import configure

    every = asdict(settings)
    tree: dict[str, Any] = {
        "model": {"kind": "dense", "batch_norm": False, **{name: every[name] for name in MODEL}},
        "data": {
            "dataset": origin.source.name,
            "validation": VALIDATION[origin.task],
            "label_column": origin.label_column or "",
        },
        "train": {
            **{name: every[name] for name in SHARED},
            "weight_decay": settings.weight_decay,
            "patience": settings.patience,
            "restore_best": settings.patience > 0,
            "seed": settings.seed,
        },
        "calibration": {"on": "none"},
    }
    if origin.task == "spam":
        tree["tokens"] = {"words": MOST_WORDS, "pairs": 0, "grams": [], "buckets": 0}
    return configure(origin.task, settings=tree)


def save(
    origin: Origin,
    network: Any,
    history: list[dict[str, Any]],
    seconds: float,
    backend: str,
    space: Workspace,
) -> Run:
    """Write and publish the run of a trained network.

    Args:
        origin: what the network was trained on.
        network: any of the twins; its get_weights and settings are used.
        history: a record per epoch, from fit.
        seconds: how long the training took.
        backend: numpy, torch or keras.
        space: where the run is made, claimed.
    """
    from nnguide import logs, tasks

    logs.tensorflow()
    from nnguide.training.fit import Fitted
    from nnguide.training.runtime import runtime
    from nnguide.training.writing import Shown, Training, write_run

    config, task = configuration(origin, network.settings), tasks.get(origin.task)
    write_json(space.path / "config.json", config.to_dict())
    with runtime(config.runtime, seed=config.train.seed) as chosen:
        fitted = Fitted(
            keras_twin(origin, network, config),
            {name: [row[name] for row in history] for name in history[0] if name != "epoch"},
            epochs=len(history),
            best_epoch=1 + int(np.argmin([record["val_loss"] for record in history])),
            seconds=seconds,
        )
        training = Training(
            task,
            config,
            origin.source,
            origin.training,
            origin.validation,
            origin.examples,
            chosen,
            space,
            Shown(),
        )
        return write_run(training, fitted, backend=backend)


def keras_twin(origin: Origin, network: Any, config: Config) -> Any:
    """Build the Keras model with the weights of a network.

    It goes from raw inputs to probabilities, and is the model that `nnguide train` would build.
    """
    from nnguide import tasks
    from nnguide.training.network import assemble

    task, layer = tasks.get(origin.task), _layer(origin)
    core = task.build(config, layer, len(origin.examples.label_names))
    for variable, value in zip(core.trainable_variables, network.get_weights(), strict=True):
        variable.assign(value)
    return assemble(task, layer, core)


def _layer(origin: Origin) -> Any:
    """Return the Keras preprocessing layer of the inputs."""
    if origin.task == "digits":
        from nnguide.preprocessing.images import Pixels

        return Pixels(*origin.preprocessing)
    if origin.task == "table":
        from nnguide.preprocessing.columns import Columns

        return Columns(*origin.preprocessing)
    from nnguide.preprocessing.text import Tokens

    return Tokens(origin.preprocessing, name="tokens")
