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

    checkpoint.npz  what `train --resume` goes on from; it may be deleted

A run is made in a workspace (nnguide.workspace), so a folder with a run's name is a whole run,
whatever moment a process died.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import nnguide
from nnguide import data, tasks, workspace
from nnguide.config import Config
from nnguide.data.dataset_info import AUTO
from nnguide.errors import ConfigError, InputError, RunError
from nnguide.inference import LIGHT_FILES
from nnguide.inference.answers import answers
from nnguide.inference.decision import Decision
from nnguide.runs import manifest, registry, schema
from nnguide.runs.manifest import MANIFEST
from nnguide.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

    from nnguide.inference.light import LightModel

Engine = Literal["light", "keras"]  # what answers

ROOT = Path("saved_models/runs")
MAIL = "mail"  # the shipped network of spam that learned from mail, beside the one of messages
log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
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
        workspace.restore(folder)
        if not folder.is_dir():
            raise RunError(f"there is no run at {folder}. `nnguide runs` lists those there are.")
        return cls(folder, manifest.verify(folder))

    def __repr__(self) -> str:
        """The run in a line: where it is, what it learned from, how well."""
        said = f"{self.manifest.get('task')} on {self.manifest.get('dataset')}"
        with contextlib.suppress(RunError, TypeError, AttributeError):
            if (accuracy := self.metrics.get("val_accuracy")) is not None:
                said += f", validation accuracy {accuracy:.2%}"
        return f"<Run {self.folder}: {said}>"

    @functools.cached_property
    def task(self) -> tasks.Task:
        return tasks.get(self.manifest["task"])

    @property
    def learned_from_stand_in(self) -> bool:
        """Whether its data was a small built-in set, which stands in for the task's real one."""
        built_in = AUTO.get(self.manifest["task"], ("", ""))[1]
        is_fallback = bool(self.manifest.get("dataset_is_fallback"))
        return is_fallback or self.manifest.get("dataset") == built_in

    @property
    def config(self) -> Config:
        return self.task.defaults.merge(schema.read(self.folder / "config.json", {}))

    @property
    def metrics(self) -> dict[str, Any]:
        return schema.read(self.folder / "metrics.json", schema.METRICS)

    @functools.cached_property
    def history(self) -> dict[str, list[float]]:
        """One value an epoch of each measure, as Keras names them; empty for an ensemble."""
        try:
            with (self.folder / "history.csv").open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return {
                name: [float(row[name]) for row in rows]
                for name in (rows[0] if rows else ())
                if name != "epoch" and all(row[name] for row in rows)
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, csv.Error) as error:
            raise RunError(f"{self.folder / 'history.csv'} is damaged: {error}") from error

    @property
    def decision_file(self) -> dict[str, Any]:
        """Labels, threshold, calibration and how the threshold was chosen: decision.json."""
        return schema.read(self.folder / "decision.json", schema.DECISION)

    @functools.cached_property
    def decision(self) -> Decision:
        """How this run's probabilities become labels."""
        content = self.decision_file
        try:
            return Decision(tuple(content["labels"]), content.get("threshold"))
        except (ConfigError, KeyError, TypeError) as error:
            raise RunError(f"{self.folder / 'decision.json'} is damaged: {error}") from error

    @property
    def learned_from(self) -> tuple[str, ...]:
        """Which kinds of text it learned from, messages and mail; () where that is not known."""
        known = self.manifest.get("learned_from")
        return tuple(known) if known else data.known_kinds(str(self.manifest.get("dataset")))

    def has_learned(self, kind: str) -> bool:
        """Whether it learned from a kind of text, as far as is known."""
        return not self.learned_from or kind in self.learned_from

    def check_learned(self, kind: str) -> None:
        """Refuse a kind of text that the network never saw.

        Raises:
            ConfigError: it learned from the other kind only.
        """
        if self.has_learned(kind):
            return
        [known] = self.learned_from
        what = {"messages": "text messages", "mail": "mail"}
        instead = {
            "mail": "For mail alone give `spam` as RUN, which takes the network of mail that comes "
            "with nnguide; or train one: nnguide train spam --preset mail",
            "messages": "For messages alone give `spam` as RUN, which takes the network of "
            "messages that comes with nnguide; or train one: nnguide train spam",
        }
        raise ConfigError(
            f"{self.folder} learned from {what[known]} only, never from {what[kind]}, so its "
            f"answers to {what[kind]} mean little. {instead[kind]}; or see what it says --anyway."
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in label order."""
        return self.decision.labels

    @property
    def features(self) -> tuple[str, ...]:
        """The names of a table's columns, in the order that the network takes them; else ()."""
        return tuple(self.decision_file.get("features", ()))

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
            checked: what nnguide.inference.validation made of raw inputs: (n, 28, 28),
                (n,) object texts, or (n, features) numbers.
            engine: light or keras; None is `self.engine`. Their answers are within 1e-4.
        Raises:
            RunError: the network does not fit the labels, or answers NaN.
        """
        if (engine or self.engine) == "light":
            network = self.light.outputs
        else:
            from nnguide.models.saving import outputs

            network = functools.partial(outputs, self.model)

        def sound(inputs: np.ndarray) -> np.ndarray:
            return self._check_sound(network(inputs))

        return self.task.kind.outputs(sound, checked)

    def _check_sound(self, answered: np.ndarray) -> np.ndarray:
        nodes = self.decision.nodes
        if answered.shape[1:] != (nodes,):
            raise RunError(
                f"{self.folder} is damaged: its labels take a network of {nodes} outputs; "
                f"got {answered.shape[-1]}"
            )
        if not math.isfinite(answered.sum()):
            raise RunError(f"{self.folder} is damaged: its network answers NaN or infinity")
        return answered

    def check(self, raw: Any) -> np.ndarray:
        """Raw inputs as the network takes them.

        Raises:
            InputError: an input that the network cannot take.
        """
        return self.task.kind.check(raw, self.features)

    def predict(self, raw: Any, engine: Engine | None = None) -> list[Any]:
        """What the network answers to raw inputs, one `Answer` each.

        One bad input among several costs none of its neighbours: an InputError stands in its
        place, and a warning is logged.

        Args:
            raw: for digits paths, bytes or open files of pictures, PIL images, arrays of one
                picture each, or an array (n, 28, 28), of grey levels 0-255; for spam a text or
                several. A DataFrame gives its column of texts, or its columns of pixels.
                For a table rows of numbers.
            engine: as for `outputs`.
        Raises:
            InputError: no input that the network can take.
        """
        values = self.task.kind.each(raw, self.features)
        good = [value for value in values if not isinstance(value, InputError)]
        bad = [(n, value) for n, value in enumerate(values, 1) if isinstance(value, InputError)]
        if bad and not good:
            raise bad[0][1]
        for number, error in bad:
            log.warning("input %d of %d is left out: %s", number, len(values), error)
        if not values:
            return []
        rows = self.outputs(self.task.kind.stacked(good), engine)
        made = iter(answers(self.decision, rows, good))
        return [value if isinstance(value, InputError) else next(made) for value in values]

    @property
    def threshold(self) -> float | None:
        """Above it the answer is the second label, as spam; None where the most probable wins."""
        return self.decision.threshold


def finished(root: Path = ROOT) -> list[Run]:
    """All whole runs under `root`, the newest last; damaged ones are named in the log."""
    return list(_newest_first(root))[::-1]


def _newest_first(root: Path, task: str | None = None) -> Iterator[Run]:
    """The whole runs under `root`, of one task or of all; each is verified when it is reached."""
    found = []
    try:
        folders = workspace.folders(root)
    except OSError as error:
        log.warning("left out: %s cannot be read: %s", root, error.strerror)
        folders = []
    for folder in folders:
        try:
            if (name := _task(folder)) and task in (None, name[1]):
                found.append((*name, folder))
        except RunError as error:
            log.warning("left out: %s", error)
    for _, _, folder in sorted(found, reverse=True):
        try:
            yield Run.open(folder)
        except RunError as error:
            log.warning("left out: %s", error)


def _task(folder: Path) -> tuple[str, str] | None:
    """When a run was made, and its task's name; None for a folder that is no run."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error.strerror}") from error
    if not names & {MANIFEST, "model.keras"}:
        return None
    made = schema.read(folder / MANIFEST, {"created": schema.TEXT, "task": schema.TEXT})
    return made["created"], made["task"]


def default_folder(task: str, seed: int) -> Path:
    """Where a run goes that was given no folder."""
    return ROOT / f"{task}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{seed}"


def finish(space: Workspace, task: str, **facts: Any) -> Run:
    """Write the manifest of the run in `space`, give it its name and open it."""
    manifest.write(space.path, task, **facts)
    space.publish()
    registry.remember(space.folder)
    return Run.open(space.folder)


def shipped(task: str, kinds: Sequence[str] = ()) -> Path:
    """Where the trained model of a task lies that comes with nnguide, for kinds of text."""
    name = MAIL if task == "spam" and list(kinds) == ["mail"] else task
    return Path(nnguide.__file__).parent / "shipped" / name


def all_shipped(task: str) -> list[Path]:
    """Where all trained models of a task lie that come with nnguide."""
    folders = dict.fromkeys([shipped(task), shipped(task, ["mail"])])
    return [folder for folder in folders if folder.is_dir()]


def load(name: str | Path, kinds: Sequence[str] = ()) -> Run:
    """The run that RUN means, everywhere.

    An existing folder; else a task's name: the newest finished run under saved_models/runs that
    learned from real data, else the model that comes with nnguide.

    Args:
        name: RUN.
        kinds: which kinds of text it is to answer, of "messages" and "mail": a task's name means
            a run that learned from all of them. A folder is opened whatever it learned from.

    Raises:
        RunError: there is none, or it is damaged.
    """
    workspace.restore(Path(name))
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
        if run.learned_from_stand_in:
            passed_over = passed_over or run
        elif all(run.has_learned(kind) for kind in kinds):
            break
        else:
            log.info(
                "%s never learned from %s, so it is not taken", run.folder, " and ".join(kinds)
            )
    else:
        if not shipped(name).is_dir():
            if passed_over is None:
                command = f"nnguide train {name}"
                raise RunError(f"there is no trained {name} model yet. Make one with: {command}")
            raise RunError(
                f"there is no {name} model that learned from real data. "
                f"For the one of built-in examples, type its folder: {passed_over.folder}"
            )
        run = Run.open(shipped(name, kinds))
    if passed_over is not None:
        log.info(
            "%s learned from built-in examples, so it is not taken for %r. "
            "To use it, type its folder.",
            passed_over.folder,
            name,
        )
    return run
