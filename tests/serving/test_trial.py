"""A version is tried whole before it serves, where it can do no harm."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from pathlib import Path

import pytest
from numpy_models import HalfPlus, Shelf, Start

from nnguide import runs
from nnguide.errors import RunError
from nnguide.files import sha256
from nnguide.serving.batching import Job
from nnguide.serving.versions import RunFolder


def changed(folder: Path, name: str, change, place: Path) -> Path:
    """A copy of a run with one file changed and the manifest made to match."""
    shutil.copytree(folder, place)
    file = place / name
    file.write_bytes(change(file.read_bytes()))
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["files"][name] = sha256(file)
    (place / "manifest.json").write_text(json.dumps(manifest))
    return place


def decision(**values):
    return lambda content: json.dumps({**json.loads(content), **values}).encode()


@pytest.mark.parametrize(
    ("task", "values"),
    [
        ("digits", {"labels": ["0", "1"]}),
        ("digits", {"labels": ["0"] * 10}),
        ("digits", {"labels": [str(n) for n in range(11)]}),
        ("spam", {"threshold": float("nan")}),
        ("spam", {"threshold": 1.5}),
        ("spam", {"threshold": None}),
        ("spam", {"labels": ["ham", "spam", "eggs"]}),
    ],
)
def test_wrong_labels_and_thresholds_are_not_served(tmp_path: Path, task: str, values: dict):
    folder = changed(runs.shipped(task), "decision.json", decision(**values), tmp_path / "run")
    with pytest.raises(RunError):
        RunFolder(folder).load(1)


@pytest.mark.parametrize("count", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_a_damaged_network_never_ends_the_server(start: Start, tmp_path: Path, count: int):
    draw = random.Random(0)

    def damage(content: bytes) -> bytes:
        changed = bytearray(content)
        for _ in range(draw.choice([1, 20, 400])):
            changed[draw.randrange(len(changed) if draw.random() < 0.5 else 4000)] ^= (
                1 << draw.randrange(8)
            )
        return bytes(changed)

    good = RunFolder(runs.shipped("digits")).load(1)
    shelf = Shelf(v1=good)
    server = start(digits=shelf)
    refused = 0
    for number in range(count):
        place = tmp_path / f"{number}"
        folder = changed(runs.shipped("digits"), "light.tflite", damage, place)
        try:
            RunFolder(folder).load(1)
        except RunError:
            refused += 1
        shutil.rmtree(place)
    assert refused
    assert server.post("digits:predict", {"instances": [[[0] * 28] * 28]})[0] == 200


def test_a_request_ends_on_the_version_that_it_began_with(start: Start):
    shelf = Shelf(v1=HalfPlus(1))
    server = start(half=shelf)
    model = server.serving.models["half"]
    begun = model.current
    assert begun.batcher.hold()
    shelf.versions[2] = HalfPlus(2)
    assert model.refresh()
    assert not begun.batcher.hold()  # nobody else begins with it

    async def ended() -> bytes:
        answer = asyncio.get_running_loop().create_future()
        begun.batcher.submit(Job("predict", b'{"instances": [0.0]}', False, answer, "half", 1))
        return (await asyncio.wait_for(answer, 20)).content

    assert json.loads(asyncio.run(ended())) == {"predictions": [1.0]}
    begun.batcher.release()
    assert server.post("half:predict", {"instances": [0.0]}) == (200, {"predictions": [2.0]})
