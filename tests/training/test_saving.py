"""Equal models make equal files; a file brings no code and is loaded with care."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nnguide import logs
from nnguide.config import DenseConfig
from nnguide.errors import RunError

logs.tensorflow()

import keras  # noqa: E402

from nnguide.models import dense, saving  # noqa: E402


def model(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return dense.build(DenseConfig(hidden=(3,), l2=0.1), input_shape=(4,), labels=2)


def test_equal_models_make_equal_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often, whenever and after whatever else they are built."""
    saving.save(model(), tmp_path / "a.keras")
    for _ in range(3):
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2030, 1, 1, 0, 0, 0, 0, 0, 0))
    saving.save(model(), tmp_path / "b.keras")
    saving.save(model(1), tmp_path / "c.keras")
    a, b, c = ((tmp_path / f"{name}.keras").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_file_answers_as_the_model_did(tmp_path: Path) -> None:
    made = model()
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    path = tmp_path / "new" / "m.keras"
    saving.save(made, path)
    loaded = saving.load(path)
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded(x), made(x))


def test_a_process_that_only_loads_knows_every_layer() -> None:
    code = """
import pkgutil, importlib, nnguide
from nnguide import logs
logs.tensorflow()
import keras
from nnguide.models import saving
def known(): return {n for n in keras.saving.get_custom_objects() if n.startswith("nnguide>")}
saving.register_layers()
before = known()
for module in pkgutil.walk_packages(nnguide.__path__, "nnguide."):
    if module.name.startswith(("nnguide.models.", "nnguide.preprocessing.")):
        importlib.import_module(module.name)
print(sorted(known() - before), len(before))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    missing, count = found.stdout.split()
    assert missing == "[]"
    assert int(count) >= 8


def test_an_optimizer_is_never_saved(tmp_path: Path) -> None:
    made = model()
    made.compile("adam", "categorical_crossentropy")
    with pytest.raises(ValueError, match="optimizer"):
        saving.save(made, tmp_path / "m.keras")
    assert not (tmp_path / "m.keras").exists()


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.keras"
    saving.save(model(), path)
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(RuntimeError):
        saving.save(model(1), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"m\.keras cannot be loaded"):
        saving.load(path)
    with pytest.raises(RunError, match=r"not loaded|cannot be loaded"):
        saving.load(tmp_path / "missing.keras")


def test_a_file_cannot_bring_code(tmp_path: Path) -> None:
    """A Lambda layer holds Python; so does a layer of a module that nnguide does not know."""
    inputs = keras.Input((4,), name="x")
    evil = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    saving.save(evil, tmp_path / "lambda.keras")
    saving.save(model(), tmp_path / "good.keras")
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "module.keras", "w") as bad,
    ):
        for name in good.namelist():
            content = good.read(name)
            if name == "config.json":
                tree = json.loads(content)
                tree.update(module="os", class_name="system", registered_name=None)
                content = json.dumps(tree).encode()
            bad.writestr(name, content)
    for name in ("lambda", "module"):
        with pytest.raises(RunError, match=r"not loaded|cannot be loaded"):
            saving.load(tmp_path / f"{name}.keras")
