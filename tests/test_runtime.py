"""Seed, precision and devices: what is chosen, why, and that mirroring learns the same."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nnguide.config import RuntimeConfig
from nnguide.errors import ConfigError
from nnguide.training import runtime as module
from nnguide.training.runtime import runtime

pytestmark = pytest.mark.usefixtures("tf")


def policy() -> str:
    import keras

    return keras.config.dtype_policy().name


def gpus(*capabilities: tuple[int, int]) -> Any:
    """A stand-in for the tensorflow module of a machine with such GPUs."""
    config = SimpleNamespace(
        list_physical_devices=lambda kind: list(capabilities),
        experimental=SimpleNamespace(get_device_details=lambda c: {"compute_capability": c}),
    )
    return SimpleNamespace(config=config)


def test_auto_is_float32_and_one_device_without_a_gpu() -> None:
    with runtime(RuntimeConfig()) as chosen:
        assert (chosen.precision, chosen.strategy, chosen.replicas) == ("float32", "none", 1)
        assert chosen.reason == "precision float32 (no GPU), strategy none (no GPU)"
        assert chosen.warnings == ()


def test_auto_takes_float16_where_every_gpu_is_fast_at_it() -> None:
    auto = RuntimeConfig()
    assert module._precision(auto, gpus((8, 0), (7, 0)), True)[0] == "mixed_float16"
    assert module._precision(auto, gpus((8, 0), (6, 1)), True)[0] == "float32"
    assert module._precision(auto, gpus(), False)[0] == "float32"


def test_auto_mirrors_over_all_devices_where_there_are_several() -> None:
    assert module._strategy(RuntimeConfig(), ["a", "b"])[:2] == ("mirrored", ["a", "b"])
    assert module._strategy(RuntimeConfig(), ["a"])[:2] == ("none", ["a"])
    assert module._strategy(RuntimeConfig(strategy="none"), ["a", "b"])[:2] == ("none", ["a"])


@pytest.mark.parametrize("asked", ["mixed_float16", "mixed_bfloat16", "float32"])
def test_the_precision_is_as_before_after_the_block(asked: Any) -> None:
    before = policy()
    with runtime(RuntimeConfig(precision=asked)) as chosen:
        assert policy() == chosen.precision == asked
        assert bool(chosen.warnings) == (asked == "mixed_float16")
    assert policy() == before
    with pytest.raises(KeyError), runtime(RuntimeConfig(precision=asked)):
        raise KeyError
    assert policy() == before


def test_mirrored_needs_two_devices() -> None:
    before = policy()
    config = RuntimeConfig(strategy="mirrored", precision="mixed_bfloat16")
    with pytest.raises(ConfigError, match=r"two or more GPUs; this machine shows no GPU"):  # noqa: SIM117
        with runtime(config):
            pass
    with pytest.raises(ConfigError, match="shows 1 GPU"), runtime(config, devices=["/CPU:0"]):
        pass
    assert policy() == before


def test_the_seed_governs_all_randomness() -> None:
    import keras

    drawn = []
    for seed in (3, 3, 4):
        with runtime(RuntimeConfig(), seed=seed):
            layer = keras.layers.Dense(2)
            layer.build((None, 2))
            weights = np.asarray(layer.kernel).tolist()
            drawn.append((random.random(), np.random.random(), weights))
    assert drawn[0] == drawn[1]
    assert all(a != b for a, b in zip(drawn[1], drawn[2], strict=True))
    random.seed(1)
    with runtime(RuntimeConfig()):
        assert random.random() == random.Random(1).random()


def test_determinism_ends_with_the_block() -> None:
    from tensorflow.python.framework import config as internal

    with runtime(RuntimeConfig(deterministic=True)):
        assert internal.is_op_determinism_enabled()
    assert not internal.is_op_determinism_enabled()


MIRROR = """
import json, sys
import numpy as np
from nnguide import tasks
from nnguide import logs
from nnguide.training import fit as module
from nnguide.training.callbacks import normalizations
from nnguide.training.runtime import runtime
from nnguide.training.fit import fit
from nnguide.training.train import configure
import keras
import tiny

tf = logs.tensorflow()
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
found = {}
for task in ("digits", "spam"):
    whole = tiny.examples(task, 360)
    training, held = whole.take(np.arange(0, 321)), whole.take(np.arange(321, len(whole)))
    for precision, devices in (
        ("float32", None), ("float32", ["CPU:0", "CPU:1"]), ("mixed_float16", ["CPU:0", "CPU:1"])
    ):
        if precision == "mixed_float16" and task != sys.argv[1]:
            continue
        settled = tiny.config(task)
        config = settled.override([
            *(f"model.{key}=0" for key in vars(settled.model) if "dropout" in key),
            "train.epochs=3", f"runtime.precision={precision}", "model.l2=0.001",
            "train.restore_best=false",
        ])
        with runtime(config.runtime, seed=0, devices=devices) as chosen:
            fitted = fit(tasks.get(task), config, training, held, chosen)
        found[f"{task} {precision} {chosen.replicas}"] = {
            "strategy": chosen.strategy,
            "history": fitted.history,
            "weights": np.concatenate([w.ravel() for w in fitted.model.get_weights()]).tolist(),
        }


class Replicas(keras.callbacks.Callback):
    # Keeps what the batch normalization of every replica has measured.

    def on_epoch_end(self, epoch, logs=None):
        self.statistics = [
            [np.asarray(copy) for copy in getattr(variable.value, "values", [variable.value])]
            for norm in normalizations(self.model)
            for variable in (norm.moving_mean, norm.moving_variance)
        ]


module.FEW_STEPS = 0  # the statistics are those of the steps
whole = tiny.examples("digits", 384)
config = configure("digits", settings=[
    "train.epochs=1", "train.steps_per_execution=1", "model.dropout=0",
    "train.optimizer=momentum",  # Adam magnifies rounding where a gradient is small
    *(f"augment.{key}=0" for key in vars(tasks.get("digits").defaults.augment)),
])
for devices in (None, ["CPU:0", "CPU:1"]):
    replicas = Replicas()
    with runtime(config.runtime, seed=0, devices=devices) as chosen:
        fit(
            tasks.get("digits"), config, whole.take(np.arange(384)), None, chosen,
            callbacks=[replicas],
        )
    found[f"default {chosen.replicas}"] = {
        "apart": [float(max(np.abs(s - s0).max() for s in more)) if more else None
                  for s0, *more in replicas.statistics],
        "statistics": [s[0].tolist() for s in replicas.statistics],
    }
json.dump(found, sys.stdout)
"""


@functools.cache
def mirrored(mixed: str) -> dict[str, Any]:
    """Both tasks trained on one device and on two virtual ones, in a process of their own.

    One of them, `mixed`, also in mixed precision.
    """
    folder = Path(__file__).parent
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{MIRROR}"
    done = subprocess.run(
        [sys.executable, "-c", code, mixed],
        capture_output=True,
        text=True,
        cwd=folder.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_two_devices_learn_what_one_learns(task: str) -> None:
    """Thirty steps and a validation set of an odd size: the same weights but for rounding."""
    one, two = mirrored("digits")[f"{task} float32 1"], mirrored("digits")[f"{task} float32 2"]
    assert (one["strategy"], two["strategy"]) == ("none", "mirrored")
    np.testing.assert_allclose(two["weights"], one["weights"], atol=1e-4)
    for figure in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(two["history"][figure], one["history"][figure], atol=1e-3)


def test_batch_normalization_sees_the_whole_batch() -> None:
    """The default network for digits after three steps of 128."""
    one, two = mirrored("digits")["default 1"], mirrored("digits")["default 2"]
    assert len(two["apart"]) == 2 * 5  # of each layer that normalises
    assert two["apart"] == [0.0] * len(two["apart"])
    for a, b in zip(one["statistics"], two["statistics"], strict=True):
        np.testing.assert_allclose(b, a, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("task", ["digits", pytest.param("spam", marks=pytest.mark.slow)])
def test_two_devices_learn_under_mixed_float16(task: str) -> None:
    found = mirrored(task)
    half, whole = found[f"{task} mixed_float16 2"], found[f"{task} float32 1"]
    assert half["strategy"] == "mirrored"
    assert np.isfinite(half["weights"]).all()
    assert half["history"]["loss"][-1] < 0.8 * half["history"]["loss"][0]
    for figure in ("loss", "accuracy"):
        assert half["history"][figure][-1] == pytest.approx(whole["history"][figure][-1], abs=0.1)


def test_another_keras_backend_is_refused(tmp_path: Path) -> None:
    """Stand-ins for both packages, since a real import takes seconds."""
    (tmp_path / "keras.py").write_text(
        "class backend:\n    backend = staticmethod(lambda: 'jax')\n"
        "class saving:\n    get_custom_objects = staticmethod(dict)\n"
    )
    (tmp_path / "tensorflow.py").write_text(
        "class get_logger:\n    def setLevel(self, level): pass\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from nnguide import errors, logs\n"
        "try: logs.tensorflow()\nexcept errors.ConfigError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "it is set to jax. Set KERAS_BACKEND=tensorflow." in done.stdout
