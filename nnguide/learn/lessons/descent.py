"""Lesson: gradient descent on a surface with two weights.

It shows the largest learning rate that converges.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnguide.blueprints import activations, losses, optimizers, toy_data
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State, Training

W_RANGE, B_RANGE = (-3.0, 7.0), (-4.0, 6.0)  # of the surface


def begin(start_w: float, start_b: float, alpha: float, momentum: float) -> SimpleNamespace:
    """Return a linear neuron before training.

    The neuron is ŷ = w x + b.
    """
    X, y = toy_data.line(200, 0)
    settings = Settings(
        (),
        output="linear",
        loss="mse",
        optimizer="momentum",
        momentum=momentum,
        learning_rate=alpha,
    )
    network = NumpyNet(1, 1, settings, "float64")
    network.set_weights([np.array([[start_w]]), np.array([start_b])])
    optimizer = optimizers.OPTIMIZERS[settings.optimizer](network.θ, settings)
    path, heights = [network.θ.copy()], [network.loss(X, y)]
    return SimpleNamespace(
        X=X, y=y, network=network, optimizer=optimizer, path=path, losses=heights
    )


def update(run: SimpleNamespace) -> None:
    """Make one step downhill with the gradient over all examples."""
    network = run.network
    network.forward(run.X)
    network.backward(run.y[:, None])
    run.optimizer.step(network.θ, network.gradient, network.settings.learning_rate)
    run.path.append(network.θ.copy())
    run.losses.append(network.loss(run.X, run.y))


def mean_loss(w: Any, b: Any) -> Any:
    """Return the neuron's mean loss for weight w and bias b.

    Both may be arrays of one shape.
    """
    X, y = toy_data.line(200, 0)
    answers = np.multiply.outer(w, X[:, 0]) + np.asarray(b)[..., None]  # (…, examples)
    total = losses.TABLE["mse"].value(answers.reshape(-1, len(y)), y, activations.TABLE["linear"])
    return total.reshape(np.shape(w)) / len(y)


@cache
def surface_of_losses() -> np.ndarray:
    return mean_loss(*np.meshgrid(np.linspace(-3, 7, 41), np.linspace(-4, 6, 41)))


def numbers(run: SimpleNamespace, alpha: float, momentum: float) -> Numbers:
    w_path, b_path = np.array(run.path).T
    loss_path = np.array(run.losses)
    w, b = w_path[-1], b_path[-1]
    loss = loss_path[-1]
    dw, db = (float(slope.item()) for slope in run.network.gradients(run.X, run.y))

    ones = np.hstack([run.X, np.ones_like(run.X)])  # the bias is the weight of a constant 1
    curvature = np.linalg.eigvalsh(ones.T @ ones / len(ones)).max()  # λmax
    limit = 2 * (1 + momentum) / curvature
    bottom = np.linalg.lstsq(ones, run.y, rcond=None)[0]

    lowest = mean_loss(*bottom)
    surface = surface_of_losses()
    return dict(
        w_path=w_path,
        b_path=b_path,
        loss_path=loss_path,
        w=w,
        b=b,
        dw=dw,
        db=db,
        loss=loss,
        curvature=curvature,
        limit=limit,
        bottom=bottom,
        surface=surface,
        lowest=lowest,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    shown = dict(state) | numbers
    alpha, limit, step = state["alpha"], numbers["limit"], state["step"]
    loss_path = numbers["loss_path"]
    announced = (
        f"α = {f.short(alpha)} is above the limit {f.short(limit)}: it will diverge."
        if alpha > limit
        else f"α = {f.short(alpha)} is below the limit {f.short(limit)}: it will converge."
    )
    sentence = (
        f"After {step} steps the loss is {f.short(numbers['loss'])}; the lowest possible is "
        f"{f.short(numbers['lowest'])}."
    )
    X, y = toy_data.line(200, 0)
    ends = np.array([-1.0, 1.0])
    highest = max(float(numbers["surface"].max()), 10.0)
    rows = [
        ("w", "w − α ∂L/∂w", "{w} − {alpha}·{dw}"),
        ("b", "b − α ∂L/∂b", "{b} − {alpha}·{db}"),
        ("L", "{loss}"),
        ("the limit", "2(1 + μ)/λ", "2·(1 + {momentum})/{curvature}", "{limit}"),
    ]
    return [
        f.note(announced, mark=alpha > limit),
        f.chart(
            "The way down the loss surface",
            f"A bowl over w and b with its bottom at {f.short(numbers['bottom'][0])}, "
            f"{f.short(numbers['bottom'][1])}. {sentence}",
            f.axis("weight w", *W_RANGE),
            f.axis("bias b", *B_RANGE),
            heat=f.heat(numbers["surface"], "surface", "loss"),
            path=f.line("path", numbers["w_path"], numbers["b_path"], "b_path"),
            points=[
                f.point(state["start_w"], state["start_b"], "start"),
                f.point(numbers["bottom"][0], numbers["bottom"][1], "bottom"),
            ],
            drag={"x": "start_w", "y": "start_b"},
        ),
        f.chart(
            "The loss after each step",
            sentence,
            f.axis("step", 0, max(30, step)),
            f.axis("loss", 1e-3, highest, log=True),
            lines=[
                f.line("loss", np.arange(len(loss_path)), loss_path, "loss_path"),
                f.line("the lowest there is", [0, 400], [numbers["lowest"]] * 2, dashed=True),
            ],
        ),
        f.chart(
            "What it fits: ŷ = w x + b",
            f"200 points along y = 2 x + 1, and the line with w = {f.short(numbers['w'])} and "
            f"b = {f.short(numbers['b'])}.",
            f.axis("x", -1, 1),
            f.axis("y", -3, 5),
            lines=[f.line("ŷ", ends, numbers["w"] * ends + numbers["b"], style=1)],
            points=[f.point(a, c, kind="small") for a, c in zip(X[::2, 0], y[::2], strict=True)],
        ),
        f.formula("The next step, without the momentum it has", rows, shown, announced),
    ]


LESSON = Lesson(
    name="descent",
    title="Gradient descent",
    summary="A path down the loss surface; the rate beyond which it climbs is known beforehand.",
    passage=Passage("6-gradient-descent", stop="**Batches.**"),
    controls=(
        Slider("alpha", "Learning rate α", 0.001, 6, 0.001, 0.3, log=True),
        Slider("momentum", "Momentum μ", 0, 0.95, 0.05, 0.0),
        Slider("start_w", "Start w", *W_RANGE, 0.1, -2.0),
        Slider("start_b", "Start b", *B_RANGE, 0.1, 4.0),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [NumpyNet.backward, optimizers.Momentum, toy_data.line],
    question=Question(
        "Without momentum the limit of α is about 1.98. With momentum 0.9 you take α = 3. What "
        "happens?",
        ("It diverges at once", "It converges, to and fro", "It stands still"),
        {"alpha": 3.0, "momentum": 0.9, "step": 120},
        lambda numbers: 0 if numbers["loss"] > numbers["loss_path"][0] else 1,
        "With momentum μ the limit is 2 (1 + μ)/λ, nearly twice as large: the velocity of steps "
        "that point to and fro cancels. It swings, and it comes to rest.",
    ),
    exactness="The surface is coloured at 41×41 points, in float32; of the points every second "
    "is drawn. All other numbers are float64.",
    exercises=("sgd", "momentum"),
    training=Training(begin, update, most=400),
    hint="Drag the start on the surface.",
)
