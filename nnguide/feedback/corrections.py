"""Corrections of a run, read from its journal."""

from __future__ import annotations

import hashlib
import json
import operator
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from nnguide.data.mail import is_empty
from nnguide.errors import ConfigError, InputError
from nnguide.feedback.journal import Correction, Corrections, Journal
from nnguide.feedback.learner import Features, Learner
from nnguide.inference.answers import answers
from nnguide.runs import Answer, Run

_ANSWERS_BY = ("light.json", "light.tflite", "model.keras")


class Layer:
    """Layer that applies a run's corrections to its answers.

    Threads may share it.
    """

    def __init__(self, threshold: float, corrections: Corrections) -> None:
        """Learn `corrections` for a run with this threshold."""
        self._turn = threading.Lock()
        self._threshold = threshold
        self.corrections: Corrections = ()
        self.learner = Learner(threshold)
        self.take(corrections)

    @classmethod
    def of(cls, run: Run, threshold: float | None = None) -> Layer | None:
        """Return the layer of `run`, or None.

        None where it has no corrections or can have none.

        Args:
            run: any.
            threshold: as of `nnguide.feedback.layer`.
        Raises:
            RunError: the journal is damaged or cannot be read.
        """
        if run.threshold is None or not run.task.kind.takes_mail:
            return None
        corrections = journal(run).read()
        if not corrections:
            return None
        return cls(run.threshold if threshold is None else threshold, corrections)

    def take(self, corrections: Corrections) -> None:
        """Use these corrections from now on.

        New ones at their end are learned. Where others were taken back, all are learned again;
        answers use the old ones meanwhile.
        """
        known = self.corrections
        if len(known) <= len(corrections) and all(map(operator.is_, known, corrections)):
            with self._turn:
                _learn(self.learner, corrections[len(known) :])
                self.corrections = corrections
            return
        learner = Learner(self._threshold)
        _learn(learner, corrections)
        with self._turn:
            self.learner, self.corrections = learner, corrections

    def copies(self, texts: Iterable[Any]) -> int:
        """Return how many texts are corrected ones or near copies."""
        return sum(
            not is_empty(text) and self.learner.match(Features.of(text)) is not None
            for text in texts
        )

    @property
    def digest(self) -> str:
        """Hash that identifies these corrections, as 64 hexadecimal digits."""
        rows = [
            (correction.identifier, correction.label, correction.probability)
            for correction in self.corrections
        ]
        return hashlib.sha256(json.dumps(rows).encode("ascii")).hexdigest()

    def __call__(self, texts: Iterable[Any], outputs: np.ndarray) -> np.ndarray:
        """Return the probabilities with the corrections, (n, 1) float32.

        Args:
            texts: (n,) what was judged.
            outputs: (n, 1) float32, what the network answered. Of what no correction bears on it
                is the result, bit for bit.
        """
        changed = np.array(outputs, np.float32)
        for row, text in enumerate(texts):
            if not is_empty(text):
                features = Features.of(text)
                with self._turn:
                    changed[row, 0] = self.learner.probability(features, changed[row, 0])
        return changed


def _learn(learner: Learner, corrections: Corrections) -> None:
    for correction in corrections:
        learner.learn(correction.features, correction.probability, correction.is_spam)


FORGET = "forget"


@dataclass(frozen=True)
class LabelledText:
    """A text that its owner labels, or whose label is withdrawn.

    Attributes:
        name: for messages.
        label: spam, ham or forget.
        text: of a mail, or any; None for a correction that is known by its identifier alone.
        identifier: of the correction.
        features: of the text, or None.
    """

    name: str
    label: str
    text: str | None
    identifier: str
    features: Features | None = None

    @classmethod
    def of(cls, name: str, label: str, text: str) -> LabelledText:
        """Return a text that can be learned from.

        Raises:
            InputError: there is nothing in it.
        """
        if not text.strip():
            raise InputError("it has neither subject nor text: there is nothing to learn from")
        features = Features.of(text)
        return cls(name, label, text, features.identifier, features)


@dataclass(frozen=True)
class Change:
    """Effect of one text and its label.

    Attributes:
        labelled: as it came.
        known: the correction of the same text that there was before.
        before, after: what the run answered, with the corrections before and after; None where
            the text is not at hand.
        contradicts: near copies with the other label, and how similar they are, in (0.5, 1].
    """

    labelled: LabelledText
    known: Correction | None
    before: Answer | None = None
    after: Answer | None = None
    contradicts: tuple[tuple[Correction, float], ...] = ()

    @property
    def is_lost(self) -> bool:
        """Whether there is no such correction to forget."""
        return self.labelled.label == FORGET and self.known is None


def journal(run: Run) -> Journal:
    """Return the journal with the corrections of a run.

    Raises:
        ConfigError: it is not one of texts with a threshold.
    """
    if run.threshold is None or not run.task.kind.takes_mail:
        raise ConfigError(f"feedback is for spam runs; {run.folder} is of {run.task.name}")
    files = {name: run.manifest["files"].get(name) for name in _ANSWERS_BY}
    network = hashlib.sha256(json.dumps(files, sort_keys=True).encode("ascii")).hexdigest()
    return Journal(network, run.folder)


def correct(run: Run, labelled: Sequence[LabelledText]) -> list[Change]:
    """Record corrections and withdraw others, all at once.

    A text that was given the other label before has the new one alone.

    Raises:
        ConfigError: a text is given two labels at once, or there are too many corrections.
        RunError: the journal is damaged.
        WriteError: it cannot be written.
    """
    _check_one_label(labelled)
    texts = np.array([None, *(item.text for item in labelled)], object)[1:]
    at_hand = np.flatnonzero([text is not None for text in texts])
    outputs = run.outputs(texts[at_hand]) if len(at_hand) else np.zeros((0, 1), np.float32)
    network = dict(zip(at_hand.tolist(), outputs[:, 0].tolist(), strict=True))
    before, after = _record(journal(run), labelled, network)
    layer = Layer(run.threshold or 0.0, ())
    answered: list[dict[int, Answer]] = []
    for corrections in (before, after):
        layer.take(corrections)
        made = answers(run.decision, layer(texts[at_hand], outputs), texts[at_hand])
        answered.append(dict(zip(at_hand.tolist(), made, strict=True)))
    known = {correction.identifier: correction for correction in before}
    return [
        Change(
            item,
            known.get(item.identifier),
            answered[0].get(place),
            answered[1].get(place),
            _against(item, layer),
        )
        for place, item in enumerate(labelled)
    ]


def record(run: Run, item: LabelledText, places: Journal) -> Correction | None:
    """Record or withdraw one correction, without measuring its effect.

    Measuring takes longer.

    Args:
        places: the run's journal.
    Returns:
        The correction of the same text that there was before.
    Raises:
        As `correct`.
    """
    network: dict[int, float] = {}
    if item.label != FORGET:
        network[0] = float(run.outputs(np.array([None, item.text], object)[1:])[0, 0])
    before, _ = _record(places, [item], network)
    return next(
        (correction for correction in before if correction.identifier == item.identifier), None
    )


def _record(
    places: Journal, labelled: Sequence[LabelledText], network: dict[int, float]
) -> tuple[Corrections, Corrections]:
    """Return the corrections before and after the change.

    `network` is what it answers, by places in `labelled`.
    """
    before: list[Corrections] = []

    def edit(corrections: Corrections) -> Corrections:
        before.append(corrections)
        by_identifier = {correction.identifier: correction for correction in corrections}
        for place, item in enumerate(labelled):
            known = by_identifier.get(item.identifier)
            if item.label == FORGET:
                by_identifier.pop(item.identifier, None)
            elif known is None or known.label != item.label or known.probability is None:
                by_identifier.pop(item.identifier, None)
                by_identifier[item.identifier] = _correction(item, network[place])
        return tuple(by_identifier.values())

    after = places.change(edit)
    return before[-1], after


def _check_one_label(labelled: Sequence[LabelledText]) -> None:
    seen: dict[str, LabelledText] = {}
    for item in labelled:
        other = seen.setdefault(item.identifier, item)
        if other.label != item.label:
            raise ConfigError(
                f"{other.name} is given as {other.label} and {item.name} as {item.label}, and "
                "their texts are the same. Nothing was recorded."
            )


def _correction(item: LabelledText, probability: float) -> Correction:
    assert item.features is not None
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return Correction(item.features, item.label == "spam", probability, made)


def _against(item: LabelledText, layer: Layer) -> tuple[tuple[Correction, float], ...]:
    """Return the near copies of a text with another label."""
    if item.label == FORGET or item.features is None:
        return ()
    matches = layer.learner.matches(item.features)
    pairs = [(layer.corrections[match.place], match.similarity) for match in matches]
    return tuple(pair for pair in pairs if pair[0].label != item.label)
