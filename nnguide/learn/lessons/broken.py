"""Lesson: ten broken networks to diagnose from their evidence."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from nnguide.blueprints import losses, optimizers, toy_data, training_loop
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

EPOCHS = 60
FAULTS = {
    "large-rate": "the learning rate is too large",
    "small-rate": "the learning rate is too small",
    "sigmoids": "sigmoids in deep hidden layers",
    "unscaled": "one input is a thousand times the others",
    "dead": "most ReLU units are dead",
    "linear": "no activation between the layers",
    "overfits": "it has learned the few points by heart",
    "labels": "the labels are shuffled",
    "zeros": "all weights began equal",
    "penalty": "the L2 penalty is too strong",
}
ADVICE = {
    "large-rate": "Take a tenth of it, or a schedule that falls.",
    "small-rate": "Take ten times as much, until it no longer converges.",
    "sigmoids": "Use ReLU in hidden layers, with He's initial weights.",
    "unscaled": "Standardise with the mean and the spread of the training set.",
    "dead": "A smaller rate, or leaky ReLU; and look at the biases.",
    "linear": "Put a ReLU between the layers.",
    "overfits": "More points, L2, dropout, or stop early.",
    "labels": "Look at a few examples with their labels, by eye.",
    "zeros": "Draw the weights at random: equal units stay equal for ever.",
    "penalty": "Divide λ by ten until the training loss falls.",
}
PATIENTS = ("6", "2", "9", "4", "1", "8", "3", "10", "5", "7")  # in the order of FAULTS


@cache
def patient(number: str) -> dict[str, Any]:
    """Return the evidence of one broken training.

    It is the losses, gradients, units and weights.
    """
    fault = list(FAULTS)[PATIENTS.index(number)]
    X, y = toy_data.moons(200, 0, noise=0.15)
    X_new, y_new = toy_data.moons(300, 1, noise=0.15)
    settings: dict[str, Any] = {"hidden": (16, 16), "learning_rate": 0.01, "epochs": EPOCHS}
    if fault == "large-rate":
        settings |= {"optimizer": "sgd", "learning_rate": 12.0}
    if fault == "small-rate":
        settings |= {"learning_rate": 1e-5}
    if fault == "sigmoids":
        settings |= {"hidden": (16,) * 8, "activation": "sigmoid", "optimizer": "sgd"}
        settings |= {"learning_rate": 0.1}
    if fault == "unscaled":
        X, X_new = X * [1, 1000], X_new * [1, 1000]
        settings |= {"optimizer": "sgd", "learning_rate": 0.05}
    if fault == "linear":
        settings |= {"activation": "linear"}
    if fault == "overfits":
        X, y = toy_data.moons(16, 3, noise=0.45)
        X_new, y_new = toy_data.moons(300, 1, noise=0.45)
        settings |= {"hidden": (64, 64)}
    if fault == "labels":
        y = np.random.default_rng(0).permutation(y)
    if fault == "penalty":
        settings |= {"l2": 0.5}
    network = NumpyNet(2, 1, Settings(**settings), "float64")
    if fault == "zeros":
        network.set_weights([np.full_like(w, 0.1) for w in network.get_weights()])
    if fault == "dead":
        weights = network.get_weights()
        weights[1] -= 4.0  # biases so low that hardly a sum is above 0
        weights[3] -= 1.0
        network.set_weights(weights)

    bare = NumpyNet(2, 1, Settings(**{**settings, "l2": 0.0}), "float64")
    s = network.settings
    optimizer = optimizers.OPTIMIZERS[s.optimizer](network.θ, s)
    order = np.random.default_rng(0)
    training, validation = [], []
    with np.errstate(all="ignore"):
        for _ in range(EPOCHS):
            for rows in training_loop.batches(len(X), s.batch_size, order):
                network.forward(X[rows])
                network.backward(y[rows, None].astype(float))
                optimizer.step(network.θ, network.gradient, s.learning_rate)
            bare.θ[:] = network.θ
            training.append(float(bare.cost.value(bare.forward(X), y[:, None], bare.g_out).mean()))
            sums = bare.forward(X_new)
            validation.append(float(bare.cost.value(sums, y_new[:, None], bare.g_out).mean()))
        bare.forward(X)
        bare.backward(y[:, None].astype(float))
        layers = bare.layers
        return {
            "fault": fault,
            "training": np.array(training),
            "validation": np.array(validation),
            "gradients": np.array([np.linalg.norm(layer.dW) for layer in layers]),
            "silent": np.array([np.mean(layer.a.max(axis=0) <= 0) for layer in layers[:-1]]),
            "alike": np.array([np.ptp(layer.W, axis=1).max() for layer in layers[:-1]]),
            "largest": np.array([np.abs(layer.W).max() for layer in layers]),
            "inputs": X.std(axis=0),
            "right": losses.accuracy(network.g_out.value(network.forward(X)), y),
            "right_new": losses.accuracy(network.g_out.value(network.forward(X_new)), y_new),
        }


def numbers(number: int) -> Numbers:
    measured = patient(str(number))
    training, validation = measured["training"], measured["validation"]
    gradients, silent, alike = measured["gradients"], measured["silent"], measured["alike"]
    inputs, right, right_new = measured["inputs"], measured["right"], measured["right_new"]
    fault = measured["fault"]
    return dict(
        training=training,
        validation=validation,
        gradients=gradients,
        silent=silent,
        alike=alike,
        inputs=inputs,
        right=right,
        right_new=right_new,
        fault=fault,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    epochs = np.arange(1, EPOCHS + 1)
    guess, fault = state["guess"], numbers["fault"]
    sentence = (
        f"Network {state['number']}: {numbers['right']:.0%} right in training, "
        f"{numbers['right_new']:.0%} on new points."
    )
    rows: list[list[Any]] = [
        ["accuracy in training", f.named(numbers, "right")],
        ["accuracy on new points", f.named(numbers, "right_new")],
        ["spread of input x₁", f.named(numbers, "inputs[0]")],
        ["spread of input x₂", f.named(numbers, "inputs[1]")],
    ]
    for layer in range(min(2, len(numbers["silent"]))):
        rows += [
            [f"hidden layer {layer + 1}: never above 0", f.named(numbers, f"silent[{layer}]")],
            [f"hidden layer {layer + 1}: units differ by", f.named(numbers, f"alike[{layer}]")],
        ]
    bars = [
        {"label": f"layer {k + 1}", "number": f.named(numbers, f"gradients[{k}]")}
        for k in range(len(numbers["gradients"]))
    ]
    if guess == "none":
        verdict = f.note(
            "Look at the evidence and choose a fault: the answer waits for your guess."
        )
    else:
        right = guess == fault
        verdict = f.note(
            f"{'Yes' if right else 'No'}: {FAULTS[fault]}. {ADVICE[fault]}",
            mark=True,
        )
    return [
        verdict,
        f.chart(
            "Loss in training and on new points",
            sentence,
            f.axis("epoch", 0, EPOCHS),
            f.axis("loss", 1e-3, 100, log=True),
            lines=[
                f.line("training", epochs, numbers["training"], "training", 0),
                f.line("new points", epochs, numbers["validation"], "validation", 1),
            ],
        ),
        f.bars(
            "The norm of ∂L/∂W in each layer, at the end",
            "Bars on a logarithmic scale, one for each layer.",
            bars,
            1e-8,
            1e3,
            log=True,
        ),
        f.table("More evidence", sentence, ["", "value"], rows),
    ]


LESSON = Lesson(
    name="broken",
    title="Ten broken networks",
    summary="Loss curves, gradients and units of ten trainings that went wrong: name each fault.",
    passage=Passage("9-common-mistakes", start="**Sigmoids in deep hidden layers.**"),
    controls=(
        Slider("number", "Network", 1, 10, 1, 1, whole=True),
        Choice(
            "guess",
            "Your diagnosis",
            ("none", *FAULTS),
            "none",
            ("(not yet)", *FAULTS.values()),
        ),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [NumpyNet.backward],
    question=Question(
        "A network of eight sigmoid layers does not learn. Where is the gradient smallest?",
        ("In the last layer", "The same everywhere", "In the first layer"),
        {"number": 9},
        lambda numbers: 2 if numbers["gradients"][0] < 0.01 * numbers["gradients"][-1] else 1,
        "The error is multiplied by at most ¼ at each layer on its way back, so the first layers "
        "hear next to nothing of it.",
    ),
    exactness="All numbers are float64. Each network was trained for 60 epochs on 200 points (16 "
    "in one case) of two half moons.",
    exercises=("gradient_check", "keras_model"),
)
