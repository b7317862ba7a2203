"""Lesson: speed and precision.

It shows what 16 bits do to a small gradient, and measured speeds.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from nnguide.blueprints import toy_data
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.optimizers import Sgd
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

SIZES = (1, 4, 16, 64, 256)
SECONDS = 0.02  # that each rate is measured for


@cache
def examples_a_second(dtype: str) -> dict[int, float]:
    """Measure how many examples a second a network learns from.

    Several batch sizes are measured, once on this machine.
    """
    X, y = toy_data.moons(256, 0)
    X, Y = X.astype(dtype), y[:, None].astype(dtype)
    network = NumpyNet(2, 1, Settings((64, 64)), dtype)
    optimizer = Sgd(network.θ, network.settings)
    speeds = {}
    for size in SIZES:
        updates, began = 0, time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            network.forward(X[:size])
            network.backward(Y[:size])
            optimizer.step(network.θ, network.gradient, 0.01)
            updates += 1
        speeds[size] = updates * size / (time.perf_counter() - began)
    return speeds


def numbers(weight: float, gradient: float, alpha: float, scale: float, bits: str) -> Numbers:
    kind: Any = {"16": np.float16, "32": np.float32, "64": np.float64}[bits]
    seen = float(kind(gradient))  # the gradient, rounded
    scaled = float(kind(gradient * scale)) / scale  # rounded after a scale, which is taken out
    step = alpha * gradient
    after = float(kind(weight) - kind(alpha) * kind(gradient))  # the weight kept in so many bits
    master = float(np.float32(weight) - np.float32(alpha * scaled))  # kept in 32, as mixed does
    exact = weight - step
    moved = float(kind(weight)) - after
    spacing = float(np.spacing(kind(weight)))  # to the next number there is
    smallest = float(np.finfo(kind).smallest_subnormal)
    return dict(
        seen=seen,
        scaled=scaled,
        step=step,
        after=after,
        master=master,
        exact=exact,
        moved=moved,
        spacing=spacing,
        smallest=smallest,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    shown = dict(state) | numbers
    bits = state["bits"]
    lost = numbers["seen"] == 0 and state["gradient"] > 0
    still = numbers["moved"] == 0 and state["gradient"] > 0
    verdict = "The step arrives, rounded."
    if still:
        verdict = (
            "The step is smaller than half the gap to the next number: the weight stands still."
        )
    if lost:
        verdict = f"The gradient is below the smallest number of {bits} bits: it became 0."
    rows = [
        ("α ∂L/∂w", "{alpha}·{gradient}", "{step}"),
        ("w − α ∂L/∂w", "{weight} − {step}", "{exact}"),
        (f"w in {bits} bits", "{after}"),
        ("the gap to the next number", "{spacing}"),
        ("the smallest number above 0", "{smallest}"),
        (f"∂L/∂w in {bits} bits", "{seen}"),
        ("with a loss scale", "{scale}·{gradient}/{scale}", "{scaled}"),
        ("w kept in 32 bits", "{master}"),
    ]
    measured = examples_a_second("float32")
    fastest = max(measured.values())
    bars = [
        {
            "label": f"batch of {size}" if size > 1 else "one at a time",
            "number": {"name": "", "value": rate},
            "on": rate == fastest,
        }
        for size, rate in measured.items()
    ]
    return [
        f.note(verdict, mark=lost or still),
        f.formula("One step of descent, in few bits", rows, shown, verdict),
        f.bars(
            "Examples a second, measured on this machine (32 bits)",
            "Bars: a larger batch learns from more examples a second.",
            bars,
            min(measured.values()) / 2,
            fastest,
            log=True,
        ),
        f.note(
            "Mixed precision computes in 16 bits and keeps the weights in 32; a loss scale lifts "
            "small gradients above the smallest number there is, and is divided out again."
        ),
    ]


LESSON = Lesson(
    name="precision",
    title="Speed and precision",
    summary="What 16 bits do to a small gradient, and why a batch is faster than its examples.",
    passage=Passage("12-speed"),
    controls=(
        Choice("bits", "Bits of a number", ("16", "32", "64"), "16"),
        Slider("weight", "Weight w", 0.01, 10, 0.01, 1.0, log=True),
        Slider("gradient", "Gradient ∂L/∂w", 1e-10, 1, 1e-10, 1e-3, log=True),
        Slider("alpha", "Learning rate α", 0.001, 1, 0.001, 0.1, log=True),
        Slider("scale", "Loss scale", 1, 65536, 1, 1024, log=True),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [NumpyNet.forward, Sgd],
    question=Question(
        "A weight of 1 is kept in 16 bits; each step would take 0.0001 from it. Where is it after "
        "one step?",
        ("At 0.9999", "At 1: it does not move", "At 0.999"),
        {"bits": "16", "weight": 1.0, "gradient": 0.001, "alpha": 0.1},
        lambda numbers: 1 if numbers["moved"] == 0 else 0,
        "Just below 1 the numbers of 16 bits are 0.0005 apart. A step of a fifth of that rounds "
        "to nothing, however often it is taken: so the weights are kept in 32 bits.",
    ),
    exactness="The rates are measured once, when the page is first opened; they are no numbers of "
    "the state. Everything else is exact for its number of bits.",
    exercises=("sigmoid", "softmax"),
)
