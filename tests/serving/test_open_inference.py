"""The Open Inference Protocol: the published examples, Triton's own client, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy_models import Echo, HalfPlus, Shelf, Start, Started
from PIL import Image, ImageDraw
from test_process import Server

from nnguide import __version__, runs
from nnguide.runs import Run
from nnguide.serving.bounds import Bounds
from nnguide.serving.servable import RunServable
from nnguide.serving.signatures import STRING, Signature, Tensor

TEXTS = ["WIN a free prize, call now", "See you at six", "", "ünïcödé 🙂"]


class Published(Echo):
    """A model of the specification's example: two inputs, and one output that is [3, 2]."""

    def __init__(self) -> None:
        inputs = {"input0": Tensor("uint32", (2, 2), ""), "input1": Tensor("bool", (3,), "")}
        outputs = {"output0": Tensor("float32", (3, 2), ""), "output1": Tensor("int64", (1,), "")}
        self.signatures = {"serving_default": Signature(inputs, outputs)}

    def run(self, name: str, prepared: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        np.testing.assert_array_equal(prepared["input0"], [[1, 2], [3, 4]])
        assert prepared["input1"].shape == (3,)
        levels = np.array([[1.0, 1.1], [2.0, 2.1], [3.0, 3.1]], np.float32)
        return {"output0": levels, "output1": np.array([7])}


class Iris(Echo):
    """KServe's first example of a scikit-learn model."""

    platform = "sklearn"

    def __init__(self) -> None:
        inputs = {"input-0": Tensor("float32", (None, 4), "")}
        self.signatures = {
            "serving_default": Signature(inputs, {"predict": Tensor("int64", (None,), "")})
        }

    def run(self, name: str, prepared: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"predict": (prepared["input-0"][:, 2] > 2.5).astype(np.int64)}


def infer(server: Started, model: str, body: Any, **more: Any) -> tuple[int, Any]:
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = server.client.post(f"/v2/models/{model}/infer", **content, **more)
    return answer.status_code, answer.json()


def example(values: list[bool]) -> dict[str, Any]:
    """The request of the specification, with these values of its second input."""
    return {
        "id": "42",
        "inputs": [
            {"name": "input0", "shape": [2, 2], "datatype": "UINT32", "data": [1, 2, 3, 4]},
            {"name": "input1", "shape": [3], "datatype": "BOOL", "data": values},
        ],
        "outputs": [{"name": "output0"}],
    }


def test_the_example_of_the_specification(start: Start):
    server = start(mymodel=Shelf(v1=Published()))
    shown = {"name": "output0", "shape": [3, 2], "datatype": "FP32"}
    expected = {
        "id": "42",
        "model_name": "mymodel",
        "model_version": "1",
        "outputs": [{**shown, "data": [1.0, 1.1, 2.0, 2.1, 3.0, 3.1]}],
    }
    assert infer(server, "mymodel", example([True, False, True])) == (200, expected)
    nested = example([True, False, True])
    nested["inputs"][0]["data"] = [[1, 2], [3, 4]]
    assert infer(server, "mymodel", nested) == (200, expected)
    # As it is printed there, its second input has one value for a shape of three.
    status, answer = infer(server, "mymodel", example([True]))
    assert (status, answer["error"]) == (
        400,
        "input input1: shape [3] has 3 elements; got data of 1",
    )


def test_the_example_of_kserve(start: Start):
    server = start(iris=Shelf(v1=Iris()))
    rows = [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]
    asked = {"name": "input-0", "shape": [2, 4], "datatype": "FP32", "data": rows}
    status, answer = infer(server, "iris", {"inputs": [asked]})
    assert (status, answer) == (
        200,
        {
            "model_name": "iris",
            "model_version": "1",
            "outputs": [{"name": "predict", "shape": [2], "datatype": "INT64", "data": [1, 1]}],
        },
    )
    assert server.get("/v2/models/iris") == (
        200,
        {
            "name": "iris",
            "versions": ["1"],
            "platform": "sklearn",
            "inputs": [{"name": "input-0", "datatype": "FP32", "shape": [-1, 4]}],
            "outputs": [{"name": "predict", "datatype": "INT64", "shape": [-1]}],
        },
    )


def test_health_and_metadata(start: Start):
    server = start(half=HalfPlus(), broken=Shelf(v1=None))
    about = {"name": "nnguide", "version": __version__, "extensions": ["binary_tensor_data"]}
    assert server.get("/v2") == (200, about)
    assert server.get("/v2/health/live") == (200, {"live": True})
    assert server.get("/v2/health/ready") == (503, {"live": True, "ready": False})
    assert server.get("/v2/models/half/ready") == (200, {"name": "half", "ready": True})
    assert server.get("/v2/models/half/versions/1/ready")[0] == 200
    for path in ("broken/ready", "none/ready", "none", "half/versions/2", "half/versions/x/ready"):
        status, answer = server.get(f"/v2/models/{path}")
        assert (status, "error" in answer) == (400 if "/x/" in path else 404, True)
    assert server.get("/v2/repository/index")[0] == 404
    assert server.get("/v2/models/half/infer")[0] == 405
    assert start(half=HalfPlus()).get("/v2/health/ready")[0] == 200
    lines = server.client.get("/metrics").text
    assert 'nnguide_requests_total{method="ready",model="half",status="200"} 2.0' in lines


def binary(fields: dict[str, Any], *contents: bytes) -> dict[str, Any]:
    """A request with tensors behind its JSON, as httpx takes it."""
    head = json.dumps(fields).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    return {"content": head + b"".join(contents), "headers": headers}


def strings(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "float32", "float64", STRING])
def test_every_type_goes_and_comes_as_bytes_and_as_json(start: Start, dtype: str):
    server = start(echo=Shelf(v1=Echo(x=Tensor(dtype, (None, 2), ""))))
    if dtype == STRING:
        raw, name, data = strings(b"", b"\xc3\xa9", b"a" * 300, b"\n"), "BYTES", None
    else:
        array = np.array([[0, 1], [1, 0]], dtype)
        raw, name, data = array.tobytes(), dtype.upper().replace("FLOAT", "FP"), array.ravel()
    tensor = {"name": "x", "shape": [2, 2], "datatype": name}
    sent = {**tensor, "parameters": {"binary_data_size": len(raw)}}
    fields = {"inputs": [sent], "parameters": {"binary_data_output": True}}
    answer = server.client.post("/v2/models/echo/infer", **binary(fields, raw))
    assert answer.status_code == 200, answer.text
    split = int(answer.headers["inference-header-content-length"])
    assert json.loads(answer.content[:split])["outputs"] == [sent]
    assert answer.content[split:] == raw
    values = ["", "é", "a" * 300, "\n"] if data is None else data.tolist()
    status, answer = infer(server, "echo", {"inputs": [{**tensor, "data": values}]})
    assert (status, answer["outputs"]) == (200, [{**tensor, "data": values}])


@pytest.fixture(scope="module")
def triton() -> Iterator[Any]:
    """Triton's own client, of a server of the shipped models."""
    http = pytest.importorskip("tritonclient.http")
    server = Server(*(f"{name}={runs.shipped(name)}" for name in ("digits", "spam")))
    client = http.InferenceServerClient(f"localhost:{server.port}")
    yield http, client
    client.close()
    server.process.kill()
    server.process.wait()
    server.process.stderr.close()


def test_tritons_client_asks_for_health_and_metadata(triton: Any):
    http, client = triton
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("digits")
    assert not client.is_model_ready("none")
    assert client.get_server_metadata()["name"] == "nnguide"
    about = client.get_model_metadata("digits")
    assert about["platform"] == "nnguide_light"
    assert about["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 28, 28]}]
    with pytest.raises(http.InferenceServerException, match="Servable not found"):
        client.get_model_metadata("none")


@pytest.mark.parametrize("as_bytes", [True, False])
def test_tritons_client_asks_about_messages(triton: Any, as_bytes: bool):
    http, client = triton
    asked = http.InferInput("text", [len(TEXTS)], "BYTES")
    asked.set_data_from_numpy(np.array(TEXTS, object), binary_data=as_bytes)
    wanted = [http.InferRequestedOutput(n, binary_data=as_bytes) for n in ("probability", "label")]
    for more in ({}, {"outputs": wanted, "request_id": "7", "model_version": "1"}):
        answer = client.infer("spam", [asked], request_compression_algorithm="gzip", **more)
        expected = Run.open(runs.shipped("spam")).predict(TEXTS)
        np.testing.assert_allclose(
            answer.as_numpy("probability"), [one.probability for one in expected], atol=1e-6
        )
        labels = [np.asarray(one).item() for one in answer.as_numpy("label")]
        labels = [one.decode() if isinstance(one, bytes) else one for one in labels]
        assert labels == [one.label for one in expected]
        assert answer.get_response().get("id") == (more.get("request_id"))


def one() -> bytes:
    picture = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(picture).line([(150, 40), (150, 240)], fill=0, width=20)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_tritons_client_asks_about_pictures(triton: Any):
    http, client = triton
    run = Run.open(runs.shipped("digits"))
    files = http.InferInput("image_bytes", [2], "BYTES")
    files.set_data_from_numpy(np.array([one(), one()], object))
    answer = client.infer("digits", [files])
    assert [label.decode() for label in answer.as_numpy("label")] == ["1", "1"]

    levels = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.float32)
    image = http.InferInput("image", levels.shape, "FP32")
    image.set_data_from_numpy(levels)
    found = client.async_infer("digits", [image]).get_result().as_numpy("probabilities")
    expected = [list(each.probabilities.values()) for each in run.predict(levels)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    with pytest.raises(http.InferenceServerException, match=r"grey levels 0-255"):
        image.set_data_from_numpy(-levels)
        client.infer("digits", [image])


def test_a_picture_file_in_json_is_base64(start: Start):
    server = start(digits=Shelf(v1=RunServable(runs.shipped("digits"))))
    file = {"b64": base64.b64encode(one()).decode()}
    tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": [file]}
    status, answer = infer(server, "digits", {"inputs": [tensor]})
    assert (status, answer["outputs"][0]["data"]) == (200, ["1"])


X = {"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The document is empty"),
        (b"[]", "Is not object"),
        ({}, "at least one input"),
        ({"inputs": []}, "at least one input"),
        ({"inputs": X}, "a list of objects"),
        ({"inputs": [{**X, "name": 5}]}, "a list of objects"),
        ({"inputs": [X, X]}, "given once"),
        ({"inputs": [{**X, "name": "y"}]}, "the model takes x; got y"),
        ({"inputs": [{**X, "datatype": "FP64"}]}, "expected datatype FP32; got FP64"),
        ({"inputs": [{**X, "datatype": None}]}, "expected datatype FP32; got None"),
        ({"inputs": [{**X, "shape": [3]}]}, "3 elements; got data of 2"),
        ({"inputs": [{**X, "shape": [-1]}]}, "expected shape [-1]"),
        ({"inputs": [{**X, "shape": [2, 1]}]}, "expected shape [-1]; got [2, 1]"),
        ({"inputs": [{**X, "shape": [True]}]}, "expected shape"),
        ({"inputs": [{**X, "shape": [2**50]}]}, "expected shape"),
        ({"inputs": [{**X, "shape": None}]}, "expected shape"),
        ({"inputs": [{**X, "data": None}]}, "expected data, a list"),
        ({"inputs": [{**X, "data": [1, "2"]}]}, "not of expected type: float"),
        ({"inputs": [{**X, "data": [True, 2]}]}, "not of expected type: float"),
        ({"inputs": [{**X, "data": [[1], [2]]}]}, "Expecting shape"),
        ({"inputs": [{**X, "data": [1e39, 2]}]}, "cannot be held"),
        ({"inputs": [X], "id": 42}, "the id is a string"),
        ({"inputs": [X], "outputs": [{"name": "z"}]}, "the model gives y; got output z"),
        ({"inputs": [X], "parameters": []}, "parameters are an object"),
        ({"inputs": [X], "parameters": {"signature_name": "no"}}, "there is no signature no"),
        ({"inputs": [X], "parameters": {"binary_data_output": 1}}, "true or false"),
        ({"inputs": [{**X, "parameters": {"shared_memory_region": "a"}}]}, "not supported"),
        (
            {"inputs": [X], "outputs": [{"name": "y", "parameters": {"classification": 3}}]},
            "classification is not supported",
        ),
        ({"inputs": [{**X, "parameters": {"binary_data_size": 8}}]}, "0 left; got 8"),
        ({"inputs": [{**X, "data": [-1, 2]}]}, "the model refuses what is negative"),
    ],
)
def test_what_is_refused(start: Start, body: Any, said: str):
    class Rows(HalfPlus):
        def __init__(self) -> None:
            super().__init__()
            self.signatures = {"rows": self.signatures["rows"]}

    server = start(half=Rows())
    status, answer = infer(server, "half", body)
    assert (status, said in answer["error"]) == (400, True), answer
    assert infer(server, "half", {"inputs": [X]})[1]["outputs"][0]["data"] == [2.5, 3.0]


@pytest.mark.parametrize(
    ("size", "content", "length", "said"),
    [
        (8, b"\0" * 9, None, "1 bytes follow the JSON that no input claims"),
        (7, b"\0" * 7, None, "do not make 7 bytes of FP32"),
        (8, np.array([1, np.nan], "<f4").tobytes(), None, "finite numbers"),
        (8, b"\0" * 8, "9999", "a length of at most the body's"),
        (8, b"\0" * 8, "-1", "a length of at most the body's"),
    ],
)
def test_bytes_that_are_not_as_the_json_says(
    start: Start, size: int, content: bytes, length: str | None, said: str
):
    server = start(half=HalfPlus())
    tensor = {"name": "x", "shape": [2], "datatype": "FP32"}
    fields = {"inputs": [{**tensor, "parameters": {"binary_data_size": size}}]}
    request = binary(fields, content)
    if length:
        request["headers"]["Inference-Header-Content-Length"] = length
    answer = server.client.post("/v2/models/half/infer", **request)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text


def test_bounds_hold_for_it_too(start: Start):
    server = start(half=HalfPlus(), bounds=Bounds(body=1000, rows=3))
    four = {**X, "shape": [4], "data": [1, 2, 3, 4]}
    assert infer(server, "half", {"inputs": [four]})[0] == 413
    assert infer(server, "half", b" " * 1001)[0] == 413
    zipped = {"Content-Encoding": "br"}
    assert infer(server, "half", {"inputs": [X]}, headers=zipped)[0] == 415


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "y"]) | VALUES,
        "shape": st.lists(st.integers(0, 3), max_size=2) | VALUES,
        "datatype": st.sampled_from(["FP32", "BYTES"]) | VALUES,
        "data": VALUES,
        "parameters": st.dictionaries(
            st.sampled_from(["binary_data_size", "binary_data"]), VALUES, max_size=2
        ),
    },
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    inputs=st.lists(INPUTS, max_size=2) | VALUES,
    outputs=st.lists(INPUTS, max_size=1) | VALUES,
    length=st.none() | st.integers(-1, 80).map(str) | st.text("0123456789x²", max_size=4),
    rest=st.binary(max_size=20),
)
def test_no_request_is_a_server_error(start: Start, inputs, outputs, length, rest):
    server = start(text=Shelf(v1=Echo(x=Tensor(STRING, (None,), ""))))
    body = json.dumps({"inputs": inputs, "outputs": outputs}).encode() + rest
    headers = {} if length is None else {"Inference-Header-Content-Length": length.encode()}
    answer = server.client.post("/v2/models/text/infer", content=body, headers=headers)
    assert answer.status_code in (200, 400), answer.text
    assert (answer.status_code == 200) != (b'"error"' in answer.content)
