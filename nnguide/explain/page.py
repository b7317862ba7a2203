"""Explanations as HTML: fragments for any page, and one self-contained page of them.

Styles stand in the elements themselves, so a fragment looks the same in every page. Colours are
translucent over the page's own, so it reads in dark and in light; a sign says what a colour says.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from nnguide.explain.draw import AGAINST, FOR, MOST_BARS, heat
from nnguide.explain.explanation import Explanation

PIXEL = 6  # screen pixels of one of the picture's
STYLE = """:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem;
  background: Canvas; color: CanvasText; }
section { border-top: 1px solid #8886; padding: 1rem 0; break-inside: avoid; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; overflow-wrap: anywhere; }
.methods { display: grid; gap: 2rem; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }
@media (max-width: 26rem) { .methods { grid-template-columns: 1fr; } }"""


def page(rows: Sequence[Sequence[Explanation]], title: str) -> str:
    """A whole page: a section for each input, its explanations side by side."""
    sections = []
    for row in rows:
        first = row[0]
        figures = "".join(fragment(explanation, i > 0) for i, explanation in enumerate(row))
        sections.append(
            f"<section><h2>{_shown(_title(first))}</h2><p>{_answer(first)}</p>"
            f'<div class="methods">{figures}</div></section>'
        )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{_shown(title)}</h1><p>{_key(rows[0][0])}</p>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def fragment(explanation: Explanation, beside: bool = False) -> str:
    """One explanation as a <figure>; `beside` another of the same input the digit is left out."""
    if explanation.kind == "pictures":
        body = _pictures(explanation, beside)
    elif explanation.kind == "texts":
        body = _text(explanation) + _bars(explanation)
    else:
        body = _bars(explanation)
    caption = _shown(explanation.method)
    if explanation.target is not None:
        caption += f", for <b>{_shown(explanation.target)}</b>"
    return (
        f'<figure style="margin:0"><figcaption>{caption}</figcaption>{body}'
        f'<div style="font-size:0.8em;opacity:0.8">{_held(explanation)}</div></figure>'
    )


def _title(explanation: Explanation) -> str:
    name = explanation.input or "input"
    return name if len(name) <= 120 else name[:119] + "…"


def _answer(explanation: Explanation) -> str:
    if explanation.label is None:
        return f"value {explanation.score:.4g}"
    return (
        f"answered <b>{_shown(explanation.label)}</b>; probability of "
        f"{_shown(explanation.target)}: {explanation.probability:.4f}, "
        f"score {explanation.score:+.2f}"
    )


def _key(explanation: Explanation) -> str:
    """What the colours and the numbers mean."""
    toward, away = "for the label named", "against it"
    if explanation.against is not None:
        toward, away = f"for {explanation.target}", f"for {explanation.against}"
    elif not explanation.labels:
        toward, away = "for a higher value", "for a lower one"
    return (
        f"What pushed the score: {_mark(toward, 1)} {_mark(away, -1)}. Weights are nats of the "
        f"score, the log-odds of the label; parts are taken away to {_shown(explanation.baseline)}."
    )


def _mark(text: str, weight: float) -> str:
    return f'<span style="{_tint(weight)};padding:0 0.25em">{_shown(text)}</span>'


def _tint(share: float) -> str:
    """A background for a weight, `share` of the largest, in [-1, 1]."""
    red, green, blue = FOR if share > 0 else AGAINST
    line = "solid" if share > 0 else "dashed"
    if abs(share) < 0.02:
        return "background:none"
    return (
        f"background:rgba({red},{green},{blue},{0.65 * abs(share):.2f});"
        f"border-bottom:2px {line} rgb({red},{green},{blue})"
    )


def _text(explanation: Explanation) -> str:
    """The text with a background under each word."""
    text, place, made = explanation.input or "", 0, []
    most = max((abs(word.weight) for word in explanation.weights), default=0.0)
    for word in explanation.weights:
        made.append(_shown(text[place : word.start]))
        share = word.weight / most if most else 0.0
        made.append(
            f'<span style="{_tint(share)}" title="{word.weight:+.3f}">'
            f"{_shown(text[word.start : word.end])}</span>"
        )
        place = word.end
    made.append(_shown(text[place:]))
    return (
        '<p style="white-space:pre-wrap;overflow-wrap:anywhere;margin:0.5em 0;line-height:1.9">'
        f"<bdi>{''.join(made)}</bdi></p>"
    )


def _bars(explanation: Explanation) -> str:
    """The heaviest words or features, each with a bar."""
    ranked = explanation.ranked()[:MOST_BARS]
    most = max((abs(part.weight) for part in ranked), default=0.0) or 1.0
    rows = []
    for part in ranked:
        red, green, blue = FOR if part.weight > 0 else AGAINST
        length = 8 * abs(part.weight) / most
        name = _shown(explanation.called(part))
        rows.append(
            f'<tr><td style="padding-right:0.8em;overflow-wrap:anywhere"><bdi>{name}</bdi></td>'
            f'<td style="text-align:right;padding-right:0.8em">{part.weight:+.3f}</td>'
            f'<td><div style="height:0.8em;width:{length:.2f}em;'
            f'background:rgb({red},{green},{blue})"></div></td></tr>'
        )
    return f'<table style="border-collapse:collapse;font-size:0.9em">{"".join(rows)}</table>'


def _pictures(explanation: Explanation, beside: bool) -> str:
    assert explanation.picture is not None
    digit = (
        "" if beside else _image(255 - explanation.picture.round().astype(np.uint8), "the digit")
    )
    return (
        f'<div style="display:flex;gap:0.5em">{digit}{_image(heat(explanation), "its map")}</div>'
    )


def _image(pixels: np.ndarray, alternative: str) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    side = PIXEL * len(pixels)
    return (
        f'<img alt="{alternative}" width="{side}" height="{side}" '
        f'style="image-rendering:pixelated;background:#fff" src="data:image/png;base64,{data}">'
    )


def _held(explanation: Explanation) -> str:
    """The checks, a line each."""
    return "<br>".join(escape(line) for line in check_lines(explanation))


def check_lines(explanation: Explanation) -> list[str]:
    """What the explanation is held to, in words and figures."""
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


def _shown(text: Any) -> str:
    """`text` escaped; what cannot be printed but white space becomes U+FFFD."""
    keep = "\n\t"
    printable = (c if c.isprintable() or c in keep or c.isspace() else "\ufffd" for c in str(text))
    return escape("".join(printable))
