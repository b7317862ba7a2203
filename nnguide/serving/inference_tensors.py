"""Requests and answers of the Open Inference Protocol as arrays.

Tensors come as JSON, nested or flat, or as bytes behind the JSON: Triton's binary extension, which
its client uses unless told otherwise.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide.serving import tensors
from nnguide.serving.bounds import RefusedError
from nnguide.serving.signatures import DEFAULT, PREDICT, STRING, Signature, Tensor
from nnguide.serving.tensors import Arrays

LENGTH = "Inference-Header-Content-Length"  # of the JSON before binary tensors
_UNKNOWN = ("shared_memory_region", "classification")  # parameters that change what is meant
_SIZE = struct.Struct("<I")


def described(name: str, tensor: Tensor) -> dict[str, Any]:
    """Return an input or output as in a model's metadata."""
    shape = [-1 if size is None else size for size in tensor.shape or (None,)]
    return {"name": name, "datatype": _type(tensor.dtype), "shape": shape}


def _type(dtype: str) -> str:
    """Return the protocol's name of an element type.

    BYTES, BOOL, FP32, INT64, UINT8 …
    """
    if dtype == STRING:
        return "BYTES"
    return dtype.upper().replace("BFLOAT", "BF").replace("FLOAT", "FP")


@dataclass(frozen=True)
class Inference:
    """A request for answers.

    Attributes:
        signature: the name of the one that it means.
        outputs: whether each wanted output goes as bytes, by name.
    """

    id: str | None
    signature: str
    inputs: Arrays
    outputs: Mapping[str, bool]

    def encode(self, outputs: Arrays, model: str, version: int) -> tuple[bytes, int | None]:
        """Return the body of the answer and its JSON length.

        The length is None where no bytes follow the JSON.
        """
        shown, behind = [], bytearray()
        for name, as_bytes in self.outputs.items():
            array = outputs[name]
            dtype = STRING if array.dtype.kind == "O" else array.dtype.name
            tensor: dict[str, Any] = {
                "name": name,
                "datatype": _type(dtype),
                "shape": list(array.shape),
            }
            if as_bytes:
                content = _packed(array)
                tensor["parameters"] = {"binary_data_size": len(content)}
                behind += content
            else:
                tensor["data"] = tensors.jsonable("", array.reshape(-1))
            shown.append(tensor)
        answer: dict[str, Any] = {"model_name": model, "model_version": str(version)}
        if self.id is not None:
            answer["id"] = self.id
        head = tensors.encoded({**answer, "outputs": shown}, outputs)
        return head + bytes(behind), len(head) if any(self.outputs.values()) else None


def parse(body: bytes, length: str | None, signatures: Mapping[str, Signature]) -> Inference:
    """Parse the request in a body.

    Args:
        length: of its JSON, as the header says; None where all of it is JSON.
        signatures: of the model.
    Raises:
        RefusedError: 400, it is not one, or not what the model takes.
    """
    split = len(body) if length is None else _length(length, len(body))
    document = tensors.Document.parse(body[:split])
    fields = document.fields
    inputs = _objects(fields, "inputs")
    if not inputs:
        raise RefusedError(400, "expected 'inputs', a list of at least one input; got none")
    names = [tensor["name"] for tensor in inputs]
    if len(set(names)) < len(names):
        raise RefusedError(400, f"every input is given once; got {', '.join(names)[:200]}")
    parameters = _parameters(fields)
    key = _signature(parameters.get("signature_name"), names, signatures)
    signature = signatures[key]
    arrays, behind = {}, memoryview(body)[split:]
    for tensor in inputs:
        size = _parameters(tensor).get("binary_data_size")
        if size is None:
            content = None
        elif isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= len(behind):
            content, behind = behind[:size], behind[size:]
        else:
            raise RefusedError(
                400,
                f"input {tensor['name']}: binary_data_size is a number of the bytes that follow "
                f"the JSON, of which there are {len(behind)} left; got {str(size)[:40]}",
            )
        arrays[tensor["name"]] = _array(tensor, signature.inputs[tensor["name"]], content, document)
    if behind:
        raise RefusedError(400, f"{len(behind)} bytes follow the JSON that no input claims")
    if (request_id := fields.get("id")) is not None and not isinstance(request_id, str):
        raise RefusedError(400, f"the id is a string; got {str(request_id)[:40]}")
    return Inference(request_id, key, arrays, _wanted(fields, parameters, signature))


def _length(word: str, most: int) -> int:
    if not (word.isdecimal() and word.isascii() and len(word) < 20 and int(word) <= most):
        raise RefusedError(
            400,
            f"{LENGTH} is a length of at most the body's {most}; got {word[:40]}",
        )
    return int(word)


def _objects(fields: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the list `key` of objects with a name each.

    [] where there is none.
    """
    items = fields.get(key, [])
    if not isinstance(items, list) or not all(
        isinstance(tensor, dict) and isinstance(tensor.get("name"), str) for tensor in items
    ):
        raise RefusedError(400, f"expected '{key}', a list of objects that have a name each")
    return items


def _parameters(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = fields.get("parameters", {})
    if not isinstance(parameters, dict):
        raise RefusedError(400, f"parameters are an object; got {str(parameters)[:40]}")
    for name in _UNKNOWN:
        if name in parameters:
            raise RefusedError(400, f"the parameter {name} is not supported here")
    return parameters


def _signature(asked: Any, names: list[str], signatures: Mapping[str, Signature]) -> str:
    """Return the signature that takes inputs with these names.

    The default signature comes first.
    """
    known = {
        name: signature
        for name, signature in signatures.items()
        if signature.method in (PREDICT, "")
    }
    if asked is not None:
        known = {name: signature for name, signature in known.items() if name == asked}
        if not known:
            raise RefusedError(400, f"there is no signature {str(asked)[:100]}")
    for name in sorted(known, key=lambda name: name != DEFAULT):
        if set(known[name].inputs) == set(names):
            return name
    ways = " or ".join(", ".join(signature.inputs) for signature in known.values())
    raise RefusedError(400, f"the model takes {ways}; got {', '.join(names)[:200]}")


def _array(
    entry: dict[str, Any], tensor: Tensor, content: memoryview | None, document: tensors.Document
) -> np.ndarray:
    """Return an input as the array that `tensor` describes."""
    name, shape = entry["name"], entry.get("shape")
    wanted, received = _type(tensor.dtype), entry.get("datatype")
    if received != wanted:
        raise RefusedError(
            400, f"input {name}: expected datatype {wanted}; got {str(received)[:40]}"
        )
    if (
        not isinstance(shape, list)
        or len(shape) > tensors.DEEPEST
        or not all(type(size) is int and 0 <= size < 2**40 for size in shape)
        or not tensor.fits(tuple(shape))
    ):
        expected = described(name, tensor)["shape"]
        raise RefusedError(400, f"input {name}: expected shape {expected}; got {str(shape)[:100]}")
    count = math.prod(shape)
    if content is not None:
        return _unpacked(name, tensor, content, count).reshape(shape)
    data = entry.get("data")
    if not isinstance(data, list):
        raise RefusedError(400, f"input {name}: expected data, a list; got {str(data)[:40]}")
    flat = Tensor(tensor.dtype, (None,), tensor.name)
    nested = Tensor(tensor.dtype, tuple(shape), tensor.name)
    is_nested = bool(data) and isinstance(data[0], list)
    array = tensors.to_array(name, data, nested if is_nested else flat, document.may_hold_booleans)
    if array.size != count:
        raise RefusedError(
            400, f"input {name}: shape {shape} has {count} elements; got data of {array.size}"
        )
    return array.reshape(shape)


def _unpacked(name: str, tensor: Tensor, content: memoryview, count: int) -> np.ndarray:
    """Return the (count,) elements of binary data.

    It is little endian; strings have their lengths before them.
    """

    def wrong(what: str) -> RefusedError:
        return RefusedError(400, f"input {name}: {count} elements do not make {what}")

    if tensor.dtype != STRING:
        dtype = np.dtype(tensor.dtype).newbyteorder("<")
        if len(content) != count * dtype.itemsize:
            raise wrong(f"{len(content)} bytes of {_type(tensor.dtype)}")
        array = np.frombuffer(content, dtype).astype(tensor.dtype)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise RefusedError(400, f"input {name}: expected finite numbers; got NaN or infinity")
        return array
    values: list[bytes] = []
    at = 0
    while at < len(content) and len(values) <= count:
        if at + _SIZE.size > len(content):
            raise wrong("strings with a length of 4 bytes before each")
        (size,) = _SIZE.unpack_from(content, at)
        at += _SIZE.size + size
        values.append(bytes(content[at - size : at]))
    if at != len(content) or len(values) != count:
        raise wrong("strings with a length of 4 bytes before each")
    array = np.empty(count, object)
    array[:] = values
    return array


def _packed(array: np.ndarray) -> bytes:
    """Return an output as binary data."""
    if array.dtype.kind != "O":
        return array.astype(array.dtype.newbyteorder("<")).tobytes()
    raw = (item.encode() if isinstance(item, str) else item for item in array.reshape(-1))
    return b"".join(_SIZE.pack(len(item)) + item for item in raw)


def _wanted(
    fields: Mapping[str, Any], parameters: Mapping[str, Any], signature: Signature
) -> dict[str, bool]:
    usual = parameters.get("binary_data_output", False)
    asked = _objects(fields, "outputs")
    wanted = {
        tensor["name"]: _parameters(tensor).get("binary_data", usual) for tensor in asked
    } or dict.fromkeys(signature.outputs, usual)
    for name, as_bytes in wanted.items():
        if name not in signature.outputs:
            raise RefusedError(
                400, f"the model gives {', '.join(signature.outputs)}; got output {name[:100]}"
            )
        if not isinstance(as_bytes, bool):
            raise RefusedError(400, f"binary_data is true or false; got {str(as_bytes)[:40]}")
    return wanted
