"""Lesson: forward and backward pass, and the chain rule for one weight."""

from __future__ import annotations

import numpy as np

from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

EDGES = {  # layer, from, to; a network of two hidden units has its second one where h₃ is named
    **{f"x{i + 1}-h{j + 1}": (0, i, j) for i in range(2) for j in range(3)},
    **{f"h{i + 1}-y": (1, i, 0) for i in range(3)},
}
SUB = "₁₂₃"
STEP = 1e-6  # of the measured slope


def numbers(
    network: str, activation: str, x1: float, x2: float, y: int, edge: str, move: float
) -> Numbers:
    hidden = 3 if network == "2-3-1" else 2
    net = NumpyNet(2, 1, Settings((hidden,), activation), "float64")
    W1 = np.array([[0.5, -0.4, 0.3], [0.2, 0.7, -0.6]])[:, :hidden]
    W2 = np.array([[0.8], [-0.5], [0.4]])[:hidden]
    net.set_weights([W1, np.array([0.1, 0.0, -0.1])[:hidden], W2, np.array([0.05])])
    layer, i, j = EDGES[edge]
    i, j = (i, min(j, hidden - 1)) if layer == 0 else (min(i, hidden - 1), j)
    W = net.layers[layer].W
    W[i, j] += move
    w = float(W[i, j])

    X, Y = np.array([[x1, x2]]), np.array([y])
    loss = net.loss(X, Y)
    dW1, _, dW2, _ = net.gradients(X, Y)
    first, last = net.layers
    z1, a1, z2 = first.z[0].copy(), first.a[0].copy(), float(last.z[0, 0])
    W1, b1, W2, b2 = net.get_weights()
    prediction = float(net.predict(X)[0, 0])
    gradient = float((dW1, dW2)[layer][i, j])

    slope = net.g.back(np.ones(hidden), a1)  # g'(z1), written in terms of a1
    error2 = prediction - y  # δ[2] = ∂L/∂z[2]
    error1 = error2 * W2[:, 0] * slope  # δ[1] = ∂L/∂z[1]

    W[i, j] = w + STEP
    up = net.loss(X, Y)
    W[i, j] = w - STEP
    measured = (up - net.loss(X, Y)) / (2 * STEP)
    return dict(
        w=w,
        W1=W1,
        b1=b1,
        W2=W2,
        b2=b2,
        z1=z1,
        a1=a1,
        z2=z2,
        prediction=prediction,
        loss=loss,
        error2=error2,
        slope=slope,
        error1=error1,
        dW1=dW1,
        dW2=dW2,
        gradient=gradient,
        measured=measured,
    )


def _place(state: State) -> tuple[int, int, int]:
    """Return layer, from and to of the chosen weight.

    The weight is of the chosen network.
    """
    hidden = 3 if state["network"] == "2-3-1" else 2
    layer, i, j = EDGES[state["edge"]]
    return (layer, i, min(j, hidden - 1)) if layer == 0 else (layer, min(i, hidden - 1), j)


def _rows(state: State) -> list[tuple[str, ...]]:
    """Return the derivation of ∂L/∂w, forward first."""
    layer, i, j = _place(state)
    unit = j if layer == 0 else i  # the hidden unit on the way
    n = SUB[unit]
    z, a = f"z[1]{n}", f"a[1]{n}"
    hidden = 3 if state["network"] == "2-3-1" else 2
    terms = " + ".join(f"{{W2[{k},0]}}·{{a1[{k}]}}" for k in range(hidden))
    loss = "−log ŷ" if state["y"] else "−log(1 − ŷ)"
    put = "−log({prediction})" if state["y"] else "−log(1 − {prediction})"
    forward = [
        (
            z,
            f"w₁{n} x₁ + w₂{n} x₂ + b{n}",
            f"{{W1[0,{unit}]}}·{{x1}} + {{W1[1,{unit}]}}·{{x2}} + {{b1[{unit}]}}",
            f"{{z1[{unit}]}}",
        ),
        (a, f"g({z})", f"{{a1[{unit}]}}"),
        ("z[2]", "Σ a[1] W[2] + b", f"{terms} + {{b2[0]}}", "{z2}"),
        ("ŷ", "1/(1 + e^(−z[2]))", "{prediction}"),
        ("L", loss, put, "{loss}"),
    ]
    error = ("∂L/∂z[2]", "ŷ − y", "{prediction} − {y}", "{error2}")
    if layer == 0:
        w = f"w{SUB[i]}{n}"
        x = f"x{SUB[i]}"
        backward: list[tuple[str, ...]] = [
            error,
            (f"∂z[2]/∂{a}", f"W[2]{n}", f"{{W2[{unit},0]}}"),
            (f"∂{a}/∂{z}", f"g′({z})", f"{{slope[{unit}]}}"),
            (f"∂{z}/∂{w}", x, f"{{x{i + 1}}}"),
            (
                f"∂L/∂{w}",
                f"∂L/∂z[2] · ∂z[2]/∂{a} · ∂{a}/∂{z} · ∂{z}/∂{w}",
                f"{{error2}} · {{W2[{unit},0]}} · {{slope[{unit}]}} · {{x{i + 1}}}",
                "{gradient}",
            ),
        ]
    else:
        w = f"W[2]{n}"
        backward = [
            error,
            (f"∂z[2]/∂{w}", a, f"{{a1[{unit}]}}"),
            (f"∂L/∂{w}", f"∂L/∂z[2] · ∂z[2]/∂{w}", f"{{error2}} · {{a1[{unit}]}}", "{gradient}"),
        ]
    measure = (f"(L({w} + h) − L({w} − h))/2h", "{measured}")
    return [*forward, *backward, measure]


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    shown = dict(state) | numbers
    layer, i, j = _place(state)
    unit = j if layer == 0 else i
    rows = _rows(state)
    seen = min(state["at"], len(rows))
    back = seen > 5  # the forward half is over
    hidden = len(numbers["a1"])
    layers = [
        [{"label": f"x{SUB[k]}", "number": f.named(shown, f"x{k + 1}")} for k in range(2)],
        [
            {
                "label": f"h{SUB[k]}",
                "number": f.named(shown, f"a1[{k}]"),
                "error": f.named(shown, f"error1[{k}]") if back else None,
            }
            for k in range(hidden)
        ],
        [
            {
                "label": "ŷ",
                "number": f.named(shown, "prediction"),
                "error": f.named(shown, "error2") if back else None,
            }
        ],
    ]
    edges = [
        {
            "from": [side, a],
            "to": [side + 1, c],
            "weight": f.named(shown, f"W{side + 1}[{a},{c}]"),
            "on": (side, a, c) == (layer, i, j) or (layer == 0 and side == 1 and a == unit),
            "choose": ["edge", name],
        }
        for name, (side, a, c) in EDGES.items()
        if (a if side else c) < hidden
    ]
    gradient, measured = numbers["gradient"], numbers["measured"]
    sentence = (
        f"The prediction is {f.short(numbers['prediction'])}, the loss {f.short(numbers['loss'])}; "
        f"∂L/∂w is {f.short(gradient)} by the chain rule and {f.short(measured)} as measured."
    )
    verdict = (
        "uphill, so a step of descent makes it smaller"
        if gradient > 0
        else ("downhill, so a step of descent makes it larger")
    )
    if not gradient:
        verdict = "nowhere: a factor of the product is 0, and this weight learns nothing here"
    return [
        f.network(
            "Choose any weight",
            f"A network of 2 inputs, {hidden} hidden units and 1 output. {sentence}",
            layers,
            edges,
        ),
        f.formula(
            f"From the input to the loss and back to the weight: {seen} of {len(rows)} lines",
            rows[:seen],
            shown,
            sentence,
        ),
        f.note(f"More of this weight, {f.short(numbers['w'])} now, goes {verdict}."),
    ]


LESSON = Lesson(
    name="backward",
    title="Forward and backward",
    summary="The chain rule for any weight of a small network, in symbols and in numbers.",
    passage=Passage("3-layers-and-the-forward-pass"),
    controls=(
        Choice("network", "Network", ("2-2-1", "2-3-1"), "2-3-1"),
        Choice("activation", "Hidden activation", ("relu", "sigmoid", "tanh"), "relu"),
        Choice(
            "edge",
            "Weight",
            tuple(EDGES),
            "x1-h1",
            tuple(
                f"x{SUB[i]} → h{SUB[j]}" if not layer else f"h{SUB[i]} → ŷ"
                for layer, i, j in EDGES.values()
            ),
        ),
        Slider("move", "Move this weight by", -2, 2, 0.1, 0.0),
        Slider("x1", "Input x₁", -3, 3, 0.1, 1.0),
        Slider("x2", "Input x₂", -3, 3, 0.1, 2.0),
        Slider("y", "Label y", 0, 1, 1, 1, whole=True),
        Slider("at", "Lines shown", 1, 11, 1, 11, whole=True),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [NumpyNet.forward, NumpyNet.backward],
    question=Question(
        "The hidden unit h₃ is a ReLU whose sum is below 0 for this example. How large is the "
        "gradient of the weight from x₁ to h₃?",
        ("The same as that of x₁ to h₁", "Exactly 0", "Small, but not 0"),
        {"edge": "x1-h3", "activation": "relu", "network": "2-3-1"},
        lambda numbers: 1 if numbers["gradient"] == 0 else 2,
        "The slope of a ReLU below zero is 0, and a product with a 0 in it is 0: for this example "
        "the unit is silent and learns nothing.",
    ),
    exactness="All numbers are float64; h of the measured slope is 1e-6, so that it agrees to "
    "about nine digits.",
    exercises=("layer", "forward", "layer_back", "backward", "gradient_check"),
    hint="In the network of two hidden units, h₃ stands for h₂.",
)
