"""What the doctor is shown: a model with data, and which rule should speak, if any."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

Random = np.random.Generator


@dataclass
class Patient:
    """One case of the suite.

    Attributes:
        name: family and what was drawn.
        model, data, history, batch_size: as nnguide.doctor.check takes them.
        fault: the id of the rule that should find something; None: healthy.
    """

    name: str
    model: Any
    data: Any = None
    history: Any = None
    batch_size: int | None = None
    fault: str | None = None


@dataclass
class Plan:
    """The choices of a family of models; a planted mistake changes one of them.

    None leaves the choice to the family.
    """

    activation: Any = None
    head: str | None = None
    loss: Any = None
    optimizer: Any = None
    metrics: list[Any] | None = None
    kernel: Any = None
    bias: Any = "zeros"
    penalty: Any = None
    after_output: tuple[Any, ...] = ()
    head_dtype: str | None = None
    batch: int | None = None
    batch_norm: bool | None = None
    nodes: int | None = None
    depth: int | None = None
    label_form: str | None = None  # "numbers" or "one-hot"
    notes: list[str] = field(default_factory=list)


def choose(random: Random, *options: Any) -> Any:
    """One of the options."""
    return options[int(random.integers(len(options)))]


def classes(random: Random, rows: int, shape: tuple[int, ...], k: int) -> tuple[Any, Any]:
    """Inputs about 0 with spread 1, and which of k centres each is nearest to."""
    size = int(np.prod(shape))
    centres = random.normal(size=(k, size))
    y = np.concatenate([np.arange(k), random.integers(0, k, rows - k)])
    random.shuffle(y)
    x = 0.7 * centres[y] + 0.7 * random.normal(size=(rows, size))
    return x.reshape(rows, *shape).astype("float32"), y.astype("int64")


def pictures(random: Random, rows: int, shape: tuple[int, ...], k: int) -> tuple[Any, Any]:
    """Grey or colour levels 0-255, uint8, with a pattern for each class."""
    x, y = classes(random, rows, shape, k)
    return np.clip(127 + 60 * x, 0, 255).astype("uint8"), y


def optimizer(random: Random) -> Any:
    """An optimizer at a rate that people use."""
    pick = keras.optimizers
    rate = float(choose(random, 5e-4, 1e-3, 2e-3))
    return choose(
        random,
        lambda: "adam",
        lambda: pick.Adam(rate),
        lambda: pick.AdamW(rate),
        lambda: pick.RMSprop(rate),
        lambda: pick.Nadam(rate),
        lambda: pick.SGD(0.05, momentum=0.9),
        lambda: pick.SGD(0.1),
        lambda: pick.Adam(pick.schedules.CosineDecay(rate, 1000)),
        lambda: pick.Adam(
            pick.schedules.CosineDecay(0.0, 900, warmup_target=rate, warmup_steps=100)
        ),
    )()


def one_hot(y: Any, k: int) -> Any:
    return np.eye(k, dtype="float32")[y]


def finish(
    random: Random, name: str, inputs: Any, x: Any, plan: Plan, data: tuple[Any, Any], k: int
) -> Patient:
    """Put a head for k classes on the features `x`, compile, and hand over.

    Args:
        data: inputs and labels as numbers of classes.
        k: classes; 2 may become one sigmoid node, 0 means a regression.
    """
    from keras import layers

    rows, y = data
    if k == 0:
        nodes, head, loss, given = 1, None, choose(random, "mse", "mae", keras.losses.Huber()), y
    elif k == 2 and plan.nodes is None and plan.label_form is None and random.random() < 0.6:
        nodes, head, loss = 1, "sigmoid", "binary_crossentropy"
        given = y if random.random() < 0.5 else y[:, None].astype("float32")
    else:
        nodes, head = plan.nodes or k, "softmax"
        form = plan.label_form or choose(random, "numbers", "one-hot")
        given = y if form == "numbers" else one_hot(y, k)
        loss = (
            "sparse_categorical_crossentropy" if form == "numbers" else "categorical_crossentropy"
        )
    x = layers.Dense(nodes, activation=plan.head if plan.head else head, dtype=plan.head_dtype)(x)
    for layer in plan.after_output:
        x = layer()(x)
    model = keras.Model(inputs, x)
    metrics = plan.metrics if plan.metrics is not None else ["accuracy"] if k else ["mae"]
    model.compile(plan.optimizer or optimizer(random), plan.loss or loss, metrics=metrics)
    return Patient(name, model, (rows, given), batch_size=plan.batch)
