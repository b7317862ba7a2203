"""The commands of `nnguide blueprint` that run an experiment.

They are linear, rates, batches, schedules, vanishing, overfit, scaling and filters.
"""

from __future__ import annotations

from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.cli._blueprint_print import NUMBERS, FewThreads, columns, finish, number, plot, seed


@click.command("linear", cls=FewThreads)
@seed
@plot
@_options.as_json
def linear(seed: int, plot: Path | None, as_json: bool) -> None:
    """Show why XOR needs an activation.

    Two linear layers are one, so they cannot separate it.

    Example: nnguide blueprint linear --plot linear.png
    """
    from nnguide.blueprints.experiments import linear_layers

    data = linear_layers.two_linear_layers(seed)
    reached = data["xor_accuracy"]
    lines = [
        "(x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2) = x W + b",
        f"W = {number(data['W'])}, b = {number(data['b'])}",
        f"x = {number(data['example'])}: two layers {number(data['two_layers'])}, "
        f"one layer {number(data['one_layer'])}",
        f"largest difference over all points: {data['largest_difference']:.1e}",
        "",
        f"XOR, two linear layers:         accuracy {reached['linear']:.1%} on new points",
        f"XOR, with a ReLU between them:  accuracy {reached['relu']:.1%}",
    ]
    finish("linear", data, lines, as_json, plot)


@click.command("rates", cls=FewThreads)
@click.option("--learning-rates", type=NUMBERS, default="0.01,0.1,0.5,2.1", show_default=True)
@click.option("--steps", type=click.IntRange(1), default=60, show_default=True)
@seed
@plot
@_options.as_json
def rates(
    learning_rates: list[float], steps: int, seed: int, plot: Path | None, as_json: bool
) -> None:
    """Compare gradient descent at several learning rates.

    One crawls, one converges, one diverges.

    Example: nnguide blueprint rates --plot rates.png
    """
    from nnguide.blueprints.experiments.learning_rates import rates as losses_by_rate

    data = losses_by_rate(tuple(learning_rates), steps, seed)
    rows = [["α", "loss at the start", f"after {steps} steps", ""]]
    for path in data["paths"]:
        ends = [f"{path['losses'][0]:.6g}", f"{path['losses'][-1]:.6g}"]
        rows.append([f"{path['learning_rate']:g}", *ends, path["verdict"]])
    ends = [
        f"lowest possible loss: {data['lowest']:.6g}",
        f"gradient descent converges for α below 2/curvature = {data['largest_rate']:.4g}",
    ]
    finish("rates", data, [*columns(rows), "", *ends], as_json, plot)


@click.command("batches", cls=FewThreads)
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True)
@seed
@plot
@_options.as_json
def batches(epochs: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Compare batch sizes on the same data.

    They are the full batch, mini-batches and single examples.

    Example: nnguide blueprint batches --plot batches.png
    """
    from nnguide.blueprints.experiments import batch_sizes

    data = batch_sizes.batches(epochs=epochs, seed=seed)
    rows = [["batch", "updates", "seconds", "loss", "accuracy on new points"]]
    for curve in data["curves"]:
        cells = [f"{curve['updates']:,}", f"{curve['seconds']:.2f}", f"{curve['losses'][-1]:.4f}"]
        rows.append([str(curve["batch_size"]), *cells, f"{curve['accuracy']:.1%}"])
    finish("batches", data, columns(rows), as_json, plot)


@click.command("schedules", cls=FewThreads)
@click.option("--learning-rate", type=float, default=0.05, show_default=True, help="Highest rate.")
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True)
@seed
@plot
@_options.as_json
def schedules(
    learning_rate: float, epochs: int, seed: int, plot: Path | None, as_json: bool
) -> None:
    """Compare the learning-rate schedules and the loss under each.

    Example: nnguide blueprint schedules --plot schedules.png
    """
    from nnguide.blueprints.experiments import learning_rate_schedules

    data = learning_rate_schedules.schedules(learning_rate, epochs, seed)
    rows = [["schedule", "first rate", "halfway", "last rate", "final loss"]]
    for curve in data["curves"]:
        path = curve["rates"]
        marks = [f"{path[place]:.4g}" for place in (0, len(path) // 2, -1)]
        rows.append([curve["schedule"], *marks, f"{curve['final_loss']:.4f}"])
    finish("schedules", data, columns(rows), as_json, plot)


@click.command("vanishing", cls=FewThreads)
@click.option("--depth", type=click.IntRange(2), default=10, show_default=True, help="Layers.")
@seed
@plot
@_options.as_json
def vanishing(depth: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Show the gradient's norm in each layer of a network.

    It is shown for sigmoid, tanh and ReLU.

    Example: nnguide blueprint vanishing --depth 8
    """
    from nnguide.blueprints.experiments import vanishing_gradients

    data = vanishing_gradients.vanishing(depth, seed=seed)
    names = list(data["norms"])
    rows = [["layer", *(f"‖∂L/∂W‖ {name}" for name in names)]]
    for layer in range(depth):
        rows.append([str(layer + 1), *(f"{data['norms'][name][layer]:.2e}" for name in names)])
    rows.append(["first/last", *(f"{data['ratio'][name]:.2e}" for name in names)])
    finish("vanishing", data, columns(rows), as_json, plot)


@click.command("overfit", cls=FewThreads)
@click.option("--examples", type=click.IntRange(4), default=60, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=300, show_default=True)
@seed
@plot
@_options.as_json
def overfit(examples: int, epochs: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Compare dropout, L1, L2 and early stopping on little data.

    A large network is trained with nothing and with each of them.

    Example: nnguide blueprint overfit --plot overfit.png
    """
    from nnguide.blueprints.experiments import overfitting

    data = overfitting.overfit(examples, epochs, seed)
    rows = [
        [
            "regularization",
            "epochs",
            "training accuracy",
            "test accuracy",
            "test loss",
            "zero weights",
        ]
    ]
    for run in data["runs"]:
        shares = [f"{run['training_accuracy']:.1%}", f"{run['test_accuracy']:.1%}"]
        ends = [f"{run['test_loss']:.3f}", f"{run['zeros']:.1%}"]
        rows.append([run["cure"], str(run["epochs"]), *shares, *ends])
    finish("overfit", data, columns(rows), as_json, plot)


@click.command("scaling", cls=FewThreads)
@seed
@plot
@_options.as_json
def scaling(seed: int, plot: Path | None, as_json: bool) -> None:
    """Train with and without scaled inputs: age and salary.

    Example: nnguide blueprint scaling --seed 1
    """
    from nnguide.blueprints.experiments import feature_scaling

    data = feature_scaling.scaling(seed=seed)
    rows = [["inputs", "loss at the start", "at the end", "accuracy on new people"]]
    for run in data["runs"]:
        ends = [f"{run['losses'][0]:.3f}", f"{run['losses'][-1]:.3f}"]
        rows.append([run["inputs"], *ends, f"{run['accuracy']:.1%}"])
    finish("scaling", data, columns(rows), as_json, plot)


@click.command("filters", cls=FewThreads)
@click.argument("run", metavar="[RUN]", default="digits")
@click.option("--most", type=click.IntRange(1), default=64, show_default=True, help="Units shown.")
@plot
@_options.as_json
def filters(run: str, most: int, plot: Path | None, as_json: bool) -> None:
    """Show the patterns that a digit network's first layer detects.

    RUN is a run's folder, or digits for the newest run. Each unit's weights make a
    picture: + where ink speaks for it, - where ink speaks against it. A dense network's
    pictures are as large as a digit; a convolution's are its kernels.

    \b
    Examples:
      nnguide blueprint train --data digits --out by-hand
      nnguide blueprint filters by-hand --plot filters.png
    """
    cli.show_log()
    from nnguide.blueprints.experiments import first_layer

    data = first_layer.filters(first_layer.weights_of(run), most)
    lines = [f"{len(data['units'])} units, the one with the largest weights is {data['units'][0]}:"]
    for row in data["pictures"][0]:
        lines.append("".join("+" if w > 0.3 else "-" if w < -0.3 else "." for w in row))
    finish("filters", data, lines, as_json, plot)


EXPERIMENTS = (linear, rates, batches, schedules, vanishing, overfit, scaling, filters)
