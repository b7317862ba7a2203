"""A run's model with the signatures of its SavedModel, without TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nnguide.errors import InputError
from nnguide.inference import picture_inputs
from nnguide.inference.answers import taken, touching
from nnguide.inference.decision import NONE, Decision
from nnguide.preprocessing import heif, joined
from nnguide.runs import Run
from nnguide.serving.bounds import RefusedError
from nnguide.serving.signatures import CLASSIFY, DEFAULT, STRING, Signature, Tensor
from nnguide.serving.tensors import Arrays
from nnguide.tasks.kinds import Kind

Feature = tuple[str, list[Any]]  # its kind, bytes, float or int64, and its values
MARKS = "marks"  # (n,) bool, which pictures that were read are a joined.Mark


class Servable(Protocol):
    """A loaded model."""

    signatures: Mapping[str, Signature]
    origin: str  # what it was loaded from and what answers, for a person
    platform: str  # as the Open Inference Protocol names what answers
    gains: bool  # whether a batch costs less than its rows one after the other
    threshold: float | None  # above it a text is spam; None where the most probable label wins
    refuse_below: float | None  # the answer is none where every label is less probable

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The labels of a run or its export, in label order.

        None for any other model.
        """

    def prepare(self, name: str, inputs: Arrays) -> Arrays:
        """Return one request's inputs, checked, as `run` takes them.

        They may be joined with the rows of other requests.

        Raises:
            InputError, RefusedError: the model does not take them.
        """

    def pictures(self, name: str, inputs: Arrays) -> list[bytes] | None:
        """Return the picture files that are to be read before `prepare`.

        `prepare` then receives {"image": (n, 28, 28)} and the default signature's name, and `run`
        what it returns and MARKS.
        """

    def examples(self, name: str, inputs: list[dict[str, Feature]]) -> Arrays:
        """Return one classify request's examples as `run` takes them."""

    def run(self, name: str, prepared: Arrays) -> Arrays:
        """Return the outputs of signature `name`, by their names."""


def described(kind: Kind, decision: Decision, features: int = 0) -> dict[str, Signature]:
    """Return the signatures of a task's model.

    They are those that nnguide.export writes.

    Args:
        kind: of its inputs.
        features: how many numbers a row has.
    """
    outputs = {
        "label": Tensor(STRING, (None,), "label:0"),
        "probability": Tensor("float32", (None,), "probability:0"),
    }
    labels = len(decision.labels)
    if decision.threshold is None:
        outputs["probabilities"] = Tensor("float32", (None, labels), "probabilities:0")
    asked = {
        name: Signature({input_name: tensor}, outputs)
        for name, (input_name, tensor) in kind.served(features).items()
    }
    classes = {
        "classes": Tensor(STRING, (None, labels), "classes:0"),
        "scores": Tensor("float32", (None, labels), "scores:0"),
    }
    serialized = {"inputs": Tensor(STRING, (None,), "classify_inputs:0")}
    return {**asked, "classify": Signature(serialized, classes, CLASSIFY)}


def answers_of(servable: Servable, outputs: Arrays) -> tuple[list[str], list[float]]:
    """Return the labels in a model's outputs and their probabilities.

    There are none for a model that nnguide did not make.
    """
    if servable.labels is None:
        return [], []
    if "scores" in outputs and "classes" in outputs:
        scores = outputs["scores"]
        numbers = scores.argmax(axis=1)
        if servable.threshold is not None:
            numbers = (scores[:, 1] > servable.threshold).astype(int)
        labels = [servable.labels[number] for number in numbers]
        return labels, scores[np.arange(len(scores)), numbers].tolist()
    if "label" not in outputs or "probability" not in outputs:
        return [], []
    labels = [
        label if isinstance(label, str) else label.decode() for label in outputs["label"].tolist()
    ]
    sure = outputs["probability"].tolist()
    if servable.threshold is not None:  # it is that of the second label
        first = servable.labels[0]
        sure = [1 - p if label == first else p for label, p in zip(labels, sure, strict=True)]
    return labels, sure


class RunServable:
    """A run as a servable.

    Its light form is used where there is one, so that TensorFlow is not needed.
    """

    def __init__(self, folder: Path) -> None:
        """Load and try the model of the run in `folder`.

        Raises:
            RunError: no run, or one that is damaged.
            ExtraError: what answers is not installed.
        """
        self._run = Run.open(folder)
        self._kind = self._run.task.kind
        self.labels = self._run.labels
        self._labels = np.array(self.labels, object)  # (labels,)
        self.threshold = self._run.threshold
        self.refuse_below = self._run.decision.refuse_below
        self.signatures: Mapping[str, Signature] = described(
            self._kind, self._run.decision, len(self._run.features)
        )
        self.origin = f"{folder}, {self._run.engine}"
        self.platform = f"nnguide_{self._run.engine}"
        self.gains = self._run.engine == "keras" or self._kind.is_faster_together
        self._run.outputs(self._run.check(self._kind.blank(len(self._run.features))))

    def prepare(self, name: str, inputs: Arrays) -> Arrays:
        (array,) = inputs.values()
        if name == "classify":
            raise RefusedError(400, "signature classify takes tf.Examples: ask with :classify")
        raw = self._kind.received(array)
        if self.refuse_below is None:
            return {self._kind.tensor: self._run.check(raw)}
        each = [taken(self._run.decision, value) for value in self._kind.each(raw)]
        return {self._kind.tensor: picture_inputs.checked(each)}

    def pictures(self, name: str, inputs: Arrays) -> list[bytes] | None:
        if name != "serve_bytes":
            return None
        (array,) = inputs.values()
        if not len(array):
            raise InputError("expected at least one picture; got none")
        return [_picture(content) for content in array]

    def examples(self, name: str, inputs: list[dict[str, Feature]]) -> Arrays:
        name, (form, shape) = self._kind.tensor, self._kind.example(len(self._run.features))
        rows = [_feature(example, name, form, math.prod(shape)) for example in inputs]
        dtype = np.float32 if form == "float" else object
        raw = np.array(rows, dtype).reshape(-1, *shape)
        return {name: self._run.check(self._kind.received(raw))}

    def run(self, name: str, prepared: Arrays) -> Arrays:
        checked = prepared[self._kind.tensor]
        rows = self._run.outputs(checked)
        if MARKS in prepared:
            pictures = [
                levels.view(joined.Mark) if is_mark else levels
                for levels, is_mark in zip(checked, prepared[MARKS], strict=True)
            ]
            if self._run.decision.several(rows, pictures).any():
                raise touching()
        if name == "classify":
            scores = rows if self.threshold is None else np.hstack([1 - rows, rows])
            return {"classes": np.tile(self._labels, (len(rows), 1)), "scores": scores}
        numbers = self._run.decision.numbers(rows)
        label = self._labels[numbers]
        if self.threshold is not None:
            return {"label": label, "probability": rows[:, 0]}
        if self._run.decision.refuse_below is not None:
            refused = self._run.decision.refused(rows) | ~checked.any(axis=(1, 2))
            label = np.where(refused, NONE, label)
        probability = rows[np.arange(len(rows)), numbers]
        return {"label": label, "probability": probability, "probabilities": rows}


def label_of(servable: Servable, picture: np.ndarray) -> str | None:
    """Return a model's answer to a picture as a label.

    Args:
        servable: a model that takes pictures.
        picture: (28, 28) uint8, as the decoders read it.
    Returns:
        One of its labels, or none where it refuses; None for a model that nnguide did not make.
    Raises:
        InputError: the picture holds several digits that touch.
    """
    if servable.labels is None:
        return None
    levels = np.asarray(picture)[None]
    outputs = servable.run(DEFAULT, servable.prepare(DEFAULT, {"image": levels}))
    decision = Decision(servable.labels, servable.threshold, servable.refuse_below)
    if decision.several(outputs["probabilities"], [picture]).any():
        raise touching()
    return answers_of(servable, outputs)[0][0]


def _picture(content: str | bytes) -> bytes:
    """Return a picture's bytes if TensorFlow decodes its format too."""
    raw = content.encode() if isinstance(content, str) else content
    for start, form in ((b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"RIFF", "WebP")):
        if raw.startswith(start):
            raise InputError(f"the picture: expected PNG, JPEG, GIF or BMP; got {form}")
    if heif.is_heif(raw):
        raise InputError("the picture: expected PNG, JPEG, GIF or BMP; got HEIF")
    return raw


def _feature(example: dict[str, Feature], name: str, kind: str, count: int) -> list[Any]:
    if name not in example:
        raise InputError(f"Feature: {name} (data type: {kind}) is required but could not be found.")
    received, values = example[name]
    if received != kind:
        raise InputError(
            f"Key: {name}. Data types don't match. Data type: {received} but expected type: {kind}"
        )
    if len(values) != count:
        raise InputError(
            f"Key: {name}. Number of {kind} values != expected: {len(values)}, {count}"
        )
    return values
