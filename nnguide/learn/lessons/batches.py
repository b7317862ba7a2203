"""Lesson: batches, epochs and schedules.

It shows the noise of the path, and the learning rate over time.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from nnguide.blueprints import optimizers, toy_data, training_loop
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import SCHEDULES, Settings
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Slider
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State, Training
from nnguide.learn.lessons.descent import B_RANGE, W_RANGE, surface_of_losses

UPDATES = 300  # of the whole training
NOISE = 1.0  # of the points, so that batches differ


def begin(
    batch: str, schedule: str, optimizer: str, learning_rate: float, seed: int
) -> SimpleNamespace:
    """Return a linear neuron before training, and its batches.

    The neuron is ŷ = w x + b, far from the minimum.
    """
    X, y = toy_data.line(256, 0, noise=1.0)
    settings = Settings(
        (),
        output="linear",
        loss="mse",
        optimizer=optimizer,
        schedule=schedule,
        learning_rate=learning_rate,
        batch_size="full" if batch == "full" else int(batch),
        seed=seed,
    )
    network = NumpyNet(1, 1, settings, "float64")
    network.set_weights([np.array([[-2.0]]), np.array([4.5])])
    steps = optimizers.OPTIMIZERS[optimizer](network.θ, settings)
    return SimpleNamespace(
        X=X,
        y=y,
        network=network,
        optimizer=steps,
        random=np.random.default_rng(seed),
        waiting=[],  # batches of this epoch
        seen=0,  # examples
        path=[network.θ.copy()],
        losses=[network.loss(X, y)],
        rates=[],
    )


def update(run: SimpleNamespace) -> None:
    """Make one update with the next batch.

    The learning rate is the schedule's.
    """
    network, settings = run.network, run.network.settings
    if not run.waiting:  # a new epoch, in a new order
        run.waiting = list(training_loop.batches(len(run.X), settings.batch_size, run.random))
    rows = run.waiting.pop(0)
    step = len(run.rates)
    rate = optimizers.learning_rate(settings.schedule, settings.learning_rate, step, 300)
    network.forward(run.X[rows])
    network.backward(run.y[rows, None])
    run.optimizer.step(network.θ, network.gradient, rate)
    run.seen += len(rows)
    run.path.append(network.θ.copy())
    run.losses.append(network.loss(run.X, run.y))
    run.rates.append(rate)


def numbers(run: SimpleNamespace) -> Numbers:
    w_path, b_path = np.array(run.path).T
    loss_path, rates = np.array(run.losses), np.array(run.rates)
    w, b, loss = w_path[-1], b_path[-1], loss_path[-1]
    epochs = run.seen / len(run.X)
    updates_of_an_epoch = training_loop.updates_per_epoch(
        len(run.X), run.network.settings.batch_size
    )
    roughness = np.abs(np.diff(loss_path, n=2)).mean() if len(loss_path) > 2 else 0.0
    return dict(
        w_path=w_path,
        b_path=b_path,
        loss_path=loss_path,
        rates=rates,
        w=w,
        b=b,
        loss=loss,
        epochs=epochs,
        updates_of_an_epoch=updates_of_an_epoch,
        roughness=roughness,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    step = state["step"]
    losses = numbers["loss_path"]
    sentence = (
        f"After {step} updates, {f.short(numbers['epochs'])} epochs, the loss over all points is "
        f"{f.short(numbers['loss'])}."
    )
    schedule_shown = np.array(
        [
            optimizers.learning_rate(state["schedule"], state["learning_rate"], s, UPDATES)
            for s in range(UPDATES)
        ]
    )
    cells = [
        ["updates of an epoch", f.named(numbers, "updates_of_an_epoch")],
        ["epochs so far", f.named(numbers, "epochs")],
        ["loss over all points", f.named(numbers, "loss")],
        ["w", f.named(numbers, "w")],
        ["b", f.named(numbers, "b")],
        ["mean change of the loss's slope", f.named(numbers, "roughness")],
    ]
    return [
        f.chart(
            "The path on the loss surface",
            f"A path over w and b towards the bottom near 2, 1. {sentence}",
            f.axis("weight w", *W_RANGE),
            f.axis("bias b", *B_RANGE),
            heat=f.heat(surface_of_losses(), "", "loss"),
            path=f.line("path", numbers["w_path"], numbers["b_path"], "b_path"),
            points=[f.point(-2, 4.5, "start")],
        ),
        f.chart(
            "The loss over all points, after each update",
            sentence,
            f.axis("update", 0, UPDATES),
            f.axis("loss", 0.3, 10, log=True),
            lines=[f.line("loss", np.arange(len(losses)), losses, "loss_path")],
        ),
        f.chart(
            "The learning rate over time",
            f"The schedule {state['schedule']}, from {f.short(schedule_shown[0])} to "
            f"{f.short(schedule_shown[-1])}.",
            f.axis("update", 0, UPDATES),
            f.axis("rate α", 0, float(schedule_shown.max()) * 1.1),
            lines=[
                f.line("the schedule", np.arange(UPDATES), schedule_shown, style=2, dashed=True),
                f.line("so far", np.arange(step), numbers["rates"], "rates"),
            ],
        ),
        f.table("In numbers", sentence, ["", "value"], cells),
    ]


LESSON = Lesson(
    name="batches",
    title="Batches, epochs, schedules",
    summary="Small batches make a noisy path and many updates; a rate that falls calms it.",
    passage=Passage("6-gradient-descent", start="**Batches.**"),
    controls=(
        Choice(
            "batch",
            "Examples in a batch",
            ("1", "8", "32", "128", "full"),
            "8",
            ("1 (one at a time)", "8", "32", "128", "all 256 (full batch)"),
        ),
        Choice("schedule", "Schedule", SCHEDULES, "constant"),
        Choice("optimizer", "Optimizer", ("sgd", "momentum", "adam"), "sgd"),
        Slider("learning_rate", "Learning rate α", 0.001, 1, 0.001, 0.2, log=True),
        Slider("seed", "Another order", 0, 20, 1, 0, whole=True),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [training_loop.batches, optimizers.learning_rate],
    question=Question(
        "One example at a time, a constant rate of 0.2: after 300 updates, has the path come to "
        "rest at the bottom?",
        ("Yes, exactly there", "No, it jumps about around it", "No, it has hardly moved"),
        {"batch": "1", "learning_rate": 0.2, "schedule": "constant", "step": 300},
        lambda numbers: (
            1
            if numbers["loss"] < 0.5 * numbers["loss_path"][0]
            and np.std(numbers["w_path"][-50:]) > 0.02
            else 2
        ),
        "Each example pulls towards its own best line. The path gets near quickly and then never "
        "rests; choose a schedule that falls, cosine say, and watch it settle.",
    ),
    exactness="The surface is that of the points without their noise, coloured at 41×41 points in "
    "float32; all other numbers are float64.",
    exercises=("minibatches", "schedule", "adam"),
    training=Training(begin, update, most=UPDATES),
)
