"""nnguide blueprint"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.blueprints.settings import ACTIVATIONS
from nnguide.cli import _options
from nnguide.cli._blueprint_check import check, twins
from nnguide.cli._blueprint_print import FewThreads, Numbers, columns, finish, number, plot, seed
from nnguide.cli._blueprint_train import train

NUMBERS = Numbers()


class Blueprints(cli.Group):
    """Commands whose matrices are small."""

    command_class = FewThreads


@click.group("blueprint", cls=Blueprints)
def command() -> None:
    """The ideas of the guide, each run with numbers you can check.

    The network here is written by hand in NumPy (nnguide/blueprints), with twins in
    PyTorch and Keras.

    \b
    Examples:
      nnguide blueprint neuron --inputs 1,2 --weights .5,-.3 --bias .1
      nnguide blueprint rates --plot rates.png
      nnguide blueprint train --engine numpy --data moons
    """


for checked in (train, check, twins):
    command.add_command(checked)


@command.command("neuron")
@click.option("--inputs", type=NUMBERS, default="1,2", show_default=True)
@click.option("--weights", type=NUMBERS, default="0.5,-0.3", show_default=True)
@click.option("--bias", type=float, default=0.0, show_default=True)
@click.option("--activation", type=click.Choice(ACTIVATIONS), default="sigmoid", show_default=True)
@click.option("--target", type=float, default=1.0, show_default=True, help="The label y.")
@click.option("--learning-rate", type=float, default=0.5, show_default=True, help="α of the step.")
@plot
@_options.as_json
def neuron(plot: Path | None, as_json: bool, **given: Any) -> None:
    """One neuron, forward and back, every formula with its numbers put in.

    The slopes are found in four ways: by hand, by central differences, and by
    TensorFlow and PyTorch where they are installed.

    Example: nnguide blueprint neuron --inputs 1,2 --weights .5,-.3 --bias .1
    """
    cli.loud()
    from nnguide.blueprints import neuron as blueprint

    data = blueprint.neuron(**given)
    steps = [
        [
            step["symbol"],
            f"= {step['formula']}",
            f"= {step['numbers']}",
            f"= {number(step['value'])}",
        ]
        for step in data["steps"]
    ]
    slopes = [["the same slopes", "∂L/∂W", "∂L/∂b"]]
    for row in data["slopes"]:
        found = ["not installed", ""]
        if row["weights"] is not None:
            found = [number(row["weights"]), number(row["bias"])]
        slopes.append([row["method"], *found])
    ends = [
        f"largest difference between them: {data['difference']:.1e}",
        f"loss before the step {data['loss']:.6g}, after it {data['loss_after']:.6g}",
    ]
    finish("neuron", data, [*columns(steps), "", *columns(slopes), "", *ends], as_json, plot)


@command.command("trace")
@click.option("--inputs", type=NUMBERS, default="1,2", show_default=True, help="Two numbers.")
@click.option("--target", type=click.IntRange(0, 1), default=1, show_default=True)
@click.option("--text", help="A message, through a spam run instead.")
@click.option("--run", default="spam", show_default=True, help="The spam run, for --text.")
@plot
@_options.as_json
def trace(
    inputs: list[float], target: int, text: str | None, run: str, plot: Path | None, as_json: bool
) -> None:
    """One example through a whole small network and back, with every shape.

    With --text a message goes through a trained spam network (`nnguide train spam`):
    its tokens, every layer, and the gradient on its way back to each token.

    \b
    Examples:
      nnguide blueprint trace --inputs 1,2 --target 1
      nnguide blueprint trace --text "free offer"
    """
    if text is not None:
        _trace_text(text, run, target, plot, as_json)
        return
    import numpy as np

    from nnguide.blueprints import trace as blueprint

    data = blueprint.trace(blueprint.small_network(), np.array(inputs), target)
    rows = [
        [r["symbol"], str(tuple(r["shape"])), f"= {r['formula']}", f"= {number(r['value'])}"]
        for r in data["forward"] + data["backward"]
    ]
    lines = columns(rows)
    forward = len(data["forward"])
    loss = f"L = {data['loss_formula']} = {data['loss']:.6g}"
    whole = ["forward", *lines[:forward], "", loss, "", "backward", *lines[forward:]]
    finish("trace", data, whole, as_json, plot)


def _trace_text(text: str, run: str, target: int, plot: Path | None, as_json: bool) -> None:
    cli.loud()
    from nnguide import runs
    from nnguide.blueprints.trace_text import trace_text

    found = runs.load(run)
    cli.say(f"run: {found.folder}")
    data = trace_text(found, text, target)
    ids = [["token", "id", "pull"]]
    for token in sorted(data["tokens"], key=lambda t: -t["pull"])[:12]:
        ids.append([token["token"], str(token["id"]), f"{token['pull']:.4f}"])
    forward = [["layer", "shape", "first numbers"]]
    for layer in data["forward"]:
        forward.append([layer["layer"], str(tuple(layer["shape"])), number(layer["first"])])
    backward = [["layer", "‖∂L/∂output‖"]]
    backward += [[layer["layer"], f"{layer['norm']:.6g}"] for layer in data["backward"]]
    counts = f"{len(data['tokens'])} tokens; those that the answer hangs on most:"
    answer = (
        f"P(spam) = {data['probability']:.6f}, loss against target {target}: {data['loss']:.6g}"
    )
    lines = [counts, *columns(ids), "", "forward", *columns(forward), "", answer, ""]
    finish("trace", data, [*lines, "backward", *columns(backward)], as_json, plot)


@command.command("activations")
@plot
@_options.as_json
def activations(plot: Path | None, as_json: bool) -> None:
    """The activation functions and their slopes, finite at z = ±1000 too.

    Example: nnguide blueprint activations --plot activations.png
    """
    from nnguide.blueprints import demos

    data = demos.activation_curves()
    marks = [data["z"].index(z) for z in (-2.0, 0.0, 2.0)]
    rows = [["activation", "a = g(z)", "g'(z)", "z = -2", "0", "2", "-1000", "1000"]]
    for name, curve in data["activations"].items():
        values = [number(curve["value"][mark]) for mark in marks]
        extremes = [number(curve["at_minus_1000"]), number(curve["at_plus_1000"])]
        rows.append([name, curve["formula"], curve["derivative"], *values, *extremes])
    note = "softmax: the first of two outputs, for the sums (z, 0)"
    finish("activations", data, [*columns(rows), "", note], as_json, plot)


@command.command("losses")
@plot
@_options.as_json
def losses(plot: Path | None, as_json: bool) -> None:
    """What a confident wrong answer costs, and what it sends back.

    The truth is 1. The squared error stops at ½ and its δ vanishes where the answer is
    most wrong; the cross-entropy grows without bound, stays finite, and its δ is ŷ - 1.
    The last column takes the logarithm of a rounded ŷ instead.

    Example: nnguide blueprint losses --plot losses.png
    """
    from nnguide.blueprints import demos

    data = demos.wrong_answers()
    lines = [["z", "ŷ", "½(ŷ − y)²", "its δ", "−log ŷ", "its δ", "−log of float32 ŷ"]]
    for row in data["rows"]:
        lines.append(["inf" if x is None else f"{x:.4g}" for x in row.values()])
    finish("losses", data, columns(lines), as_json, plot)


@command.command("linear")
@seed
@plot
@_options.as_json
def linear(seed: int, plot: Path | None, as_json: bool) -> None:
    """Why two linear layers are one, and XOR needs an activation.

    Example: nnguide blueprint linear --plot linear.png
    """
    from nnguide.blueprints import demos

    data = demos.two_linear_layers(seed)
    reached = data["xor_accuracy"]
    lines = [
        "(x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2) = x W + b",
        f"W = {number(data['W'])}, b = {number(data['b'])}",
        f"x = {number(data['example'])}: two layers {number(data['two_layers'])}, "
        f"one layer {number(data['one_layer'])}",
        f"largest difference over all points: {data['largest_difference']:.1e}",
        "",
        f"XOR, two linear layers:         {reached['linear']:.1%} right on new points",
        f"XOR, with a ReLU between them:  {reached['relu']:.1%}",
    ]
    finish("linear", data, lines, as_json, plot)


@command.command("rates")
@click.option("--learning-rates", type=NUMBERS, default="0.01,0.1,0.5,2.1", show_default=True)
@click.option("--steps", type=click.IntRange(1), default=60, show_default=True)
@seed
@plot
@_options.as_json
def rates(
    learning_rates: list[float], steps: int, seed: int, plot: Path | None, as_json: bool
) -> None:
    """Gradient descent at several rates: one crawls, one converges, one diverges.

    Example: nnguide blueprint rates --plot rates.png
    """
    from nnguide.blueprints import demos

    data = demos.rates(tuple(learning_rates), steps, seed)
    rows = [["α", "loss at the start", f"after {steps} steps", ""]]
    for path in data["paths"]:
        ends = [f"{path['losses'][0]:.6g}", f"{path['losses'][-1]:.6g}"]
        rows.append([f"{path['learning_rate']:g}", *ends, path["verdict"]])
    ends = [
        f"lowest loss there is: {data['lowest']:.6g}",
        f"descent converges for α below 2/curvature = {data['largest_rate']:.4g}",
    ]
    finish("rates", data, [*columns(rows), "", *ends], as_json, plot)


@command.command("batches")
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True)
@seed
@plot
@_options.as_json
def batches(epochs: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Full batch, mini-batches and one at a time, on the same data.

    Example: nnguide blueprint batches --plot batches.png
    """
    from nnguide.blueprints import demos

    data = demos.batches(epochs=epochs, seed=seed)
    rows = [["batch", "updates", "seconds", "loss", "right on new points"]]
    for curve in data["curves"]:
        found = [f"{curve['updates']:,}", f"{curve['seconds']:.2f}", f"{curve['losses'][-1]:.4f}"]
        rows.append([str(curve["batch_size"]), *found, f"{curve['accuracy']:.1%}"])
    finish("batches", data, columns(rows), as_json, plot)


@command.command("schedules")
@click.option("--learning-rate", type=float, default=0.05, show_default=True, help="Highest rate.")
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True)
@seed
@plot
@_options.as_json
def schedules(
    learning_rate: float, epochs: int, seed: int, plot: Path | None, as_json: bool
) -> None:
    """How the learning rate changes under each schedule, and what comes of it.

    Example: nnguide blueprint schedules --plot schedules.png
    """
    from nnguide.blueprints import demos

    data = demos.schedules(learning_rate, epochs, seed)
    rows = [["schedule", "first rate", "in the middle", "last", "loss at the end"]]
    for curve in data["curves"]:
        path = curve["rates"]
        marks = [f"{path[place]:.4g}" for place in (0, len(path) // 2, -1)]
        rows.append([curve["schedule"], *marks, f"{curve['final_loss']:.4f}"])
    finish("schedules", data, columns(rows), as_json, plot)


@command.command("vanishing")
@click.option("--depth", type=click.IntRange(2), default=10, show_default=True, help="Layers.")
@seed
@plot
@_options.as_json
def vanishing(depth: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """The norm of the gradient per layer, for sigmoid, tanh and ReLU.

    Example: nnguide blueprint vanishing --depth 8
    """
    from nnguide.blueprints import demos

    data = demos.vanishing(depth, seed=seed)
    names = list(data["norms"])
    rows = [["layer", *(f"‖∂L/∂W‖ {name}" for name in names)]]
    for layer in range(depth):
        rows.append([str(layer + 1), *(f"{data['norms'][name][layer]:.2e}" for name in names)])
    rows.append(["first/last", *(f"{data['ratio'][name]:.2e}" for name in names)])
    finish("vanishing", data, columns(rows), as_json, plot)


@command.command("overfit")
@click.option("--examples", type=click.IntRange(4), default=60, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=300, show_default=True)
@seed
@plot
@_options.as_json
def overfit(examples: int, epochs: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """A large network on little data: with nothing, dropout, L1, L2, early stopping.

    Example: nnguide blueprint overfit --plot overfit.png
    """
    from nnguide.blueprints import demos

    data = demos.overfit(examples, epochs, seed)
    rows = [["cure", "epochs", "right in training", "on new points", "loss there", "weights at 0"]]
    for run in data["runs"]:
        shares = [f"{run['training_accuracy']:.1%}", f"{run['test_accuracy']:.1%}"]
        ends = [f"{run['test_loss']:.3f}", f"{run['zeros']:.1%}"]
        rows.append([run["cure"], str(run["epochs"]), *shares, *ends])
    finish("overfit", data, columns(rows), as_json, plot)


@command.command("scaling")
@seed
@plot
@_options.as_json
def scaling(seed: int, plot: Path | None, as_json: bool) -> None:
    """The same training with and without scaled inputs: age and salary.

    Example: nnguide blueprint scaling --seed 1
    """
    from nnguide.blueprints import demos

    data = demos.scaling(seed=seed)
    rows = [["inputs", "loss at the start", "at the end", "right on new people"]]
    for run in data["runs"]:
        ends = [f"{run['losses'][0]:.3f}", f"{run['losses'][-1]:.3f}"]
        rows.append([run["inputs"], *ends, f"{run['accuracy']:.1%}"])
    finish("scaling", data, columns(rows), as_json, plot)


@command.command("filters")
@click.argument("run", metavar="[RUN]", default="digits")
@click.option("--most", type=click.IntRange(1), default=64, show_default=True, help="Units shown.")
@plot
@_options.as_json
def filters(run: str, most: int, plot: Path | None, as_json: bool) -> None:
    """What the first layer of a digit network looks for.

    RUN is a run's folder, made by `nnguide train digits` or `nnguide blueprint train
    --data digits`, or digits for the newest run. Each unit's weights make a picture:
    + where ink speaks for it, - where ink speaks against it.

    Example: nnguide blueprint filters digits --plot filters.png
    """
    cli.loud()
    from nnguide.blueprints import demos, saved

    data = demos.filters(saved.first_weights(run), most)
    lines = [f"{len(data['units'])} units, the one with the largest weights is {data['units'][0]}:"]
    for row in data["pictures"][0]:
        lines.append("".join("+" if w > 0.3 else "-" if w < -0.3 else "." for w in row))
    finish("filters", data, lines, as_json, plot)
