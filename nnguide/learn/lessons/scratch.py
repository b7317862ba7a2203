"""Lesson: a network from scratch, its boundary and its units."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from nnguide.blueprints import optimizers, toy_data, training_loop
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Points, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State, Training

SPANS = {"xor": 1.8, "moons": 2.4, "circles": 1.5, "spirals": 1.3, "yours": 3.0}
START = tuple(  # points of one's own, to begin with: a square in a square
    (round(r * np.cos(t), 2), round(r * np.sin(t), 2), k)
    for k, r in ((1, 0.7), (0, 2.0))
    for t in np.linspace(0, 2 * np.pi, 9)[:-1]
)


def begin(
    data: str,
    points: Any,
    layers: int,
    units: int,
    activation: str,
    optimizer: str,
    learning_rate: float,
    batch: int,
    seed: int,
) -> SimpleNamespace:
    """Return a network before training, with training and validation points."""
    if data == "yours":
        X = np.array([point[:2] for point in points], float).reshape(-1, 2)
        y = np.array([point[2] for point in points], int)
        validation = None
    else:
        X, y = toy_data.TABLE[data](300, 0)
        validation = toy_data.TABLE[data](300, 1)
    settings = Settings(
        (units,) * layers,
        activation,
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch_size=batch,
        seed=seed,
    )
    network = NumpyNet(2, 1, settings, "float64")
    run = SimpleNamespace(
        X=X,
        y=y,
        validation=validation,
        network=network,
        optimizer=optimizers.OPTIMIZERS[optimizer](network.θ, settings),
        random=np.random.default_rng(seed),
        waiting=[],
        losses=[],
        validation_losses=[],
    )
    measure(run)
    return run


def measure(run: SimpleNamespace) -> None:
    """Record both losses, over all points."""
    if len(run.X):
        run.losses.append(run.network.loss(run.X, run.y))
    if run.validation:
        run.validation_losses.append(run.network.loss(*run.validation))


def update(run: SimpleNamespace) -> None:
    """Make one update with the next mini-batch."""
    if not len(run.X):
        return
    network = run.network
    if not run.waiting:
        size = network.settings.batch_size
        run.waiting = list(training_loop.batches(len(run.X), size, run.random))
    rows = run.waiting.pop(0)
    network.forward(run.X[rows])
    network.backward(run.y[rows, None].astype(float))
    run.optimizer.step(network.θ, network.gradient, network.settings.learning_rate)
    measure(run)


def plane(span: float, points: int) -> np.ndarray:
    """Return the points of the plane as rows (x1, x2)."""
    along = np.linspace(-span, span, points)
    return np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)


def numbers(run: SimpleNamespace, data: str) -> Numbers:
    network, span = run.network, SPANS[data]
    boundary = network.predict(plane(span, 49)).reshape(49, 49)
    network.predict(plane(span, 21))
    pictures = np.array([layer.a.T.reshape(-1, 21, 21) for layer in network.layers[:-1]])

    every = 1 + len(run.losses) // 400  # so many points of a curve are enough
    losses = np.array(run.losses[::every])
    validation_losses = np.array(run.validation_losses[::every])
    steps = every * np.arange(len(losses))
    loss = run.losses[-1] if run.losses else np.nan
    validation_loss = run.validation_losses[-1] if run.validation else np.nan
    right = accuracy(network.predict(run.X), run.y) if len(run.X) else np.nan
    validation_right = np.nan
    if run.validation:
        validation_right = accuracy(network.predict(run.validation[0]), run.validation[1])
    return dict(
        boundary=boundary,
        pictures=pictures,
        losses=losses,
        validation_losses=validation_losses,
        steps=steps,
        loss=loss,
        validation_loss=validation_loss,
        right=right,
        validation_right=validation_right,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    data, step = state["data"], state["step"]
    span = SPANS[data]
    own = data == "yours"
    X: Any = [point[:2] for point in state["points"]]
    y: Any = [point[2] for point in state["points"]]
    if not own:
        X, y = toy_data.TABLE[data](300, 0)
    sentence = f"After {step} updates the training loss is {f.short(numbers['loss'])}"
    sentence += "." if own else f" and the validation loss {f.short(numbers['validation_loss'])}."
    if own and not len(state["points"]):
        sentence = "There are no points yet: click some into the plane."
    lines = [f.line("training", numbers["steps"], numbers["losses"], "losses", 0)]
    if not own:
        lines.append(
            f.line(
                "validation", numbers["steps"], numbers["validation_losses"], "validation_losses", 1
            )
        )
    cells = [["training", f.named(numbers, "loss"), f.named(numbers, "right")]]
    if not own:
        cells.append(
            [
                "validation",
                f.named(numbers, "validation_loss"),
                f.named(numbers, "validation_right"),
            ]
        )
    add = {
        "to": "points",
        "class": int(state["next_class"]),
        "also": {"data": "yours", "step": 0},
    }
    drawn = [
        f.chart(
            "The boundary",
            f"A plane coloured by the probability of the second class. {sentence}",
            f.axis("x₁", -span, span),
            f.axis("x₂", -span, span),
            heat=f.heat(numbers["boundary"], "boundary"),
            points=f.classes(X, y),
            **({"add": add} if own else {}),
        ),
        f.chart(
            "The losses",
            sentence,
            f.axis("update", 0, max(100, step)),
            f.axis("loss", 1e-4, 3, log=True),
            lines=lines,
        ),
        f.table("In numbers", sentence, ["", "loss", "accuracy"], cells),
    ]
    for depth in range(state["layers"]):
        drawn.append(
            f.pictures(
                f"What the units of hidden layer {depth + 1} see",
                f"{state['units']} small planes, each coloured by the activation of one unit.",
                [
                    f.picture(
                        f"{unit + 1}",
                        numbers["pictures"][depth][unit][::-1],
                        "signed",
                    )
                    for unit in range(state["units"])
                ],
                "small",
            )
        )
    return drawn


LESSON = Lesson(
    name="scratch",
    title="From scratch",
    summary="A whole network learns while you watch: its boundary, its units, both losses.",
    passage=Passage("7-from-scratch", start="[`network2.py`]"),
    controls=(
        Choice(
            "data",
            "Data",
            tuple(SPANS),
            "moons",
            ("XOR", "moons", "circles", "spirals", "your own points"),
        ),
        Slider("layers", "Hidden layers", 0, 3, 1, 1, whole=True),
        Slider("units", "Units in each", 1, 12, 1, 8, whole=True),
        Choice(
            "activation", "Activation", ("relu", "tanh", "sigmoid", "leaky_relu", "linear"), "relu"
        ),
        Choice("optimizer", "Optimizer", ("adam", "momentum", "sgd"), "adam"),
        Slider("learning_rate", "Learning rate α", 0.001, 1, 0.001, 0.02, log=True),
        Slider("batch", "Examples in a batch", 1, 128, 1, 32, whole=True),
        Slider("seed", "Another start", 0, 50, 1, 0, whole=True),
        Choice(
            "next_class",
            "A click adds a point of",
            ("0", "1"),
            "0",
            ("first class ○", "second class ×"),
        ),
        Points("points", "Your own points", 4.0, 300, START, also={"data": "yours", "step": 0}),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [NumpyNet.forward, NumpyNet.backward, training_loop.batches],
    question=Question(
        "Two rings, one inside the other, and a single hidden layer of two ReLU units. Can it "
        "tell the rings apart?",
        ("Yes, two are enough", "No: two bends close no ring", "Only with Adam"),
        {"data": "circles", "layers": 1, "units": 2, "step": 1500},
        lambda numbers: 0 if numbers["right"] > 0.97 else 1,
        "Each ReLU unit bends the boundary once. Two bends leave it open on one side; three units "
        "can close a triangle around the inner ring. Try it.",
    ),
    exactness="The plane is coloured at 49×49 points and each unit at 21×21, in float32; of a long "
    "curve every k-th point is drawn. All other numbers are float64.",
    exercises=("initialise", "forward", "backward", "adam"),
    training=Training(begin, update, most=3000, pace=5),
    hint="With data of your own a click into the plane adds a point, with Shift one of the other "
    "class.",
)
