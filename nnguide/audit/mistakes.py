"""The worst mistakes, with an explanation of each.

They are the wrong answers that the network was most sure of.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from nnguide.data.examples import Examples
from nnguide.evaluation import copies
from nnguide.explain import explain
from nnguide.explain.explanation import Explanation
from nnguide.explain.subjects import subject
from nnguide.runs import Run

SHOWN = 12
METHOD = "occlusion"  # it needs no gradients, so the light form answers
ORANGE, BLUE = np.array([213.0, 94, 0]), np.array([0.0, 114, 178])  # of Okabe & Ito
LONGEST = 600  # characters of a message that are shown
WORDS = 12  # of a message's words, the weightiest, that are listed


def mistakes(run: Run, examples: Examples, outputs: np.ndarray) -> list[dict[str, Any]]:
    """Return the wrong answers with the lowest probability of the true label.

    The worst come first.

    Each input once; where a threshold decides, as many of each label at most, so that blocked
    ham is shown next to missed spam.

    Args:
        run: whose answers they are.
        examples: n of them, numbered by the run's labels.
        outputs: (n, nodes) probabilities.
    Returns:
        JSON-able rows of place (in the examples), true, label (what was answered), probability
        (of that answer; for spam P(spam)) and true_probability. Of a picture: picture and map,
        both PNG in base64, the map in orange for what speaks for the answer and in blue for
        what speaks against it. Of a text: text, cut (not all is shown), and words with start,
        end and weight in nats of the answer's log-odds.
    """
    rows = run.decision.always().answers(outputs)
    names = [run.labels[label] for label in examples.labels]
    wrong = np.array([row.label != name for row, name in zip(rows, names, strict=True)], bool)
    every = outputs if outputs.shape[1] > 1 else np.concatenate([1 - outputs, outputs], axis=1)
    true = every[np.arange(len(every)), examples.labels]
    order = np.flatnonzero(wrong)
    order = order[np.argsort(true[order], kind="stable")]
    first = {copies.key(examples.inputs[place]): place for place in order[::-1]}
    order = order[np.isin(order, list(first.values()))]
    if run.threshold is not None:
        each = [order[examples.labels[order] == label][: SHOWN // 2] for label in (0, 1)]
        order = np.concatenate(each)
        order = order[np.argsort(true[order], kind="stable")]
    order = order[:SHOWN]
    opened = subject(run) if len(order) else None
    worst = []
    for place in order:
        answered = rows[place]
        row: dict[str, Any] = {"place": int(place), "true": names[place], "label": answered.label}
        row |= {"probability": answered.probability, "true_probability": float(true[place])}
        raw = examples.inputs[place]
        raw = raw if isinstance(raw, str) else np.asarray(raw)
        why = explain(opened, raw, METHOD, answered.label)
        worst.append({**row, **run.task.kind.mistake(raw, why)})
    return worst


def of_text(text: str, why: Explanation) -> dict[str, Any]:
    """Return a text, cut if long, with its most important words.

    The words are among those shown, in their order in the text.
    """
    shown = [word for word in why.weights if word.end <= LONGEST]
    heavy = sorted(shown, key=lambda word: -abs(word.weight))[:WORDS]
    chosen = [word for word in heavy if word.weight]
    return {
        "text": text[:LONGEST],
        "cut": len(text) > LONGEST,
        "words": [
            {"start": word.start, "end": word.end, "weight": float(word.weight)}
            for word in sorted(chosen, key=lambda word: word.start)
        ],
    }


def of_row(why: Explanation) -> dict[str, Any]:
    """Return the columns with the largest weights, the largest first."""
    return {"features": [feature._asdict() for feature in why.ranked()[:WORDS]]}


def of_picture(picture: np.ndarray, why: Explanation) -> dict[str, Any]:
    levels = np.rint(picture).astype(np.uint8)
    return {"picture": png(levels), "map": png(heat(levels, why.weights))}


def heat(levels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return a picture of a digit with its weights as colours.

    The result is (28, 28, 3) uint8: the digit in pale grey on white, orange above it for
    weights over 0.

    Blue stands for weights below 0; the strongest of both is fully coloured.
    """
    strength = weights / max(float(np.abs(weights).max(initial=0)), 1e-12)
    colour = np.where((strength > 0)[..., None], ORANGE, BLUE)
    ghost = 255 - 0.45 * levels[..., None].astype(np.float64)
    share = 0.9 * np.abs(strength)[..., None]
    return np.rint(ghost + share * (colour - ghost)).astype(np.uint8)


def png(pixels: np.ndarray) -> str:
    """Return pixels as a PNG file in base64.

    The pixels are (h, w) or (h, w, 3) uint8.
    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")
