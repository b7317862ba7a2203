"""The answers that TensorFlow Serving's REST page and its server's own tests publish.

Sources: tensorflow.org/tfx/serving/api_rest; in github.com/tensorflow/serving the files
model_servers/http_rest_api_handler_test.cc and util/json_tensor_test.cc.
"""

from __future__ import annotations

import pytest
from numpy_models import Echo, HalfPlus, Shelf, Start

from nnguide.serving.signatures import STRING, Tensor

AVAILABLE = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
ANY = {
    "int_tensor": Tensor("int32", None, "int:0"),
    "str_tensor": Tensor(STRING, None, "str:0"),
    "float_tensor": Tensor("float32", None, "float:0"),
    "dbl_tensor": Tensor("float64", None, "dbl:0"),
    "str_tensor_bytes": Tensor(STRING, None, "bytes:0"),
}


@pytest.fixture
def half(start: Start):
    return start(half=Shelf(v123=HalfPlus(2.0)), three=Shelf(v123=HalfPlus(3.0)))


def echo(start: Start, *names: str):
    return start(echo=Echo(**{name: ANY[name] for name in names}))


def test_the_examples_of_the_page(half):
    assert half.post("three:predict", {"instances": [1.0, 2.0, 5.0]}) == (
        200,
        {"predictions": [3.5, 4.0, 5.5]},
    )
    examples = {"signature_name": "regress_x_to_y", "examples": [{"x": 1.0}, {"x": 2.0}]}
    assert half.post("three:regress", examples) == (200, {"results": [3.5, 4.0]})
    assert half.get("/v1/models/three") == (
        200,
        {"model_version_status": [{"version": "123", **AVAILABLE}]},
    )
    assert half.post("none:predict", {"instances": [1.0, 5.0]}) == (
        404,
        {"error": "Servable not found for request: Latest(none)"},
    )


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("half:predict", {"instances": [[1.0, 2.0], [3.0, 4.0]]}, [[2.5, 3.0], [3.5, 4.0]]),
        ("half/versions/123:predict", {"instances": [1.0, 2.0]}, [2.5, 3.0]),
        (
            "half/versions/123:predict",
            {"signature_name": "serving_default", "instances": [3.0, 4.0]},
            [3.5, 4.0],
        ),
        ("half:PREDICT", {"instances": [3.0, 4.0]}, [3.5, 4.0]),
    ],
)
def test_predict_in_rows(half, path, body, answer):
    assert half.post(path, body) == (200, {"predictions": answer})


def test_predict_in_columns(half):
    body = {"signature_name": "serving_default", "inputs": [3.0, 4.0]}
    assert half.post("half/versions/123:predict", body) == (200, {"outputs": [3.5, 4.0]})


def test_classify_and_regress_write_the_key_results(half):
    body = {"signature_name": "classify_x_to_y", "examples": [{"x": 20.0}]}
    assert half.post("half:classify", body) == (200, {"results": [[["", 12.0]]]})
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}]}
    assert half.post("half/versions/123:regress", body) == (200, {"results": [42.0]})


def test_a_context_stands_in_every_example(half):
    body = {"signature_name": "regress_x_to_y", "context": {"x": 80.0}, "examples": [{}, {"a": 1}]}
    assert half.post("half:regress", body) == (200, {"results": [42.0, 42.0]})


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/v1/foo", "Malformed request: GET /v1/foo"),
        ("POST", "/v1/foo", "Malformed request: POST /v1/foo"),
        ("GET", "/v1/models", "Missing model name in request."),
        ("POST", "/v1/models", "Malformed request"),
        ("GET", "/v1/models/foo:predict", "Malformed request"),
        ("GET", "/v1/models/foo/version/50:predict", "Malformed request"),
        ("POST", "/v1/models/foo/version/50:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/HELLO:regress", "Malformed request"),
        ("POST", f"/v1/models/foo/versions/{2**64 - 1}:regress", "Failed to convert version"),
        ("POST", "/v1/models/foo/metadata", "Malformed request"),
        ("POST", "/v1/models/foo/label/some_label:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/50/labels/some_label:regress", "Malformed request"),
        ("POST", "/v1/models/half/labels/no:predict", "Unrecognized servable version label"),
        ("PUT", "/v1/models/half:predict", "Malformed request"),
    ],
)
def test_requests_that_are_no_request(half, method, path, said):
    answer = half.client.request(method, path, content=b"{}" if method == "POST" else None)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


@pytest.mark.parametrize("path", ["foo:predict", "foo/versions/50:predict", "half99:predict"])
def test_an_unknown_model_or_version_is_not_found(half, path):
    assert half.post(path, {"instances": [1]})[0] == 404


def test_an_unknown_version_is_named(half):
    status, answer = half.post("half/versions/50:predict", {"instances": [1.0]})
    assert (status, answer) == (
        404,
        {"error": "Servable not found for request: Specific(half, 50)"},
    )
    status, answer = half.get("/v1/models/half/versions/50")
    assert (status, answer) == (404, {"error": "Could not find version 50 of model half"})
    assert half.get("/v1/models/no")[0] == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"instances = [1, 2]", "JSON Parse error"),
        (b"[1, 2]", "Is not object"),
        ({"instances": ["x", "y"]}, "not of expected type: float"),
        ({"instances": [[True]]}, "not of expected type: float"),
        ({"instances": [None]}, "not of expected type: float"),
        ({"signature_name": 100, "instances": [1]}, "'signature_name' key must be a string value"),
        ({"signature_name": "no", "instances": [1]}, '"no" not found in signature def'),
        ({"predictions": [1]}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [1], "inputs": [1]}, "expecting only one of 'inputs' or 'instances'"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": 5}, "'instances' to be a list"),
        ({"instances": [[1, 2], [3, 4], [5, 6, 7]]}, "Expecting tensor size"),
        ({"instances": [1, [1]]}, "not of expected type"),
        ({"instances": [{"x": 1}, 1]}, "Expecting object but got list at item 1"),
        ({"instances": [1, {"x": 1}]}, "Expecting value/list but got object at item 1"),
        ({"instances": [{"z": 1}]}, "keys must be equal to: x"),
        ({"inputs": {"z": 1}}, "Missing named input: x"),
        ({"instances": [1.7976931348623157e308]}, "not of expected type: float"),
        ({"instances": [{"b64": "AA=="}]}, "not of expected type: float"),
    ],
)
def test_bodies_that_are_refused(half, body, said):
    status, answer = half.post("half:predict", body)
    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "key 'examples' is expected and was not found"),
        ({"examples": 1}, "list/array"),
        ({"examples": []}, "empty array"),
        ({"examples": [1]}, "Example must be JSON object"),
        ({"examples": [{"x": None}]}, "unexpected JSON type"),
        ({"examples": [{"x": [[1.0]]}]}, "unexpected JSON type"),
        ({"examples": [{"x": [1.0, "a"]}]}, "Unexpected element type in feature: x"),
        ({"examples": [{"x": 2**63}]}, "Only int64 is supported"),
    ],
)
def test_examples_that_are_refused(half, body, said):
    status, answer = half.post("half:classify", {"signature_name": "classify_x_to_y", **body})
    assert status == 400
    assert said in answer["error"]


def test_a_signature_of_another_method_is_refused(half):
    status, answer = half.post("half:classify", {"examples": [{"x": 1.0}]})
    assert status == 400
    assert answer["error"] == (
        "Expected classification signature method_name to be tensorflow/serving/classify. "
        "Was: tensorflow/serving/predict"
    )


def test_one_named_tensor_is_given_and_answered_without_its_name(start):
    one = echo(start, "int_tensor")
    rows = [[1, 2], [3, 4], [5, 6]]
    for instances in (rows, [{"int_tensor": row} for row in rows]):
        assert one.post("echo:predict", {"instances": instances}) == (200, {"predictions": rows})
    for inputs in (rows, {"int_tensor": rows}):
        assert one.post("echo:predict", {"inputs": inputs}) == (200, {"outputs": rows})
    assert one.post("echo:predict", {"inputs": 7}) == (200, {"outputs": 7})


def test_several_named_tensors_are_objects(start):
    rows = [
        {
            "dbl_tensor": 8.0,
            "float_tensor": [1.0],
            "int_tensor": [[1, 2], [3, 4], [5, 6]],
            "str_tensor": ["foo", "bar"],
            "str_tensor_bytes": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}],
        },
        {
            "dbl_tensor": 9.0,
            "float_tensor": [2.0],
            "int_tensor": [[7, 8], [9, 0], [1, 2]],
            "str_tensor": ["baz", "bat"],
            "str_tensor_bytes": [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}],
        },
    ]
    many = echo(start, *ANY)
    columns = {name: [row[name] for row in rows] for name in ANY}

    assert many.post("echo:predict", {"instances": rows}) == (200, {"predictions": rows})
    assert many.post("echo:predict", {"inputs": columns}) == (200, {"outputs": columns})
    status, answer = many.post("echo:predict", {"instances": [1, 2]})
    assert status == 400
    assert "instances is a plain list" in answer["error"]
    uneven = {**columns, "int_tensor": [1]}
    status, answer = many.post("echo:predict", {"inputs": uneven})
    assert (status, answer["outputs"]["int_tensor"]) == (200, [1])


def test_base64_is_text_unless_its_name_says_bytes(start):
    body = {"instances": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ"}]}
    text = echo(start, "str_tensor").post("echo:predict", body)
    assert text == (200, {"predictions": ["hello", "world"]})
    raw = echo(start, "str_tensor_bytes").post("echo:predict", body)
    assert raw == (200, {"predictions": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}]})


def test_integers_must_be_whole_and_fit(start):
    one = echo(start, "int_tensor")
    for bad in (1.5, 2**31, True, "1"):
        assert one.post("echo:predict", {"instances": [bad]})[0] == 400


def test_floats_are_as_short_as_their_type_allows(start):
    one = echo(start, "float_tensor")
    answer = one.client.post("/v1/models/echo:predict", json={"instances": [0.2, 999999, 0.5]})
    assert answer.content == b'{"predictions":[0.2,999999.0,0.5]}'


def test_outputs_that_are_not_finite_are_the_words_of_tensorflow_serving(start):
    class Nan(HalfPlus):
        def run(self, name, prepared):
            return {"y": prepared["x"] * float("nan")}

    answer = start(nan=Nan()).client.post("/v1/models/nan:predict", json={"instances": [1.0]})
    assert answer.content == b'{"predictions": [NaN]}'


def test_metadata(start):
    given = Tensor("float32", (None, 28, 28), "serving_default_image:0")
    status, answer = start(echo=Echo(image=given)).get("/v1/models/echo/metadata")
    sizes = [{"size": size, "name": ""} for size in ("-1", "28", "28")]
    described = {
        "dtype": "DT_FLOAT",
        "tensor_shape": {"dim": sizes, "unknown_rank": False},
        "name": "serving_default_image:0",
    }
    signature = {
        "inputs": {"image": described},
        "outputs": {"image": described},
        "method_name": "tensorflow/serving/predict",
    }
    assert status == 200
    assert answer == {
        "model_spec": {"name": "echo", "signature_name": "", "version": "1"},
        "metadata": {"signature_def": {"signature_def": {"serving_default": signature}}},
    }
