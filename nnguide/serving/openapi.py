"""The OpenAPI description of the interface and its models."""

from __future__ import annotations

from typing import Any

from nnguide import __version__
from nnguide.serving.bounds import Bounds
from nnguide.serving.inference_tensors import described
from nnguide.serving.servable import Servable
from nnguide.serving.signatures import DEFAULT, STRING, Tensor
from nnguide.serving.versions import Model

_ERRORS = {
    400: "the request is malformed, or the model does not take its inputs",
    404: "no such model or version",
    408: "the body did not arrive in time",
    413: "the body is too long, or has too many instances",
    415: "an encoding other than gzip",
    429: "too many requests at once",
    503: "not ready",
    504: "no answer in time",
}


def document(models: dict[str, Model], bounds: Bounds) -> dict[str, Any]:
    """Return the OpenAPI document."""
    asking = {
        "predict": ("Answer inputs", _predict(models)),
        "classify": ("Labels and scores of examples", _classify(models)),
    }
    paths: dict[str, Any] = {}
    for version in ("", "/versions/{version}"):
        for verb, (summary, examples) in asking.items():
            paths[f"/v1/models/{{model}}{version}:{verb}"] = {
                "post": _operation(
                    *(summary, models, version, (400, 404, 408, 413, 415, 429, 504)), examples
                )
            }
        paths[f"/v1/models/{{model}}{version}"] = {
            "get": _operation("State of the versions", models, version, (400, 404))
        }
        paths[f"/v1/models/{{model}}{version}/metadata"] = {
            "get": _operation("Signatures: inputs and outputs", models, version, (400, 404))
        }
    for version in ("", "/versions/{version}"):
        model = f"/v2/models/{{model}}{version}"
        paths[f"{model}/infer"] = {
            "post": _operation(
                *("Answer tensors (Open Inference Protocol)", models, version),
                (400, 404, 408, 413, 415, 429, 504),
                _infer(models),
            )
        }
        paths[model] = {"get": _operation("Inputs and outputs", models, version, (400, 404))}
        paths[f"{model}/ready"] = {
            "get": _operation("Whether a model serves", models, version, (400, 404))
        }
    for path, summary, errors in (
        ("/v2", "The server's name, version and extensions", ()),
        ("/v2/health/live", "The process runs", ()),
        ("/v2/health/ready", "Every model has a version that serves", (503,)),
        ("/healthz", "The process runs", ()),
        ("/readyz", "Every model has a version that serves", (503,)),
        ("/metrics", "Counters for Prometheus", ()),
    ):
        paths[path] = {"get": _operation(summary, {}, "", errors)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nnguide serve",
            "version": __version__,
            "description": (
                "The REST interface of TensorFlow Serving (/v1) and the Open Inference Protocol "
                "(/v2) of KServe and Triton. At most "
                f"{bounds.body:,} bytes and {bounds.rows:,} instances a request, "
                f"{bounds.queue:,} requests at once, {bounds.seconds:g} s each."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                }
            }
        },
    }


def _operation(
    summary: str,
    models: dict[str, Model],
    version: str,
    errors: tuple[int, ...],
    examples: dict[str, Any] | None = None,
) -> dict[str, Any]:
    parameters = []
    if models:
        parameters.append(_parameter("model", {"type": "string", "enum": sorted(models)}))
    if version:
        parameters.append(_parameter("version", {"type": "integer"}))
    failed = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    operation: dict[str, Any] = {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "answered"},
            **{
                str(status): {"description": _ERRORS[status], "content": failed}
                for status in errors
            },
        },
    }
    if examples is not None:
        content = {"schema": {"type": "object"}, "examples": examples}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _serving(models: dict[str, Model]) -> list[tuple[str, Servable]]:
    return [(name, model.current.servable) for name, model in models.items() if model.current]


def _predict(models: dict[str, Model]) -> dict[str, Any]:
    examples = {}
    for name, servable in _serving(models):
        for key, signature in servable.signatures.items():
            if not signature.method.endswith("predict"):
                continue
            row = {
                input_name: _example(input_name, tensor)
                for input_name, tensor in signature.inputs.items()
            }
            value: dict[str, Any] = {"instances": [row]}
            if key != DEFAULT:
                value = {"signature_name": key, **value}
            examples[f"{name} {key}"] = {"value": value}
    return examples


def _infer(models: dict[str, Model]) -> dict[str, Any]:
    examples = {}
    for name, servable in _serving(models):
        for key, signature in servable.signatures.items():
            if not signature.method.endswith("predict"):
                continue
            value: dict[str, Any] = {
                "inputs": [
                    {
                        **described(input_name, tensor),
                        "shape": [size or 1 for size in tensor.shape or (1,)],
                        "data": [_example(input_name, tensor)],
                    }
                    for input_name, tensor in signature.inputs.items()
                ]
            }
            if key != DEFAULT:
                value["parameters"] = {"signature_name": key}
            examples[f"{name} {key}"] = {"value": value}
    return examples


def _classify(models: dict[str, Model]) -> dict[str, Any]:
    asked = {"text": "win a prize", "image": [0.0] * 784}
    examples = {}
    for name, servable in _serving(models):
        taken = servable.signatures[DEFAULT].inputs if DEFAULT in servable.signatures else {}
        known = {key: asked[key] for key in taken if key in asked}
        if "classify" in servable.signatures and known:
            value = {"signature_name": "classify", "examples": [known]}
            examples[name] = {"value": value}
    return examples


def _example(name: str, tensor: Tensor) -> Any:
    if tensor.dtype == STRING:
        return {"b64": ""} if name.endswith("_bytes") else "win a prize"
    value: Any = 0
    for size in reversed((tensor.shape or ())[1:]):
        value = [value] * (size or 1)
    return value
