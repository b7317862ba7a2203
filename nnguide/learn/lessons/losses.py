"""Lesson: losses, and the error δ that each sends back."""

from __future__ import annotations

import numpy as np

from nnguide.blueprints import activations, losses
from nnguide.learn import figures as f
from nnguide.learn.controls import Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

LIMIT = 12.0


def numbers(z: float, y: int) -> Numbers:
    g = activations.TABLE["sigmoid"]
    mse, bce = losses.TABLE["mse"], losses.TABLE["binary_crossentropy"]
    logit, target = np.array([[z]]), np.array([[float(y)]])
    prediction = g.value(logit).item()
    slope = g.back(np.ones((1, 1)), g.value(logit)).item()  # ŷ (1 − ŷ)
    squared, entropy = mse.value(logit, target, g).item(), bce.value(logit, target, g).item()
    squared_delta, entropy_delta = (
        mse.delta(logit, target, g).item(),
        bce.delta(logit, target, g).item(),
    )

    sums = np.linspace(-12, 12, 161)[:, None]
    targets = np.full_like(sums, y)
    squared_curve = mse.value(sums, targets, g)
    entropy_curve = bce.value(sums, targets, g)
    squared_errors = np.abs(mse.delta(sums, targets, g)[:, 0])
    entropy_errors = np.abs(bce.delta(sums, targets, g)[:, 0])
    return dict(
        prediction=prediction,
        slope=slope,
        squared=squared,
        entropy=entropy,
        squared_delta=squared_delta,
        entropy_delta=entropy_delta,
        squared_curve=squared_curve,
        entropy_curve=entropy_curve,
        squared_errors=squared_errors,
        entropy_errors=entropy_errors,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    shown = dict(state) | numbers
    z, y = state["z"], state["y"]
    sums = np.linspace(-LIMIT, LIMIT, 161)
    sentence = (
        f"For z = {f.short(z)} the prediction is {f.short(numbers['prediction'])}, the truth {y}: "
        f"the squared error costs {f.short(numbers['squared'])}, the cross-entropy "
        f"{f.short(numbers['entropy'])}."
    )
    log = ("−log ŷ", "−log({prediction})") if y else ("−log(1 − ŷ)", "−log(1 − {prediction})")
    rows = [
        ("ŷ", "1/(1 + e^(−{z}))", "{prediction}"),
        ("½(ŷ − y)²", "½({prediction} − {y})²", "{squared}"),
        ("its δ", "(ŷ − y) ŷ(1 − ŷ)", "({prediction} − {y}) · {slope}", "{squared_delta}"),
        (*log, "{entropy}"),
        ("its δ", "ŷ − y", "{prediction} − {y}", "{entropy_delta}"),
    ]
    wrong = abs(numbers["prediction"] - y)
    verdict = "Confident and wrong" if wrong > 0.95 else "Wrong" if wrong > 0.5 else "Right"
    ratio = abs(numbers["entropy_delta"]) / max(abs(numbers["squared_delta"]), 1e-300)
    return [
        f.formula("One prediction, two losses", rows, shown, sentence),
        f.chart(
            "What it costs",
            f"Two curves over the sum z. {sentence}",
            f.axis("sum z", -LIMIT, LIMIT),
            f.axis("loss", -0.3, LIMIT),
            lines=[
                f.line("squared error", sums, numbers["squared_curve"], "squared_curve", 1),
                f.line("cross-entropy", sums, numbers["entropy_curve"], "entropy_curve", 0),
            ],
            points=[f.point(z, numbers["squared"]), f.point(z, numbers["entropy"])],
            drag={"x": "z"},
        ),
        f.chart(
            "The size of the error δ that goes back",
            "The error of the squared error dies on the wrong side too; that of the cross-entropy "
            "stays near 1 there.",
            f.axis("sum z", -LIMIT, LIMIT),
            f.axis("|δ|", 1e-8, 2, log=True),
            lines=[
                f.line("squared error", sums, numbers["squared_errors"], "squared_errors", 1),
                f.line("cross-entropy", sums, numbers["entropy_errors"], "entropy_errors", 0),
            ],
            points=[
                f.point(z, max(abs(numbers["squared_delta"]), 1e-8)),
                f.point(z, max(abs(numbers["entropy_delta"]), 1e-8)),
            ],
            drag={"x": "z"},
        ),
        f.note(
            f"{verdict}: the cross-entropy's error is {f.short(ratio)} times as large as that of "
            "the squared error. Move z to the side of the wrong answer to see one of them give up."
        ),
    ]


LESSON = Lesson(
    name="losses",
    title="Losses",
    summary="The squared error gives up where it is most wrong; the cross-entropy does not.",
    passage=Passage("4-losses"),
    controls=(
        Slider("z", "Sum z", -LIMIT, LIMIT, 0.1, -3.0),
        Slider("y", "The truth y", 0, 1, 1, 1, whole=True),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [
        losses.squared_error_delta,
        losses.binary_crossentropy,
        losses.crossentropy_delta,
    ],
    question=Question(
        "The truth is 1 and the network says 0.00005. Which loss sends the larger error back?",
        (
            "The squared error",
            "The cross-entropy, some times as large",
            "The cross-entropy, by far",
        ),
        {"z": -10.0, "y": 1},
        lambda numbers: (
            2 if abs(numbers["entropy_delta"]) > 1000 * abs(numbers["squared_delta"]) else 1
        ),
        "The squared error's is multiplied by ŷ(1 − ŷ), which is next to nothing there: about 1 "
        "against 0.00005. A network that is sure and wrong would stay so.",
    ),
    exactness="Curves are drawn through 161 points; the numbers are float64.",
    exercises=("mse", "bce", "cce"),
    hint="Drag along the curves.",
)
