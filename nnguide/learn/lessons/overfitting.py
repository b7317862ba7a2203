"""Lesson: overfitting of few noisy points, and its remedies.

The network is large.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from nnguide.blueprints import optimizers, toy_data, training_loop
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State, Training

SPAN = 2.6


def begin(
    examples: int, noise: float, dropout: float, l1: float, l2: float, patience: int, seed: int
) -> SimpleNamespace:
    """Return a network of 32 + 32 hidden units before training.

    A twin of it measures losses without penalties.
    """
    training = toy_data.moons(examples, seed, noise=noise)
    validation = toy_data.moons(400, seed + 1, noise=noise)
    settings = Settings(
        (32, 32), dropout=dropout, l1=l1, l2=l2, learning_rate=0.005, patience=patience, seed=seed
    )
    network = NumpyNet(2, 1, settings, "float64")
    bare = NumpyNet(2, 1, Settings((32, 32), seed=seed), "float64")
    run = SimpleNamespace(
        training=training,
        validation=validation,
        network=network,
        bare=bare,
        optimizer=optimizers.Adam(network.θ, settings),
        order=np.random.default_rng(seed),
        dropped=np.random.default_rng([seed, 1]),
        stopping=training_loop.EarlyStopping(patience),
        stopped=0,
        losses=[],
        validation_losses=[],
    )
    measure(run)
    return run


def measure(run: SimpleNamespace) -> None:
    """Record both losses of the present weights."""
    run.bare.θ[:] = run.network.θ
    run.losses.append(run.bare.loss(*run.training))
    run.validation_losses.append(run.bare.loss(*run.validation))


def update(run: SimpleNamespace) -> None:
    """Train one epoch, unless early stopping has ended the training."""
    if run.stopped:
        return
    (X, y), network, settings = run.training, run.network, run.network.settings
    for rows in training_loop.batches(len(X), settings.batch_size, run.order):
        network.forward(X[rows], run.dropped)
        network.backward(y[rows, None].astype(float))
        run.optimizer.step(network.θ, network.gradient, settings.learning_rate)
        if settings.l1:
            reach = run.optimizer.reach(settings.learning_rate)
            optimizers.soft_threshold(network.θ, settings.l1 * network.is_weight * reach)
    measure(run)
    epoch = len(run.losses) - 1
    record = {"epoch": epoch, "val_loss": run.validation_losses[-1]}
    if run.stopping.should_stop(record, network):
        run.stopping.restore(network)
        run.stopped = epoch


def numbers(run: SimpleNamespace) -> Numbers:
    network = run.network
    losses, validation_losses = np.array(run.losses), np.array(run.validation_losses)
    loss, validation_loss = run.bare.loss(*run.training), run.bare.loss(*run.validation)
    if run.stopped:
        run.bare.θ[:] = network.θ
        loss, validation_loss = run.bare.loss(*run.training), run.bare.loss(*run.validation)
    right = accuracy(network.predict(run.training[0]), run.training[1])
    validation_right = accuracy(network.predict(run.validation[0]), run.validation[1])
    best_epoch = run.stopping.epoch

    weights = np.sort(np.concatenate([W.ravel() for W in network.get_weights()[::2]]))
    zeros = np.mean(weights == 0)
    along = np.linspace(-2.6, 2.6, 49)
    plane = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    boundary = network.predict(plane).reshape(49, 49)
    return dict(
        losses=losses,
        validation_losses=validation_losses,
        loss=loss,
        validation_loss=validation_loss,
        right=right,
        validation_right=validation_right,
        best_epoch=best_epoch,
        weights=weights,
        zeros=zeros,
        boundary=boundary,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    epochs = np.arange(len(numbers["losses"]))
    stopped = state["patience"] and len(epochs) - 1 < state["step"]
    sentence = (
        f"After {len(epochs) - 1} epochs the training loss is {f.short(numbers['loss'])}, the "
        f"validation loss {f.short(numbers['validation_loss'])}; {numbers['zeros']:.0%} of the "
        "weights are exactly 0."
    )
    if stopped:
        sentence = (
            f"Stopped after {len(epochs) - 1} epochs; the weights are those of epoch "
            f"{numbers['best_epoch']} again. " + sentence
        )
    X, y = toy_data.moons(state["examples"], state["seed"], noise=state["noise"])
    top = max(1.2, float(min(4, numbers["validation_losses"].max() * 1.05)))
    marks = []
    if numbers["best_epoch"]:
        marks = [{"x": numbers["best_epoch"], "label": f"best: {numbers['best_epoch']}"}]
    ranks = np.arange(len(numbers["weights"]))
    gap = numbers["validation_loss"] - numbers["loss"]
    return [
        f.chart(
            "Both losses, without penalties",
            sentence,
            f.axis("epoch", 0, max(50, len(epochs) - 1)),
            f.axis("loss", 0, top),
            lines=[
                f.line("training", epochs, numbers["losses"], "losses", 0),
                f.line("validation", epochs, numbers["validation_losses"], "validation_losses", 1),
            ],
            marks=marks,
        ),
        f.chart(
            "The boundary",
            f"A plane of two noisy half moons, {state['examples']} training points.",
            f.axis("x₁", -SPAN, SPAN),
            f.axis("x₂", -SPAN, SPAN),
            heat=f.heat(numbers["boundary"], "boundary"),
            points=f.classes(X, y),
        ),
        f.chart(
            f"All weights, sorted: {numbers['zeros']:.0%} are exactly 0",
            "A curve of the weights from the most negative to the largest; a flat stretch at 0 is "
            "made of weights that are exactly 0.",
            f.axis("weight number", 0, len(ranks) - 1),
            f.axis("weight", -1.5, 1.5),
            lines=[f.line("weights", ranks, numbers["weights"], "weights", 5)],
        ),
        f.table(
            "In numbers",
            sentence,
            ["", "loss", "accuracy"],
            [
                ["training", f.named(numbers, "loss"), f.named(numbers, "right")],
                [
                    "validation",
                    f.named(numbers, "validation_loss"),
                    f.named(numbers, "validation_right"),
                ],
                ["fraction of weights that are 0", f.named(numbers, "zeros"), ""],
            ],
        ),
        f.note(
            ("It has begun to learn by heart: " if gap > 0.2 else "The two losses are close: ")
            + f"the validation loss is {f.short(gap)} above the training loss. {sentence}"
        ),
    ]


LESSON = Lesson(
    name="overfitting",
    title="Overfitting",
    summary="Training loss falls, validation loss climbs; dropout, L1, L2 and stopping early.",
    passage=Passage("8-overfitting"),
    controls=(
        Slider("examples", "Training points", 10, 200, 1, 60, whole=True),
        Slider("noise", "Noise of the points", 0, 0.6, 0.05, 0.3),
        Slider("dropout", "Dropout", 0, 0.9, 0.05, 0.0),
        Slider("l1", "L1: λ₁", 0, 0.02, 0.0005, 0.0),
        Slider("l2", "L2: λ₂", 0, 0.05, 0.001, 0.0),
        Slider("patience", "Early stopping: patience, 0 is off", 0, 50, 1, 0, whole=True),
        Slider("seed", "Other points and another start", 0, 20, 1, 0, whole=True),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [
        NumpyNet.forward,
        optimizers.soft_threshold,
        training_loop.EarlyStopping,
    ],
    question=Question(
        "With nothing against it and 300 epochs, what do the two losses do?",
        (
            "Both fall",
            "The training loss falls, the validation loss falls and then climbs",
            "Both climb",
        ),
        {"step": 300},
        lambda numbers: (
            1 if numbers["validation_losses"][-1] > 1.2 * numbers["validation_losses"].min() else 0
        ),
        "The network has more weights than there are points: it learns them by heart, and pays for "
        "it on new ones. Set L1 or L2 above 0 and play it again.",
    ),
    exactness="The plane is coloured at 49×49 points, in float32; all other numbers are float64. "
    "One step is one epoch.",
    exercises=("dropout", "penalty", "early_stopping"),
    training=Training(begin, update, most=400),
)
