"""Pictures are read in processes that can be ended; a bad one costs itself alone."""

from __future__ import annotations

import base64
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import strange_pictures
from numpy_models import HalfPlus, Start
from PIL import Image

from nnguide import runs
from nnguide.serving import decoding
from nnguide.serving.bounds import Bounds
from nnguide.serving.servable import RunServable

sys.path.insert(0, str(Path(__file__).parents[1] / "preprocessing"))
import picture_bombs


def png() -> bytes:
    drawn = Image.new("L", (200, 200), 255)
    drawn.paste(0, (90, 30, 110, 170))
    return strange_pictures.as_png(drawn)


def asked(*files: bytes, key: str = "instances") -> dict:
    packed = [{"b64": base64.b64encode(file).decode()} for file in files]
    return {"signature_name": "serve_bytes", key: packed}


@pytest.fixture(scope="module")
def servable() -> RunServable:
    return RunServable(runs.shipped("digits"))


def test_a_bad_picture_costs_itself_alone(start: Start, servable: RunServable):
    digits = start(digits=servable)
    good = png()
    status, answer = digits.post("digits:predict", asked(good, b"no picture", good))
    assert status == 200
    first, bad, last = answer["predictions"]
    assert first == last and first["label"] == "1"
    assert set(bad) == {"error"} and bad["error"].startswith("instances[1]: ")

    status, answer = digits.post("digits:predict", asked(good, good[:60], key="inputs"))
    assert status == 400 and answer["error"].startswith("inputs[1]: ")  # no place for an error
    assert digits.post("digits:predict", asked(b"no picture", b"none"))[0] == 400
    assert digits.post("digits:predict", asked(b"no picture"))[0] == 400


def test_digits_that_touch_are_said_to_be_several(start: Start, servable: RunServable):
    digits, pair = start(digits=servable), strange_pictures.as_png(strange_pictures.touching(8))
    status, answer = digits.post("digits:predict", asked(png(), pair, png()))
    assert status == 200
    first, several, last = answer["predictions"]
    assert first == last and first["label"] == "1"
    assert several["error"].startswith("instances[1]: expected one digit")
    assert digits.post("digits:predict", asked(png(), pair, key="inputs"))[0] == 400

    of_page = digits.client.post("/page/picture?model=digits", content=pair)
    assert of_page.status_code == 400 and "expected one digit" in of_page.json()["error"]
    for name in ("", "?model=", "?model=other"):  # no model reads it
        assert digits.client.post(f"/page/picture{name}", content=pair).status_code == 200
    alone = digits.client.post("/page/picture?model=digits", content=png())
    assert alone.status_code == 200 and alone.json()["label"] == "1"


def test_no_picture_at_all_is_refused_and_ends_no_reader(start: Start, servable: RunServable):
    digits = start(digits=servable)
    for key in ("inputs", "instances"):
        for _ in range(2 * decoding.PROCESSES):
            assert digits.post("digits:predict", asked(key=key))[0] == 400
    assert digits.post("digits:predict", asked(png()))[0] == 200


def test_a_bad_instance_of_any_kind_costs_itself_alone(start: Start, servable: RunServable):
    digits = start(digits=servable, half=HalfPlus())
    blank = [[0] * 28] * 28
    rows = [blank, [[0] * 28] * 27, [[300] * 28] * 28, "text", None, blank, {"b64": "x"}]
    status, answer = digits.post("digits:predict", {"instances": rows})
    assert status == 200
    found = answer["predictions"]
    assert ["error" in row for row in found] == [False, True, True, True, True, False, True]
    assert all(f"instances[{place}]: " in found[place]["error"] for place in (1, 2, 3, 4, 6))

    body = {"signature_name": "rows", "instances": [1.0, 13.0, -1.0, 3.0]}  # door, model
    status, answer = digits.post("half:predict", body)
    assert status == 200
    assert answer["predictions"][::3] == [2.5, 3.5]
    assert "refused at the door" in answer["predictions"][1]["error"]
    assert "refuses what is negative" in answer["predictions"][2]["error"]

    examples = [{"image": [0.0] * 784}, {"image": [0.0]}]
    body = {"signature_name": "classify", "examples": examples}
    status, answer = digits.post("digits:classify", body)
    assert status == 200 and "examples[1]: " in answer["results"][1]["error"]


def test_slow_pictures_end_with_their_request_and_keep_nobody_waiting(
    start: Start, servable: RunServable
):
    digits = start(digits=servable, bounds=Bounds(seconds=20))
    digits.post("digits:predict", asked(png()))  # the processes have started
    slow = picture_bombs.jpeg_of_comments(500_000)  # a good fraction of a second each
    blank = {"instances": [[[0] * 28] * 28]}
    with ThreadPoolExecutor(4) as clients:
        bombs = [clients.submit(digits.post, "digits:predict", asked(slow, slow)) for _ in "abcd"]
        time.sleep(0.5)
        began = time.monotonic()
        assert digits.post("digits:predict", blank)[0] == 200
        assert time.monotonic() - began < 5
        assert {one.result()[0] for one in bombs} <= {200, 400, 504}


def test_a_request_over_its_time_ends_the_process_that_reads_for_it(start: Start):
    servable = RunServable(runs.shipped("digits"))
    digits = start(digits=servable, bounds=Bounds(seconds=0.5))
    slow = picture_bombs.jpeg_of_comments(2_800_000)
    status, answer = digits.post("digits:predict", asked(slow))
    assert (status, "no answer within 0.5 s" in answer["error"]) == (504, True)
    patient = start(digits=servable)
    assert patient.post("digits:predict", asked(png()))[0] == 200


def test_a_process_that_dies_is_started_anew():
    decoders = decoding.Decoders()
    child = decoding._Child()
    for _ in range(2):
        found = child.read(png(), lambda: True)
        assert isinstance(found, np.ndarray) and found.shape == (28, 28)
        child._process.kill()
        child._process.wait()
        assert "ends the process" in str(child.read(png(), lambda: True))
    assert child.read(png(), lambda: False) is None or child._process is not None
    child._end()
    assert not decoders._started


def test_the_page_reads_pictures_the_same_way(start: Start, servable: RunServable):
    digits = start(digits=servable)
    answer = digits.client.post("/page/picture", content=png())
    assert np.array(answer.json()["image"]).shape == (28, 28)
    assert digits.client.post("/page/picture", content=b"none").status_code == 400
