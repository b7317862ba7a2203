"""Classify requests: JSON objects as the features of tf.Examples."""

from __future__ import annotations

from typing import Any

from nnguide.serving.bounds import RefusedError
from nnguide.serving.servable import Feature
from nnguide.serving.signatures import DEFAULT, Signature
from nnguide.serving.tensors import Document, decoded

_INT64 = 2**63
_FLOAT32 = 3.4028235677973366e38  # where a float32 becomes infinite


def check(name: str, wanted: str, signatures: dict[str, Signature]) -> str:
    """Return the signature for a classify or regress request.

    `wanted` is the method name.

    Raises:
        RefusedError: 400, there is none, or it is of another method.
    """
    name = name or DEFAULT
    if name not in signatures:
        raise RefusedError(400, f"No signature was found with the name: {name}")
    if (method := signatures[name].method) != wanted:
        kind = "classification" if wanted.endswith("classify") else "regression"
        raise RefusedError(
            400, f"Expected {kind} signature method_name to be {wanted}. Was: {method}"
        )
    return name


def examples(document: Document) -> list[dict[str, Feature]]:
    """Return the examples of a request.

    Each has what the request's `context` has for all of them.

    Raises:
        RefusedError: 400, there are none, or one is no object of features.
    """
    fields = document.fields
    context = _example(fields["context"]) if "context" in fields else {}
    if "examples" not in fields:
        raise RefusedError(
            400, "When method is classify, key 'examples' is expected and was not found"
        )
    instances = fields["examples"]
    if not isinstance(instances, list):
        raise RefusedError(400, "Expecting 'examples' value to be an list/array")
    if not instances:
        raise RefusedError(400, "'examples' value is an empty array")
    return [{**context, **_example(item)} for item in instances]


def _example(value: Any) -> dict[str, Feature]:
    if not isinstance(value, dict):
        raise RefusedError(400, f"Example must be JSON object but got JSON {type(value).__name__}")
    return {name: _feature(name, content) for name, content in value.items()}


def _feature(name: str, content: Any) -> Feature:
    values = content if isinstance(content, list) else [content]
    pairs = [_value(name, value) for value in values]
    kinds = sorted({kind for kind, _ in pairs})
    if len(kinds) > 1:
        raise RefusedError(
            400, f"Unexpected element type in feature: {name} expecting one; got {kinds}"
        )
    return (kinds[0] if kinds else "none", [value for _, value in pairs])


def _value(name: str, value: Any) -> tuple[str, Any]:
    """Return the feature kind of a JSON value, and the value.

    The rules are those of TensorFlow Serving.
    """
    if isinstance(value, str):
        return "bytes", value
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise RefusedError(400, f"Feature: {name} has uint64 element. Only int64 is supported.")
        return "int64", int(value)
    if isinstance(value, float):
        if abs(value) >= _FLOAT32:
            raise RefusedError(400, f"Feature: {name}: {value} cannot be a float without loss")
        return "float", value
    try:
        return "bytes", decoded(value)
    except (TypeError, ValueError) as error:
        raise RefusedError(
            400, f"Feature: {name} has element with unexpected JSON type or base64: {error}"
        ) from error
