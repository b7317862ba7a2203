"""A run folder: what it holds, how it comes to be whole, how it is found and verified.

    config.json     every setting, to be fed back with --config
    model.keras     preprocessing, network and calibration, without optimiser state
    light.tflite    the same network for LiteRT, where it could be converted
    light.json      the same preprocessing for NumPy, beside it
    decision.json   labels and threshold
    history.csv     one line an epoch
    metrics.json    validation figures, and how the run went
    curves.png      the history drawn
    manifest.json   what the run is, and the SHA-256 of every file that determines answers

A run grows in `<folder>.unfinished` and takes its name when it is complete, so a folder with
a run's name is a whole run, whatever moment a process died.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import nnguide
from nnguide import __version__, tasks
from nnguide.config import Config
from nnguide.data.dataset_info import AUTO
from nnguide.errors import RunError
from nnguide.files import sha256
from nnguide.inference import LIGHT_FILES
from nnguide.inference.decision import Answer, answer

if TYPE_CHECKING:
    import numpy as np

    from nnguide.inference.light import LightModel

Engine = Literal["light", "keras"]  # what answers

SCHEMA = 1
ROOT = Path("saved_models/runs")
MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint.npz"  # what an unfinished run goes on from
DETERMINES = ("config.json", "model.keras", "decision.json")  # what answers depend on
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A finished run, its hashes verified."""

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """Open and verify the run in `folder`.

        Raises:
            RunError: no run, or one that is damaged or does not match its manifest.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise RunError(f"there is no run at {folder}. `nnguide runs` lists those there are.")
        manifest = _read(folder, MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
            raise RunError(
                f"{folder / MANIFEST} is not a manifest that nnguide {__version__} reads"
            )
        files, task = manifest.get("files"), manifest.get("task")
        if task not in tasks.names() or not isinstance(files, dict):
            raise RunError(
                f"{folder / MANIFEST} is damaged: it names no task of nnguide, or no files"
            )
        if missing := sorted(set(DETERMINES) - files.keys()):
            raise RunError(
                f"{folder / MANIFEST} is damaged: it has no hash of {', '.join(missing)}"
            )
        for name, wanted in files.items():
            path = folder / name
            if Path(name).name != name or not path.is_file():
                raise RunError(f"{folder} has no file {name}, which its manifest names")
            if sha256(path) != wanted:
                raise RunError(
                    f"{path} does not match its manifest: it is damaged or was changed. "
                    "Train the run anew, or restore the file."
                )
        return cls(folder, manifest)

    @property
    def task(self) -> tasks.Task:
        return tasks.get(self.manifest["task"])

    @property
    def learned_from_stand_in(self) -> bool:
        """Whether its data was a small built-in set, which stands in for the task's real one."""
        built_in = AUTO[self.manifest["task"]][1]
        is_fallback = bool(self.manifest.get("dataset_is_fallback"))
        return is_fallback or self.manifest.get("dataset") == built_in

    @property
    def config(self) -> Config:
        return self.task.defaults.merge(_read(self.folder, "config.json"))

    @property
    def metrics(self) -> dict[str, Any]:
        return _read(self.folder, "metrics.json")

    @property
    def decision(self) -> dict[str, Any]:
        return _read(self.folder, "decision.json")

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in label order."""
        return tuple(self.decision["labels"])

    @functools.cached_property
    def model(self) -> Any:
        """The Keras model, raw inputs to probabilities."""
        from nnguide.models.saving import load

        return load(self.folder / "model.keras")

    @functools.cached_property
    def light(self) -> LightModel:
        """The light form, raw inputs to probabilities.

        Raises:
            RunError: the run has none, or it is damaged.
            ExtraError: this platform has no runtime for it.
        """
        from nnguide.inference.light import LightModel

        if not self._has_light:
            raise RunError(f"{self.folder} has no light form. Use --engine keras.")
        return LightModel(self.folder)

    @property
    def _has_light(self) -> bool:
        return set(LIGHT_FILES) <= self.manifest["files"].keys()

    @functools.cached_property
    def engine(self) -> Engine:
        """What answers unless it is chosen: the light form where there is one and it runs."""
        from nnguide.inference import litert

        if not self._has_light:
            return "keras"
        if not litert.available():
            log.warning("this platform has no light runtime (ai-edge-litert): using Keras")
            return "keras"
        return "light"

    def outputs(self, checked: np.ndarray, engine: Engine | None = None) -> np.ndarray:
        """The probabilities of inputs, (n, nodes) float32.

        Args:
            checked: what nnguide.inference.validation made of raw inputs: (n, 28, 28), or
                (n,) object texts.
            engine: light or keras; None is `self.engine`. Their answers are within 1e-4.
        """
        if (engine or self.engine) == "light":
            return self.light.outputs(checked)
        from nnguide.models.saving import outputs

        return outputs(self.model, checked)

    def predict(self, raw: Any, engine: Engine | None = None) -> list[Answer]:
        """What the network answers to raw inputs, one `Answer` each.

        Args:
            raw: for digits paths of pictures, or an array (n, 28, 28) of grey levels 0-255,
                white on black; for spam a text or several.
            engine: as for `outputs`.
        Raises:
            InputError: an input that the network cannot take.
        """
        from nnguide.inference import validation

        labels, threshold = self.labels, self.threshold
        rows = self.outputs(validation.check(self.task.inputs, raw), engine)
        return [answer(row, labels, threshold) for row in rows]

    @property
    def threshold(self) -> float | None:
        """Above it a text is spam; None where the most probable label wins."""
        return self.decision.get("threshold")


def _read(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{folder} is not a run: it has no {name}") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / name} is damaged: {error}") from error


def finished(root: Path = ROOT) -> list[Run]:
    """All whole runs under `root`, the newest last; damaged ones are left out."""
    return list(_newest_first(root))[::-1]


def _newest_first(root: Path, task: str | None = None) -> Iterator[Run]:
    """The whole runs under `root`, of one task or of all; each is verified when it is reached."""
    found = []
    for folder in root.glob("*/") if root.is_dir() else ():
        if folder.suffix in (".unfinished", ".replaced"):
            continue
        with contextlib.suppress(RunError):
            manifest = _read(folder, MANIFEST)
            if isinstance(manifest, dict) and task in (None, manifest.get("task")):
                found.append((str(manifest.get("created", "")), folder))
    for _, folder in sorted(found, reverse=True):
        with contextlib.suppress(RunError):
            yield Run.open(folder)


def shipped(task: str) -> Path:
    """Where the trained model of a task lies that comes with nnguide."""
    return Path(nnguide.__file__).parent / "shipped" / task


def load(name: str | Path) -> Run:
    """The run that RUN means, everywhere.

    An existing folder; else a task's name: the newest finished run under saved_models/runs that
    learned from real data, else the model that comes with nnguide.

    Raises:
        RunError: there is none, or it is damaged.
    """
    if Path(name).is_dir():
        return Run.open(name)
    name = str(name)
    if name not in tasks.names():
        raise RunError(
            f"there is no run {name!r}. RUN is a run's folder or a task "
            f"({', '.join(tasks.names())}); `nnguide runs` lists those there are."
        )
    passed_over = None
    for run in _newest_first(ROOT, name):
        if not run.learned_from_stand_in:
            break
        passed_over = passed_over or run
    else:
        if not shipped(name).is_dir():
            if passed_over is None:
                command = f"nnguide train {name}"
                raise RunError(f"there is no trained {name} model yet. Make one with: {command}")
            raise RunError(
                f"there is no {name} model that learned from real data. "
                f"For the one of built-in examples, type its folder: {passed_over.folder}"
            )
        run = Run.open(shipped(name))
    if passed_over is not None:
        log.info(
            "%s learned from built-in examples, so it is not taken for %r. "
            "To use it, type its folder.",
            passed_over.folder,
            name,
        )
    return run
