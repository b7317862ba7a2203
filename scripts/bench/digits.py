"""Training the digit networks beside the keras.io recipe, plain Keras and PyTorch."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from nnguide import data, logs, tasks
from nnguide.config import AugmentConfig, CnnConfig, Config, RuntimeConfig
from nnguide.data.examples import Examples
from nnguide.data.splits import training_and_validation
from nnguide.errors import ExtraError
from nnguide.models.saving import outputs
from nnguide.training import pipeline
from nnguide.training.configure import configure
from nnguide.training.fit import Fitted, fit
from nnguide.training.runtime import runtime

Say = Callable[[str], None]
GOAL = 0.99
TWELVE = 12  # epochs of the recipe as published
MOST_EPOCHS = 20  # of the recipe, to pass the goal


def _data(config: Config) -> tuple[Examples, Examples, Examples]:
    logs.tensorflow()
    source = data.find("digits", "mnist")
    training, held = training_and_validation(config, source.load("train"))
    assert held is not None
    return training, held, source.load("test")


def _fit(config: Config, training: Examples, held: Examples | None) -> Fitted:
    with runtime(RuntimeConfig(), seed=config.train.seed) as chosen:
        return fit(tasks.get("digits"), config, training, held, chosen)


def speed99(quick: bool, say: Say) -> dict[str, Any]:
    """Training to 99.0 % on the test set: keras.io's recipe, ours, PyTorch; and 12 epochs of it.

    The recipe's test accuracy after each epoch says when it passed; nobody chooses by it. In quick
    the recipe stops there, and default, the longest side, is left out.
    """
    training, held, test = _data(configure("digits", preset="fast"))
    rounds = 1 if quick else 3
    sides: dict[str, Callable[..., dict[str, float]]] = {
        "keras.io mnist_convnet": lambda *given: _recipe(0 if quick else TWELVE, *given),
        "nnguide fast": lambda *given: _ours("fast", *given),
        "fast in PyTorch": _torch,
    }
    if not quick:
        sides["nnguide default"] = lambda *given: _ours("default", *given)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    notes = [
        "54,000 images to learn from on every side; loading and evaluation are not counted",
        "fast, default and PyTorch see each test picture at nine places; the recipe sees it once",
    ]
    for number in range(rounds):
        for side in list(sides)[:: 1 if number % 2 else -1]:
            say(f"round {number + 1} of {rounds}: {side}")
            try:
                measured = sides[side](training, held, test, number)
            except ExtraError as error:
                notes.append(str(error))
                continue
            say("  " + ", ".join(f"{what} {value:.4g}" for what, value in measured.items()))
            found[side].append(measured)

    def median(side: str, what: str) -> float:
        return float(np.median([one[what] for one in found[side]]))

    passed = median("keras.io mnist_convnet", f"s to {GOAL:.0%}")
    fast = median("nnguide fast", "s of training")
    notes.append(f"to {GOAL:.1%} the recipe takes {passed / fast:.1f} times as long as fast")
    if quick:
        notes.append("not run: default beside the recipe's 12 epochs")
    else:
        twelve = median("keras.io mnist_convnet", "s of training")
        share = median("nnguide default", "s of training") / twelve
        notes.append(f"default takes {share:.2f} times as long as the recipe's {TWELVE} epochs")
    rows = [
        {"what": what, "side": side, "values": [one[what] for one in runs], "unit": unit}
        for side, runs in found.items()
        for what, unit in ((f"s to {GOAL:.0%}", "s"), ("s of training", "s"), ("accuracy", ""))
        if runs and what in runs[0]
    ]
    return {"rows": rows, "notes": notes}


def _recipe(
    least: int, training: Examples, held: Examples, test: Examples, seed: int
) -> dict[str, float]:
    """keras.io's mnist_convnet: 32 and 64 channels, dropout 0.5, Adam, batch 128.

    At least `least` epochs, and until the goal is passed; `s of training` is of those `least`.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    x = training.inputs.astype(np.float32)[..., None] / 255
    y = np.eye(10, dtype=np.float32)[training.labels]
    x_test = test.inputs.astype(np.float32)[..., None] / 255
    watch = _Watch(x_test, test.labels, least)
    model.fit(x, y, batch_size=128, epochs=MOST_EPOCHS, verbose=0, callbacks=[watch])
    passed = [s for s, score in zip(watch.seconds, watch.scores, strict=True) if score >= GOAL]
    found = {f"s to {GOAL:.0%}": passed[0] if passed else float("inf")}
    if least:
        found["s of training"] = watch.seconds[least - 1]
    return {**found, "accuracy": watch.scores[-1]}


class _Watch(keras.callbacks.Callback):
    """Seconds of training and test accuracy after each epoch, until the goal is passed.

    The seconds end with the epoch: that TensorFlow may leave `fit` late is not held against it.
    """

    def __init__(self, x: np.ndarray, labels: np.ndarray, least: int) -> None:
        super().__init__()
        self.x, self.labels, self.least = x, labels, least
        self.seconds: list[float] = []
        self.scores: list[float] = []
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        ended = time.perf_counter()
        self.seconds.append(ended - self.started)
        answered = self.model.predict(self.x, batch_size=512, verbose=0)
        self.scores.append(float((answered.argmax(1) == self.labels).mean()))
        if epoch + 1 >= self.least and max(self.scores) >= GOAL:
            self.model.stop_training = True
        self.started += time.perf_counter() - ended  # the clock stood


def _ours(
    preset: str, training: Examples, held: Examples, test: Examples, seed: int
) -> dict[str, float]:
    config = configure("digits", preset=preset, settings={"train": {"seed": seed}})
    fitted = _fit(config, training, held)
    answered = outputs(fitted.model, test.inputs)
    right = float((answered.argmax(1) == test.labels).mean())
    return {"s of training": fitted.seconds, "accuracy": right}


def _torch(training: Examples, held: Examples, test: Examples, seed: int) -> dict[str, float]:
    """The network of `fast`, its batches and its schedule, in PyTorch."""
    from nnguide.blueprints.pytorch import torch

    config = configure("digits", preset="fast")
    torch.manual_seed(seed)
    model = torch_twin(config, training)
    plan = pipeline.plan(len(training), config.train.batch_size)
    steps = plan.steps * config.train.epochs
    train = config.train
    optimizer = torch.optim.Adam(model.parameters(), train.learning_rate, (0.9, train.beta_2))
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.train.learning_rate, total_steps=steps + 1, cycle_momentum=False
    )
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=config.train.label_smoothing)
    mean, std = float(training.inputs.mean()), float(training.inputs.std())
    x = torch.from_numpy((training.inputs.astype(np.float32) - mean) / std)[:, None]
    y = torch.from_numpy(training.labels)
    started = time.perf_counter()
    model.train()
    for _ in range(config.train.epochs):
        order = torch.randperm(len(x))
        for step in range(plan.steps):
            rows = order[step * plan.batch : (step + 1) * plan.batch]
            optimizer.zero_grad()
            loss_of(model(x[rows]), y[rows]).backward()
            optimizer.step()
            rate.step()
    seconds = time.perf_counter() - started
    model.eval()
    assert isinstance(config.model, CnnConfig)
    reach = config.model.test_time_shift

    def views(pictures: Any) -> Any:
        """The mean over the places that `fast` sees a picture at."""
        wide = torch.nn.functional.pad(pictures, (reach,) * 4, mode="replicate")
        places = range(2 * reach + 1)
        return sum(model(wide[:, :, y : y + 28, x : x + 28]) for y in places for x in places)

    x_test = torch.from_numpy((test.inputs.astype(np.float32) - mean) / std)[:, None]
    with torch.no_grad():
        answered = np.concatenate([views(part).argmax(1).numpy() for part in x_test.split(500)])
    return {"s of training": seconds, "accuracy": float((answered == test.labels).mean())}


def torch_twin(config: Config, training: Examples) -> Any:
    """The Keras network that learns `training`, layer by layer, as a torch Module."""
    from nnguide.blueprints.pytorch import nn, torch

    task = tasks.get("digits")
    config = dataclasses.replace(config, model=config.model.in_training())
    core, layer = task.build(config, None, 10), task.preprocessor(config, training.inputs)
    assert task.adapt is not None
    task.adapt(core, layer, training.inputs)
    modules: list[Any] = []
    channels, features = 1, 0
    for layer in core.layers:
        kind, settings = type(layer).__name__, layer.get_config()
        if kind == "Conv2D":
            size, stride = settings["kernel_size"][0], settings["strides"][0]
            spare = max(size - stride, 0) if settings["padding"] == "same" else 0
            modules.append(nn.ZeroPad2d((spare // 2, spare - spare // 2) * 2))
            convolution = nn.Conv2d(
                channels, settings["filters"], size, stride, bias=settings["use_bias"]
            )
            if not layer.trainable:  # measured on the pictures
                convolution.requires_grad_(False)
                kernel, bias = layer.get_weights()
                convolution.weight.data.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
                assert convolution.bias is not None
                convolution.bias.data.copy_(torch.from_numpy(bias))
            modules.append(convolution)
            channels = settings["filters"]
        elif kind == "BatchNormalization":
            share = 1 - settings["momentum"]
            units, norm = (features, nn.BatchNorm1d) if features else (channels, nn.BatchNorm2d)
            wide = norm(units, affine=settings["scale"])
            wide.momentum, wide.eps = share, settings["epsilon"]
            modules.append(wide)
        elif kind == "Activation":
            modules.append(
                {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}[layer.name.rsplit("_", 1)[1]]()
            )
        elif kind == "MaxPooling2D":
            size, stride = settings["pool_size"][0], settings["strides"][0]
            modules.append(nn.MaxPool2d(size, stride, ceil_mode=settings["padding"] == "same"))
        elif layer.name == "space_to_depth":  # its two layers before need nothing
            channels = layer.output.shape[-1]
            modules.append(nn.PixelUnshuffle(math.isqrt(channels)))
        elif kind == "Flatten":
            modules.append(nn.Flatten())
            features = int(np.prod(layer.output.shape[1:]))
        elif kind == "Dropout":
            modules.append(nn.Dropout(settings["rate"]))
        elif kind == "Dense":
            modules.append(nn.Linear(features, settings["units"], bias=settings["use_bias"]))
            features = settings["units"]
        elif kind not in ("InputLayer", "Calibration", "Softmax", "Reshape", "Permute"):
            raise SystemExit(f"benchmark: no PyTorch form of a {kind} layer is known")
    model = nn.Sequential(*modules)
    wanted = sum(int(np.prod(v.shape)) for v in core.trainable_variables)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == wanted
    return model.to(torch.float32)


def throughput(quick: bool, say: Say) -> dict[str, Any]:
    """Images a second, on the default network: our training and prediction against plain Keras."""
    settings = {
        "train": {"epochs": 2},
        "augment": {field.name: 0 for field in dataclasses.fields(AugmentConfig)},
    }
    config = configure("digits", settings=settings)
    training, held, _ = _data(config)
    if quick:
        training = training.take(np.arange(18_000))
    rounds = 2 if quick else 5
    rates: dict[str, list[float]] = {"nnguide": [], "plain Keras fit": []}
    asked: dict[str, list[float]] = {"nnguide": [], "plain Keras predict": []}
    x = training.inputs.astype(np.float32)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for side in list(rates)[:: 1 if number % 2 else -1]:
            rates[side].append(_rate(side == "nnguide", config, training))
        model = _fit(
            configure("digits", settings={"train": {"epochs": 1}}),
            training.take(np.arange(2000)),
            held,
        ).model
        for side in list(asked)[:: 1 if number % 2 else -1]:
            outputs(model, training.inputs[:512])
            started = time.perf_counter()
            if side == "nnguide":
                outputs(model, training.inputs)
            else:
                model.predict(x, batch_size=512, verbose=0)
            asked[side].append(len(x) / (time.perf_counter() - started))
    rows = [
        {"what": what, "side": side, "values": values, "unit": "images/s"}
        for what, sides in (("training, second epoch", rates), ("batched prediction", asked))
        for side, values in sides.items()
    ]
    return {"rows": rows, "notes": ["the default network without augmentation, the same batches"]}


def _rate(ours: bool, config: Config, training: Examples) -> float:
    """Images a second of the second epoch, when everything is traced."""

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.ends: list[float] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.ends.append(time.perf_counter())

    clock, task = Clock(), tasks.get("digits")
    if ours:
        with runtime(RuntimeConfig(), seed=0) as chosen:
            fit(task, config, training, None, chosen, callbacks=[clock])
    else:
        keras.utils.set_random_seed(0)
        layer = task.preprocessor(config, training.inputs)
        core = task.build(config, layer, 10)
        head = task.head(10)
        core.compile("adam", head.loss(), metrics=head.metrics())
        x = np.asarray(layer(training.inputs))
        core.fit(
            x,
            head.targets(training.labels),
            batch_size=config.train.batch_size,
            epochs=2,
            verbose=0,
            callbacks=[clock],
        )
    return len(training) / (clock.ends[1] - clock.ends[0])


def input(quick: bool, say: Say) -> dict[str, Any]:
    """The share of an epoch that is the training step, and not waiting for the next batch.

    The default recipe with its augmentation, which other threads work on meanwhile.
    """
    import tensorflow as tf

    config = configure("digits", settings={"train": {"epochs": 3}})
    assert isinstance(config.model, CnnConfig)
    training, _, _ = _data(config)
    training = training.take(np.arange(12_800 if quick else 51_200))
    task = tasks.get("digits")
    plan = pipeline.plan(
        len(training), config.train.batch_size, 1, config.train.steps_per_execution
    )
    layer = task.preprocessor(config, training.inputs)
    head = task.head(10)
    core = task.build(config, layer, 10)
    core.compile(
        "adam",
        head.loss(),
        metrics=head.metrics(),
        steps_per_execution=plan.steps_per_execution,
        jit_compile=False,
    )
    batches = pipeline.batches(
        training.inputs,
        head.targets(training.labels),
        plan,
        epochs=range(100),
        seed=0,
        weights=np.ones(len(training), np.float32),
        augment=lambda x, seed, rows: task.augment(config, x, seed, rows),  # type: ignore[misc]
        preprocess=layer,
    )
    step = tf.function(core.train_step)
    rounds = 2 if quick else 5
    working: list[float] = []
    waiting: list[float] = []
    took = iter(batches)
    for number in range(rounds + 1):  # the first is traced, and not counted
        say(f"round {number} of {rounds}")
        spent = np.zeros(2)
        for _ in range(plan.steps):
            started = time.perf_counter()
            batch = next(took)
            ready = time.perf_counter()
            step(batch)
            spent += ready - started, time.perf_counter() - ready
        if number:
            waiting.append(float(spent[0]))
            working.append(float(spent[1]))
    share = sum(working) / (sum(working) + sum(waiting))
    rows = [
        {"what": "one epoch", "side": side, "values": v, "unit": "s"}
        for side, v in (("training steps", working), ("waiting for batches", waiting))
    ]
    note = f"the training step is {share:.1%} of the epoch's wall time, augmentation included"
    return {"rows": rows, "notes": [note]}
