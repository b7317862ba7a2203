"""Plots of what the blueprints measure, from plain data.

Each function writes one file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nnguide.blueprints.canvas import COLOURS, Data, canvas, label_axes
from nnguide.files import atomic


def activations(data: Data, target: Path | str) -> None:
    """Plot all activation functions, and beside them their slopes."""
    with canvas(target, 2) as (left, right):
        for name, curve in data["activations"].items():
            shown = "softmax of (z, 0)" if name == "softmax" else name
            left.plot(data["z"], curve["value"], label=shown)
            right.plot(data["z"], curve["slope"], label=name)
        left.set_ylim(-1.5, 3)
        right.set_ylim(-0.1, 1.1)
        left.legend()
        label_axes(left, "Activations", "sum z", "activation a = g(z)")
        label_axes(
            right, "Their derivatives, by which errors are multiplied", "sum z", "slope g'(z)"
        )


def linear(data: Data, target: Path | str) -> None:
    """Plot XOR for two linear layers, and with a ReLU between them."""
    with canvas(target, 2) as both:
        for axes, (name, surface) in zip(both, data["surfaces"].items(), strict=True):
            boundary_on(axes, surface, data["points"]["X"], data["points"]["y"])
            title = "without an activation" if name == "linear" else "with a ReLU"
            reached = data["xor_accuracy"][name]
            label_axes(axes, f"Two layers {title}: accuracy {reached:.0%}", "x₁", "x₂")


def boundary_on(axes: Any, surface: Data, X: Any, y: Any) -> None:
    """Draw a decision boundary and the points of two classes.

    The points are circles and crosses.
    """
    X, y = np.asarray(X), np.asarray(y)
    output = np.asarray(surface["output"])
    axes.grid(False)
    axes.contourf(
        surface["x"], surface["y"], output, np.linspace(0, 1, 11), cmap="PuOr", alpha=0.75
    )
    axes.contour(surface["x"], surface["y"], output, [0.5], colors="black", linewidths=1.5)
    for label, marker in ((0, "o"), (1, "x")):
        points = X[y == label]
        colour = "#7F3B08" if label == 0 else "#2D004B"
        face = {"facecolors": "white", "edgecolors": colour} if label == 0 else {"color": colour}
        axes.scatter(*points.T, marker=marker, s=22, linewidths=1.1, label=f"class {label}", **face)
    axes.legend(loc="upper right", frameon=True)


def rates(data: Data, target: Path | str) -> None:
    """Plot the loss after each step for several learning rates."""
    with canvas(target) as axes:
        for path in data["paths"]:
            label = f"α = {path['learning_rate']:g} {path['verdict']}"
            axes.plot(path["losses"], label=label)
        axes.axhline(data["lowest"], color="black", lw=1, ls="-", alpha=0.6)
        end = len(data["paths"][0]["losses"]) - 1
        axes.text(end, data["lowest"] / 1.5, "the lowest there is", ha="right", va="top")
        axes.set_ylim(bottom=data["lowest"] / 6)
        axes.set_yscale("log")
        axes.legend()
        title = f"Too small crawls, too large diverges (above α = {data['largest_rate']:.2f})"
        label_axes(axes, title, "step of full-batch gradient descent", "loss (log scale)")


def batches(data: Data, target: Path | str) -> None:
    """Plot the loss against epochs for several batch sizes."""
    with canvas(target) as axes:
        for curve in data["curves"]:
            size = curve["batch_size"]
            name = f"full batch ({data['examples']})" if size == "full" else f"batch of {size}"
            name = "one at a time" if size == 1 else name
            axes.plot(curve["losses"], label=f"{name}: {curve['updates']:,} updates")
        axes.set_yscale("log")
        axes.legend()
        label_axes(
            axes,
            "The same data and learning rate with several batch sizes",
            "epoch",
            "training loss (log scale)",
        )


def schedules(data: Data, target: Path | str) -> None:
    """Plot the learning rates of each schedule, and the losses."""
    with canvas(target, 2) as (left, right):
        for curve in data["curves"]:
            epochs = np.arange(len(curve["rates"])) / data["updates_per_epoch"]
            left.plot(epochs, curve["rates"], label=curve["schedule"])
            shown = range(1, len(curve["losses"]) + 1)
            right.plot(shown, curve["losses"], label=curve["schedule"])
        right.set_yscale("log")
        left.legend()
        label_axes(left, "Learning-rate schedules", "epoch", "learning rate α")
        label_axes(right, "What Adam makes of them", "epoch", "training loss (log scale)")


def vanishing(data: Data, target: Path | str) -> None:
    """Plot the norm of each layer's gradient."""
    with canvas(target) as axes:
        for (name, norms), marker in zip(data["norms"].items(), "osD", strict=True):
            axes.plot(range(1, len(norms) + 1), norms, marker=marker, label=name)
        axes.set_yscale("log")
        axes.legend()
        title = f"Gradients on their way back through {len(norms)} layers"
        label_axes(axes, title, "layer (1 is next to the input)", "norm of ∂L/∂W (log scale)")


def overfit(data: Data, target: Path | str) -> None:
    """Plot training and validation losses, one plot for each remedy."""
    runs = data["runs"]
    highest = 1.05 * max(max(runs[0]["validation_losses"]), max(runs[0]["training_losses"]))
    with canvas(target, len(runs), (3.1 * len(runs) + 1, 4.2)) as all_axes:
        for axes, run in zip(np.atleast_1d(all_axes), runs, strict=True):
            epochs = range(1, run["epochs"] + 1)
            axes.plot(epochs, run["training_losses"], label="training")
            axes.plot(epochs, run["validation_losses"], label="validation")
            axes.set_ylim(0, highest)
            title = f"{run['cure']}\n{run['zeros']:.0%} of weights are 0"
            label_axes(axes, title, "epoch", "")
        first = np.atleast_1d(all_axes)[0]
        first.set_ylabel("loss without penalties")
        first.legend()


def scaling(data: Data, target: Path | str) -> None:
    """Plot the same training with raw and with standardised inputs."""
    with canvas(target) as axes:
        for run in data["runs"]:
            axes.plot(
                run["losses"], label=f"{run['inputs']} inputs: accuracy {run['accuracy']:.0%}"
            )
        axes.set_ylim(bottom=0)
        axes.legend()
        title = "Age in years and salary in money, raw and standardised"
        label_axes(axes, title, "epoch", "training loss")


def filters(data: Data, target: Path | str) -> None:
    """Plot the first layer's weights as small pictures.

    Orange is against, purple is for.
    """
    pictures = np.array(data["pictures"])
    side, gap = data["side"], 2
    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (side + gap) - gap, columns * (side + gap) - gap), np.nan)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (side + gap), (i % columns) * (side + gap)
        sheet[top : top + side, left : left + side] = picture
    with canvas(target, size=(7.2, 7.0)) as axes:
        image = axes.imshow(sheet, cmap="PuOr", vmin=-1, vmax=1, interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"What {len(pictures)} units of the first layer look for")
        bar = axes.figure.colorbar(image, ax=axes, shrink=0.6)
        bar.set_label("weight: ink here speaks against (−) or for (+)")


def check(data: Data, target: Path | str) -> None:
    """Plot the differences of the gradient check and their limit."""
    rows = data["rows"]
    names = list(dict.fromkeys(row["activation"] for row in rows))
    pairs = list(dict.fromkeys((row["loss"], row["output"]) for row in rows))
    with canvas(target, size=(8.2, 4.8)) as axes:
        for i, (pair, marker) in enumerate(zip(pairs, "osD^v", strict=False)):
            matching = [row for row in rows if (row["loss"], row["output"]) == pair]
            places = [names.index(row["activation"]) + 0.12 * (i - 2) for row in matching]
            differences = [row["difference"] for row in matching]
            axes.plot(places, differences, marker=marker, ls="", label=f"{pair[0]}, {pair[1]}")
        axes.axhline(data["allowed"], color="black", lw=1.2)
        axes.annotate("the most allowed", (0, data["allowed"]), (0, 4), textcoords="offset points")
        axes.set_yscale("log")
        axes.set_ylim(1e-12, 1e-5)
        axes.set_xticks(range(len(names)), names)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        label_axes(
            axes,
            "By hand against central differences, depths 1 to 5",
            "hidden activation",
            "relative difference (log scale)",
        )


def history(records: list[Data], target: Path | str, title: str) -> None:
    """Plot loss and accuracy after each epoch.

    Accuracy is left out where there is none.
    """

    def present(*wanted: str) -> list[str]:
        return [name for name in wanted if name in records[0]]

    names = {"loss": "training", "val_loss": "validation"}
    names |= {"accuracy": "training", "val_accuracy": "validation"}
    panels = [("loss", present("loss", "val_loss"))]
    panels += [("accuracy", present("accuracy", "val_accuracy"))]
    panels = [panel for panel in panels if panel[1]]
    with canvas(target, len(panels)) as all_axes:
        for axes, (label, columns) in zip(np.atleast_1d(all_axes), panels, strict=True):
            for column in columns:
                epochs = [record["epoch"] for record in records]
                axes.plot(epochs, [record[column] for record in records], label=names[column])
            axes.legend()
            label_axes(axes, title, "epoch", label)


def boundary(
    surface: Data, X: Any, y: Any, target: Path | str, title: str, names: tuple[str, ...]
) -> None:
    """Plot a network's decision boundary with its validation points."""
    with canvas(target, size=(6.4, 5.4)) as axes:
        boundary_on(axes, surface, X, y)
        label_axes(axes, title, *names)


def forming(frames: list[Data], X: Any, y: Any, target: Path | str) -> None:
    """Write a GIF in which the decision boundary forms.

    It has one frame for each of `frames`.
    """
    from matplotlib.animation import FuncAnimation, PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((5.6, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()

    def draw(frame: Data) -> list[Any]:
        axes.clear()
        boundary_on(axes, frame, X, y)
        label_axes(axes, f"after epoch {frame['epoch']}", "x₁", "x₂")
        return []

    shown = [*frames, *frames[-1:] * 10]  # rest at the end
    animation = FuncAnimation(figure, draw, shown, init_func=list, cache_frame_data=False)
    with atomic(target) as beside:
        animation.save(beside, writer=PillowWriter(fps=8), dpi=90)


def losses(data: Data, target: Path | str) -> None:
    """Plot squared error and cross-entropy over the sum z.

    The truth is 1.
    """
    rows = sorted((row for row in data["rows"] if abs(row["z"]) <= 10), key=lambda row: row["z"])
    z = [row["z"] for row in rows]
    with canvas(target, 2) as (left, right):
        for axes, end, title in (
            (left, "", "What an answer costs"),
            (right, "_delta", "The error δ that it sends back"),
        ):
            for name, label in (("mse", "squared error"), ("crossentropy", "cross-entropy")):
                axes.plot(z, [row[name + end] for row in rows], marker="o", label=label)
            axes.legend()
            label_axes(
                axes, title, "z: sure of no … sure of yes (the truth)", "L" if not end else "δ"
            )


def line(x: Any, y: Any, predictions: Any, target: Path | str, title: str) -> None:
    """Plot the points and predictions of a regression with one feature."""
    order = np.argsort(np.ravel(x))
    with canvas(target) as axes:
        axes.scatter(np.ravel(x), y, s=16, color=COLOURS[5], label="validation points")
        axes.plot(np.ravel(x)[order], np.ravel(predictions)[order], label="ŷ", color=COLOURS[1])
        axes.legend()
        label_axes(axes, title, "x", "y")
