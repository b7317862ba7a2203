"""Lesson: a digit of 784 inputs through a network by hand.

It goes layer by layer, and shows which pixels mattered.
"""

from __future__ import annotations

import base64
import math
from typing import NamedTuple

import numpy as np

from nnguide.blueprints import by_hand
from nnguide.blueprints.network2 import NumpyNet
from nnguide.errors import InputError
from nnguide.explain import layers
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Picture, Saved
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State
from nnguide.preprocessing.mnist_form import normalise

FEW = 6  # layers that are shown at each end of a deep network


def picture(label: str, drawn: str) -> np.ndarray:
    """Return a validation digit or the drawn one as grey levels.

    The result is (28, 28). The network never saw the digit; the drawn one is in MNIST's form,
    or as it is where no digit is seen on it.
    """
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


class Inside(NamedTuple):
    """The answer, layers and neighbours of a digit in a network.

    Attributes:
        labels, probabilities: its answer.
        saliency: (28, 28), what each pixel does to it.
        maps: pictures of what its layers give, one after the other.
        shown: of each layer its name, its shape in words, and how many of the maps are its.
        filters, names: first-layer weights as pictures.
        near, near_labels, near_distances: the nearest training digits.
        dataset: what those are of.
    """

    labels: list[str]
    probabilities: np.ndarray
    saliency: np.ndarray
    maps: list[np.ndarray]
    shown: list[tuple[str, str, int]]
    filters: list[np.ndarray]
    names: list[str]
    near: list[np.ndarray]
    near_labels: list[str]
    near_distances: np.ndarray
    dataset: str


def by_hand_inside(levels: np.ndarray) -> Inside:
    """Return a digit's way through the network by hand.

    It has 784 inputs, 32 hidden units and ten outputs.
    """
    trained = by_hand.digits()
    network, x = trained.network, levels.reshape(1, 784) / 255
    probabilities = network.predict(x)[0]
    first, last = network.layers
    hidden, sums = first.a[0].copy(), last.z[0].copy()
    winner = int(probabilities.argmax())

    back = network.g.back(last.W[:, winner], hidden)  # ∂z[2]/∂z[1] of the winner's sum
    saliency = (first.W @ back).reshape(28, 28)  # ∂z[2]/∂x

    pushes = hidden * last.W[:, winner]
    strongest = np.argsort(-np.abs(pushes), kind="stable")[:12]
    distances = np.linalg.norm(trained.X - x, axis=1)
    near = np.argsort(distances, kind="stable")[:6]
    return Inside(
        labels=[str(k) for k in range(10)],
        probabilities=probabilities,
        saliency=saliency,
        maps=[hidden[None], sums[None]],
        shown=[("hidden", "32 units after ReLU", 1), ("sums", "10 sums before softmax", 1)],
        filters=list(first.W.T[strongest].reshape(-1, 28, 28)),
        names=[f"unit {int(unit) + 1}: a · w = {pushes[unit]:.3g}" for unit in strongest],
        near=[trained.X[i].reshape(28, 28) * 255 for i in near],
        near_labels=[str(int(trained.y[i])) for i in near],
        near_distances=distances[near],
        dataset="optdigits, pixel by pixel",
    )


def run_inside(levels: np.ndarray, run: str) -> Inside:
    """Return a digit's way through a saved network.

    The run's light form computes it.
    """
    opened = layers.opened(run)
    checked = opened.run.check(np.round(levels).astype(np.uint8)[None])[0]
    probabilities = opened.run.outputs(checked[None])[0]
    through = opened.layers(checked)
    maps, shown = [], []
    for name, values in through:
        if values.ndim == 1:
            rows = [values[None] if len(values) <= 32 else in_rows(values)]
            shown.append((name, f"{len(values):,} units", 1))
        else:
            order = np.argsort(-values.max(axis=(1, 2)), kind="stable")[:8]
            rows = list(values[np.sort(order)])
            count, high, wide = values.shape
            shown.append((name, f"{count} maps of {high} by {wide}", len(rows)))
        maps += rows

    kernels = opened.kernels
    first = next(values for _, values in through if len(values) == len(kernels))
    strength = first.reshape(len(first), -1).max(axis=1)
    strongest = np.argsort(-strength, kind="stable")[:12]

    known = opened.known
    distances = np.linalg.norm(known.features - opened.features(checked[None]), axis=1)
    near = np.argsort(distances, kind="stable")[:6]
    return Inside(
        labels=list(opened.run.labels),
        probabilities=probabilities,
        saliency=opened.hidden(checked, int(probabilities.argmax())),
        maps=maps,
        shown=shown,
        filters=[unfolded(kernels[i]) for i in strongest],
        names=[f"filter {int(i) + 1}: max {strength[i]:.3g}" for i in strongest],
        near=[known.pictures[i].astype(float) for i in near],
        near_labels=[known.labels[i] for i in near],
        near_distances=distances[near],
        dataset=f"{known.dataset}, by what the last layer is given",
    )


def in_rows(values: np.ndarray) -> np.ndarray:
    """Return many units as a picture of 32 columns."""
    return np.pad(values, (0, -len(values) % 32)).reshape(-1, 32)


def unfolded(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel (channels, rows, columns) as a picture.

    Where a network looks at every second pixel in each of four channels, they are interleaved
    again.
    """
    fold = math.isqrt(len(kernel))
    if fold**2 != len(kernel):
        return kernel[0]
    _, high, wide = kernel.shape
    apart = kernel.reshape(fold, fold, high, wide)
    return apart.transpose(2, 0, 3, 1).reshape(fold * high, fold * wide)


def numbers(label: str, drawn: str, run: str) -> Numbers:
    levels = picture(label, drawn)
    inside = by_hand_inside(levels) if run == "by hand" else run_inside(levels, run)
    probabilities, saliency = inside.probabilities, inside.saliency
    maps, filters = inside.maps, inside.filters
    near, near_distances = inside.near, inside.near_distances
    return dict(
        levels=levels,
        inside=inside,
        probabilities=probabilities,
        saliency=saliency,
        maps=maps,
        filters=filters,
        near=near,
        near_distances=near_distances,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    inside: Inside = numbers["inside"]
    of_run = state["run"] != Saved.OWN
    probabilities = inside.probabilities
    winner = int(probabilities.argmax())
    label = inside.labels[winner]
    sentence = (
        f"The network reads a {label}, with a probability of {f.short(probabilities[winner])}."
    )
    if of_run:
        (answer,) = layers.opened(state["run"]).run.decision.answers(probabilities[None])
        if answer.label != label:
            sentence += f" That is too little for it: it answers {answer.label}."
    return [
        f.pictures(
            "What it sees, and what speaks for its answer",
            f"A picture of 28 by 28 pixels. {sentence} "
            "Beside it what each pixel does to the answer.",
            [
                f.picture("784 inputs", numbers["levels"], name="levels", high=255.0),
                f.picture(
                    f"what hiding 4×4 pixels takes from the {label}"
                    if of_run
                    else f"∂z[2]/∂x of the {label}",
                    numbers["saliency"],
                    "signed",
                    name="saliency",
                ),
            ],
        ),
        f.bars("Its answer", sentence, _rows(inside, numbers, winner), 0, 1),
        f.note(sentence),
        *_layers(inside, numbers),
        f.pictures(
            "What its first layer looks for, the strongest first",
            f"{len(inside.filters)} pictures of weights: orange where ink speaks for it.",
            [
                f.picture(name, values, "signed", name=f"filters[{i}]")
                for i, (name, values) in enumerate(zip(inside.names, inside.filters, strict=True))
            ],
            "medium",
        ),
        f.pictures(
            f"The nearest digits of {inside.dataset}",
            f"Six training digits: {', '.join(inside.near_labels)}.",
            [
                f.picture(f"a {name}, {f.short(distance)} away", values, name=f"near[{i}]")
                for i, (name, values, distance) in enumerate(
                    zip(inside.near_labels, inside.near, inside.near_distances, strict=True)
                )
            ],
            "medium",
        ),
    ]


def _rows(inside: Inside, numbers: Numbers, winner: int) -> list[f.Figure]:
    """Return the probability of each label.

    Of many labels, only the highest ten are returned.
    """
    shown = np.sort(np.argsort(-inside.probabilities, kind="stable")[:10])
    return [
        {
            "label": inside.labels[k],
            "number": f.named(numbers, f"probabilities[{k}]"),
            "on": int(k) == winner,
        }
        for k in shown
    ]


def _layers(inside: Inside, numbers: Numbers) -> list[f.Figure]:
    """Return a row of pictures for each layer.

    Of a deep network only the first and the last layers are shown.
    """
    drawn, at = [], 0
    for number, (name, shape, count) in enumerate(inside.shown, 1):
        places = range(at, at + count)
        at += count
        if FEW < number <= len(inside.shown) - FEW:
            continue
        what = "the strongest of " if count > 1 else ""
        drawn.append(
            f.pictures(
                f"Layer {number}, {name}: {what}{shape}",
                f"What layer {number} gives: {what}{shape}; orange is above 0, blue below.",
                [
                    f.picture(
                        f"max {numbers['maps'][i].max():.3g}",
                        numbers["maps"][i],
                        "signed",
                        name=f"maps[{i}]",
                    )
                    for i in places
                ],
                "small" if count > 1 else "strip",
            )
        )
    return drawn


LESSON = Lesson(
    name="pixels",
    title="784 inputs",
    summary="Your digit through a network, layer by layer: by hand, the shipped one, or yours.",
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
        Saved("run", "Network", "pictures", "by hand, 32 hidden units"),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: (
        [NumpyNet.forward, by_hand.digits]
        if state["run"] == Saved.OWN
        else [layers.Opened.layers, layers.Opened.hidden, layers.Opened.features]
    ),
    question=Question(
        "The paper is blank: all 784 inputs are 0. What does the network answer?",
        ("Ten times 0.1", "Nothing at all", "Whatever its biases say"),
        {"label": "drawn", "drawn": ""},
        lambda numbers: 0 if numbers["probabilities"].max() < 0.11 else 2,
        "Zero in means that only the biases speak, and a softmax always adds up to 1: some digit "
        "is the most probable, though nobody wrote one. Runs that can refuse learn to say none.",
    ),
    exactness="The network by hand has 32 hidden units and learned from the small set "
    "optdigits in a second; it is float64. Pictures are drawn in float32, and a saved run computes "
    "in float32, from its light form. Its nearest digits are looked for among 400.",
    exercises=("forward", "softmax", "keras_model"),
    hint="Draw a digit, or take one that the network never saw. In MNIST's form a digit fills "
    "about 20 of the 28 pixels; yours is brought to it.",
)
