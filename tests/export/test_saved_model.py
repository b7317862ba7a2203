"""A SavedModel answers raw inputs by its signatures, in a process that has no nnguide."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnguide.export import publish, samples, verify
from nnguide.inference import validation
from nnguide.runs import Run
from nnguide.training.ensemble import ensemble

Exported = Callable[[str, str], Path]
Loaded = Callable[[str], Any]
BARE = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
given = json.load(open(sys.argv[2]))
if "text" in given:
    answers = model.signatures["serving_default"](text=tf.constant(given["text"]))
else:
    files = [open(path, "rb").read() for path in given["files"]]
    answers = model.signatures["serve_bytes"](image_bytes=tf.constant(files))
assert "nnguide" not in sys.modules
plain = {name: value.numpy().tolist() for name, value in answers.items()}
plain["label"] = [label.decode() for label in plain["label"]]
print(json.dumps(plain))
"""


def bare(folder: Path, given: dict[str, Any], place: Path) -> dict[str, Any]:
    """What a process that knows nothing of nnguide gets from the SavedModel in `folder`."""
    (place / "given.json").write_text(json.dumps(given))
    command = [sys.executable, "-I", "-c", BARE, str(folder), str(place / "given.json")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=place)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def loaded(tf: Any, exported: Exported) -> Loaded:
    """The SavedModel of a task, loaded once."""
    return functools.cache(lambda task: tf.saved_model.load(str(exported(task, "saved_model"))))


def test_texts_are_answered_without_nnguide(
    exported: Exported, trained: Callable[[str], Run], tmp_path: Path
) -> None:
    run, texts = trained("spam"), [*tiny.examples("spam", 40).inputs, "", "💰 ＦＲＥＥ", "a\u2028b"]
    found = bare(exported("spam", "saved_model"), {"text": texts}, tmp_path)
    answers = run.predict(texts, "keras")
    assert found["label"] == [answer.label for answer in answers]
    np.testing.assert_allclose(found["probability"], [a.probability for a in answers], atol=1e-4)


def test_picture_files_are_answered_without_nnguide(
    exported: Exported, trained: Callable[[str], Run], tmp_path: Path
) -> None:
    files = []
    for number, (data, _) in enumerate(samples.files(10, seed=5)):
        files.append(str(tmp_path / f"{number}.any"))
        Path(files[-1]).write_bytes(data)
    found = bare(exported("digits", "saved_model"), {"files": files}, tmp_path)
    answers = trained("digits").predict(files, "keras")
    np.testing.assert_allclose(found["probability"], [a.probability for a in answers], atol=0.02)
    wanted = [list(a.probabilities.values()) for a in answers]
    np.testing.assert_allclose(found["probabilities"], wanted, atol=0.02)
    assert found["label"] == [answer.label for answer in answers]


def described(tf: Any, folder: Path) -> dict[str, Any]:
    """The signatures as the file has them."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return dict(saved.meta_graphs[0].signature_def)


SIGNATURES = {
    ("digits", "serving_default"): (
        {"image": ("float32", [-1, 28, 28])},
        {"label": "string", "probability": "float32", "probabilities": "float32"},
        "predict",
    ),
    ("digits", "serve_bytes"): (
        {"image_bytes": ("string", [-1])},
        {"label": "string", "probability": "float32", "probabilities": "float32"},
        "predict",
    ),
    ("spam", "serving_default"): (
        {"text": ("string", [-1])},
        {"label": "string", "probability": "float32"},
        "predict",
    ),
    **{
        (task, "classify"): (
            {"inputs": ("string", [-1])},
            {"classes": "string", "scores": "float32"},
            "classify",
        )
        for task in ("digits", "spam")
    },
}


@pytest.mark.parametrize(("task", "name"), SIGNATURES)
def test_each_signature_is_as_promised(tf: Any, exported: Exported, task: str, name: str) -> None:
    wanted_inputs, wanted_outputs, method = SIGNATURES[task, name]
    signature = described(tf, exported(task, "saved_model"))[name]
    assert signature.method_name == f"tensorflow/serving/{method}"
    found = {
        key: (tf.as_dtype(info.dtype).name, [side.size for side in info.tensor_shape.dim])
        for key, info in signature.inputs.items()
    }
    assert found == wanted_inputs
    assert {
        key: tf.as_dtype(info.dtype).name for key, info in signature.outputs.items()
    } == wanted_outputs


def test_the_threshold_is_strict(tf: Any, trained: Callable[[str], Run], tmp_path: Path) -> None:
    from nnguide.export.saved_model import Texts

    run, text = trained("spam"), "WIN a free prize"
    model = Texts(run)
    probability = float(model.serving_default(tf.constant([text]))["probability"][0])
    below = np.nextafter(np.float32(probability), np.float32(0))  # a network answers in float32
    for threshold, label in ((probability, b"ham"), (below, b"spam")):
        model = Texts(run)
        model._threshold = float(threshold)
        assert model.serving_default(tf.constant([text]))["label"].numpy()[0] == label


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 256.0])
def test_levels_that_are_none_are_an_error(tf: Any, loaded: Loaded, bad: float) -> None:
    model = loaded("digits")
    image = np.zeros((2, 28, 28), np.float32)
    image[1, 3, 4] = bad
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected finite grey levels 0-255"):
        model.signatures["serving_default"](image=tf.constant(image))


@pytest.mark.parametrize(
    ("task", "signature", "name"),
    [("digits", "serve_bytes", "image_bytes"), ("spam", "serving_default", "text")],
)
def test_of_no_examples_there_are_no_answers(
    tf: Any, loaded: Loaded, task: str, signature: str, name: str
) -> None:
    model = loaded(task)
    found = model.signatures[signature](**{name: tf.zeros([0], tf.string)})
    assert {len(values) for values in found.values()} == {0}


def test_any_bytes_are_a_text(tf: Any, loaded: Loaded) -> None:
    model = loaded("spam")
    odd = [b"\xff\xfe", b"free \xc3 prize", b"\x00", b"free \xef\xbf\xbd prize"]
    found = model.signatures["serving_default"](text=tf.constant(odd))["probability"].numpy()
    assert ((found >= 0) & (found <= 1)).all()
    assert found[1] == found[3]  # invalid bytes part words as U+FFFD does


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_the_warm_up_requests_fit_the_signatures(
    tf: Any, exported: Exported, loaded: Loaded, task: str
) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    folder, model = exported(task, "saved_model"), loaded(task)
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    met = set()
    for record in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = getattr(log, log.WhichOneof("log_type")).request
        assert request.model_spec.name == task
        name = request.model_spec.signature_name
        met.add(name)
        if name == "classify":
            examples = request.input.example_list.examples
            given = {"inputs": tf.constant([e.SerializeToString() for e in examples])}
        else:
            given = {n: tf.constant(tf.make_ndarray(t)) for n, t in request.inputs.items()}
        assert model.signatures[name](**given)
    assert met == set(model.signatures)


@pytest.mark.slow
def test_an_ensemble_is_one_model(trained: Callable[[str], Run], tmp_path: Path) -> None:
    both = ensemble([trained("spam")] * 2, tmp_path / "both")
    made = publish.export(both, "saved_model", tmp_path / "exports")
    answers, _ = verify.ask("saved_model", made.folder, {"text": [b"call now"]}, ["text"])
    wanted = both.outputs(validation.texts("call now"), "keras")
    np.testing.assert_allclose(answers["text.probability"], wanted[:, 0], atol=1e-4)


def test_labels_of_ones_own_are_inside(tf: Any, trained: Callable[[str], Run]) -> None:
    from nnguide.export.saved_model import Pictures

    run, image = trained("digits"), tiny.examples("digits", 20).inputs[:1].astype(np.float32)
    model = Pictures(run)
    model._labels = tf.constant([f"Zahl {n} ä" for n in range(10)])
    label = model.serving_default(tf.constant(image))["label"].numpy()[0].decode()
    assert label == f"Zahl {run.predict(image, 'keras')[0].label} ä"
