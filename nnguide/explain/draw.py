"""Explanations as a PNG file.

It has a row for each input, a column for each method.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide.errors import ConfigError
from nnguide.explain.features import SIDE
from nnguide.files import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nnguide.explain.explanation import Explanation

FOR, AGAINST = (213, 94, 0), (0, 114, 178)  # orange and blue, as colour-blind readers see them too
MOST_BARS = 14  # words or features that are drawn
MOST_ROWS = 40  # inputs in one picture
INK = 0.45  # how dark the digit shows under its map, 1 is black


def heat(explanation: Explanation) -> np.ndarray:
    """Return a digit with its weights as colours.

    The result is (28, 28, 3) uint8, orange for the target, blue against it.
    """
    assert explanation.picture is not None
    weights = explanation.weights
    most = np.abs(weights).max()
    strength = (np.abs(weights) / most if most else weights)[..., None] ** 0.7
    colour = np.where((weights > 0)[..., None], FOR, AGAINST)
    paper = 255 * (1 - INK * explanation.picture[..., None] / 255)
    return (paper * (1 - strength) + colour * strength).round().astype(np.uint8)


def draw(rows: Sequence[Sequence[Explanation]], target: Path) -> None:
    """Write `rows`, each one input's explanations, to a PNG file.

    Raises:
        ConfigError: there are more than MOST_ROWS. WriteError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    if len(rows) > MOST_ROWS:
        raise ConfigError(
            f"a PNG file holds at most {MOST_ROWS} inputs; got {len(rows)}. Write .html instead."
        )
    pictures = rows[0][0].picture is not None
    columns = len(rows[0]) + pictures  # the digit itself comes first
    bars = max((min(len(row[0].ranked()), MOST_BARS) for row in rows), default=0)
    width, height = (2.4, 2.9) if pictures else (3.6, 1.2 + 0.24 * max(bars, 2))
    figure = Figure((width * columns, (height + 0.3) * len(rows)), dpi=120, layout="constrained")
    strips = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for row, strip in zip(rows, strips, strict=True):
        letters = int(13 * width * columns)  # that fit its width
        strip.suptitle(_plain(row[0].input or "", letters), fontsize=10, parse_math=False)
        axes = strip.subplots(1, columns, squeeze=False)[0]
        if pictures:
            _digit(row[0], axes[0])
        for explanation, place in zip(row, axes[pictures:], strict=True):
            (_map if pictures else _bars)(explanation, place)
    _save(figure, target)


def _digit(explanation: Explanation, axes: Axes) -> None:
    assert explanation.picture is not None
    axes.imshow(255 - explanation.picture, cmap="gray", vmin=0, vmax=255)
    axes.set_title(f"answer: {explanation.label}", fontsize=10)
    _bare(axes)


def _map(explanation: Explanation, axes: Axes) -> None:
    axes.imshow(heat(explanation))
    axes.set_title(f"{explanation.method}: {explanation.target}", fontsize=10)
    axes.set_xlabel(held(explanation), fontsize=7)
    _bare(axes)


def _bars(explanation: Explanation, axes: Axes) -> None:
    ranked = explanation.ranked()[:MOST_BARS]
    values = [part.weight for part in ranked]
    names = [_plain(explanation.called(part)) for part in ranked]
    colours = [np.divide(FOR if value > 0 else AGAINST, 255) for value in values]
    axes.barh(range(len(values)), values, color=colours)
    axes.set_yticks(range(len(values)), names, fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.axvline(0, color="#777777", linewidth=0.8)
    axes.tick_params(axis="x", labelsize=8)
    toward = "" if explanation.target is None else f": {_plain(explanation.target)}"
    axes.set_title(f"{explanation.method}{toward}", fontsize=10, parse_math=False)
    axes.set_xlabel(held(explanation), fontsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[], xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5))


def _plain(name: str, most: int = 24) -> str:
    """Return `name` shortened and with printable characters only."""
    name = " ".join(name.split())
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def held(explanation: Explanation) -> str:
    """Return the checks of an explanation in at most two lines."""
    checks = explanation.checks
    lines = []
    if checks["complete"] is not None:
        lines.append(f"sum {checks['sum']:+.2f} of {checks['difference']:+.2f}")
    if checks["deletion"] is not None:
        lines.append(f"deletion {checks['deletion']:.2f}, random {checks['deletion_random']:.2f}")
    return "\n".join(lines)


def _save(figure: Any, target: Path) -> None:
    import warnings

    with atomic(target) as beside, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(beside, format="png", metadata={"Software": None})
