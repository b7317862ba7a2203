"""A trained blueprint network in a folder, and back.

    weights.npz     W1, b1, W2, b2, …, and the mean and deviation of the inputs
    config.json     the problem, the engine that trained it and its settings
    history.csv     one line an epoch
    metrics.json    validation figures, and how the training went
    curves.png      the history drawn; boundary.png too for two features
    manifest.json   what the run is, and the SHA-256 of what determines answers

Whichever engine trained it, a saved network answers by NumPy alone.
"""

from __future__ import annotations

import contextlib
import csv
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import __version__, runs, workspace
from nnguide.blueprints import problems, tables
from nnguide.blueprints.numpy_net import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError, InputError, RunError
from nnguide.files import atomic, sha256, write_json
from nnguide.runs import Answer, answer

TASK = "blueprint"
SCHEMA = 1
DETERMINES = ("weights.npz", "config.json")
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Saved:
    """A blueprint run, its hashes verified."""

    folder: Path
    config: dict[str, Any]
    network: NumpyNet
    encoder: problems.Encoder
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path | str) -> Saved:
        """Open and verify the run in `folder`.

        Raises:
            RunError: no blueprint run, or one that is damaged or does not match its manifest.
        """
        folder = Path(folder)
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            for name in DETERMINES:
                if sha256(folder / name) != manifest["files"][name]:
                    raise RunError(
                        f"{folder / name} does not match its manifest: it is damaged or was "
                        "changed. Train the run anew, or restore the file."
                    )
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            given = {**config["settings"], "hidden": tuple(config["settings"]["hidden"])}
            with np.load(folder / "weights.npz", allow_pickle=False) as stored:
                arrays = dict(stored)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{folder} is not a blueprint run, or is damaged: {error}") from error
        encoder = problems.Encoder(
            tuple(config["words"]), arrays.pop("mean"), arrays.pop("deviation")
        )
        outputs = len(config["labels"]) if len(config["labels"]) > 2 else 1
        network = NumpyNet(len(encoder.mean), outputs, Settings(**given))
        network.set_weights(list(arrays.values()))
        return cls(folder, config, network, encoder, manifest)

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures of its training.

        Raises:
            RunError: they are missing or damaged.
        """
        try:
            return json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.folder / 'metrics.json'} is damaged: {error}") from error

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes' names; () for a regression."""
        return tuple(self.config["labels"])

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(self.config["features"])

    def outputs(self, raw: Any) -> np.ndarray:
        """Raw inputs to (n, classes) probabilities, or a regression's (n, 1) values."""
        ŷ = self.network.predict(self.encoder(raw))
        return np.hstack([1 - ŷ, ŷ]) if len(self.labels) == 2 else ŷ

    def predict(self, raw: Any) -> list[Answer] | list[float]:
        """An answer for each raw input; for a regression its value.

        As everywhere, a spam answer's probability is P(spam), and spam is above 0.5.
        """
        answered = self.outputs(raw)
        if not self.labels:
            return [float(value) for value in answered[:, 0]]
        if self.encoder.words:
            return [answer(row[1:], self.labels, 0.5) for row in answered]
        return [answer(row, self.labels, None) for row in answered]

    def parse(self, text: str) -> Any:
        """One INPUT of the command line: a message for spam, else numbers between commas.

        Raises:
            InputError: not as many numbers as the network has features, or not finite.
        """
        if self.encoder.words:
            return text
        expected = f"expected {len(self.features)} numbers between commas"
        try:
            found = [float(part) for part in text.split(",")]
        except ValueError as error:
            raise InputError(f"{expected}; got {text!r}") from error
        if len(found) != len(self.features) or not np.isfinite(found).all():
            raise InputError(f"{expected}; got {text!r}")
        return found

    def read(self, path: Path) -> np.ndarray:
        """The inputs in a CSV file with the training table's columns."""
        if self.encoder.words:
            raise ConfigError("--file is a table of numbers; this run takes messages")
        return tables.read_inputs(path, self.features)

    def part(self, split: str) -> problems.Part:
        """The raw inputs and labels of a part of the run's own data."""
        c = self.config
        if split == "test":
            return problems.load_test(
                c["data"], c["settings"]["seed"], c["label_column"], c["dataset"]
            )
        if split not in SPLITS:
            raise ConfigError(f"--split is one of {', '.join(SPLITS)}; got {split!r}")
        whole = problems.load(
            c["data"], c["examples"], c["settings"]["seed"], c["label_column"], c["dataset"]
        )
        return whole.train if split == "train" else whole.validation

    def evaluate(self, split: str = "test") -> dict[str, Any]:
        """The figures on a part of the run's own data.

        Returns:
            task, dataset, split; for classes the figures of metrics.digits_metrics, for a
            regression n, loss, root_mean_squared_error and r2.
        """
        part = self.part(split)
        found = {"task": TASK, "dataset": self.config["dataset"], "split": split}
        answered = self.outputs(part.inputs)
        if self.labels:
            from nnguide.evaluation.metrics import digits_metrics

            return {**found, **digits_metrics(answered, part.y, self.labels)}
        squares = float(np.mean((answered[:, 0] - part.y) ** 2))
        spread = float(np.var(part.y))
        return {
            **found,
            "n": len(part.y),
            "loss": squares / 2,
            "root_mean_squared_error": squares**0.5,
            "r2": 1 - squares / spread if spread else None,
        }


def first_weights(run: str) -> np.ndarray:
    """The first layer's weights of a digit network: a blueprint run's, or any other run's.

    Args:
        run: as everywhere on the command line: a folder, or a task's name.
    Raises:
        ConfigError: the run is not one of pictures. RunError: there is none, or it is damaged.
    """
    if is_blueprint(run):
        return Saved.open(run).network.layers[0].W
    found = runs.load(run)
    if found.task.inputs != "pictures":
        raise ConfigError(f"filters are drawn for a network of pictures; {run} takes texts")
    kernels = [w for w in found.model.trainable_variables if w.name == "kernel"]
    return np.asarray(kernels[0])


def is_blueprint(folder: Path | str) -> bool:
    """Whether the run in `folder` is one of these."""
    try:
        manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("task") == TASK


def finished(root: Path = runs.ROOT) -> list[Saved]:
    """All whole blueprint runs under `root`; damaged ones are left out."""
    found = []
    for folder in workspace.folders(root):
        if is_blueprint(folder):
            with contextlib.suppress(RunError):
                found.append(Saved.open(folder))
    return found


def save(
    folder: Path,
    network: Any,
    problem: problems.Problem,
    given: dict[str, Any],
    history: list[dict[str, Any]],
    metrics: dict[str, Any],
) -> None:
    """Write a run's files but its pictures; `given` is engine, examples and label_column."""
    weights = network.get_weights()
    arrays = {f"{'Wb'[i % 2]}{i // 2 + 1}": part for i, part in enumerate(weights)}
    with atomic(folder / "weights.npz") as beside, beside.open("wb") as file:
        encoder = problem.encoder
        np.savez(file, **arrays, mean=encoder.mean, deviation=encoder.deviation)
    config = {
        "schema": SCHEMA,
        "task": TASK,
        "data": problem.data,
        "dataset": problem.dataset,
        **given,
        "features": problem.features,
        "labels": problem.labels,
        "words": problem.encoder.words,
        "settings": asdict(network.settings),
    }
    write_json(folder / "config.json", config)
    with atomic(folder / "history.csv") as beside, beside.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(history[0]))
        writer.writeheader()
        writer.writerows(history)
    write_json(folder / "metrics.json", metrics)
    manifest = {
        "schema": SCHEMA,
        "task": TASK,
        "nnguide": __version__,
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "files": {name: sha256(folder / name) for name in DETERMINES},
    }
    write_json(folder / "manifest.json", manifest)
