"""nnguide doctor as a person uses it: status, report, and one clear line for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import json_schema
import numpy as np
import pytest
import tiny

from nnguide.cli import doctor as command

SICK = """
import keras
import numpy as np

print("noise")


def build():
    draw = np.random.default_rng(0)
    x = draw.uniform(0, 255, (200, 10))
    y = (x[:, 0] > 100).astype(int) + (x[:, 1] > 200)
    hidden = [keras.layers.Dense(16, "sigmoid") for _ in range(3)]
    head = keras.layers.Dense(3, "softmax")
    model = keras.Sequential([keras.Input((10,)), *hidden, head])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, (x, keras.utils.to_categorical(y))


def model_alone():
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fails():
    raise ValueError("no such thing")


def three():
    return 3
"""
PLANTED = {"saturating-hidden", "unscaled-inputs", "loss-head"}


@pytest.fixture
def file(alone: Path) -> Path:
    path = alone / "mine.py"
    path.write_text(SICK)
    return path


def test_a_sick_file(nnguide, file):
    ended = nnguide("doctor", f"{file}:build")
    assert ended.status == 7
    for id in PLANTED:
        assert id in ended.out and f"nnguide docs doctor#{id}" in ended.out
    assert "norm of the gradient per layer" in ended.out and "####" in ended.out
    assert "not run" in ended.out and "no history was given" in ended.out
    assert "noise" not in ended.out and "Traceback" not in ended.err


def test_json_and_silence(nnguide, file):
    ended = nnguide("doctor", f"{file}:build", "--json", "--silence", "loss-head")
    assert ended.status == 7
    answer = json.loads(ended.out)
    json_schema.check(answer)
    assert {finding["id"] for finding in answer["findings"]} == PLANTED - {"loss-head"}
    silenced = [part for id in PLANTED for part in ("--silence", id)]
    assert nnguide("doctor", f"{file}:build", *silenced).status == 0


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("mine.py:fails", 4, "line 27: ValueError: no such thing"),
        ("mine.py:nothing", 2, "build, model_alone"),
        ("mine.py:three", 4, "got int"),
        ("mine.py", 2, "FILE.py:FUNCTION"),
        ("gone.py:build", 5, "there is no file"),
        ("gone.keras", 5, "there is no model"),
        ("mine.h5", 5, "--trust"),
        ("graph", 5, "a SavedModel is a graph"),
        ("nowhere", 5, "there is no run"),
        ("broken.py:build", 4, "SyntaxError"),
        ("leaves.py:build", 4, "SystemExit"),
    ],
)
def test_a_target_that_cannot_be_examined(nnguide, file, target, status, said):
    Path("broken.py").write_text("def build(:\n")
    Path("leaves.py").write_text("raise SystemExit(0)\n")
    Path("mine.h5").touch()
    Path("graph").mkdir()
    Path("graph/saved_model.pb").touch()
    ended = nnguide("doctor", target)
    assert ended.status == status and said in ended.err and not ended.out


def test_keras_files(nnguide, file, tf):
    import keras

    namespace: dict = {}
    exec(compile(SICK, "mine.py", "exec"), namespace)
    namespace["model_alone"]().save("model.keras")
    draw = np.random.default_rng(0)
    x = draw.normal(size=(100, 3))
    np.savez("arrays.npz", x_train=x, y_train=(x[:, 0] > 0).astype(int))
    assert nnguide("doctor", "model.keras", "--data", "arrays.npz").status == 0

    rows = "\n".join(f"{a},{b},{c},{'yes' if a > 0 else 'no'}" for a, b, c in 100 * x)
    Path("table.csv").write_text(f"a,b,c,answer\n{rows}\n")
    ended = nnguide("doctor", "model.keras", "--data", "table.csv", "--label-column", "answer")
    assert ended.status == 7 and "unscaled-inputs" in ended.out

    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    keras.Sequential([keras.Input((3,)), Mine()]).save("own.keras")
    scale = keras.layers.Lambda(lambda x: x / 255)
    keras.Sequential([keras.Input((3,)), scale]).save("code.keras")
    Path("torn.keras").write_bytes(b"PK\x03\x04")
    for path in ("own.keras", "code.keras", "torn.keras"):
        ended = nnguide("doctor", path)
        assert ended.status == 5 and "FILE.py:function" in ended.err and "--trust" in ended.err
    assert nnguide("doctor", "code.keras", "--trust").status in (0, 7)

    model = keras.models.load_model("model.keras")
    model.save("whole.h5")
    model.save_weights("alone.weights.h5")
    Path("torn.h5").write_bytes(Path("whole.h5").read_bytes()[:900])
    Path("text.h5").write_text("hello")
    for path, trusted in (("whole.h5", 0), ("alone.weights.h5", 5), ("torn.h5", 5), ("text.h5", 5)):
        ended = nnguide("doctor", path)
        assert ended.status == 5 and "--trust" in ended.err and not ended.out
        ended = nnguide("doctor", path, "--trust")
        assert ended.status == trusted, ended.err
        assert bool(ended.out) == (trusted == 0)
        assert trusted == 0 or f"{path} cannot be loaded as a Keras model" in ended.err


@pytest.mark.parametrize(
    ("data", "status"),
    [("gone.npz", 3), ("bad.npz", 4), ("names.npz", 4), ("rows.csv", 4), ("mnistt", 2)],
)
def test_data_that_cannot_be_used(nnguide, file, data, status):
    Path("bad.npz").write_bytes(b"no archive")
    np.savez("names.npz", x=np.zeros((3, 3)), y=np.zeros(3))
    Path("rows.csv").write_text("a,b\n1,2\n")
    ended = nnguide("doctor", f"{file}:model_alone", "--data", data)
    assert ended.status == status and "Traceback" not in ended.err


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_a_run_of_ours(nnguide, trained, task):
    ended = nnguide("doctor", trained(task).folder, "--json")
    answer = json.loads(ended.out)
    json_schema.check(answer)
    found = {finding["id"] for finding in answer["findings"]}
    assert found <= {"underfitting"}, answer["findings"]  # three epochs are few
    lacking = {rule["id"] for rule in answer["not_run"]}
    assert lacking <= {"rate-too-large", "rate-too-small", "overfitting", "underfitting"}
    assert ended.status == (7 if found else 0)


def test_train_warns(nnguide):
    more = ("--set", "model.kind=dense", "--set", "model.hidden=16,16", "--set")
    train = ("train", "digits", "--epochs", 1, *more, "model.activation=linear")
    with tiny.bare():
        ended = nnguide(*train, "--quiet")
        assert ended.status == 0 and "linear-stack" not in ended.err
        ended = nnguide(*train)
    assert "warning: linear-stack: nothing non-linear stands between hidden_1" in ended.err


def test_the_help_says_that_the_file_is_executed(nnguide):
    assert "EXECUTED" in nnguide("doctor", "--help").out
    assert command.command.name == "doctor"
