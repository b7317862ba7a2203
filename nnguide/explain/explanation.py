"""The explanation of one answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnguide.tasks import kinds


class Feature(NamedTuple):
    """A number of the input, and its weight."""

    name: str
    value: float
    weight: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """How much each part of an input pushed a label's score.

    Attributes:
        method: one of nnguide.explain.METHODS.
        task: digits, spam or table.
        kind: pictures, texts or numbers.
        input: the text; a picture's path or what it was called; None where it has no name.
        label: what the run answers, `none` where it refuses; None for a regression.
        target: the label whose score is explained; None for a regression.
        probability: of `target`, calibrated; None for a regression.
        score: f(x), the log-odds of `target` in nats; for a regression its value.
        baseline: what parts are taken away to, in words.
        baseline_score: f(baseline).
        weights: a map (28, 28) float64 of a picture; else a list, in the order of the input, of
            parts.Word (word, start, end, weight) or Feature (name, value, weight). In nats of
            the score; above 0 speaks for `target`.
        checks: sum (of the weights), difference (score − baseline_score), gap (|sum −
            difference| over |difference|, None where that is 0), complete (whether the gap is at
            most 1 %; None where the method promises no sum); steps of integrated, fit (R²) of
            lime; deletion, deletion_random, insertion and insertion_random, see faithful.curves.
            What a method or an input does not have is None.
        labels: all labels of the run.
        picture: (28, 28) grey levels 0-255, or None.
        seed: what the explanation was made with.
    """

    method: str
    task: str
    kind: str
    input: str | None
    label: str | None
    target: str | None
    probability: float | None
    score: float
    baseline: str
    baseline_score: float
    weights: Any
    checks: dict[str, Any]
    labels: tuple[str, ...] = ()
    picture: np.ndarray | None = None
    seed: int = 0

    def named(self, name: str) -> Explanation:
        """Return the same explanation with its input called `name`."""
        return replace(self, input=name)

    @property
    def against(self) -> str | None:
        """The label that weights below 0 speak for.

        It is the other label, where there are two.
        """
        others = [label for label in self.labels if label != self.target]
        return others[0] if len(others) == 1 else None

    def ranked(self) -> list[Any]:
        """Return the words or features, the largest |weight| first.

        There are none of a picture.
        """
        if self.picture is not None:
            return []
        return sorted(self.weights, key=lambda part: -abs(part.weight))

    def called(self, part: Any) -> str:
        """Return a word of the text, or a feature with its value."""
        if isinstance(part, Feature):
            return f"{part.name} = {part.value:.4g}"
        return (self.input or "")[part.start : part.end]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values.

        They have a map for pictures, words for texts, features for numbers.
        """
        parts: dict[str, Any] = dict.fromkeys(("map", "words", "features"))
        parts[kinds.get(self.kind).weights] = (
            self.weights.tolist()
            if isinstance(self.weights, np.ndarray)
            else [part._asdict() for part in self.weights]
        )
        return {
            "input": self.input,
            "task": self.task,
            "kind": self.kind,
            "method": self.method,
            "label": self.label,
            "target": self.target,
            "probability": self.probability,
            "score": self.score,
            "baseline": self.baseline,
            "baseline_score": self.baseline_score,
            "seed": self.seed,
            "checks": self.checks,
            **parts,
        }

    def html(self) -> str:
        """Return a fragment of HTML, self-contained and escaped."""
        from nnguide.explain.page import fragment

        return fragment(self)

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return self.html()

    def draw(self, path: Path | str) -> None:
        """Write a PNG file."""
        from nnguide.explain.draw import draw

        draw([[self]], Path(path))
