"""What scripts/gpu_check runs in a process of its own, for one Keras backend.

    KERAS_BACKEND=jax python scripts/bench/gpu.py --tasks spam --device gpu --until 1795790000

Prints a line of JSON for the device, for each measurement, and for each that did not fit the time.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnguide import data, tasks
from nnguide.blueprints.settings import Settings
from nnguide.config import Config
from nnguide.data.examples import Examples
from nnguide.data.splits import training_and_validation
from nnguide.errors import DataError
from nnguide.tasks import Task
from nnguide.training.configure import configure

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
# Batches are large: a step on a small one is mostly Python's work, whatever the GPU.
BATCH = {"digits": 1024, "spam": 512}
EPOCHS = {"digits": 12, "spam": 30}
RATE = {"digits": 0.015, "spam": 0.4}  # the larger batch of spam takes a higher one
LARGE = 8192  # digits a step, for speed alone
LARGE_EPOCHS = 8
SEEDS = 3
QUICK = 128  # examples of a quick run
LOADERS = ("ordinary memory", "pinned memory", "pinned memory, 2 processes ahead")


def say(**line: Any) -> None:
    """One line of the answer."""
    print(json.dumps(line), flush=True)


class Card:
    """The device that a backend computes on."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.module = importlib.import_module(backend)

    def gpus(self) -> int:
        """How many GPUs a training can share: more than one on TensorFlow alone."""
        if self.backend != "tensorflow":
            return 1
        return len(self.module.config.list_physical_devices("GPU"))

    def name(self) -> str | None:
        """What the backend calls its GPU; None without one."""
        if self.backend == "torch":
            cuda = self.module.cuda
            return cuda.get_device_name() if cuda.is_available() else None
        if self.backend == "jax":
            found = [d.device_kind for d in self.module.devices() if d.platform == "gpu"]
        else:
            config = self.module.config
            found = [
                config.experimental.get_device_details(device).get("device_name", device.name)
                for device in config.list_physical_devices("GPU")
            ]
        return found[0] if found else None

    def start(self) -> None:
        """Begin to watch the memory."""
        self.before = self._peak()
        if self.name() is None:
            return
        if self.backend == "torch":
            self.module.cuda.reset_peak_memory_stats()
            self.before = 0
        if self.backend == "tensorflow":
            self.module.config.experimental.reset_memory_stats("GPU:0")
            self.before = 0

    def peak(self) -> int | None:
        """Most bytes taken since `start`; None where that is not known.

        JAX tells the most of the whole process: it is known here only where it rose.
        """
        peak = self._peak()
        return peak if peak > self.before else None

    def _peak(self) -> int:
        if self.name() is None:
            return 0
        if self.backend == "torch":
            return int(self.module.cuda.max_memory_allocated())
        if self.backend == "jax":
            return int((self.module.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))
        return int(self.module.config.experimental.get_memory_info("GPU:0")["peak"])


@dataclasses.dataclass
class Rows:
    """A task's data as its network takes it: inputs and targets on the device."""

    dataset: str
    layer: Any
    preprocess: Any
    labels: int
    rows: Any  # what `task.adapt` wants
    training: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]


def load(task: Task, config: Config, quick: bool) -> Rows:
    """The training and the validation set of a task."""
    try:
        source = data.find(task.name, "auto")
        training, held = training_and_validation(config, source.load("train"))
    except ModuleNotFoundError as error:
        raise DataError(
            f"preparing the data needs TensorFlow Datasets ({error}). Prepare it where that is "
            "installed (nnguide data prepare), and set NNGUIDE_CACHE to a copy of its cache folder."
        ) from error
    assert held is not None
    if quick:
        training, held = _first(training), _first(held)
    head = task.head(len(training.label_names))
    layer = task.preprocessor(config, training.inputs)
    rows, preprocess = task.feed(layer, training.inputs)
    held_rows, _ = task.feed(layer, held.inputs)
    return Rows(
        source.name,
        layer,
        preprocess,
        len(training.label_names),
        rows,
        (_dense(rows), head.targets(training.labels)),
        (_dense(held_rows), head.targets(held.labels)),
    )


def _first(examples: Examples) -> Examples:
    return dataclasses.replace(
        examples, inputs=examples.inputs[:QUICK], labels=examples.labels[:QUICK]
    )


def _dense(rows: Any) -> np.ndarray:
    """Rows of unequal length, which TensorFlow has, padded to the longest."""
    return rows.to_tensor().numpy() if hasattr(rows, "to_tensor") else rows


def network(task: Task, config: Config, found: Rows) -> Any:
    """The compiled network, on what `found` holds: grey levels of a byte, or ids."""
    import keras

    from nnguide.models.optimizers import optimizer

    core = task.build(config, found.layer, found.labels)
    if task.adapt is not None:
        task.adapt(core, found.layer, found.rows)
    model = core
    if found.preprocess is not None:
        raw = keras.Input(found.training[0].shape[1:], dtype="uint8", name="raw")
        model = keras.Model(raw, core(found.preprocess(raw)))
    head = task.head(found.labels)
    steps = len(found.training[1]) // int(config.train.batch_size)
    model.compile(
        optimizer(config.train, steps),
        head.loss(config.train.label_smoothing),
        metrics=head.metrics(),
    )
    return model


def batches(pair: tuple[np.ndarray, np.ndarray], size: int, seed: int) -> Any:
    """Shuffled batches that are cut on the device, where all examples lie."""
    import keras

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.arrays = [keras.ops.convert_to_tensor(array) for array in pair]
            self.random = np.random.default_rng(seed)
            self.on_epoch_end()

        def __len__(self) -> int:
            return len(pair[1]) // size

        def __getitem__(self, number: int) -> tuple[Any, ...]:
            chosen = self.order[number * size : (number + 1) * size]
            return tuple(keras.ops.take(array, chosen, axis=0) for array in self.arrays)

        def on_epoch_end(self) -> None:
            self.order = self.random.permutation(len(pair[1])).astype(np.int32)

    return Batches()


def clock() -> Any:
    """A callback that notes when each epoch had ended on the device."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.ends: list[float] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            float((logs or {})["loss"])  # waits for what was only asked for
            self.ends.append(time.perf_counter())

    return Clock()


def fit(
    task: Task, config: Config, found: Rows, precision: str, card: Card, gpus: int = 1
) -> dict[str, Any]:
    """Train a network in a precision; how fast, how well, and in how much memory.

    Of more than one of `gpus`, which only TensorFlow takes, each has its part of every batch.
    """
    import keras

    from nnguide.training.callbacks import NormalizationStatistics

    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(config.train.seed)
    size, epochs = int(config.train.batch_size), config.train.epochs
    card.start()
    watch = clock()
    started = time.perf_counter()
    if gpus > 1:
        with card.module.distribute.MirroredStrategy().scope():
            model = network(task, config, found)
    else:
        model = network(task, config, found)
    order = batches(found.training, size, config.train.seed)
    history = model.fit(order, epochs=epochs, verbose=0, callbacks=[watch]).history
    first = watch.ends[0] - started
    per_epoch = (watch.ends[-1] - watch.ends[0]) / (epochs - 1)
    measured = NormalizationStatistics([order[0], order[1]])
    loss, accuracy = model.evaluate(
        *found.validation, batch_size=size, verbose=0, callbacks=[measured]
    )[:2]
    keras.config.set_dtype_policy("float32")
    return {
        "task": task.name,
        "setup": f"{gpus} GPUs" if gpus > 1 else None,
        "precision": precision,
        "batch": size,
        "seed": config.train.seed,
        "dataset": found.dataset,
        "examples": [len(found.training[1]), len(found.validation[1])],
        "examples_per_second": len(order) * size / per_epoch,
        "first_epoch_seconds": first,
        "losses": [_finite(value) for value in history["loss"]],
        "val_loss": _finite(loss),
        "val_accuracy": _finite(accuracy) if _finite(loss) is not None else None,
        "peak_bytes": card.peak(),
    }


def _finite(value: Any) -> float | None:
    """The number, or None, which JSON has, for NaN and infinity, which it has not."""
    return float(value) if math.isfinite(value) else None


Measurement = tuple[str, Callable[[], dict[str, Any]]]


def measurements(given: argparse.Namespace, card: Card) -> Iterator[Measurement]:
    """All of them, the ones that matter most first: a kind, which decides how long, and the work.

    Precisions go from the least memory to the most, so that JAX tells of each.
    """
    batch = dict.fromkeys(BATCH, 64) if given.quick else BATCH
    if card.backend == "torch":
        yield from loaders(given.quick)
    found: dict[str, tuple[Task, Config, Rows]] = {}
    for name in given.tasks.split(","):
        task, epochs = tasks.get(name), 2 if given.quick else EPOCHS[name]
        settings = {
            "train": {
                "batch_size": batch[name],
                "epochs": epochs,
                "learning_rate": RATE[name],
            },
            "data": {"validation": 0.2},
        }
        config = configure(name, settings=settings)
        found[name] = task, config, load(task, config, given.quick)

    def work(name: str, precision: str, gpus: int = 1, **train: Any) -> Measurement:
        task, config, rows = found[name]
        config = dataclasses.replace(config, train=dataclasses.replace(config.train, **train))
        kind = f"{name}, batch {config.train.batch_size}"
        return kind, partial(fit, task, config, rows, precision, card, gpus)

    for seed in range(1 if given.quick else SEEDS):
        for name in found:
            for precision in reversed(PRECISIONS):
                yield work(name, precision, seed=seed)
        for name in found if seed == 0 and card.gpus() > 1 else ():
            for precision in reversed(PRECISIONS):
                kind, measure = work(name, precision, card.gpus(), seed=seed)
                yield f"{kind}, {card.gpus()} GPUs", measure
        if seed == 0 and "digits" in found and not given.quick:
            for precision in reversed(PRECISIONS):
                yield work("digits", precision, batch_size=LARGE, epochs=LARGE_EPOCHS)


def loaders(quick: bool) -> Iterator[Measurement]:
    """The PyTorch blueprint on MNIST, fed in each way."""
    config = configure("digits")
    training = data.find("digits", "auto").load("train")
    if quick:
        training = _first(training)
    x = training.inputs.reshape(len(training), -1).astype(np.float32) / 255
    y = np.eye(10, dtype=np.float32)[training.labels]
    settings = Settings(
        hidden=(512, 512),
        activation="relu",
        output="softmax",
        loss="categorical_crossentropy",
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=64 if quick else BATCH["digits"],
        epochs=2 if quick else 5,
        seed=config.train.seed,
    )
    for loader in LOADERS:
        for mixed in (False, True):
            yield "blueprint", partial(blueprint, x, y, settings, loader, mixed)


def blueprint(
    x: np.ndarray, y: np.ndarray, settings: Settings, loader: str, mixed: bool
) -> dict[str, Any]:
    """Train nnguide.blueprints.torch_net with one way of feeding it."""
    from nnguide.blueprints import torch_net

    class Net(torch_net.TorchNet):
        def loader(self, examples: Any, batches: Any) -> Any:
            ahead: dict[str, Any] = {"num_workers": 2, "persistent_workers": True, "timeout": 60}
            return torch_net.data.DataLoader(
                examples,
                sampler=batches,
                batch_size=None,
                pin_memory="pinned" in loader and self.device.type == "cuda",
                **(ahead if "ahead" in loader else {}),
            )

    ends: list[float] = []
    net = Net(x.shape[1], y.shape[1], settings, mixed_precision=mixed)
    history = net.fit(x, y, on_epoch=lambda net, record: ends.append(time.perf_counter()))
    per_epoch = (ends[-1] - ends[0]) / (len(ends) - 1)
    half = "float16" if net.device.type == "cuda" else "bfloat16"
    return {
        "task": "PyTorch blueprint",
        "precision": half if mixed else "float32",
        "setup": loader,
        "batch": settings.batch_size,
        "examples": [len(x), 0],
        "examples_per_second": len(x) / per_epoch,
        "losses": [_finite(record["loss"]) for record in history],
    }


def main() -> int:
    """Measure until the time is over; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--device", choices=["gpu", "cpu"], required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--until", type=float, required=True, help="seconds since 1970")
    given = parser.parse_args()
    import keras

    backend = keras.backend.backend()
    card = Card(backend)
    name = card.name()
    say(
        backend=backend,
        device="CPU" if given.device == "cpu" else name,
        version=card.module.__version__,
        keras=keras.__version__,
    )
    if given.device == "gpu" and name is None:
        return 0
    longest: dict[str, float] = {}
    for kind, measure in measurements(given, card):
        started = time.time()
        if started + longest.get(kind, 0) > given.until:
            say(skipped=kind)
            continue
        try:
            say(backend=backend, **measure())
        except Exception as error:  # the others may still work
            say(failed=f"{kind}: {type(error).__name__}: {error}"[:1000])
        longest[kind] = max(longest.get(kind, 0), time.time() - started)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
