#!/usr/bin/env python3
"""Draw docs/figures/strip.png: a digit and its heat map, a message's words, the live lesson.

python scripts/draw_strip.py [FILE]

The answers and contributions are those of the networks that come with nnguide.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import nnguide
from nnguide.evaluation.figures import save_figure
from nnguide.explain.draw import AGAINST, FOR, heat

DOCS = Path(__file__).resolve().parent.parent / "docs"
MESSAGE = "WIN a free prize, call now! See you at six"
LESSON = (340, 290, 980, 616)  # left, top, right, bottom in docs/figures/learn.png
INK, GREY = "#1b1f24", "#59636e"


def digit(picture: Axes, bars: Axes, heat_map: Axes) -> None:
    """The picture of a digit, its probabilities, and where they come from."""
    run = nnguide.load("digits")
    answer = run.predict(str(DOCS / "digit.png"))[0]
    why = nnguide.explain(run, str(DOCS / "digit.png"), "integrated")
    picture.imshow(Image.open(DOCS / "digit.png"), cmap="gray", vmin=0, vmax=255)
    heat_map.imshow(heat(why))
    assert answer.probabilities is not None
    shares = [share for name, share in answer.probabilities.items() if name.isdigit()]
    colours = [np.divide(FOR, 255) if name == answer.label else "#c4ccd4" for name in "0123456789"]
    bars.barh(range(10), np.maximum(shares, 0.008), color=colours)
    bars.set_yticks(range(10), list("0123456789"), fontsize=9, color=INK)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1.02), xticks=[])
    bars.tick_params(length=0)
    bars.spines[:].set_visible(False)
    for axes, title in (
        (picture, "a drawn digit"),
        (bars, f"{answer.label}, {answer.probability:.1%}"),
        (heat_map, "the pixels that say so"),
    ):
        axes.set_title(title, fontsize=11, color=INK)


def message(axes: Axes) -> None:
    """A message, each word on the colour of what it says."""
    why = nnguide.explain(nnguide.load("spam"), MESSAGE, "occlusion")
    answer = f"{why.label}, P(spam) = {why.probability:.1%}"
    axes.set_title(f"a message: {answer}", fontsize=11, color=INK)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    most = max(abs(word.weight) for word in why.ranked())
    tint = {}
    for word in why.ranked():
        side = np.divide(FOR if word.weight > 0 else AGAINST, 255)
        strength = 0.75 * abs(word.weight) / most
        tint[word.start] = (1 - strength) * np.ones(3) + strength * side
    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    left, top, start = 0.0, 0.84, 0
    for word in MESSAGE.split():
        start = MESSAGE.index(word, start)
        box = {"boxstyle": "round,pad=0.25", "fc": tint.get(start, "white"), "ec": "none"}
        shown = axes.text(left, top, word, fontsize=17, color=INK, va="center", bbox=box)
        width = shown.get_window_extent(renderer).transformed(axes.transData.inverted()).width
        if left + width > 1:
            left, top = 0.0, top - 0.3
            shown.set_position((left, top))
        left += width + 0.055
    for place, (side, text) in enumerate(((FOR, "says spam"), (AGAINST, "says ham"))):
        axes.text(0.4 * place, 0.16, "■", color=np.divide(side, 255), fontsize=12, va="center")
        axes.text(0.4 * place + 0.06, 0.16, text, color=GREY, fontsize=11, va="center")


def main() -> None:
    """Write the picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = Figure(figsize=(13, 2.7), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    places = (  # left and width of each panel
        *((0.012, 0.125), (0.162, 0.105), (0.287, 0.125)),
        *((0.445, 0.235), (0.705, 0.29)),
    )
    panels = [figure.add_axes((left, 0.06, width, 0.8)) for left, width in places]
    digit(*panels[:3])
    message(panels[3])
    lesson = panels[4]
    lesson.imshow(Image.open(DOCS / "figures" / "learn.png").convert("RGB").crop(LESSON))
    lesson.set_title("nnguide learn: a network learns while you watch", fontsize=11, color=INK)
    for axes in (panels[0], panels[2], lesson):
        axes.set(xticks=[], yticks=[], anchor="N")
        axes.spines[:].set_color("#d0d7de")
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "figures" / "strip.png"
    save_figure(figure, target)
    with Image.open(target) as drawn:
        small = drawn.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(target, optimize=True)
    print(target)


if __name__ == "__main__":
    main()
