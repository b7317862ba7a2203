"""How fast the live guide is there, and how many pictures a second it computes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time

import pytest
from websockets.sync.client import connect

SECONDS = 3.0  # of a measurement
FILMS = ("nonlinear", "descent", "batches", "scratch", "overfitting", "mistakes")


def test_no_framework_is_imported_before_a_run_is_asked():
    code = """
import sys
from nnguide.learn import app, lessons, server
app.create()
for lesson in lessons.every():
    if lesson.name not in ("pixels", "words", "blackbox"):
        lesson.figures(lesson.defaults, lesson.compute(lesson.defaults))
print(*sorted({"tensorflow", "keras", "torch", "sklearn", "matplotlib"} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.split() == [], found.stderr
    assert found.returncode == 0, found.stderr


def film(address: str, name: str, counts: list[int]) -> None:
    """Ask for one picture after the other, as a page does that plays a training."""
    state, count, began = {"step": 0}, 0, time.monotonic()
    with connect(address, proxy=None, max_size=None) as socket:
        while time.monotonic() - began < SECONDS:
            state["step"] = (state["step"] + 1) % 150
            socket.send(json.dumps({"lesson": name, "state": state}))
            if "figures" in json.loads(socket.recv()):
                count += 1
            time.sleep(max(0, began + count / 60 - time.monotonic()))  # a screen shows 60
    counts.append(count)


@pytest.mark.slow
@pytest.mark.parametrize(("learners", "rate"), [(1, 30), (10, 10)])
def test_pictures_a_second(learners: int, rate: int):
    """On a quiet machine with two cores."""
    command = [sys.executable, "-m", "nnguide", "learn", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        found = re.search(r"ready at http(://\S+)", process.stderr.readline())
        assert found
        try:
            for name in FILMS:
                counts: list[int] = []
                threads = [
                    threading.Thread(target=film, args=(f"ws{found[1]}socket", name, counts))
                    for _ in range(learners)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                print(name, learners, sorted(count / SECONDS for count in counts))
                assert len(counts) == learners and min(counts) / SECONDS >= rate, name
        finally:
            process.terminate()
            process.stderr.read()
