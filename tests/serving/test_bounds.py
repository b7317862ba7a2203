"""What the server refuses to take on, and that no request harms another."""

from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy_models import Blocked, HalfPlus, Shelf, Start

from nnguide.errors import ConfigError
from nnguide.serving.batching import WORKERS
from nnguide.serving.bounds import Bounds


def rows(*values: float) -> dict:
    return {"signature_name": "rows", "instances": list(values)}


def columns(*values: float) -> dict:
    return {"signature_name": "rows", "inputs": list(values)}


def test_a_body_that_is_too_long_is_413(start: Start):
    half = start(half=HalfPlus(), bounds=Bounds(body=1000))
    status, answer = half.post("half:predict", b" " * 1001)
    assert (status, "at most 1,000 bytes" in answer["error"]) == (413, True)

    def chunks():
        yield b"[" * 600
        yield b"[" * 600

    answer = half.client.post("/v1/models/half:predict", content=chunks())
    assert answer.status_code == 413
    assert half.post("half:predict", rows(2)) == (200, {"predictions": [3.0]})


def test_too_many_instances_are_413(start: Start):
    half = start(half=HalfPlus(), bounds=Bounds(rows=3))
    assert half.post("half:predict", rows(1, 2, 3))[0] == 200
    status, answer = half.post("half:predict", rows(1, 2, 3, 4))
    assert (status, "at most 3 instances" in answer["error"]) == (413, True)
    examples = {"signature_name": "regress_x_to_y", "examples": [{"x": 1.0}] * 4}
    assert half.post("half:regress", examples)[0] == 413


def test_gzip_is_read_and_bounded(start: Start):
    half = start(half=HalfPlus(), bounds=Bounds(body=1000))
    zipped = {"Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(rows(2)).encode())
    assert half.post("half:predict", body, headers=zipped) == (200, {"predictions": [3.0]})
    bomb = gzip.compress(b" " * 1_000_000)
    assert len(bomb) < 1000 + 100
    assert half.post("half:predict", bomb[:990], headers=zipped)[0] in (400, 413)
    assert half.post("half:predict", gzip.compress(b" " * 5000), headers=zipped)[0] == 413
    assert half.post("half:predict", b"no gzip", headers=zipped)[0] == 400
    assert half.post("half:predict", body[:-9], headers=zipped)[0] == 400
    assert half.post("half:predict", body, headers={"Content-Encoding": "br"})[0] == 415


def test_a_full_queue_is_429_and_says_when_to_come_again(start: Start):
    model = Blocked()
    blocked = start(blocked=model, bounds=Bounds(queue=2))
    with ThreadPoolExecutor(3) as clients:
        waiting = [clients.submit(blocked.post, "blocked:predict", rows(2)) for _ in range(2)]
        until(lambda: b"nnguide_waiting_requests 2.0" in blocked.client.get("/metrics").content)
        answer = blocked.client.post("/v1/models/blocked:predict", json=rows(2))
        model.free.set()
        assert [one.result() for one in waiting] == [(200, {"predictions": [3.0]})] * 2
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert "requests are running already" in answer.json()["error"]


def test_no_answer_in_time_is_504_and_the_next_one_is_answered(start: Start):
    model = Blocked()
    blocked = start(blocked=model, bounds=Bounds(seconds=1))
    status, answer = blocked.post("blocked:predict", rows(2))
    assert (status, "no answer within 1 s" in answer["error"]) == (504, True)
    model.free.set()
    until(lambda: blocked.post("blocked:predict", rows(2))[0] == 200)


def test_bounds_are_numbers_above_zero():
    for wrong in ({"rows": 0}, {"seconds": -1}, {"body": 10, "held": 5}):
        with pytest.raises(ConfigError):
            Bounds(**wrong)


def test_requests_that_wait_share_a_batch_and_a_bad_one_fails_alone(start: Start):
    model = Blocked()
    blocked = start(blocked=Shelf(v1=model))
    asked = [float(n) for n in range(1, 21)]
    asked[4], asked[9] = -1, 13  # the model refuses the one, the door the other
    with ThreadPoolExecutor(24) as clients:
        first = []
        for worker in range(WORKERS):
            first.append(clients.submit(blocked.post, "blocked:predict", rows(100)))
            until(lambda worker=worker: model.asked == worker + 1)
        answers = [clients.submit(blocked.post, "blocked:predict", rows(x)) for x in asked]
        until(lambda: len(blocked.serving.models["blocked"].current.batcher._waiting) == 20)
        model.free.set()
        for x, answer in zip(asked, answers, strict=True):
            good = (200, {"predictions": [x / 2 + 2]})
            if x == -1:
                assert answer.result() == (400, {"error": "the model refuses what is negative"})
            elif x == 13:
                assert answer.result() == (400, {"error": "13 is refused at the door"})
            else:
                assert answer.result() == good
        assert all(one.result()[0] == 200 for one in first)
    assert max(model.batches) > 1


def test_a_model_whose_outputs_are_not_one_a_row_is_asked_for_each_request_alone(start: Start):
    class Longest(Blocked):
        def run(self, name, prepared):
            whole = super().run(name, prepared)
            return {key: array.max(keepdims=True) for key, array in whole.items()}

    model = Longest()
    longest = start(longest=model)
    with ThreadPoolExecutor(24) as clients:
        answers = {
            x: clients.submit(longest.post, "longest:predict", columns(x, 0)) for x in range(20, 40)
        }
        until(lambda: len(longest.serving.models["longest"].current.batcher._waiting) > 10)
        model.free.set()
        for x, answer in answers.items():
            assert answer.result() == (200, {"outputs": [x / 2 + 2]})


def test_without_batching_each_request_is_answered_alone(start: Start):
    model = HalfPlus()
    half = start(half=model, batching=False)
    with ThreadPoolExecutor(8) as clients:
        answers = clients.map(lambda x: half.post("half:predict", rows(x))[0], range(20, 60))
    assert set(answers) == {200}
    assert set(model.batches) == {1}


def test_a_bug_in_a_model_is_500_and_the_server_goes_on(start: Start):
    class Broken(HalfPlus):
        def run(self, name, prepared):
            if (prepared["x"] == 5).any():
                raise ZeroDivisionError("secret path")
            return super().run(name, prepared)

    broken = start(broken=Broken())
    status, answer = broken.post("broken:predict", rows(5))
    assert status == 500
    assert "secret" not in answer["error"]
    assert broken.post("broken:predict", rows(2))[0] == 200


def test_deep_nesting_is_refused(start: Start):
    half = start(half=HalfPlus())
    for depth in (60, 1000, 100_000):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            body = b'{"instances":' + opening * depth + b"1" + closing * depth + b"}"
            assert half.post("half:predict", body)[0] in (200 if depth == 60 else 400, 400)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "b64", "instances", "a"]), inner, max_size=3)
    ),
    max_leaves=10,
)
KEYS = st.sampled_from(["instances", "inputs", "examples", "context", "signature_name", "other"])
NAMES = st.sampled_from(["", "serving_default", "rows", "classify_x_to_y", "regress_x_to_y"])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    verb=st.sampled_from(["predict", "classify", "regress"]),
    body=st.binary(max_size=60)
    | st.dictionaries(KEYS, JSON, max_size=3)
    | st.builds(lambda name, value: {"signature_name": name, "instances": value}, NAMES, JSON),
)
def test_no_body_is_a_server_error(start: Start, verb, body):
    half = start(half=HalfPlus())
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer = half.post(f"half:{verb}", content)
    assert status in (200, 400), answer
    assert (status == 200) != ("error" in answer)


def until(condition) -> None:
    """Wait for something that happens on another thread, minutes at most."""
    for _ in range(30_000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not happen")
