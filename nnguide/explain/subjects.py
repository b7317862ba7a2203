"""Runs opened for explanations.

They give answers, the parts of inputs, and gradients.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import logs, runs
from nnguide.errors import ConfigError, InputError
from nnguide.explain import backward, words
from nnguide.explain.features import Features, Parts, Patches
from nnguide.explain.score import sums
from nnguide.inference import picture_inputs
from nnguide.inference.answers import one_each
from nnguide.inference.decision import Answer
from nnguide.preprocessing.tokens import Tokeniser
from nnguide.runs import Run


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


class Subject(ABC):
    """A run of a task, opened for explanations.

    It uses Keras, and its light form for what needs no gradients.

    What differs by kind of input is in the classes below; a kind of input knows which is its own.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder, self.task, self.labels = run.folder, run.task.name, run.labels
        self.kind = run.task.kind
        self.output = "softmax" if run.threshold is None else "sigmoid"
        self.features = run.features

    def sums(self, raws: np.ndarray) -> np.ndarray:
        """Return the sums z (n, nodes) of raw inputs.

        The inputs are made of checked ones; where z is not known, equivalent sums are
        returned.
        """
        return sums(self._outputs(raws))

    def _outputs(self, raws: np.ndarray) -> np.ndarray:
        return self.run.outputs(self.kind.stacked(raws))

    def check(self, raw: Any) -> Any:
        """Return one raw input as `sums` takes it.

        It has no batch axis.
        """
        return self.run.check(raw)[0]

    def read(self, raws: Any) -> list[Any]:
        """Return raw inputs, checked, as `answered` takes them.

        Raises:
            InputError: the first that cannot be taken.
        """
        return list(self.run.check(raws))

    def answered(
        self, checked: Sequence[Any]
    ) -> tuple[list[Answer | InputError], np.ndarray, np.ndarray]:
        """Return answers, winning labels and probabilities of checked inputs.

        The labels are numbers, the probabilities (n, labels). The answer to a picture of several
        digits is an InputError.
        """
        outputs = self._outputs(self.kind.stacked(checked))
        every = np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
        decision = self.run.decision
        return list(one_each(decision, outputs, checked)), decision.numbers(outputs), every

    @abstractmethod
    def parts(self, raw: Any, size: int = 1) -> Parts:
        """Return the parts of one checked input.

        Those of a picture are squares of `size` pixels.
        """

    def inside(self, raw: Any) -> Inside:
        """Return one checked input, prepared for gradient methods."""
        front, network = self._network
        x, baseline = np.asarray(front(np.stack([raw, self._lowest(raw)]).astype(np.float32)))
        return Inside(
            x,
            baseline,
            functools.partial(backward.through_keras, functools.partial(network, training=False)),
            lambda gradient: gradient.reshape(np.shape(raw)),
        )

    def _lowest(self, raw: np.ndarray) -> np.ndarray:
        """Return the baseline of an input that is an array."""
        return np.zeros_like(raw)

    @functools.cached_property
    def _network(self) -> tuple[Any, Any]:
        """The preprocessing, and the differentiable part.

        The latter goes up to the calibrated sums.
        """
        from nnguide.models.saving import preprocessor

        core = self._core
        return preprocessor(self.run.model), _keras().Model(core.inputs, self._calibrated(core))

    @property
    def _core(self) -> Any:
        _keras()
        return self.run.model.get_layer("core")

    def _calibrated(self, core: Any) -> Any:
        if "calibration" in {layer.name for layer in core.layers}:
            return core.get_layer("calibration").output
        # An ensemble averages probabilities; log p is a sum but for a constant.
        ops = _keras().ops
        return ops.log(ops.maximum(core.outputs[0], 1e-37))

    def _learned(self, name: str) -> Any:
        """Return what the preprocessing learned.

        It comes from the light form where there is one.
        """
        if self.run.engine == "light":
            return getattr(self.run.light.front, name)
        from nnguide.models.saving import preprocessor

        return getattr(preprocessor(self.run.model), name)


class PictureSubject(Subject):
    """A subject of pictures, with a black picture as baseline."""

    def read(self, raws: Any) -> list[Any]:
        values = self.kind.each(raws)
        picture_inputs.raise_first(values)
        return values  # marks are still marks

    def parts(self, raw: Any, size: int = 1) -> Parts:
        return Patches(raw, size)


class RowSubject(Subject):
    """A subject of rows of numbers.

    The baseline is the means that the columns had in training.
    """

    def parts(self, raw: Any, size: int = 1) -> Parts:
        return Features(raw, self._means)

    def _lowest(self, raw: np.ndarray) -> np.ndarray:
        return self._means

    @functools.cached_property
    def _means(self) -> np.ndarray:
        """The mean of each column in training, (features,)."""
        return np.array(self._learned("mean"), np.float32)


class TextSubject(Subject):
    """A subject of texts: words, and the embeddings of their tokens."""

    def parts(self, raw: Any, size: int = 1) -> Parts:
        return words.read(self._tokeniser, raw)[0]

    def inside(self, raw: Any) -> Inside:
        ids, shares = words.shares(self._tokeniser, raw)
        if not len(ids):  # padding stands for a text without words
            ids, shares = np.zeros(1, np.int64), np.zeros((1, 0))
        table, network = self._network
        embedded = np.asarray(table)[ids]  # (t, d)
        ops = _keras().ops

        def from_embedding(batch: Any) -> Any:
            rows = np.broadcast_to(ids.astype(np.int32), (len(batch), len(ids)))
            return network([batch, ops.convert_to_tensor(rows)], training=False)

        return Inside(
            embedded,
            np.zeros_like(embedded),  # the network pools zeros to what no tokens give
            functools.partial(backward.through_keras, from_embedding),
            lambda weights: weights.sum(axis=1) @ shares,
        )

    @functools.cached_property
    def _network(self) -> tuple[Any, Any]:
        core = self._core
        if "embedding" not in {layer.name for layer in core.layers}:
            raise ConfigError(
                "the gradient methods need a single network, and an ensemble of texts has several. "
                "Use --method occlusion, lime or shap, or explain a member."
            )
        embedding = core.get_layer("embedding")
        z = core.get_layer("calibration").output
        return embedding.embeddings, _keras().Model([embedding.output, core.inputs[0]], z)

    @functools.cached_property
    def _tokeniser(self) -> Tokeniser:
        tokeniser: Tokeniser = self._learned("tokeniser")
        return tokeniser


def _keras() -> Any:
    logs.tensorflow()
    import keras

    return keras


def subject(run: Any) -> Subject:
    """Return a run opened for explanations.

    `run` is a Run or a Subject.
    """
    return run.task.kind.subject(run) if isinstance(run, Run) else run


def load(name: str | Path, kinds: Sequence[str] = ()) -> Subject:
    """Load the run that RUN means on the command line.

    It is opened as a subject; `kinds` of text are as in `runs.load`.
    """
    return subject(runs.load(name, kinds))


def number(of: Subject, target: str | None, answered: int) -> int:
    """Return the number of the label to explain.

    `answered` is the number of the answer's label.

    Raises:
        ConfigError: no such label.
    """
    check_target(of, target)
    if target is not None:
        return of.labels.index(target)
    if of.output == "sigmoid":
        return len(of.labels) - 1  # the answer is the probability of the second label, spam
    return answered


def check_target(of: Subject, target: str | None) -> None:
    """Raise ConfigError for a label that the run does not have."""
    if target is not None and target not in of.labels:
        known = ", ".join(of.labels) or "none: the answer is a value"
        raise ConfigError(f"--target is one of the run's labels ({known}); got {target!r}")
