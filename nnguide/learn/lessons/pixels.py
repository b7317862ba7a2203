"""784 inputs: a digit through a network by hand, layer by layer, and what it looked at."""

from __future__ import annotations

import base64

import numpy as np

from nnguide import runs
from nnguide.blueprints import by_hand
from nnguide.blueprints.network2 import NumpyNet
from nnguide.errors import InputError
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Picture
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State
from nnguide.preprocessing.mnist_form import normalise

SHOWN = 12  # hidden units
NEAREST = 6  # training digits


def picture(label: str, drawn: str) -> np.ndarray:
    """(28, 28) grey levels: a digit that the network never saw, or the drawn one in MNIST's form,
    as it is where no digit is seen on it."""
    trained = by_hand.digits()
    if label != "drawn":
        first = np.flatnonzero(trained.y_validation == int(label))[0]
        return trained.X_validation[first].reshape(28, 28) * 255
    content = base64.b64decode(drawn) if drawn else bytes(784)
    levels = np.frombuffer(content, np.uint8).reshape(28, 28)
    try:
        return normalise(levels / 255).astype(float)
    except InputError:
        return levels.astype(float)


def numbers(label: str, drawn: str, run: str) -> Numbers:
    trained = by_hand.digits()
    network, levels = trained.network, picture(label, drawn)
    x = levels.reshape(1, 784) / 255

    probabilities = network.predict(x)[0]
    first, last = network.layers
    hidden, sums = first.a[0].copy(), last.z[0].copy()
    winner = int(probabilities.argmax())

    back = network.g.back(last.W[:, winner], hidden)  # ∂z[2]/∂z[1] of the winner's sum
    saliency = (first.W @ back).reshape(28, 28)  # ∂z[2]/∂x

    strongest = np.argsort(-hidden * np.abs(last.W[:, winner]), kind="stable")[:12]
    filters = first.W.T[strongest].reshape(-1, 28, 28)
    pushes = hidden[strongest] * last.W[strongest, winner]

    distances = np.linalg.norm(trained.X - x, axis=1)
    near = np.argsort(distances, kind="stable")[:6]
    near_distances, near_labels = distances[near], trained.y[near]

    of_run = np.zeros(10)
    if run != "none":
        of_run = runs.load(run).light.outputs(np.round(levels).astype(np.uint8)[None])[0][:10]
    return dict(
        levels=levels,
        probabilities=probabilities,
        hidden=hidden,
        sums=sums,
        saliency=saliency,
        filters=filters,
        strongest=strongest,
        pushes=pushes,
        near=near,
        near_distances=near_distances,
        near_labels=near_labels,
        of_run=of_run,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    trained = by_hand.digits()
    probabilities = numbers["probabilities"]
    winner = int(probabilities.argmax())
    said = f"The network reads a {winner}, with a probability of {f.short(probabilities[winner])}."

    def rows(name: str) -> list[f.Figure]:
        found: list[f.Figure] = [
            {"label": str(k), "number": f.named(numbers, f"{name}[{k}]")} for k in range(10)
        ]
        found[int(np.argmax(numbers[name]))]["on"] = True
        return found

    drawn = [
        f.pictures(
            "What it sees, and what it would rather see more or less of",
            f"A picture of 28 by 28 pixels. {said} Beside it the slope of its sum for each pixel.",
            [
                f.picture("784 inputs", numbers["levels"], name="levels", high=255.0),
                f.picture(
                    f"∂z[2]/∂x of the {winner}", numbers["saliency"], "signed", name="saliency"
                ),
            ],
        ),
        f.bars("Ten outputs of the network by hand", said, rows("probabilities"), 0, 1),
    ]
    if state["run"] != "none":
        of_run = numbers["of_run"]
        drawn.append(
            f.bars(
                f"The run {state['run']}",
                f"The run reads a {int(of_run.argmax())}, with {f.short(of_run.max())}.",
                rows("of_run"),
                0,
                1,
            )
        )
    units = [
        f.picture(
            f"unit {int(unit) + 1}: a · w = {f.short(push)}",
            numbers["filters"][i],
            "signed",
        )
        for i, (unit, push) in enumerate(zip(numbers["strongest"], numbers["pushes"], strict=True))
    ]
    nearest = [
        f.picture(
            f"a {int(label)}, {f.short(distance)} away",
            trained.X[index].reshape(28, 28),
        )
        for index, distance, label in zip(
            numbers["near"], numbers["near_distances"], numbers["near_labels"], strict=True
        )
    ]
    return [
        *drawn,
        f.pictures(
            f"The hidden units that push most for or against the {winner}",
            "Twelve pictures of first-layer weights: orange where ink speaks for the unit.",
            units,
            "medium",
        ),
        f.pictures(
            "The training digits that are nearest, pixel by pixel",
            "Six training digits: "
            + ", ".join(str(int(label)) for label in numbers["near_labels"])
            + ".",
            nearest,
            "medium",
        ),
    ]


def run_names() -> tuple[str, ...]:
    """The runs that read digits and answer without TensorFlow: shipped ones and one's own."""
    own = [str(run.folder) for run in runs.finished() if run.task.name == "digits"]
    return ("none", *(["digits"] if runs.shipped("digits").is_dir() else []), *own)


LESSON = Lesson(
    name="pixels",
    title="784 inputs",
    summary="Your digit through a network by hand: its units, its slopes, its nearest neighbours.",
    passage=Passage("11-digits-and-spam-in-an-afternoon", stop="**Spam.**"),
    controls=(
        Choice(
            "label",
            "Digit",
            ("drawn", *map(str, range(10))),
            "3",
            ("one that you draw", *(f"a {k} it never saw" for k in range(10))),
        ),
        Picture("drawn", "Draw one", also={"label": "drawn"}),
        Choice("run", "Beside it", run_names(), "none", ("no other network", *run_names()[1:])),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [NumpyNet.forward, by_hand.digits],
    question=Question(
        "The paper is blank: all 784 inputs are 0. What does the network answer?",
        ("Ten times 0.1", "Nothing at all", "Whatever its biases say"),
        {"label": "drawn", "drawn": ""},
        lambda numbers: 0 if numbers["probabilities"].max() < 0.11 else 2,
        "Zero in means that only the biases speak, and a softmax always adds up to 1: some digit "
        "is the most probable, though nobody wrote one. Runs that can refuse learn to say none.",
    ),
    exactness="The network by hand has 32 hidden units and learned from the small set "
    "optdigits in a second; it is float64. Pictures are drawn in float32, and a saved run answers "
    "in float32.",
    exercises=("forward", "softmax", "keras_model"),
    hint="Draw a digit, or take one that the network never saw. In MNIST's form a digit fills "
    "about 20 of the 28 pixels; yours is brought to it.",
)
