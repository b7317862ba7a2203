"""Lesson: activations, their derivatives, and products of derivatives through layers."""

from __future__ import annotations

import numpy as np

from nnguide.blueprints import activations
from nnguide.blueprints.experiments.activation_curves import activation_curves
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "linear")
LIMIT = 8.0
MOST_LAYERS = 20


def slope_products(name: str, z: float, layers: int) -> np.ndarray:
    """Return the product of the first l derivatives for each l.

    g'(z[1]) · … · g'(z[l]) for l up to `layers`, where each layer's sum is the activation of
    the one before it.
    """
    g, products, product = activations.TABLE[name], [], np.array(1.0)
    sums = np.array(z)
    for _ in range(layers):
        a = g.value(sums)
        product = product * g.back(np.array(1.0), a)
        products.append(float(product))
        sums = a
    return np.array(products)


def numbers(activation: str, z: float, layers: int) -> Numbers:
    g = activations.TABLE[activation]
    a = float(g.value(np.array(z)))
    slope = float(g.back(np.array(1.0), np.array(a)))  # takes ∂L/∂a = 1 and a, gives ∂L/∂z

    drawn = activation_curves(limit=8, points=161)
    values = drawn["activations"][activation]["value"]
    slopes = drawn["activations"][activation]["slope"]

    products = slope_products(activation, z, layers)
    product = products[-1]
    sigmoid = slope_products("sigmoid", z, layers)
    tanh = slope_products("tanh", z, layers)
    relu = slope_products("relu", z, layers)
    return dict(
        a=a,
        slope=slope,
        values=values,
        slopes=slopes,
        products=products,
        product=product,
        sigmoid=sigmoid,
        tanh=tanh,
        relu=relu,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    name, z, layers = state["activation"], state["z"], state["layers"]
    shown = dict(state) | numbers
    along = np.linspace(-LIMIT, LIMIT, 161)
    depth = np.arange(1, layers + 1)
    rows = [
        ("a", "g(z)", FORMULAE[name][0], "{a}"),
        ("∂a/∂z", "g′(z)", FORMULAE[name][1], "{slope}"),
        (f"g′(z[1]) · … · g′(z[{layers}])" if layers > 1 else "g′(z[1])", "{product}"),
    ]
    high = 1.1 if name in ("sigmoid", "tanh") else LIMIT
    compared = {"sigmoid": 1, "tanh": 2, "relu": 3}
    others = [
        f.line(other, depth, numbers[other], other, style)
        for other, style in compared.items()
        if other != name
    ]
    mine = f.line(name, depth, numbers["products"], "products", compared.get(name, 4))
    sentence = f"a is {f.short(numbers['a'])} and the slope there is {f.short(numbers['slope'])}."
    return [
        f.formula(f"{name} at z = {f.short(z)}", rows, shown, sentence),
        f.chart(
            "Value and slope",
            f"The curve of {name} and of its slope between −8 and 8. {sentence}",
            f.axis("sum z", -LIMIT, LIMIT),
            f.axis("", -1.1 if name == "tanh" else min(-0.1, -high / 8), high),
            lines=[
                f.line("value g(z)", along, numbers["values"], "values", 0),
                f.line("slope g′(z)", along, numbers["slopes"], "slopes", 1, dashed=True),
            ],
            points=[f.point(z, numbers["a"], "a"), f.point(z, numbers["slope"], "g′")],
            drag={"x": "z"},
        ),
        f.chart(
            "What is left of an error after so many layers",
            f"After {layers} layers the product of slopes is {f.short(numbers['product'])} for "
            f"{name}, {f.short(numbers['sigmoid'][-1])} for sigmoid, "
            f"{f.short(numbers['tanh'][-1])} for tanh and {f.short(numbers['relu'][-1])} for ReLU.",
            f.axis("layers that the error went back through", 1, MOST_LAYERS),
            f.axis("product of slopes", 1e-14, 2, log=True),
            lines=[mine, *others],
        ),
        f.note(
            "The error is multiplied by a slope at each layer on its way back. The sigmoid's is at "
            "most ¼, so twenty layers leave less than a billionth of it. ReLU's is 1 "
            "above zero, and 0 below: a product of 0 has no place on this scale, and no line."
        ),
    ]


FORMULAE = {
    "linear": ("{z}", "1"),
    "relu": ("max(0, {z})", "1 if z > 0 else 0"),
    "leaky_relu": ("max(0.01·{z}, {z})", "1 if z > 0 else 0.01"),
    "tanh": ("tanh({z})", "1 − {a}²"),
    "sigmoid": ("1/(1 + e^(−{z}))", "{a}·(1 − {a})"),
}

LESSON = Lesson(
    name="activations",
    title="Activations",
    summary="Value and slope of each, and why a stack of sigmoids forgets.",
    passage=Passage("2-activations", stop="**Why not straight lines?**"),
    controls=(
        Choice("activation", "Activation g", NAMES, "sigmoid"),
        Slider("z", "Sum z", -LIMIT, LIMIT, 0.1, 1.5),
        Slider("layers", "Layers in a stack", 1, MOST_LAYERS, 1, 10, whole=True),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [
        activations.TABLE[state["activation"]].value,
        activations.TABLE[state["activation"]].back,
    ],
    question=Question(
        "An error goes back through 10 sigmoid layers, each at the best place it has, z = 0 for "
        "the first. About how much of it is left?",
        ("About a tenth", "About a thousandth", "About a millionth"),
        {"activation": "sigmoid", "z": 0.0, "layers": 10},
        lambda numbers: int(np.argmin(np.abs(np.log10(numbers["product"]) + np.array([1, 3, 6])))),
        "The slope is at most ¼, and ¼ to the tenth power is 0.00000095. Each later layer sits "
        "a little off the best place, which leaves still less.",
    ),
    exactness="Curves are drawn through 161 points; the numbers are float64.",
    exercises=("activations", "slopes", "sigmoid", "softmax"),
    hint="Drag along the curve.",
)
