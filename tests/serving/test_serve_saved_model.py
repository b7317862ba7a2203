"""A SavedModel that nnguide knows nothing of, answered through TensorFlow."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from numpy_models import Shelf, Start

from nnguide.errors import RunError
from nnguide.files import sha256
from nnguide.serving.saved_model import SavedModelServable
from nnguide.serving.versions import SavedModels


@pytest.fixture(scope="module")
def base(tf: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base folder with version 1: numbers halved, texts measured, examples parsed."""

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, "x")])
        def half(self, x):
            tf.debugging.assert_non_negative(x, "no debts here")
            return {"y": x / 2 + 2.0}

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "text")])
        def length(self, text):
            return {"bytes": tf.strings.length(text), "same": text}

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "inputs")])
        def classify(self, inputs):
            features = {"x": tf.io.FixedLenFeature((2,), tf.float32)}
            return {"scores": tf.io.parse_example(inputs, features)["x"]}

    from nnguide.export.saved_model import name_method

    model = Model()
    folder = tmp_path_factory.mktemp("exports") / "half"
    signatures = {"serving_default": model.half, "length": model.length, "classify": model.classify}
    tf.saved_model.save(model, str(folder / "1"), signatures)
    name_method(folder / "1", "classify", "tensorflow/serving/classify")
    return folder


@pytest.fixture
def half(start: Start, base: Path):
    return start(half=Shelf(v1=SavedModelServable(base / "1")))


def test_predict(half):
    assert half.post("half:predict", {"instances": [1.0, 2]}) == (200, {"predictions": [2.5, 3.0]})
    assert half.post("half:predict", {"inputs": {"x": [1.0]}}) == (200, {"outputs": [2.5]})
    text = {"signature_name": "length", "instances": ["ab", {"b64": "/w=="}, "🙂"]}
    assert half.post("half:predict", text) == (
        200,
        {
            "predictions": [
                {"bytes": 2, "same": "ab"},
                {"bytes": 1, "same": "\ufffd"},
                {"bytes": 4, "same": "🙂"},
            ]
        },
    )


def test_classify(half):
    body = {"signature_name": "classify", "examples": [{"x": [1.0, 0.5]}]}
    assert half.post("half:classify", body) == (200, {"results": [[["", 1.0], ["", 0.5]]]})
    for wrong in ({}, {"x": 1.0}, {"x": [1, 2]}, {"x": ["a", "b"]}):
        assert half.post("half:classify", {**body, "examples": [wrong]})[0] == 400


def test_the_graph_says_no(half):
    status, answer = half.post("half:predict", {"instances": [-1.0]})
    assert status == 400
    assert "no debts here" in answer["error"]
    assert "\n" not in answer["error"]


def test_one_bad_request_does_no_harm_to_those_beside_it(half):
    asked = [-1.0 if n % 5 == 0 else float(n) for n in range(40)]
    with ThreadPoolExecutor(40) as clients:
        answers = list(clients.map(lambda x: half.post("half:predict", {"instances": [x]}), asked))
    for x, (status, answer) in zip(asked, answers, strict=True):
        if x < 0:
            assert status == 400
        else:
            assert (status, answer) == (200, {"predictions": [x / 2 + 2]})


def test_metadata(half):
    status, answer = half.get("/v1/models/half/metadata")
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert status == 200
    assert set(signatures) == {"serving_default", "length", "classify"}
    assert signatures["classify"]["method_name"] == "tensorflow/serving/classify"
    assert signatures["length"]["outputs"]["bytes"]["dtype"] == "DT_INT32"
    assert signatures["serving_default"]["inputs"]["x"]["tensor_shape"]["dim"][0]["size"] == "-1"


def test_a_damaged_model_is_refused(base: Path, tmp_path: Path):
    shutil.copytree(base / "1", tmp_path / "1")
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(RunError, match="cannot be loaded as a SavedModel"):
        SavedModels(tmp_path).load(1)
    shutil.copytree(base / "1", tmp_path / "2")
    shutil.rmtree(tmp_path / "2" / "variables")
    with pytest.raises(RunError):
        SavedModels(tmp_path).load(2)


def test_a_manifest_must_match(base: Path, tmp_path: Path):
    folder = tmp_path / "1"
    shutil.copytree(base / "1", folder)
    files = {"saved_model.pb": sha256(folder / "saved_model.pb")}
    (folder / "manifest.json").write_text(json.dumps({"task": "other", "files": files}))
    assert SavedModelServable(folder).signatures

    (folder / "manifest.json").write_text(json.dumps({"files": {"saved_model.pb": "0"}}))
    with pytest.raises(RunError, match="does not match its manifest"):
        SavedModelServable(folder)
    (folder / "manifest.json").write_text("[")
    with pytest.raises(RunError, match="is damaged"):
        SavedModelServable(folder)


def test_a_graph_that_touches_files_is_refused(tf: Any, tmp_path: Path):
    target = tmp_path / "written"

    signature = [tf.TensorSpec((None,), tf.float32, "x")]

    def write(x):
        with tf.control_dependencies([tf.io.write_file(str(target), "x")]):
            return {"y": tf.identity(x)}

    def python(x):
        return {"y": tf.numpy_function(lambda x: x, [x], tf.float32)}

    def read(x):
        length = tf.strings.length(tf.io.read_file("/etc/passwd"))
        return {"y": x + tf.cast(length, tf.float32)}

    for number, (act, wanted) in enumerate(
        ((write, "WriteFile"), (python, "PyFunc"), (read, "ReadFile")), start=1
    ):
        model = tf.Module()
        model.act = tf.function(act, input_signature=signature)
        folder = tmp_path / str(number)
        tf.saved_model.save(model, str(folder), {"serving_default": model.act})
        with pytest.raises(RunError, match=rf"{wanted}.*--trust"):
            SavedModelServable(folder)
    assert not target.exists()
    assert SavedModelServable(tmp_path / "1", trust=True).signatures
