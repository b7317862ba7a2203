"""What test_backends.py runs in a process of another Keras backend, without TensorFlow.

    KERAS_BACKEND=torch python on_backend.py FOLDER

FOLDER holds, for each task, the weights of a network and inputs. Here the network is built again
and answers; it is fitted for two epochs under schedules, saved, reloaded and asked once more.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

LABELS = {"digits": 10, "spam": 2}
TOKENS = {"words": 50, "pairs": 20, "buckets": 30, "max_words": 8, "max_chars": 30}


def config(task: str) -> Any:
    """Settings of a small network."""
    from nnguide import tasks
    from nnguide.config import CnnConfig, EmbeddingConfig

    base = tasks.get(task).defaults
    if task == "digits":
        model = CnnConfig(filters=(4, 3), hidden=(6,), depth=1, dropout=0.2, test_time_shift=1)
        return replace(base, model=replace(model, first_filters="measured", padding="valid"))
    tokens = replace(base.tokens, **TOKENS)
    dropouts = {"token_dropout": 0.0, "word_dropout": 0.0, "dropout": 0.0}
    return replace(base, model=EmbeddingConfig(embedding=5, hidden=(6,), **dropouts), tokens=tokens)


def build(task: str, inputs: np.ndarray) -> tuple[Any, np.ndarray]:
    """The core of a task's network, and its inputs."""
    import keras

    from nnguide import tasks

    chosen, settings = tasks.get(task), config(task)
    layer = chosen.preprocessor(settings, inputs)
    rows, preprocess = chosen.feed(layer, inputs)
    core = chosen.build(settings, layer, LABELS[task])
    if chosen.adapt is not None:
        chosen.adapt(core, layer, rows)
    x = rows if preprocess is None else keras.ops.convert_to_numpy(preprocess(rows))
    return core, x.to_tensor().numpy() if hasattr(x, "to_tensor") else x


def fit(task: str, core: Any, x: np.ndarray, labels: np.ndarray) -> dict[str, list[float]]:
    """Two epochs at a rate of 0: dropout 0, then 0.9; the L2 factor 5, then 0."""
    import keras

    from nnguide import tasks
    from nnguide.config import Ramp
    from nnguide.training import callbacks

    head = tasks.get(task).head(LABELS[task])
    trainer = keras.Model(core.inputs, core.outputs)
    trainer.compile(keras.optimizers.SGD(0.0), head.loss(), metrics=head.metrics())
    watchers = [
        callbacks.DropoutSchedule(Ramp(0.0, 0.9, 1)),
        callbacks.L2Schedule(Ramp(5.0, 0.0, 1)),
        callbacks.EarlyStopping("val_loss", 3),
        callbacks.StopWhenNotFinite(),
        callbacks.LearningRate(),
        callbacks.NormalizationStatistics([(x, None)]),
    ]
    pair = (x, head.targets(labels))
    history = trainer.fit(
        *pair, batch_size=len(x), epochs=2, validation_data=pair, callbacks=watchers, verbose=0
    ).history
    return {name: [float(value) for value in values] for name, values in history.items()}


def learn(task: str, core: Any, x: np.ndarray, labels: np.ndarray) -> None:
    """One epoch with the task's own optimizer and schedule."""
    import keras

    from nnguide import tasks
    from nnguide.models.optimizers import optimizer

    head = tasks.get(task).head(LABELS[task])
    trainer = keras.Model(core.inputs, core.outputs)
    trainer.compile(optimizer(config(task).train, 2), head.loss(0.05), metrics=head.metrics())
    trainer.fit(x, head.targets(labels), batch_size=len(x) // 2, epochs=2, verbose=0)


def main(folder: Path) -> None:
    import keras

    from nnguide.models import saving

    keras.utils.set_random_seed(2)
    told: dict[str, Any] = {"backend": keras.backend.backend()}
    for task in LABELS:
        with np.load(folder / f"{task}.npz") as given:
            arrays = {name: given[name] for name in given.files}
        inputs = arrays.pop("inputs")
        inputs = inputs.astype(object) if inputs.dtype.kind == "U" else inputs
        labels = arrays.pop("labels")
        core, x = build(task, inputs)
        core.set_weights([arrays[name] for name in sorted(arrays)])
        answers = {"same_weights": core.predict(x, verbose=0)}
        history = fit(task, core, x, labels)
        learn(task, core, x, labels)
        answers["learned"] = core.predict(x, verbose=0)
        saving.save(core, folder / f"{task}.keras")
        again = keras.models.load_model(folder / f"{task}.keras", compile=False)
        answers["reloaded"] = again.predict(x, verbose=0)
        np.savez(folder / f"{task}-answers.npz", **answers)
        told[task] = history
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # as where it is not installed
    main(Path(sys.argv[1]))
