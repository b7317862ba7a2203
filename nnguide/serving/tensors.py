"""JSON to arrays and back, as in TensorFlow Serving's json_tensor.

Unlike it, NaN and Infinity, which are no JSON, are refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson

from nnguide.serving.bounds import RefusedError
from nnguide.serving.signatures import STRING, Signature, Tensor

DEEPEST = 32  # dimensions of a tensor; NumPy knows 64
Arrays = dict[str, np.ndarray]  # a name each; strings are object arrays of str or bytes


def unzipped(body: bytes, limit: int) -> bytes:
    """Return the content of the gzip data `body`.

    Raises:
        RefusedError: 400, no gzip; 413, more than `limit` bytes.
    """
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise RefusedError(
            400, f"Content-Encoding is gzip, but the body is not: {error}"
        ) from error
    if len(content) > limit:
        raise RefusedError(413, f"the body is longer than {limit:,} bytes when it is unzipped")
    if not stream.eof:
        raise RefusedError(400, "the gzip body is cut short")
    return content


@dataclass(frozen=True)
class Document:
    """A request's JSON object.

    It also says whether a boolean may be somewhere in it.
    """

    fields: dict[str, Any]
    may_hold_booleans: bool

    @classmethod
    def parse(cls, body: bytes) -> Document:
        """Parse a request's body.

        Raises:
            RefusedError: 400, no JSON, nested deeper than 1,024 levels, or no object.
        """
        if not body:
            raise RefusedError(400, "JSON Parse error: The document is empty")
        try:
            fields = orjson.loads(body)
        except ValueError as error:
            raise RefusedError(400, f"JSON Parse error: {error}") from error
        if not isinstance(fields, dict):
            raise RefusedError(400, f"JSON Value: {type(fields).__name__} Is not object")
        return cls(fields, b"true" in body or b"false" in body)

    def rows(self, key: str) -> list[Document]:
        """Return one document for each item of the list `key`.

        [] where that is no list.
        """
        items = self.fields.get(key)
        return [
            Document({**self.fields, key: [item]}, self.may_hold_booleans)
            for item in (items if isinstance(items, list) else ())
        ]

    @property
    def signature(self) -> str:
        """The signature that the request names.

        "" where it names none.
        """
        name = self.fields.get("signature_name", "")
        if not isinstance(name, str):
            raise RefusedError(
                400,
                "JSON Value not formatted correctly. 'signature_name' key must be a string value.",
            )
        return name


def predict_inputs(document: Document, signature: Signature) -> tuple[Arrays, bool]:
    """Return the inputs of a predict request.

    The second value says whether they came in rows (`instances`).

    Raises:
        RefusedError: 400, they are not what `signature` takes.
    """
    fields = document.fields
    if "instances" in fields and "inputs" in fields:
        raise RefusedError(
            400,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist",
        )
    if "instances" in fields:
        columns = _columns_of_rows(fields["instances"], signature.inputs)
    elif "inputs" in fields:
        columns = _columns(fields["inputs"], signature.inputs)
    else:
        raise RefusedError(400, "Missing 'inputs' or 'instances' key")
    arrays = {
        name: to_array(name, value, signature.inputs[name], document.may_hold_booleans)
        for name, value in columns.items()
    }
    return arrays, "instances" in fields


def _columns_of_rows(rows: Any, wanted: Mapping[str, Tensor]) -> dict[str, list[Any]]:
    if not isinstance(rows, list):
        raise RefusedError(400, "Expecting 'instances' to be a list/array")
    if not rows:
        raise RefusedError(400, "No values in 'instances' array")
    if not _is_named(rows[0]):
        if len(wanted) > 1:
            raise RefusedError(
                400,
                "instances is a plain list, but expecting list of objects as multiple input "
                f"tensors are required: {', '.join(sorted(wanted))}",
            )
        for place, row in enumerate(rows):
            if _is_named(row):
                raise RefusedError(
                    400, f"Expecting value/list but got object at item {place} of input list"
                )
        return dict.fromkeys(wanted, rows)
    for place, row in enumerate(rows):
        if not _is_named(row):
            raise RefusedError(400, f"Expecting object but got list at item {place} of input list")
        if row.keys() != wanted.keys():
            raise RefusedError(
                400,
                f"Failed to process element: {place} of 'instances' list. JSON object: keys must "
                f"be equal to: {','.join(sorted(wanted))}",
            )
    return {name: [row[name] for row in rows] for name in wanted}


def _columns(columns: Any, wanted: Mapping[str, Tensor]) -> dict[str, Any]:
    if not _is_named(columns):
        if len(wanted) > 1:
            raise RefusedError(
                400,
                "inputs is a plain value/list, but expecting an object as multiple input "
                f"tensors are required: {', '.join(sorted(wanted))}",
            )
        return dict.fromkeys(wanted, columns)
    for name in wanted:
        if name not in columns:
            raise RefusedError(400, f"Missing named input: {name} in 'inputs' object.")
    return {name: columns[name] for name in wanted}


def _is_named(value: Any) -> bool:
    """Return whether a JSON value is an object of inputs, not base64."""
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def to_array(name: str, value: Any, tensor: Tensor, may_hold_booleans: bool) -> np.ndarray:
    """Return a JSON value as the array that `tensor` describes.

    Its shape is that of its first elements, all the way down; every other must have it too.

    Raises:
        RefusedError: 400, another type or shape.
    """
    shape = _shape(value)
    if len(shape) > DEEPEST or not tensor.fits(shape):
        raise RefusedError(
            400, f"input {name}: Expecting shape {_shown(tensor.shape)} but got: {_shown(shape)}"
        )
    rows = _innermost(name, value, shape)
    try:
        if tensor.dtype == STRING:
            flat = _strings(rows)
        elif tensor.dtype == "bool":
            flat = _booleans(rows)
        else:
            if may_hold_booleans and bool in set(map(type, chain.from_iterable(rows))):
                raise TypeError("must be a number, not a boolean")
            flat = _numbers(rows, tensor.dtype)
    except (TypeError, OverflowError, ValueError) as error:
        wanted = {"float32": "float", "float64": "double"}.get(tensor.dtype, tensor.dtype)
        raise RefusedError(
            400, f"input {name}: a JSON value is not of expected type: {wanted} ({error})"
        ) from error
    return flat.reshape(shape)


def _shape(value: Any) -> tuple[int, ...]:
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        value = value[0] if value else None
    return tuple(sizes)


def _innermost(name: str, value: Any, shape: tuple[int, ...]) -> list[list[Any]]:
    """Return the lists of the last level; each level has equal lengths."""
    if not shape:
        return [[value]]
    rows = [value]
    for level, size in enumerate(shape[1:], start=1):
        rows = list(chain.from_iterable(rows))
        if set(map(type, rows)) != {list} or set(map(len, rows)) != {size}:
            raise RefusedError(
                400,
                f"input {name}: Expecting tensor size {size} at level {level}, which not every "
                f"element has; the shape of the first is {_shown(shape)}",
            )
    return rows


def _numbers(rows: list[list[Any]], dtype: str) -> np.ndarray:
    """Return all numbers as an (n,) array; `array` refuses anything else."""
    wanted = np.dtype(dtype)
    numbers = array({"f": "d", "i": "q", "u": "Q"}[wanted.kind])
    for row in rows:
        numbers.fromlist(row)
    flat = np.frombuffer(numbers, numbers.typecode)
    limits = np.finfo(wanted) if wanted.kind == "f" else np.iinfo(wanted)
    if flat.size and (flat.min() < limits.min or flat.max() > limits.max):
        raise OverflowError(f"{flat.min()} to {flat.max()} cannot be held without loss")
    return flat.astype(wanted)


def _booleans(rows: list[list[Any]]) -> np.ndarray:
    flat = list(chain.from_iterable(rows))
    if not set(map(type, flat)) <= {bool}:
        raise TypeError("must be true or false")
    return np.array(flat, bool)


def _strings(rows: list[list[Any]]) -> np.ndarray:
    """Return an (n,) object array: str for strings, bytes for base64."""
    flat = np.empty(sum(map(len, rows)), object)
    for place, item in enumerate(chain.from_iterable(rows)):
        flat[place] = item if isinstance(item, str) else decoded(item)
    return flat


def decoded(item: Any) -> bytes:
    """Return the bytes of a {"b64": …} object.

    Its padding may be missing, as in TensorFlow Serving.

    Raises:
        TypeError: `item` is no such object.
        ValueError: it holds no base64.
    """
    if not _is_base64(item):
        raise TypeError(f'must be a string or {{"b64": …}}, not {type(item).__name__}')
    text = "".join(item["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("Unable to base64 decode") from error


def _shown(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "[?]"
    sizes = ",".join("-1" if size is None else str(size) for size in shape[:8])
    return f"[{sizes}{',…' if len(shape) > 8 else ''}]"


Bad = Mapping[int, str]  # the place of an instance that was refused, and why


def _with_bad(rows: Iterable[Any], bad: Bad) -> Any:
    """Return `rows` with {"error": …} at the places of bad ones."""
    if not bad:
        return rows
    good = list(rows)
    rest = iter(good)
    return [
        {"error": bad[place]} if place in bad else next(rest)
        for place in range(len(good) + len(bad))
    ]


def predictions(outputs: Arrays, bad: Bad = MappingProxyType({})) -> bytes:
    """Return the body that answers `instances`.

    It has a value a row, or an object of them where several outputs have names, and {"error":
    …} for each of `bad`.

    Raises:
        RefusedError: 400, the outputs have not one row each.
    """
    counts = {array.shape[0] if array.ndim else None for array in outputs.values()}
    if len(counts) != 1 or None in counts:
        raise RefusedError(
            400, "the outputs have no common batch size: ask with 'inputs' instead of 'instances'"
        )
    columns = {name: jsonable(name, outputs[name]) for name in sorted(outputs)}
    if len(columns) == 1:
        return encoded({"predictions": _with_bad(next(iter(columns.values())), bad)}, outputs)
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return encoded({"predictions": _with_bad(rows, bad)}, outputs)


def columnar(outputs: Arrays, bad: Bad = MappingProxyType({})) -> bytes:
    """Return the body that answers `inputs`, one output or named ones."""
    assert not bad  # a column has no place for an error
    columns = {name: jsonable(name, outputs[name]) for name in sorted(outputs)}
    value = next(iter(columns.values())) if len(columns) == 1 else columns
    return encoded({"outputs": value}, outputs)


def classifications(outputs: Arrays, bad: Bad = MappingProxyType({})) -> bytes:
    """Return the body of classify answers: [label, score] pairs of each example.

    It has a list of [label, score] for each example.

    Args:
        outputs: `classes` (n, k) of strings, `scores` (n, k) float32, or one of the two: labels
            are then "" and scores 0, as TensorFlow Serving's protos default.
    """
    shape = next(iter(outputs.values())).shape
    labels = outputs.get("classes", np.full(shape, "", object))
    scores = outputs.get("scores", np.zeros(shape, np.float32))
    rows = [
        [[_text(label), score] for label, score in zip(*row, strict=True)]
        for row in zip(labels, scores, strict=True)
    ]
    return encoded({"results": _with_bad(rows, bad)}, {"scores": scores})


def regressions(outputs: Arrays, bad: Bad = MappingProxyType({})) -> bytes:
    """Return the body of regress answers.

    It has a number for each example; outputs are (n,) or (n, 1).
    """
    (values,) = outputs.values()
    return encoded({"results": _with_bad(values.reshape(len(values)), bad)}, outputs)


def jsonable(name: str, array: np.ndarray) -> Any:
    """Return an output in the form that `encoded` takes.

    The bytes of an output called `…_bytes` become base64.
    """
    if array.dtype.kind == "O":
        write = _wrapped if name.endswith("_bytes") else _text
        return _mapped(array.tolist(), write)
    if array.dtype.kind == "V" or array.dtype == np.float16:  # bfloat16 is a void to NumPy
        array = array.astype(np.float32)
    return np.ascontiguousarray(array) if array.ndim else array[()]


def _mapped(value: Any, write: Any) -> Any:
    return [_mapped(item, write) for item in value] if isinstance(value, list) else write(value)


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _wrapped(value: str | bytes) -> dict[str, str]:
    raw = value.encode() if isinstance(value, str) else value
    return {"b64": base64.b64encode(raw).decode()}


def encoded(body: dict[str, Any], outputs: Arrays) -> bytes:
    """Return JSON with floats as short as float32 allows.

    NaN and Infinity are written as TensorFlow Serving does.
    """
    floats = [array for array in outputs.values() if array.dtype.kind == "f"]
    if all(np.isfinite(array).all() for array in floats):
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(body, default=lambda value: value.tolist()).encode()
