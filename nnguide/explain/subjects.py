"""A run opened for explaining: what it answers, what its inputs are made of, and the way back."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from nnguide import framework_logs, runs
from nnguide.errors import ConfigError
from nnguide.explain import backward, words
from nnguide.explain.features import Features, Parts, Patches
from nnguide.explain.score import sums
from nnguide.preprocessing.tokens import Tokeniser
from nnguide.runs import Run

Kind = Literal["pictures", "texts", "numbers"]
BASELINES = {"pictures": "a black picture", "texts": "no words", "numbers": "the training means"}


@dataclass(frozen=True, eq=False)
class Inside:
    """One input as the network's differentiable part takes it.

    Attributes:
        x, baseline: of one shape, float32.
        back: the way back, for batches (n, *x.shape).
        share: what was found for the elements of x, shaped as x, as weights of parts: (28, 28)
            or (parts,).
    """

    x: np.ndarray
    baseline: np.ndarray
    back: backward.Back
    share: Any


class Subject(Protocol):
    """What every method asks of a run; `number` is of a label."""

    folder: Path
    task: str
    kind: Kind
    labels: tuple[str, ...]
    features: tuple[str, ...]  # of a table
    output: str

    def sums(self, raws: np.ndarray) -> np.ndarray:
        """Raw inputs to the sums z (n, nodes), or what stands for them."""

    def check(self, raw: Any) -> Any:
        """One raw input as `sums` takes it, without the batch axis."""

    def parts(self, raw: Any, size: int = 1) -> Parts:
        """What one checked input is made of; a picture of squares of `size` pixels."""

    def inside(self, raw: Any) -> Inside:
        """One checked input, opened for the methods that take gradients."""

    def judged(self, raws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Raw inputs to sums z (n, nodes), label numbers (n,) and probabilities (n, labels)."""


class RunSubject:
    """A run of a task: Keras, and its light form for what needs no gradients."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder, self.task, self.labels = run.folder, run.task.name, run.labels
        self.kind: Kind = run.task.inputs
        self.output = "sigmoid" if self.kind == "texts" else "softmax"
        self.features = run.features

    def sums(self, raws: np.ndarray) -> np.ndarray:
        return sums(self._outputs(raws))

    def _outputs(self, raws: np.ndarray) -> np.ndarray:
        if self.kind == "pictures":  # made of a checked one: their levels may be of any darkness
            return self.run.outputs(np.asarray(raws, np.float32))
        return self.run.outputs(self.run.check(raws))

    def check(self, raw: Any) -> Any:
        return self.run.check(raw)[0]

    def judged(self, raws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        outputs = self._outputs(raws)
        every = np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
        return sums(outputs), self.run.decision.numbers(outputs), every

    def parts(self, raw: Any, size: int = 1) -> Parts:
        if self.kind == "pictures":
            return Patches(raw, size)
        if self.kind == "numbers":
            return Features(raw, self._means)
        return words.read(self._tokeniser, raw)[0]

    def inside(self, raw: Any) -> Inside:
        if self.kind != "texts":
            return self._array_inside(raw)
        ids, shares = words.shares(self._tokeniser, raw)
        if not len(ids):  # padding stands for a text without words
            ids, shares = np.zeros(1, np.int64), np.zeros((1, 0))
        table, network = self._network
        embedded = np.asarray(table)[ids]  # (t, d)
        from keras import ops

        def from_embedding(batch: Any) -> Any:
            rows = np.broadcast_to(ids.astype(np.int32), (len(batch), len(ids)))
            return network([batch, ops.convert_to_tensor(rows)], training=False)

        return Inside(
            embedded,
            np.zeros_like(embedded),  # the network pools zeros to what no tokens give
            functools.partial(backward.through_keras, from_embedding),
            lambda found: found.sum(axis=1) @ shares,
        )

    def _array_inside(self, raw: np.ndarray) -> Inside:
        """A picture beside a black one, or a row of numbers beside the training means."""
        front, network = self._network
        lowest = self._means if self.kind == "numbers" else np.zeros_like(raw)
        x, baseline = np.asarray(front(np.stack([raw, lowest]).astype(np.float32)))
        return Inside(
            x,
            baseline,
            functools.partial(backward.through_keras, functools.partial(network, training=False)),
            lambda gradient: gradient.reshape(np.shape(raw)),
        )

    @functools.cached_property
    def _network(self) -> tuple[Any, Any]:
        """What comes before the differentiable part, and that part, up to the calibrated sums."""
        framework_logs.tensorflow()
        import keras

        from nnguide.models.saving import preprocessor

        core = self.run.model.get_layer("core")
        names = {layer.name for layer in core.layers}
        if self.kind == "texts":
            if "embedding" not in names:
                raise ConfigError(
                    "the gradient methods look into one network, and an ensemble of texts has "
                    "several. Use --method occlusion, lime or shap, or explain a member."
                )
            embedding = core.get_layer("embedding")
            z = core.get_layer("calibration").output
            return embedding.embeddings, keras.Model([embedding.output, core.inputs[0]], z)
        if "calibration" in names:
            z = core.get_layer("calibration").output
        else:  # an ensemble averages probabilities; log p is a sum but for a constant
            z = keras.ops.log(keras.ops.maximum(core.outputs[0], 1e-37))
        return preprocessor(self.run.model), keras.Model(core.inputs, z)

    @functools.cached_property
    def _means(self) -> np.ndarray:
        """The means of a table's columns in training, (features,)."""
        if self.run.engine == "light":
            return self.run.light.front.mean  # type: ignore[attr-defined]
        from nnguide.models.saving import preprocessor

        return np.array(preprocessor(self.run.model).mean, np.float32)

    @functools.cached_property
    def _tokeniser(self) -> Tokeniser:
        if self.run.engine == "light":
            return self.run.light.front.tokeniser  # type: ignore[attr-defined]
        from nnguide.models.saving import preprocessor

        return preprocessor(self.run.model).tokeniser


def subject(run: Any) -> Subject:
    """A Run or a Subject, opened for explaining."""
    return RunSubject(run) if isinstance(run, Run) else run


def load(name: str | Path) -> Subject:
    """The subject that RUN means on the command line."""
    return subject(runs.load(name))


def number(of: Subject, target: str | None, answered: int) -> int:
    """The number of the label to explain, where label number `answered` is the answer.

    Raises:
        ConfigError: no such label.
    """
    check_target(of, target)
    if target is not None:
        return of.labels.index(target)
    if of.kind == "texts":
        return len(of.labels) - 1  # the answer is the probability of the second label, spam
    return answered


def check_target(of: Subject, target: str | None) -> None:
    """Refuse a label that the run has not."""
    if target is not None and target not in of.labels:
        known = ", ".join(of.labels) or "none: the answer is a value"
        raise ConfigError(f"--target is one of the run's labels ({known}); got {target!r}")


def stacked(of: Subject, raws: Sequence[Any]) -> np.ndarray:
    """Checked inputs as one batch."""
    if of.kind != "texts":
        return np.stack(raws)
    batch = np.empty(len(raws), object)
    batch[:] = raws
    return batch
