"""A run folder: its content, answers and verification.

    config.json     every setting, to be fed back with --config
    model.keras     preprocessing, network and calibration, without optimiser state
    light.tflite    the same network for LiteRT, where it could be converted
    light.json      the same preprocessing for NumPy, beside it
    decision.json   labels and thresholds
    history.csv     one line an epoch
    metrics.json    validation figures, and how the run went
    curves.png      the history drawn
    manifest.json   what the run is, and the SHA-256 of every file that determines answers

    checkpoint.npz  what `train --resume` goes on from; it may be deleted

A run is made in a workspace (nnguide.files.workspace), so a folder with a run's name is a whole
run, whatever moment a process died.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nnguide import data, tasks
from nnguide.config import Config
from nnguide.data.dataset_info import AUTO, KIND_NAMES
from nnguide.errors import ConfigError, InputError, RunError
from nnguide.files import workspace
from nnguide.inference import LIGHT_FILES
from nnguide.inference.answers import Answers, Feedback, answers, corrected, taken
from nnguide.inference.decision import Decision
from nnguide.runs import manifest, schema

if TYPE_CHECKING:
    import numpy as np

    from nnguide.inference.light import LightModel

Engine = Literal["light", "keras"]  # what answers

log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run with verified hashes."""

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
            raise RunError(f"there is no run at {folder}. `nnguide runs` lists the existing runs.")
        return cls(folder, manifest.verify(folder))

    def __reduce__(self) -> Any:
        """Pickle the folder's path.

        Where it is read, the run is opened and verified anew.
        """
        return Run.open, (self.folder.absolute(),)

    def __repr__(self) -> str:
        """Return the run's folder, data and accuracy in a line."""
        summary = f"{self.manifest.get('task')} on {self.manifest.get('dataset')}"
        with contextlib.suppress(RunError, TypeError, AttributeError):
            if (accuracy := self.metrics.get("val_accuracy")) is not None:
                summary += f", validation accuracy {accuracy:.2%}"
        return f"<Run {self.folder}: {summary}>"

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        from nnguide.runs import card

        return card.html(self)

    @functools.cached_property
    def task(self) -> tasks.Task:
        return tasks.get(self.manifest["task"])

    @property
    def learned_from_stand_in(self) -> bool:
        """Whether the data was a small built-in set.

        Such a set stands in for the task's real one.
        """
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
        """Value of each metric in each epoch, as Keras names them.

        It is empty for an ensemble.
        """
        from nnguide.files import csv_rows

        try:
            columns = csv_rows.columns((self.folder / "history.csv").read_text("utf-8"))
            return {
                name: [float(text) for text in texts]
                for name, texts in columns.items()
                if name != "epoch" and texts and all(texts)
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise RunError(f"{self.folder / 'history.csv'} is damaged: {error}") from error

    @property
    def decision_file(self) -> dict[str, Any]:
        """Labels, thresholds, calibration and how thresholds were chosen: decision.json."""
        return schema.read(self.folder / "decision.json", schema.DECISION)

    @functools.cached_property
    def decision(self) -> Decision:
        """Rule that turns this run's probabilities into labels."""
        content = self.decision_file
        try:
            return Decision(
                tuple(content["labels"]), content.get("threshold"), content.get("refuse_below")
            )
        except (ConfigError, KeyError, TypeError) as error:
            raise RunError(f"{self.folder / 'decision.json'} is damaged: {error}") from error

    @property
    def learned_from(self) -> tuple[str, ...]:
        """Kinds of text that it learned from: messages and mail.

        () where they are not known.
        """
        known = self.manifest.get("learned_from")
        return tuple(known) if known else data.known_kinds(str(self.manifest.get("dataset")))

    def has_learned(self, kind: str) -> bool:
        """Return whether it learned from a kind of text.

        True where that is not known.
        """
        return not self.learned_from or kind in self.learned_from

    def check_learned(self, kind: str) -> None:
        """Raise an error for a kind of text never learned from.

        Raises:
            ConfigError: it learned from the other kind only.
        """
        if self.has_learned(kind):
            return
        [known] = self.learned_from
        instead = {
            "mail": "For mail alone give `spam` as RUN, for the shipped network that was trained "
            "on mail; or train one: nnguide train spam --preset mail",
            "messages": "For messages alone give `spam` as RUN, for the shipped network that was "
            "trained on messages; or train one: nnguide train spam",
        }
        raise ConfigError(
            f"{self.folder} was trained on {KIND_NAMES[known]} only, not on {KIND_NAMES[kind]}, so "
            f"its answers to {KIND_NAMES[kind]} mean little. {instead[kind]}; or use --anyway."
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in label order."""
        return self.decision.labels

    @property
    def features(self) -> tuple[str, ...]:
        """Names of a table's columns, in the network's order.

        () where inputs are not rows of a table.
        """
        return tuple(self.decision_file.get("features", ()))

    @functools.cached_property
    def model(self) -> Any:
        """Keras model from raw inputs to probabilities."""
        from nnguide.models.saving import load

        return load(self.folder / "model.keras")

    @functools.cached_property
    def light(self) -> LightModel:
        """Light form from raw inputs to probabilities.

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
        """Engine that answers unless another is chosen.

        It is the light form where there is one and it runs.
        """
        from nnguide.inference import litert

        if not self._has_light:
            return "keras"
        if not litert.available():
            log.warning("this platform has no light runtime (ai-edge-litert): using Keras")
            return "keras"
        return "light"

    def outputs(self, checked: np.ndarray, engine: Engine | None = None) -> np.ndarray:
        """Return the probabilities of inputs, (n, nodes) float32.

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

    def sureness(self, checked: np.ndarray, engine: Engine | None = None) -> np.ndarray:
        """Return the probability of the most probable label of each input.

        Args:
            checked, engine: as for `outputs`.
        Returns:
            (n,) float32.
        """
        return self.outputs(checked, engine).max(axis=1)

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
        """Return raw inputs as the network takes them.

        Raises:
            InputError: an input that the network cannot take.
        """
        return self.task.kind.check(raw, self.features)

    def predict(
        self,
        raw: Any,
        engine: Engine | None = None,
        *,
        reject: bool = True,
        feedback: Feedback | None = None,
    ) -> Answers:
        """Return an `Answer` of the network to each raw input.

        A bad input among several does not stop the others from being answered: it has an
        InputError in its place, and a warning is logged.

        Args:
            raw: for digits paths, bytes or open files of pictures, PIL images, arrays of one
                picture each, or an array (n, 28, 28), of grey levels 0-255; for spam a text or
                several, or an open file with one a line. A table (pandas, Polars, a Hugging Face
                Dataset, a dict of columns) gives its column of texts or of pictures, or its
                columns of pixels. A tf.data.Dataset gives its inputs. For the task table rows of
                numbers; of a table the columns that the run learned from.
            engine: as for `outputs`.
            reject: answer `none` where no label fits, if the run can (digits: blanks, letters,
                drawings), and refuse digits that touch; else a label always wins.
            feedback: for spam an owner's corrections, `nnguide.feedback.layer(run)`; None is the
                network alone.
        Raises:
            InputError: no input that the network can take.
        """
        decision = self.decision if reject else self.decision.always()
        values = [taken(decision, value) for value in self.task.kind.each(raw, self.features)]
        good = [value for value in values if not isinstance(value, InputError)]
        made: Any = iter(())
        if good:
            rows = self.outputs(self.task.kind.stacked(good), engine)
            made = corrected(decision, rows, good, feedback)
        results = [value if isinstance(value, InputError) else next(made) for value in values]
        bad = [(n, error) for n, error in enumerate(results, 1) if isinstance(error, InputError)]
        if bad and len(bad) == len(results):
            raise bad[0][1]
        for number, error in bad:
            log.warning("input %d of %d is left out: %s", number, len(results), error)
        index = getattr(raw, "index", None) if hasattr(raw, "iloc") else None
        return Answers(results, self.labels, index)

    def predict_many(
        self, picture: Any, engine: Engine | None = None, *, reject: bool = True
    ) -> Answers:
        """Return an `Answer` to every digit on one picture.

        They are in the order of lines, with `box` and `line`.

        Args:
            picture: a path, the bytes of a picture file, an open one or a PIL image.
            engine, reject: as for `predict`; a mark that is no digit is `none`, or with
                reject=False an InputError in its place.
        Raises:
            InputError: no digit is seen, or it is not a picture.
            ConfigError: the run is not of pictures.
        """
        if not self.task.kind.is_drawn:
            raise ConfigError(f"predict_many is for pictures; {self.folder} is of {self.task.name}")
        from nnguide.inference import picture_inputs

        decision = self.decision if reject else self.decision.always()
        judge = functools.partial(self.sureness, engine=engine)
        values = [taken(decision, mark) for mark in picture_inputs.read_many(picture, judge)]
        good = [value for value in values if not isinstance(value, InputError)]
        made: Any = iter(())
        if good:
            made = answers(decision, self.outputs(self.task.kind.stacked(good), engine), good)
        results = [value if isinstance(value, InputError) else next(made) for value in values]
        return Answers(results, self.labels)

    @property
    def threshold(self) -> float | None:
        """Threshold above which the answer is the second label, as spam.

        None where the most probable label wins.
        """
        return self.decision.threshold
