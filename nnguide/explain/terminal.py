"""Explanations as lines for a terminal."""

from __future__ import annotations

import numpy as np

from nnguide.explain.explanation import Explanation
from nnguide.explain.page import check_lines

MOST_BARS = 12  # words or features that are listed
BAR = 24  # characters of the longest bar
STRONG = 0.4  # of the largest |weight|


def lines(explanation: Explanation) -> list[str]:
    """Return an input's answer and its explanation as lines.

    A picture's map is made of characters.
    """
    made = [_head(explanation)]
    made += _bars(explanation) if explanation.picture is None else _map(explanation)
    return made + [f"  {line}" for line in check_lines(explanation)]


def _head(e: Explanation) -> str:
    toward = "the value" if e.target is None else f"for {e.target}"
    return (
        f"{e.method}, {toward}: score {e.score:+.3f}, and {e.baseline_score:+.3f} "
        f"of the baseline ({e.baseline})"
    )


def _bars(e: Explanation) -> list[str]:
    ranked = e.ranked()
    most = max((abs(part.weight) for part in ranked), default=0.0) or 1.0
    shown = ranked[:MOST_BARS]
    names = [e.called(part) for part in shown]
    names = [name if len(name) <= 24 else name[:23] + "…" for name in names]
    wide = max(map(len, names), default=0)
    made = []
    for name, part in zip(names, shown, strict=True):
        bar = ("+" if part.weight > 0 else "-") * round(BAR * abs(part.weight) / most)
        made.append(f"  {name:<{wide}}  {part.weight:+8.3f}  {bar}".rstrip())
    if len(ranked) > len(shown):
        made.append(f"  and {len(ranked) - len(shown)} more")
    return made


def _map(e: Explanation) -> list[str]:
    """Return a picture's weights as 14 rows of 28 characters.

    # + speak for the label, = - against it, . is ink that says little.
    """
    assert e.picture is not None
    weights = e.weights.reshape(14, 2, 28).sum(axis=1)
    ink = e.picture.reshape(14, 2, 28).max(axis=1) > 100
    share = weights / (np.abs(weights).max() or 1.0)
    marks = np.where(ink, ".", " ")
    marks[share > STRONG / 3] = "+"
    marks[share > STRONG] = "#"
    marks[share < -STRONG / 3] = "-"
    marks[share < -STRONG] = "="
    return [f"  {''.join(row)}".rstrip() for row in marks] + [
        f"  # + for {e.target}, = - against it, . ink that says little"
    ]
