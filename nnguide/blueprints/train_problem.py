"""Training a network by hand, or its twin, on a problem.

The result can be plotted or saved as a run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnguide.blueprints import plots
from nnguide.blueprints.backends import build
from nnguide.blueprints.canvas import require_drawable
from nnguide.blueprints.experiments.shared import surface
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.problems import TOYS, Problem, load
from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError

log = logging.getLogger(__name__)

SMALL = {"hidden": (16, 16), "epochs": 100, "batch_size": 32, "learning_rate": 0.01}
DEFAULTS: dict[str, dict[str, Any]] = {
    "line": {**SMALL, "hidden": ()},
    # Enough L2 to fade the weights of pixels that never hold ink: what is left are strokes.
    "digits": {
        "hidden": (128,),
        "epochs": 30,
        "batch_size": 128,
        "learning_rate": 0.001,
        "l2": 0.003,
    },
    "spam": {"hidden": (32,), "epochs": 10, "batch_size": 64, "learning_rate": 0.001},
}
FRAMES = 40  # of an animation


def settings_for(problem: Problem, chosen: dict[str, Any]) -> Settings:
    """Return the settings for a problem, updated with the chosen ones.

    Raises:
        ConfigError: an unknown or impossible setting, or a loss that does not fit the problem.
    """
    output, loss = "softmax", "categorical_crossentropy"
    if not problem.labels:
        output, loss = "linear", "mse"
    elif problem.outputs == 1:
        output, loss = "sigmoid", "binary_crossentropy"
    known = {field.name for field in fields(Settings)}
    if unknown := sorted(set(chosen) - known):
        raise ConfigError(f"no setting {', '.join(unknown)}; expected {', '.join(sorted(known))}")
    suited = DEFAULTS.get(problem.data, SMALL)
    return Settings(**{"output": output, "loss": loss, **suited, **chosen})


def train(
    data: str,
    backend: str = "numpy",
    *,
    settings: dict[str, Any] | None = None,
    examples: int = 600,
    label_column: str | None = None,
    out: Path | None = None,
    force: bool = False,
    plot: Path | None = None,
    animation: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] = lambda record: None,
) -> dict[str, Any]:
    """Train a network by hand on `data`.

    Args:
        data, examples, label_column: see problems.load.
        backend: numpy, torch or keras.
        settings: any of Settings, by name; the rest suits the problem.
        out: the folder of a run, for digits, spam and tables with labels; None makes none.
        force: replace a folder that is not empty.
        plot: a .png, .svg or .pdf of what was learned: the decision boundary of two classes told
            apart by two features, the fitted line of one feature, else the loss by epoch.
        animation: a .gif of the boundary forming.
        on_epoch: takes each epoch's record.
    Returns:
        run (a folder or None), task, backend, dataset, dataset_is_fallback, epochs, best_epoch,
        train_seconds, val_loss, val_accuracy (None for a regression).
    Raises:
        ConfigError, InputError, DataError, ExtraError, WorkError, WriteError.
    """
    if plot is not None:
        require_drawable(plot)
    if out is not None and data in TOYS:
        raise ConfigError(
            f"{data} is a toy problem, of which no run is made: leave --out away. "
            f"To see what was learned: --plot {data}.png"
        )
    problem = load(data, examples, (settings or {}).get("seed", 0), label_column)
    if out is not None and problem.origin is None:
        raise ConfigError(
            f"a run answers with labels, and {data} holds values to predict: leave --out away"
        )
    if problem.origin and problem.origin.source.note:
        log.info(problem.origin.source.note)
    chosen = settings_for(problem, settings or {})
    in_plane = len(problem.features) == 2 and len(problem.labels) == 2
    if animation and not (in_plane and animation.suffix.lower() == ".gif"):
        raise ConfigError("--animate writes a .gif, for two classes told apart by two features")
    network = build(backend, problem.X.shape[1], problem.outputs, chosen)
    if out is None:
        history, seconds = _fit(network, problem, animation, on_epoch)
    else:
        from nnguide.blueprints.save_run import save
        from nnguide.files.workspace import Workspace
        from nnguide.runs import Run

        assert problem.origin is not None
        space = Workspace(out, "blueprint", Run.open, force)
        with space.claimed():
            history, seconds = _fit(network, problem, animation, on_epoch)
            save(problem.origin, network, history, seconds, backend, space)
    if plot is not None:
        _plot(plot, network, problem, history)
    return {
        "run": None if out is None else str(out),
        "task": problem.origin.task if problem.origin else "blueprint",
        "backend": backend,
        "engine": backend,  # its old name
        "dataset": problem.dataset,
        "dataset_is_fallback": bool(problem.origin and problem.origin.source.is_fallback),
        "epochs": len(history),
        "best_epoch": 1 + int(np.argmin([record["val_loss"] for record in history])),
        "train_seconds": seconds,
        "val_loss": network.loss(problem.X_validation, problem.y_validation),
        "val_accuracy": _accuracy(network, problem),
    }


def _fit(
    network: Any,
    problem: Problem,
    animation: Path | None,
    on_epoch: Callable[[dict[str, Any]], None],
) -> tuple[list[dict[str, Any]], float]:
    """Fit the network; return its history and the training time in seconds."""
    frames: list[dict[str, Any]] = []
    shown = _shown(network.settings.epochs) if animation else set()

    def record_epoch(net: Any, record: dict[str, Any]) -> None:
        if problem.labels:
            record["val_accuracy"] = _accuracy(net, problem)
        if record["epoch"] in shown:
            frames.append({"epoch": record["epoch"], **_surface(net, problem)})
        on_epoch(record)

    started = time.perf_counter()
    with threadpool_limits(1):  # these matrices are small: threads cost more than they bring
        history = network.fit(
            problem.X, problem.y, (problem.X_validation, problem.y_validation), record_epoch
        )
    seconds = time.perf_counter() - started
    if animation:
        plots.forming(frames, problem.X_validation, problem.y_validation, animation)
    return history, seconds


def _accuracy(network: Any, problem: Problem) -> float | None:
    if not problem.labels:
        return None
    return accuracy(network.predict(problem.X_validation), problem.y_validation)


def _plot(target: Path, network: Any, problem: Problem, history: list[dict[str, Any]]) -> None:
    name, X, y = Path(problem.data).stem, problem.X_validation, problem.y_validation
    if len(problem.features) == 2 and len(problem.labels) == 2:
        unit = "" if problem.data in TOYS else ", standardised"
        names = tuple(feature + unit for feature in problem.features)
        plots.boundary(_surface(network, problem), X, y, target, name, names)
    elif len(problem.features) == 1 and not problem.labels:
        plots.line(X, y, network.predict(X), target, name)
    else:
        plots.history(history, target, name)


def _surface(network: Any, problem: Problem) -> dict[str, Any]:
    """Compute the network's answer over the plane of the validation points."""
    return surface(network, problem.X_validation)


def _shown(epochs: int) -> set[int]:
    """Return the epochs that an animation shows.

    They are close together at first, where most happens.
    """
    return {round(e) for e in np.geomspace(1, epochs, min(FRAMES, epochs))} | {1, epochs}
