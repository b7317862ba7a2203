"""Lesson: one neuron and the line that it draws.

It has a weighted sum, a bias and an activation.
"""

from __future__ import annotations

import numpy as np

from nnguide.blueprints import activations
from nnguide.blueprints.neuron import neuron
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

LIMIT = 3.0  # of the plane, on both sides of zero
NAMES = ("sigmoid", "relu", "leaky_relu", "tanh", "linear")


def numbers(x1: float, x2: float, w1: float, w2: float, b: float, activation: str) -> Numbers:
    trace = neuron([x1, x2], [w1, w2], b, activation, compare=False)
    z, a = (step["value"] for step in trace["steps"][:2])

    g = activations.TABLE[activation]
    along = np.linspace(-3, 3, 61)
    plane = np.stack(np.meshgrid(along, along), axis=-1)  # (row of x2, column of x1, 2)
    surface = g.value(plane @ np.array([w1, w2]) + b)
    sums = np.linspace(-10, 10, 161)
    curve = g.value(sums)

    length = np.hypot(w1, w2)
    distance = abs(b) / length if length else np.inf  # of the line z = 0 from zero
    return dict(z=z, a=a, surface=surface, sums=sums, curve=curve, distance=distance)


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    shown = dict(state) | numbers
    g = activations.TABLE[state["activation"]]
    z, a = numbers["z"], numbers["a"]
    sentence = f"z is {f.short(z)} and the answer a is {f.short(a)}."
    rows = [
        ("z", "w₁ x₁ + w₂ x₂ + b", "{w1}·{x1} + {w2}·{x2} + {b}", "{z}"),
        ("a", "g(z)", FORMULAE[g.name], "{a}"),
    ]
    if np.isfinite(numbers["distance"]):
        where = f"The line z = 0 is {f.short(numbers['distance'])} away from the point (0, 0)"
        where += ", through which it goes, since b is 0." if not state["b"] else "; b moved it."
    else:
        where = "Both weights are 0: the answer is the same everywhere, and there is no line."
    scale = "probability" if g.name == "sigmoid" else "signed"
    return [
        f.formula("The neuron in numbers", rows, shown, sentence),
        f.chart(
            "Its answer for every input",
            f"A plane of x₁ and x₂, coloured by the answer. {where} The point is at "
            f"{f.short(state['x1'])}, {f.short(state['x2'])}.",
            f.axis("x₁", -LIMIT, LIMIT),
            f.axis("x₂", -LIMIT, LIMIT),
            heat=f.heat(numbers["surface"], "surface", scale),
            lines=[] if scale == "probability" else [_boundary(state)],
            points=[f.point(state["x1"], state["x2"], "x")],
            drag={"x": "x1", "y": "x2"},
        ),
        f.chart(
            "The activation, and where the sum lands on it",
            f"The curve of {g.name}, with the point z = {f.short(z)}, a = {f.short(a)}.",
            f.axis("sum z", -10, 10),
            f.axis("a = g(z)", -1.2, 1.2 if g.name in ("sigmoid", "tanh") else 10),
            lines=[f.line(g.name, numbers["sums"], numbers["curve"], "curve")],
            points=[f.point(z, a, "a")],
        ),
        f.note(where),
    ]


FORMULAE = {
    "sigmoid": "1/(1 + e^(−{z}))",
    "relu": "max(0, {z})",
    "leaky_relu": "max(0.01·{z}, {z})",
    "tanh": "tanh({z})",
    "linear": "{z}",
}


def _boundary(state: State) -> f.Figure:
    """Return the line z = 0, long enough to cross the plane."""
    W = np.array([state["w1"], state["w2"]])
    length = np.linalg.norm(W)
    if not length:
        return f.line("z = 0", [], [])
    foot, along = -state["b"] * W / length**2, np.array([-W[1], W[0]]) / length
    ends = np.stack([foot - 20 * along, foot + 20 * along])
    return f.line("z = 0", ends[:, 0], ends[:, 1], dashed=True)


LESSON = Lesson(
    name="neuron",
    title="One neuron",
    summary="Two weights and a bias draw a line; the activation says how sure each side is.",
    passage=Passage("1-the-neuron"),
    controls=(
        Slider("w1", "Weight w₁", -3, 3, 0.1, 1.0),
        Slider("w2", "Weight w₂", -3, 3, 0.1, -0.5),
        Slider("b", "Bias b", -3, 3, 0.1, 0.5),
        Choice("activation", "Activation g", NAMES, "sigmoid"),
        Slider("x1", "Input x₁", -LIMIT, LIMIT, 0.1, 1.0),
        Slider("x2", "Input x₂", -LIMIT, LIMIT, 0.1, 1.0),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [neuron, activations.TABLE[state["activation"]].value],
    question=Question(
        "Both inputs are 0 and the bias is 0. You may choose the weights. What can a sigmoid "
        "neuron answer?",
        ("Anything between 0 and 1", "Only 0", "Only 0.5"),
        {"x1": 0.0, "x2": 0.0, "b": 0.0, "w1": 3.0, "w2": -3.0},
        lambda numbers: [1, 0.0, 0.5].index(numbers["a"]),
        "A weight multiplies its input, and anything times 0 is 0: z = 0, and the sigmoid of 0 is "
        "0.5. Only a bias can move it.",
    ),
    exactness="The plane is coloured at 61×61 points, in float32; all other numbers are float64.",
    exercises=("neuron",),
    hint="Drag the point in the plane, or set its inputs.",
)
