"""Requests of the built-in data, good ones and every kind of bad one."""

from __future__ import annotations

import base64
import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

from load.client import request
from nnguide import data
from nnguide.data.dataset_info import AUTO

NUMBERS = (b"NaN", b"-Infinity", b"1e999", b"-1", b"256", b"0.5", b"9" * 400, b"true")
Made = tuple[bytes, *tuple[str, ...]]  # a body, and headers
KEPT = 16  # different requests that a client sends in turn


def rows_of(task: str, count: int) -> list:
    """`count` instances of the task's built-in set as JSON values."""
    inputs = data.find(task, AUTO[task][1]).load("all").inputs
    return [
        inputs[i % len(inputs)] if task == "spam" else inputs[i % len(inputs)].tolist()
        for i in range(count)
    ]


def bodies(task: str, rows: int) -> list[bytes]:
    """Bodies of predict requests with `rows` instances each."""
    instances = rows_of(task, max(KEPT, rows) * 4)
    starts = range(0, KEPT * max(rows // 16, 1), max(rows // 16, 1))
    return [json.dumps({"instances": instances[at : at + rows]}).encode() for at in starts]


def clients(name: str, given: list[bytes], count: int) -> list[Iterator[bytes]]:
    """For each of `count` clients, requests without end; each begins at another one."""
    path = f"/v1/models/{name}:predict"
    made = [request(path, body) for body in given]
    return [itertools.cycle(made[at % len(made) :] + made[: at % len(made)]) for at in range(count)]


def malformed(task: str, count: int, seed: int = 0) -> Iterator[bytes]:
    """`count` requests that a server must refuse, or answer if they happen to be good."""
    draw = random.Random(seed)
    good = bodies(task, 1)
    makers = (_cut, _flipped, _noise, _deep, _wrong_type, _wrong_shape, _odd_keys, _number, _zipped)
    for _ in range(count):
        verb = draw.choice(("predict", "predict", "predict", "classify", "regress"))
        body, *headers = draw.choice(makers)(draw, draw.choice(good))
        yield request(f"/v1/models/{task}:{verb}", body, *headers)


def _cut(draw: random.Random, body: bytes) -> Made:
    return (body[: draw.randrange(len(body))],)


def _flipped(draw: random.Random, body: bytes) -> Made:
    changed = bytearray(body)
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return (bytes(changed),)


def _noise(draw: random.Random, body: bytes) -> Made:
    return (draw.randbytes(draw.randrange(300)),)


def _deep(draw: random.Random, body: bytes) -> Made:
    depth = draw.choice((5, 70, 1000, 2000, 100_000))
    opening, closing = draw.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return (b'{"instances":' + opening * depth + b"1" + closing * depth + b"}",)


def _wrong_type(draw: random.Random, body: bytes) -> Made:
    value: Any = draw.choice(
        (
            None,
            True,
            5,
            -1.5,
            "x",
            {},
            [],
            [None],
            [[True]],
            [{"b64": 3}],
            [[]],
            [{"b64": "%%%"}],
            [{"text": 1}],
            [{"image": "x"}],
            {"b64": "AA"},
        )
    )
    key = draw.choice(("instances", "inputs", "examples"))
    named = draw.choice(
        (
            {},
            {"signature_name": 5},
            {"signature_name": "no"},
            {"signature_name": "classify"},
            {"signature_name": "serve_bytes"},
        )
    )
    return (json.dumps({**named, key: value}).encode(),)


def _wrong_shape(draw: random.Random, body: bytes) -> Made:
    height, width = draw.choice(((27, 28), (28, 27), (1, 1), (0, 28), (784, 1), (28, 29)))
    picture = [[0] * width for _ in range(height)]
    if picture and draw.random() < 0.5:
        picture[-1] = picture[-1][:-1]
    return (json.dumps({"instances": [picture] * draw.randint(1, 3)}).encode(),)


def _odd_keys(draw: random.Random, body: bytes) -> Made:
    content = base64.b64encode(draw.randbytes(60)).decode()
    odd: tuple[Any, ...] = (
        {"instances": [{"text": "a", "more": 1}]},
        {"instances": [{"image": [[0] * 28] * 28}, [[0] * 28] * 28]},
        {"instances": ["a"], "inputs": ["a"]},
        {"predictions": []},
        {"inputs": {"nothing": 1}},
        {"signature_name": "serve_bytes", "instances": [{"b64": content}]},
        {"signature_name": "serve_bytes", "instances": [{"image_bytes": {"b64": content}}]},
        {"signature_name": "classify", "examples": [{"text": ["a", 1]}, {}]},
    )
    return (json.dumps(draw.choice(odd)).encode(),)


def _number(draw: random.Random, body: bytes) -> Made:
    number = draw.choice(NUMBERS)
    return (
        b'{"instances":['
        + b"["
        + b",".join([b"[" + b",".join([number] * 28) + b"]"] * 28)
        + b"]]}",
    )


def _zipped(draw: random.Random, body: bytes) -> Made:
    return (body, draw.choice(("Content-Encoding: gzip", "Content-Encoding: br")))
