"""Explanations of inputs by a method, with checks of their faithfulness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnguide.errors import InputError
from nnguide.explain import LIBRARIES, faithful, gradients, occlusion, subjects, subprocess_methods
from nnguide.explain.explanation import Explanation, Feature
from nnguide.explain.features import Features, Patches, Word, Words
from nnguide.explain.score import Score
from nnguide.explain.subjects import Subject
from nnguide.explain.subprocess_methods import Weighed
from nnguide.inference import picture_inputs

SUMS = ("integrated", "shap")  # methods whose weights sum to f(x) − f(baseline)
GRADIENTS = ("gradient", "integrated", "smoothgrad")


def explain_each(
    run: Any, raws: Any, method: str, target: str | None, seed: int
) -> list[Explanation]:
    """Return explanations of raw inputs.

    Arguments and errors are those of nnguide.explain.explain_all.
    """
    of = subjects.subject(run)
    subjects.check_target(of, target)
    checked = of.read(raws)
    if not checked:
        return []
    answered, winning, every = of.answered(checked)
    picture_inputs.raise_first(answered)
    answers = [answer for answer in answered if not isinstance(answer, InputError)]
    labels = [subjects.number(of, target, int(number)) for number in winning]
    if method in LIBRARIES:
        weighed_all = subprocess_methods.weigh_all(of, method, checked, labels, seed)
    else:
        weighed_all = [
            _weigh(of, method, raw, Score(of.output, label, len(of.labels)), seed)
            for raw, label in zip(checked, labels, strict=True)
        ]
    rows = zip(
        checked, _names(raws, len(checked)), answers, every, labels, weighed_all, strict=True
    )
    return [
        _explanation(of, method, seed, raw, name, answer.label, row, label, weighed)
        for raw, name, answer, row, label, weighed in rows
    ]


def _weigh(of: Subject, method: str, raw: Any, score: Score, seed: int) -> Weighed:
    if method in GRADIENTS:
        inside = of.inside(raw)
        low, high = inside.back(np.stack([inside.baseline, inside.x]), score)[0]
        checks: dict[str, Any] = {}
        if method == "gradient":
            weights = gradients.gradient(inside, score)
        elif method == "smoothgrad":
            weights = gradients.smoothgrad(inside, score, seed)
        else:
            weights, checks["steps"] = gradients.integrated(inside, score)
        return Weighed(inside.share(weights), (float(low), float(high)), checks)
    parts = of.parts(raw)
    count = len(parts.differs)
    f = _of_masks(of, raw, lambda z: score(z)[0])
    low, high = f(np.repeat([[False], [True]], count, axis=1))
    weights = occlusion.of_pixels(f) if isinstance(parts, Patches) else occlusion.of_parts(f, count)
    return Weighed(weights, (float(low), float(high)), {})


def _of_masks(
    of: Subject, raw: Any, answer: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from masks of an input to answers.

    Masks are (n, parts) of what stays; answers are (n,) float64.
    """
    parts = of.parts(raw)
    return lambda masks: answer(of.sums(parts.keep(masks))).astype(np.float64)


def _explanation(
    of: Subject,
    method: str,
    seed: int,
    raw: Any,
    name: str | None,
    answered: str,
    probabilities: np.ndarray,
    label: int,
    weighed: Weighed,
) -> Explanation:
    score = Score(of.output, label, len(of.labels))
    parts = of.parts(raw)
    weights: Any = weighed.weights
    if isinstance(parts, Words):
        weights = [
            Word(*word[:3], float(weight))
            for word, weight in zip(parts.words, weights, strict=True)
        ]
    elif isinstance(parts, Features):
        features = of.features
        weights = [
            Feature(name, float(value), float(weight))
            for name, value, weight in zip(features, raw, weights, strict=True)
        ]
    return Explanation(
        method=method,
        task=of.task,
        kind=of.kind.name,
        input=raw if of.kind.is_its_own_name else name,
        label=answered if of.labels else None,
        target=of.labels[label] if of.labels else None,
        probability=float(probabilities[label]) if of.labels else None,
        score=weighed.ends[1],
        baseline=of.kind.baseline,
        baseline_score=weighed.ends[0],
        weights=weights,
        checks=_checks(of, method, seed, raw, score, weighed),
        labels=of.labels,
        picture=np.asarray(raw) if isinstance(parts, Patches) else None,
        seed=seed,
    )


def _checks(
    of: Subject, method: str, seed: int, raw: Any, score: Score, weighed: Weighed
) -> dict[str, Any]:
    """Return the checks of an explanation.

    They are its sum, and the effect of deleting and inserting parts.
    """
    low, high = weighed.ends
    total, difference = float(weighed.weights.sum()), high - low
    gap = abs(total - difference) / abs(difference) if difference else None
    promised = method in SUMS and len(weighed.weights) > 0
    complete = None
    if promised:
        complete = total == difference if gap is None else gap <= gradients.TOLERANCE
    checks = {"sum": total, "difference": difference, "gap": gap, "complete": complete}
    areas: dict[str, Any] = dict.fromkeys(faithful.AREAS)
    if of.labels:
        areas = faithful.curves(
            _of_masks(of, raw, score.probability),
            of.parts(raw).differs,
            weighed.weights.ravel(),
            seed,
        )
    return {**checks, "steps": None, "fit": None, **weighed.checks, **areas}


def _names(raws: Any, count: int) -> list[str | None]:
    """Return the names of `count` inputs."""
    if isinstance(raws, list | tuple) and len(raws) == count:
        return [_name(raw) for raw in raws]
    return [_name(raws)] * count


def _name(raw: Any) -> str | None:
    """Return the name of an input: a path or a text.

    None for numbers.
    """
    return str(raw) if isinstance(raw, (str, bytes)) or hasattr(raw, "__fspath__") else None
