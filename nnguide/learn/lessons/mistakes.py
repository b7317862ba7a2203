"""Lesson: a feature on another scale, and the zigzag it causes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from nnguide.blueprints import activations, losses
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.optimizers import Sgd
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Slider, Switch
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State, Training
from nnguide.preprocessing.standardisation import mean_and_std

STEPS = 200


def people(factor: float, standardised: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return two equally important features and a value to predict.

    The second feature is in a unit `factor` times as small.
    """
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 2))
    y = X.sum(axis=1) + random.normal(0, 0.5, 200)
    X = X * [1.0, factor]
    if standardised:
        mean, std = mean_and_std(X)
        X = (X - mean) / std
    return X, y


def begin(factor: float, standardised: bool, share: float) -> SimpleNamespace:
    """Return a linear neuron and its learning rate before training.

    The neuron is far from the minimum; the rate is the fraction `share` of the limit 2/λmax.
    """
    X, y = people(factor, standardised)
    ones = np.hstack([X, np.ones((len(X), 1))])
    curvature = np.linalg.eigvalsh(ones.T @ ones / len(X)).max()
    rate = share * 2 / curvature
    settings = Settings((), output="linear", loss="mse", learning_rate=rate, optimizer="sgd")
    network = NumpyNet(2, 1, settings, "float64")
    scale = X.std(axis=0)
    network.set_weights([(np.array([-3.0, 2.0]) / scale)[:, None], np.zeros(1)])
    return SimpleNamespace(
        X=X,
        y=y,
        scale=scale,
        rate=rate,
        network=network,
        optimizer=Sgd(network.θ, settings),
        path=[network.θ[:2] * scale],
        losses=[network.loss(X, y)],
    )


def update(run: SimpleNamespace) -> None:
    """Make one step with the gradient over all examples."""
    network = run.network
    network.forward(run.X)
    network.backward(run.y[:, None])
    run.optimizer.step(network.θ, network.gradient, run.rate)
    run.path.append(network.θ[:2] * run.scale)
    run.losses.append(network.loss(run.X, run.y))


def numbers(run: SimpleNamespace) -> Numbers:
    w1_path, w2_path = np.array(run.path).T  # in units of each feature's standard deviation
    loss_path = np.array(run.losses)
    loss, rate = loss_path[-1], run.rate
    slopes = run.network.gradients(run.X, run.y)[0][:, 0]
    ratio = abs(slopes[1]) / max(abs(slopes[0]), 1e-300)

    plane = np.stack(np.meshgrid(np.linspace(-4, 6, 41), np.linspace(-4, 6, 41)), axis=-1)
    sums = plane.reshape(-1, 2) @ (run.X / run.scale).T  # (points of the plane, examples)
    mse, g = losses.TABLE["mse"], activations.TABLE["linear"]
    surface = mse.value(sums, run.y, g).reshape(41, 41) / len(run.y)
    return dict(
        w1_path=w1_path,
        w2_path=w2_path,
        loss_path=loss_path,
        loss=loss,
        rate=rate,
        slopes=slopes,
        ratio=ratio,
        surface=surface,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    step, losses = state["step"], numbers["loss_path"]
    sentence = f"After {step} steps the loss is {f.short(numbers['loss'])}."
    slope = (
        f"The gradient of the second weight is {f.short(numbers['ratio'])} times that of the first."
    )
    return [
        f.chart(
            "The path, in units of each feature's spread",
            "A loss surface over two weights that count equally, and the path of descent. "
            f"{sentence}",
            f.axis("w₁ · spread of x₁", -4, 6),
            f.axis("w₂ · spread of x₂", -4, 6),
            heat=f.heat(numbers["surface"], "surface", "loss"),
            path=f.line("path", numbers["w1_path"], numbers["w2_path"], "w2_path"),
            points=[f.point(-3, 2, "start")],
        ),
        f.chart(
            "The loss",
            sentence,
            f.axis("step", 0, STEPS),
            f.axis("loss", 0.1, 30, log=True),
            lines=[f.line("loss", np.arange(len(losses)), losses, "loss_path")],
        ),
        f.table(
            "In numbers",
            f"{sentence} {slope}",
            ["", "value"],
            [
                ["learning rate α", f.named(numbers, "rate")],
                ["∂L/∂w₁", f.named(numbers, "slopes[0]")],
                ["∂L/∂w₂", f.named(numbers, "slopes[1]")],
                ["their ratio", f.named(numbers, "ratio")],
                ["loss", f.named(numbers, "loss")],
            ],
        ),
        f.note(
            f"{slope} The largest rate that does not diverge is set by the steeper direction, and "
            "in the other one it crawls. Standardise, and one rate fits both."
        ),
    ]


LESSON = Lesson(
    name="mistakes",
    title="Unscaled inputs",
    summary="One feature a thousand times as large: the path zigzags or crawls. Standardise it.",
    passage=Passage("9-common-mistakes", stop="**Sigmoids in deep hidden layers.**"),
    controls=(
        Slider("factor", "The second feature times", 0.1, 1000, 0.1, 4.0, log=True),
        Switch("standardised", "Standardise the inputs", False),
        Slider("share", "Rate, as a fraction of the limit 2/λ", 0.05, 1.1, 0.05, 0.95),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [mean_and_std, NumpyNet.backward, Sgd],
    question=Question(
        "One feature is 1,000 times as large as the other; the rate is just below the limit. What "
        "has the first weight done after 200 steps?",
        ("Reached its place", "Hardly moved", "Diverged"),
        {"factor": 1000.0, "step": 200, "share": 0.95},
        lambda numbers: 1 if abs(numbers["w1_path"][-1] - numbers["w1_path"][0]) < 0.1 else 0,
        "The rate has to suit the steep direction, where it may only be tiny; the flat one gets "
        "steps a million times too small for it.",
    ),
    exactness="The surface is coloured at 41×41 points, in float32; all other numbers are float64. "
    "The bias learns too and is not drawn.",
    exercises=("scaling",),
    training=Training(begin, update, most=STEPS),
)
