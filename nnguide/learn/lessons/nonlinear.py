"""Lesson: why a network needs activations.

Two linear layers are one, and XOR needs an activation between them.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from nnguide.blueprints import optimizers, toy_data
from nnguide.blueprints.experiments.shared import surface
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State, Training


def begin(activation: str, units: int, seed: int) -> SimpleNamespace:
    """Return a two-layer network before training, and the XOR points."""
    X, y = toy_data.xor(200, 0)
    settings = Settings((units,), activation, learning_rate=0.02, seed=seed)
    network = NumpyNet(2, 1, settings, "float64")
    optimizer = optimizers.OPTIMIZERS[settings.optimizer](network.θ, settings)
    return SimpleNamespace(X=X, y=y, network=network, optimizer=optimizer)


def update(run: SimpleNamespace) -> None:
    """Make one step of Adam with the gradient over all points."""
    network = run.network
    network.forward(run.X)
    network.backward(run.y[:, None].astype(float))
    run.optimizer.step(network.θ, network.gradient, network.settings.learning_rate)


def numbers(run: SimpleNamespace, x1: float, x2: float) -> Numbers:
    network = run.network
    plane = np.array(surface(network, np.array([[-1.5, -1.5], [1.5, 1.5]]), 41)["output"])
    reached = accuracy(network.predict(run.X), run.y)
    loss = network.loss(run.X, run.y)

    first, last = network.layers
    W = (first.W @ last.W)[:, 0]  # what one layer would have in place of the two
    b = (first.b @ last.W + last.b).item()
    x = np.array([[x1, x2]])
    two_layers = network.forward(x).item()
    one_layer = (x @ W + b).item()
    apart = abs(two_layers - one_layer)
    return dict(
        plane=plane,
        reached=reached,
        loss=loss,
        W=W,
        b=b,
        two_layers=two_layers,
        one_layer=one_layer,
        apart=apart,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    shown = dict(state) | numbers
    is_linear = state["activation"] == "linear"
    X, y = toy_data.xor(200, 0)
    sentence = f"{numbers['reached']:.0%} of the points are right after {state['step']} steps"
    same = "the same number: two layers are one" if is_linear else "another: the bend is between"
    rows = [
        ("two layers: z[2]", "g(x W[1] + b[1]) W[2] + b[2]", "{two_layers}"),
        ("one layer: z", "x (W[1] W[2]) + (b[1] W[2] + b[2])", "{x1}·{W[0]} + {x2}·{W[1]} + {b}"),
        ("z", "{one_layer}"),
        ("|z[2] − z|", "{apart}"),
    ]
    return [
        f.chart(
            f"XOR with g = {state['activation'].replace('_', ' ')}: {numbers['reached']:.0%} right",
            f"Four clouds at the corners of a square, opposite ones of one class. {sentence}.",
            f.axis("x₁", -1.8, 1.8),
            f.axis("x₂", -1.8, 1.8),
            heat=f.heat(numbers["plane"], "plane"),
            points=[*f.classes(X, y), f.point(state["x1"], state["x2"], "x")],
            drag={"x": "x1", "y": "x2"},
        ),
        f.formula(
            "The sum of two layers, and that of the one they make",
            rows,
            shown,
            f"Two layers say {f.short(numbers['two_layers'])}, "
            f"one {f.short(numbers['one_layer'])}: {same}.",
        ),
        f.note(f"{sentence}; the loss is {f.short(numbers['loss'])}. One layer says {same}."),
    ]


LESSON = Lesson(
    name="nonlinear",
    title="Why not straight lines",
    summary="Two linear layers are one, and XOR is out of reach; a bend between them helps.",
    passage=Passage("2-activations", start="**Why not straight lines?**"),
    controls=(
        Choice("activation", "Between the layers", ("linear", "relu", "tanh"), "linear"),
        Slider("units", "Hidden units", 1, 16, 1, 8, whole=True),
        Slider("seed", "Another start", 0, 20, 1, 0, whole=True),
        Slider("x1", "Input x₁", -1.8, 1.8, 0.1, 0.5),
        Slider("x2", "Input x₂", -1.8, 1.8, 0.1, 1.0),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [NumpyNet.forward, toy_data.xor],
    question=Question(
        "Sixteen hidden units, no activation between the layers, and all the steps you like. How "
        "many points of XOR come out right?",
        ("All of them", "About half", "None"),
        {"activation": "linear", "units": 16, "step": 200},
        lambda numbers: int(numbers["reached"] < 0.9),
        "However many units there are, W[1] W[2] is one weight for each input: one straight line. "
        "It leaves about half of the four clouds on the wrong side.",
    ),
    exactness="The plane is coloured at 41×41 points, in float32; all other numbers are float64.",
    exercises=("layer",),
    training=Training(begin, update, most=400, pace=2),
    hint="Drag the point x.",
)
