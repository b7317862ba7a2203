"""Model files that try to run code, to touch files or to take all memory, as bytes."""

from __future__ import annotations

import copy
import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np


def thing(module: str | None, name: str, config: Any, **more: Any) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": None,
        **more,
    }


def function(module: str, name: str, registered: str | None = None) -> dict[str, Any]:
    return thing(module, "function", name, registered_name=registered or name)


def dense(**settings: Any) -> dict[str, Any]:
    config = {"name": "dense", "trainable": True, "units": 2, "activation": "relu", **settings}
    return thing("keras.layers", "Dense", config, build_config={"input_shape": [None, 3]})


def model(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    first = thing(
        "keras.layers",
        "InputLayer",
        {"batch_shape": [None, 3], "dtype": "float32", "name": "input"},
    )
    config = {"name": "model", "trainable": True, "layers": [first, *layers]}
    return thing("keras", "Sequential", config, **more)


def weights() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as archive:
        group = archive.create_group("layers/dense/vars")
        group["0"] = np.zeros((3, 2), np.float32)
        group["1"] = np.zeros(2, np.float32)
    return file.getvalue()


WEIGHTS = weights()


def packed(config: Any, weights: bytes = WEIGHTS, **members: bytes) -> bytes:
    """A .keras file of a configuration, given as JSON values or as bytes."""
    file = io.BytesIO()
    content = config if isinstance(config, bytes) else json.dumps(config).encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1", "date_saved": ""}')
        archive.writestr("config.json", content)
        archive.writestr("model.weights.h5", weights)
        for name, member in members.items():
            archive.writestr(name, member)
    return file.getvalue()


def calls(folder: str) -> list[dict[str, Any]]:
    """Objects that would call, import or read something while they are built."""
    lambdas = thing(
        "keras.layers", "Lambda", {"name": "l", "function": function("keras.config", "set_floatx")}
    )
    python = thing("builtins", "__lambda__", {"value": ["", None, None]})
    return [
        function("keras.visualization", "plot_image_gallery"),
        function("keras.config", "set_floatx"),
        function("keras.config", "enable_unsafe_deserialization"),
        function("keras.utils", "get_file"),
        function("keras.saving", "load_model"),
        function("builtins", "set_floatx", "function"),
        function("builtins", "exec"),
        function("os", "system"),
        function("subprocess", "Popen"),
        function("nnguide.files", "atomic"),
        function("keras.activations", "relu", "set_floatx"),
        lambdas,
        python,
        thing("keras.layers", "TFSMLayer", {"filepath": folder, "name": "x"}),
        thing("keras.layers", "TorchModuleWrapper", {"module": folder}),
        thing("keras.layers", "JaxLayer", {"call_fn": function("os", "system")}),
        thing("keras.layers", "TextVectorization", {"vocabulary": f"{folder}/secret.txt"}),
        thing("keras.layers", "StringLookup", {"vocabulary": f"{folder}/secret.txt"}),
        thing("keras.layers", "IntegerLookup", {"vocabulary": f"{folder}/secret.txt"}),
        thing("keras.layers", "TextVectorization", {"standardize": function("os", "system")}),
        thing("keras.src.layers.core.lambda_layer", "Lambda", {"function": "x"}),
        thing("keras.src.utils.file_utils", "get_file", {"origin": "http://127.0.0.1:9/"}),
        thing("keras", "Variable", {"initializer": [1.0]}),
        thing("nnguide.files", "Path", {"args": folder}),
        thing("antigravity", "Anything", {}),
        thing("keras_hub.models", "Anything", {}),
        thing("keras.layers", "Dense", {"units": 2}, registered_name="nnguide>Tokens"),
        thing("keras.layers", "Dense", {"units": 2}, registered_name="my>Dense"),
        thing(None, "Lambda", {"function": ["", None, None]}),
        thing(None, "__typespec__", [], spec_name="TensorSpec"),
        thing("builtins", "__numpy__", {"value": [0], "dtype": "O"}),
        thing("keras.metrics", "MeanMetricWrapper", {"fn": function("os", "system")}),
        {"class_name": "Lambda", "config": {"name": "l", "function": "x"}},
        {"class_name": "Dense", "config": {"units": 2, "name": "dense"}},
    ]


def places(bad: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Models that hold `bad` at each place where Keras looks for an object."""
    yield bad
    yield model(bad)
    for key in (
        *("activation", "kernel_initializer", "bias_regularizer", "kernel_constraint", "dtype"),
        *("activity_regularizer", "quantization_config", "name"),
    ):
        yield model(dense(**{key: bad}))
    yield model(dense(), compile_config={"optimizer": bad, "loss": "mse"})
    yield model(dense(), compile_config={"optimizer": "adam", "loss": {"dense": bad}})
    yield model(dense(), compile_config={"optimizer": "adam", "metrics": [["accuracy", bad]]})
    yield model(dense(), build_config={"input_shape": [None, bad]})
    yield model(thing("keras.layers", "TimeDistributed", {"name": "t", "layer": bad}))
    yield model(thing("keras.layers", "RNN", {"name": "r", "cell": [bad]}))
    yield model(model(dense(), bad))
    wired = dense()
    wired["inbound_nodes"] = [{"args": [bad], "kwargs": {"mask": copy.deepcopy(bad)}}]
    yield thing("keras.src.models.functional", "Functional", {"name": "f", "layers": [wired]})


def too_large() -> list[Any]:
    """Configurations that are refused for a number, a length or a depth."""
    deep: Any = dense()
    for _ in range(120):
        deep = model(deep)
    return [
        model(dense(units=1 << 25)),
        model(dense(units=-(10**40))),
        model(dense(units=float("nan"))),
        model(dense(activation="set_floatx")),
        model(dense(name="../../../tmp/x")),
        model(dense(dtype="object")),
        model(dense(), compile_config={"loss": "mse", "anything": 1}),
        model(dense(), compile_config={"loss": "set_floatx"}),
        model(*[dense()] * 2_001),
        model(thing("keras.layers", "LSTM", {"name": "l", "units": 2, "unroll": True})),
        {"module": "keras", "config": {}},
        [model(dense())],
        deep,
        b"[" * 1_000_000,
        b'{"class_name":' * 100_000,
        b"\xff\xfe",
        b"",
    ]


def hostile(folder: str) -> Iterator[bytes]:
    """All of them; `folder` is one with a file secret.txt, which nobody may read."""
    for bad in calls(folder):
        for config in places(bad):
            yield packed(config)
    for config in too_large():
        yield packed(config)
    good = model(dense())
    for name in ("../x", "/tmp/x", "assets/../../x", "model.weights.npz", "x.py"):
        yield packed(good, **{name: b"x"})
    linked = io.BytesIO()
    with h5py.File(linked, "w") as file:
        file["layers"] = h5py.ExternalLink(f"{folder}/secret.txt", "/")
    soft = io.BytesIO()
    with h5py.File(soft, "w") as file:
        file["layers"] = h5py.SoftLink("/elsewhere")
    outside = io.BytesIO()
    with h5py.File(outside, "w") as file:
        file.create_dataset("x", (4,), "f4", external=[(f"{folder}/secret.txt", 0, 16)])
    large = io.BytesIO()
    with h5py.File(large, "w") as file:
        file.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")
    for content in (linked, soft, outside, large):
        yield packed(good, content.getvalue())
    yield packed(good, b"no HDF5")
    yield packed(b" " * (17 << 20) + json.dumps(good).encode())
    whole = packed(good)
    for cut in itertools.islice(range(0, len(whole), 97), 20):
        yield whole[:cut]
