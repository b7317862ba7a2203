"""The command `nnguide blueprint`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.blueprints.settings import ACTIVATIONS
from nnguide.cli import _options
from nnguide.cli._blueprint_check import check, twins
from nnguide.cli._blueprint_experiments import EXPERIMENTS
from nnguide.cli._blueprint_print import (
    NUMBERS,
    FewThreads,
    columns,
    finish,
    number,
    plot,
    side_by_side,
    signed,
)
from nnguide.cli._blueprint_train import train

KERNELS = ("horizontal", "vertical", "rising", "falling", "edge")  # of blueprints/convolution.py


class Blueprints(cli.Group):
    """A group of commands whose matrices are small."""

    command_class = FewThreads


@click.group("blueprint", cls=Blueprints)
def command() -> None:
    """Run the ideas of the guide with numbers you can check.

    The network here is written by hand in NumPy (nnguide/blueprints), with twins in
    PyTorch and Keras.

    \b
    Examples:
      nnguide blueprint neuron --inputs 1,2 --weights .5,-.3 --bias .1
      nnguide blueprint rates --plot rates.png
      nnguide blueprint train --backend numpy --data moons
    """


for subcommand in (train, check, twins, *EXPERIMENTS):
    command.add_command(subcommand)


@command.command("neuron")
@click.option("--inputs", type=NUMBERS, default="1,2", show_default=True)
@click.option("--weights", type=NUMBERS, default="0.5,-0.3", show_default=True)
@click.option("--bias", type=float, default=0.0, show_default=True)
@click.option("--activation", type=click.Choice(ACTIVATIONS), default="sigmoid", show_default=True)
@click.option("--target", type=float, default=1.0, show_default=True, help="The label y.")
@click.option("--learning-rate", type=float, default=0.5, show_default=True, help="α of the step.")
@plot
@_options.as_json
def neuron(plot: Path | None, as_json: bool, **options: Any) -> None:
    """Follow one neuron forward and backward with every number.

    Every formula is shown with its numbers.

    The gradient is computed in four ways: by hand, by central differences, and by
    TensorFlow and PyTorch where they are installed.

    Example: nnguide blueprint neuron --inputs 1,2 --weights .5,-.3 --bias .1
    """
    cli.show_log()
    from nnguide.blueprints import neuron as blueprint

    data = blueprint.neuron(**options)
    steps = [
        [
            step["symbol"],
            f"= {step['formula']}",
            f"= {step['numbers']}",
            f"= {number(step['value'])}",
        ]
        for step in data["steps"]
    ]
    slopes = [["the same gradient", "∂L/∂W", "∂L/∂b"]]
    for row in data["slopes"]:
        cells = ["not installed", ""]
        if row["weights"] is not None:
            cells = [number(row["weights"]), number(row["bias"])]
        slopes.append([row["method"], *cells])
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
    """Follow one example through a small network, with every shape.

    It goes forward and back.

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
    cli.show_log()
    from nnguide import runs
    from nnguide.blueprints.trace_text import trace_text

    opened = runs.load(run)
    cli.say(f"run: {opened.folder}")
    data = trace_text(opened, text, target)
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
    """Show the activation functions and their derivatives.

    They are finite at z = ±1000 too.

    Example: nnguide blueprint activations --plot activations.png
    """
    from nnguide.blueprints.experiments import activation_curves

    data = activation_curves.activation_curves()
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
    """Show the cost and the error δ of a confident wrong answer.

    The truth is 1. The squared error stops at ½ and its δ vanishes where the answer is
    most wrong; the cross-entropy grows without bound, stays finite, and its δ is ŷ - 1.
    The last column takes the logarithm of a rounded ŷ instead.

    Example: nnguide blueprint losses --plot losses.png
    """
    from nnguide.blueprints.experiments import confident_mistakes

    data = confident_mistakes.wrong_answers()
    lines = [["z", "ŷ", "½(ŷ − y)²", "its δ", "−log ŷ", "its δ", "−log of float32 ŷ"]]
    for row in data["rows"]:
        lines.append(["inf" if x is None else f"{x:.4g}" for x in row.values()])
    finish("losses", data, columns(lines), as_json, plot)


@command.command("convolution")
@click.option("--digit", type=click.IntRange(0, 9), default=7, show_default=True)
@click.option(
    "--kernel",
    default="rising",
    show_default=True,
    help=f"{', '.join(KERNELS)}; or nine numbers between commas, row by row.",
)
@click.option("--stride", type=click.IntRange(1, 6), default=2, show_default=True)
@plot
@_options.as_json
def convolution(digit: int, kernel: str, stride: int, plot: Path | None, as_json: bool) -> None:
    """Slide a 3×3 kernel over a digit, number by number.

    It shows the sum at each place, ReLU, pooling and stride.

    \b
    Examples:
      nnguide blueprint convolution --digit 7 --kernel rising --plot convolution.png
      nnguide blueprint convolution --digit 4 --kernel -1,2,-1,-1,2,-1,-1,2,-1
    """
    from nnguide.blueprints.experiments import convolution_steps

    chosen = NUMBERS.convert(kernel, None, None) if "," in kernel else kernel
    data = convolution_steps.steps(digit, chosen, stride)
    place, weights = data["place"], data["weights"]
    terms = [
        f"{number(a)}·{signed(w)}"
        for pixels, row in zip(place["window"], data["kernel"], strict=True)
        for a, w in zip(pixels, row, strict=True)
        if a and w
    ]
    lines = [
        *side_by_side({"the digit a": data["picture"], "the kernel K": data["kernel"]}),
        "",
        f"The largest sum, at row {place['row']}, column {place['column']}: "
        f"{' + '.join(terms) or '0'} = {number(place['sum'])}",
        "",
        *side_by_side(
            {
                "the sums z": data["feature_map"],
                "ReLU": data["relu"],
                "2×2 max pooling": data["pooled"],
                f"stride {stride}": data["strided"],
            }
        ),
        "",
        f"The convolution has {weights['convolution']} weights, its bias included; "
        f"a dense layer from 64 pixels to these 36 sums has {weights['dense']:,}.",
    ]
    finish("convolution", data, lines, as_json, plot)
