"""A model file is data to be checked: what it names is on a list, or it is not loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import hostile_models as hostile
import pytest

from nnguide.errors import RunError
from nnguide.models import allowed_classes, model_check

HERE = Path(__file__).parent

# Loads every file of a folder and writes what happened meanwhile.
CHILD = """
import json, os, sys
import encodings.cp437
import keras, h5py
from pathlib import Path
from nnguide.errors import RunError
from nnguide.models import saving
saving.register_layers()
folder = Path(sys.argv[1])
files = sorted(folder.glob("*.keras"))
watched = []
ACTS = ("import", "socket.", "subprocess.", "os.system", "os.exec", "os.spawn", "os.fork",
        "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod",
        "os.truncate", "shutil.", "tempfile.", "urllib.", "exec", "compile", "ctypes.dlopen")
def hook(event, given):
    if not on:
        return
    if event == "open":
        path, mode, flags = given
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or str(path).endswith("secret.txt"):
            watched.append([event, str(path)])
    elif event.startswith(ACTS):
        watched.append([event, str(given)[:200]])
on = False
sys.addaudithook(hook)
def settings():
    return [keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format(),
            keras.config.dtype_policy().name, keras.config.backend(),
            repr(keras.saving.get_custom_objects().keys())]
before = settings()
try:  # what Python itself imports when it first reads a zip
    saving.load(files[0], run=False)
except RunError:
    pass
loaded = []
for path in files:
    for run in (True, False):
        on = True
        try:
            saving.load(path, run=run)
            loaded.append(path.name)
        except RunError as error:
            assert str(path) in str(error), error
        finally:
            on = False
with open("/proc/self/status") as status:  # getrusage counts the parent's memory too
    memory = next(int(l.split()[1]) for l in status if l.startswith("VmHWM")) // 1024
print(json.dumps({"count": len(files), "loaded": loaded, "watched": watched,
                  "same": before == settings(), "memory": memory}))
"""


def test_no_hostile_file_is_loaded_or_does_anything(tmp_path: Path):
    (tmp_path / "secret.txt").write_text("secret\n")
    files = list(hostile.hostile(str(tmp_path)))
    assert len(files) >= 300
    for number, content in enumerate(files):
        (tmp_path / f"{number:04}.keras").write_bytes(content)
    names = sorted(path.name for path in tmp_path.iterdir())

    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr[-3000:]
    found = json.loads(child.stdout.splitlines()[-1])
    assert found["count"] == len(files)
    assert found["loaded"] == []
    assert found["watched"] == []
    assert found["same"]
    assert found["memory"] < 2_000  # MB, of which TensorFlow takes most
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def refusal(path: Path, content: bytes, run: bool = False) -> str:
    path.write_bytes(content)
    with pytest.raises(RunError) as error:
        model_check.check(path, run=run)
    return str(error.value)


def test_what_is_refused_is_named(tmp_path: Path):
    path = tmp_path / "model.keras"
    gallery = hostile.function("keras.visualization", "plot_image_gallery")
    config = hostile.model(hostile.dense(activation=gallery))
    assert "function keras.visualization.plot_image_gallery" in refusal(
        path, hostile.packed(config)
    )
    config = hostile.model(hostile.thing("keras.layers", "Lambda", {"name": "x"}))
    assert "class keras.layers.Lambda" in refusal(path, hostile.packed(config))
    words = hostile.thing("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"})
    assert "'/etc/passwd'" in refusal(path, hostile.packed(hostile.model(words)))


def test_a_run_holds_fewer_kinds_of_layers_than_a_file_that_is_looked_at(tmp_path: Path):
    path = tmp_path / "model.keras"
    layer = hostile.thing("keras.layers", "LSTM", {"name": "lstm", "units": 2})
    config = {"name": "model", "layers": [layer]}
    lstm = hostile.thing("keras.src.models.functional", "Functional", config)
    assert "keras.layers.LSTM" in refusal(path, hostile.packed(lstm), run=True)
    model_check.check(path, run=False)


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_the_shipped_models_pass(task: str):
    from nnguide import runs

    model_check.check(runs.shipped(task) / "model.keras", run=True)


def test_the_list_has_every_class_that_nnguide_registers(tf):
    import keras

    from nnguide.models import saving

    saving.register_layers()
    layers = {
        name.removeprefix("nnguide>")
        for name, kind in keras.saving.get_custom_objects().items()
        if name.startswith("nnguide>")
        and issubclass(kind, (keras.layers.Layer, keras.regularizers.Regularizer))
    }
    assert layers <= allowed_classes.NNGUIDE


def test_models_of_plain_layers_are_loaded_compiled(tmp_path: Path, tf):
    import keras
    import numpy as np

    from nnguide.models import saving

    inputs = keras.Input((8,))
    words = keras.layers.Embedding(50, 4)(inputs)
    state = keras.layers.Bidirectional(keras.layers.LSTM(3))(words)
    mixed = keras.layers.Dense(6, "gelu", kernel_regularizer="l2")(state) + state * 2
    normal = keras.layers.LayerNormalization()(mixed)
    model = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(normal))
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.BinaryCrossentropy(),
        ["accuracy", "AUC", keras.metrics.Recall(), keras.metrics.mean_absolute_error],
    )
    model.save(tmp_path / "model.keras")
    x = np.arange(16).reshape(2, 8)
    again = saving.load(tmp_path / "model.keras", run=False)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert again.compiled

    text = keras.layers.TextVectorization(vocabulary=["win", "a/b"], output_mode="multi_hot")
    keras.Sequential([keras.Input((1,), dtype="string"), text]).save(tmp_path / "text.keras")
    saving.load(tmp_path / "text.keras", run=False)


def test_weights_beyond_memory_are_never_made(tmp_path: Path, tf):
    from nnguide.models import saving

    path = tmp_path / "model.keras"
    wide = [hostile.dense(name=f"dense_{n}", units=1 << 20) for n in range(2)]
    for layer in wide:
        del layer["build_config"]
    path.write_bytes(hostile.packed(hostile.model(*wide)))
    began = time.process_time()
    with pytest.raises(RunError, match="100,000,000 parameters"):
        saving.load(path, run=False)
    assert time.process_time() - began < 120
    import keras

    assert keras.layers.Dense(2).add_weight((1,)) is not None  # Keras is as it was
