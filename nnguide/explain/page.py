"""Explanations as HTML: fragments, and one self-contained page.

Here is what is shown; how it looks is in pages/explanations.html and pages/fragment.html.
Colours are translucent over the page's own, so that it reads in dark and in light; a sign and a
line say what a colour says.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide import pages
from nnguide.explain.draw import AGAINST, FOR, MOST_BARS, heat
from nnguide.tasks import kinds

if TYPE_CHECKING:
    from nnguide.explain.explanation import Explanation

PIXEL = 8  # screen pixels of one of the picture's
METHODS = {
    "gradient": "How fast the score changes with each feature at this input, times the feature.",
    "integrated": (
        "The same, integrated from the baseline to the input. The weights add up to the difference "
        "of the two scores."
    ),
    "smoothgrad": "The gradient, averaged over many copies of the input with a little noise.",
    "occlusion": "What the score loses when a feature is removed.",
    "lime": "A linear model of what the network answers when random features are removed.",
    "shap": (
        "What a feature adds to the score on average, over many orders of adding features back. "
        "The weights add up, too."
    ),
}


def page(rows: Sequence[Sequence[Explanation]], title: str, run: str = "") -> str:
    """Return a whole page of explanations.

    It has a section for each input, its explanations side by side.

    Args:
        rows: each one input's explanations; at least one.
        title: of the page.
        run: where the run is that answered.
    """
    first = rows[0][0]
    kind = kinds.get(first.kind)
    toward, away = _sides(first)
    return pages.render(
        "explanations.html",
        title=title,
        run=run,
        task=first.task,
        labels=first.labels,
        thing=kind.thing,
        part=kind.part,
        toward=toward,
        away=away,
        baseline=first.baseline,
        methods=[(e.method, METHODS[e.method]) for e in rows[0]],
        answers=[_answer(row) for row in rows],
        made=pages.made(),
    )


def fragment(explanation: Explanation, beside: bool = False) -> str:
    """Return one explanation as a <figure>.

    With `beside`, another of the same input is next to it, and the digit is left out.
    """
    return pages.render("one.html", shown=_figure(explanation, beside)).strip()


def _answer(row: Sequence[Explanation]) -> dict[str, Any]:
    """Return one input's name, answer in words and explanations."""
    first = row[0]
    title = first.input or "input"
    words = f"score {first.score:+.2f}"
    if first.probability is not None:
        words = f"probability of {first.target} {100 * first.probability:.2f} %, {words}"
    return {
        "title": title if len(title) <= 120 else title[:119] + "…",
        "label": f"{first.score:.4g}" if first.label is None else first.label,
        "words": words,
        "share": None if first.probability is None else f"{100 * first.probability:.2f}",
        "toward": first.label == first.target,
        "figures": [_figure(explanation, place > 0) for place, explanation in enumerate(row)],
    }


def _figure(e: Explanation, beside: bool) -> dict[str, Any]:
    """Return what one explanation shows, by its kind of input."""
    shown: dict[str, Any] = {
        "method": e.method,
        "target": e.target,
        "pictures": [],
        "pieces": [],
        "bars": [],
        "more": 0,
        "heading": kinds.get(e.kind).part,
        "checks": check_lines(e),
    }
    if e.picture is not None:
        if not beside:
            ink = 255 - e.picture.round().astype(np.uint8)
            shown["pictures"].append(_image(ink, "the picture as the network saw it"))
        shown["pictures"].append(_image(heat(e), f"what speaks for {e.target} and against it"))
        return shown
    if kinds.get(e.kind).is_its_own_name:
        shown["pieces"] = list(_pieces(e))
    ranked = e.ranked()
    most = max((abs(part.weight) for part in ranked), default=0.0) or 1.0
    shown["bars"] = [
        {
            "name": e.called(part),
            "weight": f"{part.weight:+.3f}",
            "length": f"{100 * abs(part.weight) / most:.1f}",
            "colour": _rgb(FOR if part.weight > 0 else AGAINST),
        }
        for part in ranked[:MOST_BARS]
    ]
    shown["more"] = max(len(ranked) - MOST_BARS, 0)
    return shown


def _sides(explanation: Explanation) -> tuple[str, str]:
    """Return what the two colours speak for."""
    if explanation.against is not None:
        return f"for {explanation.target}", f"for {explanation.against}"
    if explanation.labels:
        return "for the label named", "against it"
    return "for a higher value", "for a lower one"


def _pieces(e: Explanation) -> Iterable[dict[str, str]]:
    """Yield the words of a text with their styles.

    What is between the words is yielded too; a style shows the word's weight.
    """
    text, place = e.input or "", 0
    most = max((abs(word.weight) for word in e.weights), default=0.0)
    for word in e.weights:
        yield {"text": text[place : word.start], "style": ""}
        share = word.weight / most if most else 0.0
        shown = text[word.start : word.end]
        yield {"text": shown, "style": _tint(share), "weight": f"{word.weight:+.3f}"}
        place = word.end
    yield {"text": text[place:], "style": ""}


def _rgb(colour: tuple[int, int, int]) -> str:
    return f"rgb({','.join(map(str, colour))})"


def _tint(share: float) -> str:
    """Return a background for a weight.

    `share` is the weight over the largest, in [-1, 1].
    """
    if abs(share) < 0.02:
        return "background:none"
    red, green, blue = colour = FOR if share > 0 else AGAINST
    line = "solid" if share > 0 else "dashed"
    return (
        f"background:rgba({red},{green},{blue},{0.65 * abs(share):.2f});"
        f"border-bottom:2px {line} {_rgb(colour)}"
    )


def _image(pixels: np.ndarray, alternative: str) -> dict[str, Any]:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    return {"png": data, "alt": alternative, "side": PIXEL * len(pixels)}


def check_lines(explanation: Explanation) -> list[str]:
    """Return the checks of an explanation in words and numbers."""
    checks = explanation.checks
    lines = []
    if checks["complete"] is not None:
        gap = "" if checks["gap"] is None else f", {100 * checks['gap']:.2f} % apart"
        verdict = "" if checks["complete"] else " - MORE THAN 1 %: do not trust this map"
        lines.append(
            f"weights sum to {checks['sum']:+.3f}; score - baseline's is "
            f"{checks['difference']:+.3f}{gap}{verdict}"
        )
    if checks["fit"] is not None:
        lines.append(f"the linear model explains {100 * checks['fit']:.0f} % of the scores nearby")
    if checks["deletion"] is not None:
        for name, better in (("deletion", "lower is better"), ("insertion", "higher is better")):
            lines.append(
                f"{name} area {checks[name]:.3f}, at random {checks[name + '_random']:.3f} "
                f"({better})"
            )
    return lines
