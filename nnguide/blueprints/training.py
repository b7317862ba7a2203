"""Train a blueprint network on a problem with any of the engines, and keep it in a run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnguide.blueprints import demos, pictures, saved
from nnguide.blueprints.engines import build
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.problems import Problem, load
from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError
from nnguide.runs import default_folder
from nnguide.workspace import Workspace

TOY = {"hidden": (16, 16), "epochs": 100, "batch_size": 32, "learning_rate": 0.01}
DEFAULTS: dict[str, dict[str, Any]] = {
    "line": {**TOY, "hidden": ()},
    "digits": {"hidden": (128,), "epochs": 10, "batch_size": 128, "learning_rate": 0.001},
    "spam": {"hidden": (32,), "epochs": 10, "batch_size": 64, "learning_rate": 0.001},
}
FRAMES = 40  # of an animation


def settings_for(problem: Problem, given: dict[str, Any]) -> Settings:
    """The settings that suit a problem, those that were given on top.

    Raises:
        ConfigError: an unknown or impossible setting, or a loss that does not fit the problem.
    """
    classes = len(problem.labels)
    output = "linear" if not classes else "sigmoid" if classes == 2 else "softmax"
    loss = {"linear": "mse", "sigmoid": "binary_crossentropy"}.get(
        output, "categorical_crossentropy"
    )
    known = {field.name for field in fields(Settings)}
    if unknown := sorted(set(given) - known):
        raise ConfigError(f"no setting {', '.join(unknown)}; expected {', '.join(sorted(known))}")
    suited = DEFAULTS.get(problem.data, TOY)
    return Settings(**{"output": output, "loss": loss, **suited, **given})


def train(
    data: str,
    engine: str = "numpy",
    *,
    settings: dict[str, Any] | None = None,
    examples: int = 600,
    label_column: str | None = None,
    out: Path | None = None,
    force: bool = False,
    animation: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] = lambda record: None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Train on `data` and write a run.

    Args:
        data, examples, label_column: see problems.load.
        engine: numpy, torch or keras.
        settings: any of Settings, by name; the rest suits the problem.
        out: the run's folder; a new one under saved_models/runs if None.
        animation: a .gif of the boundary forming, for two classes and two features.
        on_epoch: takes each epoch's record. say: takes each line meant for the user.
    Returns:
        What metrics.json holds: run, task, engine, dataset, dataset_is_fallback, epochs,
        best_epoch, train_seconds, val_loss, val_accuracy (None for a regression).
    Raises:
        ConfigError, InputError, DataError, ExtraError, WorkError, WriteError.
    """
    seed = (settings or {}).get("seed", 0)
    problem = load(data, examples, seed, label_column)
    if problem.note:
        say(problem.note)
    chosen = settings_for(problem, settings or {})
    flat = len(problem.features) == 2 and len(problem.labels) == 2
    if animation and not (flat and animation.suffix.lower() == ".gif"):
        raise ConfigError("--animate writes a .gif, for two classes told apart by two features")
    folder = out or default_folder(f"blueprint-{Path(data).stem}", seed)
    space = Workspace(folder, "blueprint", saved.Saved.open, force)
    with space.claimed() as place:
        network = build(engine, len(problem.encoder.mean), problem.outputs, chosen)
        X, y = problem.encoder(problem.train.inputs), problem.train.y
        held_out = problem.encoder(problem.validation.inputs), problem.validation.y
        frames: list[dict[str, Any]] = []

        def follow(net: Any, record: dict[str, Any]) -> None:
            if problem.labels:
                record["val_accuracy"] = accuracy(net.predict(held_out[0]), held_out[1])
            if animation and record["epoch"] in _shown(chosen.epochs):
                frames.append({"epoch": record["epoch"], **_surface(net, problem)})
            on_epoch(record)

        began = time.perf_counter()
        with threadpool_limits(1):  # these matrices are small: threads cost more than they bring
            history = network.fit(X, y, held_out, on_epoch=follow)
        seconds = time.perf_counter() - began
        losses = [record["val_loss"] for record in history]
        metrics = {
            "run": str(folder),
            "task": saved.TASK,
            "engine": engine,
            "dataset": problem.dataset,
            "dataset_is_fallback": bool(problem.note),
            "epochs": len(history),
            "best_epoch": 1 + int(np.argmin(losses)),
            "train_seconds": seconds,
            "val_loss": network.loss(*held_out),
            "val_accuracy": (
                accuracy(network.predict(held_out[0]), held_out[1]) if problem.labels else None
            ),
        }
        given = {"engine": engine, "examples": examples, "label_column": label_column}
        saved.save(place, network, problem, given, history, metrics)
        _draw(place, network, problem, history)
        if animation:
            pictures.forming(frames, *_points(problem), animation)
        space.publish()
    return metrics


def _draw(folder: Path, network: Any, problem: Problem, history: list[dict[str, Any]]) -> None:
    name = Path(problem.data).stem
    pictures.history(history, folder / "curves.png", name)
    X, y = _points(problem)
    if len(problem.features) == 2 and len(problem.labels) == 2:
        surface = _surface(network, problem)
        pictures.boundary(surface, X, y, folder / "boundary.png", name, problem.features)
    elif len(problem.features) == 1 and not problem.labels:
        ŷ = network.predict(problem.encoder(X))
        pictures.line(X, y, ŷ, folder / "line.png", name)


def _surface(network: Any, problem: Problem) -> dict[str, Any]:
    """The network's answers over the plane, in the units of the raw inputs."""

    class Raw:
        def predict(self, plane: np.ndarray) -> np.ndarray:
            return network.predict(problem.encoder(plane))

    return demos.surface(Raw(), problem.validation.inputs)


def _points(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    return problem.validation.inputs, problem.validation.y


def _shown(epochs: int) -> set[int]:
    """The epochs that an animation shows: close together at first, where most happens."""
    return {round(e) for e in np.geomspace(1, epochs, min(FRAMES, epochs))} | {1, epochs}
