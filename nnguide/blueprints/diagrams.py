"""Diagrams of one example's forward and backward pass through a network.

Each function writes one file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnguide.blueprints.canvas import COLOURS, Data, canvas, label_axes


def neuron(data: Data, target: Path | str) -> None:
    """Draw a neuron with the numbers of its forward and backward pass."""
    steps = {step["symbol"]: step["value"] for step in data["steps"]}
    x, W = data["inputs"], data["weights"]
    with canvas(target, size=(9, 4.8)) as axes:
        axes.set_axis_off()
        axes.set(xlim=(-0.6, 5.6), ylim=(-0.15, 1.1))
        heights = np.linspace(0.95, 0.35, len(x)) if len(x) > 1 else [0.65]
        circle = {"boxstyle": "circle,pad=0.5", "fc": "white", "ec": COLOURS[0], "lw": 2}
        arrow = {"arrowstyle": "->", "lw": 1.6, "color": "#444444"}

        def connect(start: tuple[float, float], end: tuple[float, float], label: str) -> None:
            axes.annotate("", end, start, arrowprops=arrow)
            middle = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]))
            box = {"fc": "white", "ec": "none", "pad": 1.5}
            axes.text(*middle, label, ha="center", va="center", color=COLOURS[1], bbox=box)

        for i, (value, w, height) in enumerate(zip(x, W, heights, strict=True), start=1):
            axes.text(0, height, f"x{i}\n{value:g}", ha="center", va="center", bbox=circle)
            connect((0.35, height), (2.0, 0.65), f"w{i} = {w:g}")
        axes.text(0, 0.08, f"bias\n{data['bias']:g}", ha="center", va="center", bbox=circle)
        connect((0.35, 0.08), (2.05, 0.58), "")
        inside = f"z\n{round(steps['z'], 12) + 0.0:.4g}"
        axes.text(2.35, 0.65, inside, ha="center", va="center", bbox={**circle, "ec": COLOURS[2]})
        connect((2.75, 0.65), (4.2, 0.65), data["activation"])
        axes.text(4.55, 0.65, f"ŷ\n{steps['ŷ']:.4g}", ha="center", va="center", bbox=circle)
        axes.text(4.55, 0.36, f"target y = {data['target']:g}", ha="center")
        back = ", ".join(f"{value:.4g}" for value in steps["∂L/∂W"])
        axes.text(
            2.5,
            -0.1,
            f"L = {steps['L']:.4g}     δ = {steps['δ']:.4g}     ∂L/∂W = [{back}]     "
            f"∂L/∂b = {steps['∂L/∂b']:.4g}",
            ha="center",
            color=COLOURS[0],
        )
        axes.set_title("One neuron: forward along the arrows, the error δ back against them")


def trace(data: Data, target: Path | str) -> None:
    """Draw every forward activation and every backward error as bars."""
    if "tokens" in data:
        trace_text(data, target)
        return
    forward = [row for row in data["forward"] if row["symbol"].startswith(("a", "ŷ"))]
    errors = {row["symbol"]: row for row in data["backward"] if row["symbol"].startswith("δ")}
    with canvas(target, len(forward), (3.4 * len(forward) + 1, 4.6)) as all_axes:
        for depth, (axes, row) in enumerate(zip(np.atleast_1d(all_axes), forward, strict=True)):
            values = np.ravel(row["value"])
            places = np.arange(1, len(values) + 1)
            error = errors.get(f"δ[{depth}]")
            shift = 0.2 if error else 0.0
            axes.bar(places - shift, values, 0.38, label=row["symbol"], color=COLOURS[0])
            if error:
                δ = np.ravel(error["value"])
                label = f"δ[{depth}] = ∂L/∂z"
                axes.bar(places + shift, δ, 0.38, label=label, color=COLOURS[1], hatch="//")
            axes.axhline(0, color="black", lw=0.8)
            axes.set_xlim(0.2, len(values) + 0.8)
            axes.margins(y=0.25)
            axes.legend(loc="upper left")
            kind = "input" if not depth else "output" if row["symbol"] == "ŷ" else f"layer {depth}"
            label_axes(
                axes, f"{kind}: {len(values)} unit{'s' * (len(values) > 1)}", "unit", "value"
            )


def trace_text(data: Data, target: Path | str) -> None:
    """Draw the tokens with the largest gradients, and each layer's gradient norm."""
    from matplotlib.ticker import MaxNLocator

    tokens = sorted(data["tokens"], key=lambda token: token["pull"])[-12:]
    layers = data["backward"]
    with canvas(target, 2) as (left, right):
        left.barh(range(len(tokens)), [token["pull"] for token in tokens])
        left.set_yticks(range(len(tokens)), [token["token"] for token in tokens])
        left.xaxis.set_major_locator(MaxNLocator(4))
        title = f"“{data['text'][:40]}”: P(spam) = {data['probability']:.3f}"
        label_axes(left, title, "norm of ∂L/∂embedding", "words and [pieces], _ is a space")
        norms = [layer["norm"] for layer in layers]
        right.barh([layer["layer"] for layer in layers][::-1], norms[::-1], color=COLOURS[1])
        right.set_xscale("log")
        label_axes(right, "The gradient on its way back", "norm of ∂L/∂output (log scale)", "")


def convolution(data: Data, target: Path | str) -> None:
    """Draw a digit, the kernel and the maps that follow.

    The maps are the feature map, and what ReLU, pooling and a stride make of it.
    """
    shown = (
        ("picture", "the digit a"),
        ("kernel", "the kernel K"),
        ("feature_map", "the feature map z"),
        ("relu", "ReLU: a = max(0, z)"),
        ("pooled", "2×2 max pooling"),
        ("strided", f"stride {data['stride']} instead"),
    )
    with canvas(target, len(shown), (15, 3.4)) as all_axes:
        for axes, (key, title) in zip(all_axes, shown, strict=True):
            values = np.array(data[key])
            largest = max(float(np.abs(values).max()), 1e-9)
            axes.imshow(values, cmap="PuOr_r", vmin=-largest, vmax=largest)
            if len(values) <= 8:
                for (i, j), value in np.ndenumerate(values):
                    dark = abs(value) > 0.6 * largest
                    axes.text(
                        j,
                        i,
                        f"{value:g}",
                        ha="center",
                        va="center",
                        fontsize=7,
                        color="white" if dark else "black",
                    )
            axes.set_axis_off()
            axes.set_title(title, fontsize=11)
