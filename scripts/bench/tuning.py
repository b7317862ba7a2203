"""The same search by two workers with a core each, by one with one core, and by one with both."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPACE = """
[model]
filters = [16, 32]
depth = 1
hidden = []
l1 = 0
l2 = 0
[train]
optimizer = "adam"
schedule = "onecycle"
batch_size = 128
[augment]
elastic = 0
"""


def tuning(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Wall seconds of a whole `nnguide tune`, start-up of its processes included."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    sides = {
        "two workers, a core each": (2, cores),
        "one worker, one core": (1, cores[:1]),
        "one worker, two cores": (1, cores),
    }
    trials, rounds = (6, 1) if quick else (12, 2)
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    scores = set()
    for number in range(rounds):
        for side in list(sides)[:: 1 if number % 2 else -1]:
            say(f"round {number + 1} of {rounds}: {side}")
            took, score = _search(*sides[side], trials)
            seconds[side].append(took)
            scores.add(round(score, 2))
    what = f"{trials} trials of one epoch"
    rows = [
        {"what": what, "side": side, "values": values, "unit": "s"}
        for side, values in seconds.items()
    ]
    two, *others = (statistics.median(values) for values in seconds.values())
    notes = [
        f"{side} takes {other / two:.2f} times as long as two workers"
        for side, other in zip(list(sides)[1:], others, strict=True)
    ]
    return {"rows": rows, "notes": [*notes, f"best scores, to two digits: {sorted(scores)}"]}


def _search(workers: int, cores: list[int], trials: int) -> tuple[float, float]:
    """Wall seconds and best score of a search whose processes may use only `cores`."""
    with tempfile.TemporaryDirectory() as folder:
        space = Path(folder, "space.toml")
        space.write_text(SPACE)
        words = ["--trials", trials, "--max-epochs", 1, "--compare", 0, "--workers", workers]
        command = [sys.executable, "-m", "nnguide", "tune", "digits", "-q", "--json"]
        command += [str(word) for word in (*words, "--space", space, "--out", Path(folder, "out"))]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        os.sched_setaffinity(child.pid, cores)
        answer, _ = child.communicate()
        if child.returncode:
            raise SystemExit(f"benchmark: nnguide tune ended with status {child.returncode}")
        return time.perf_counter() - began, json.loads(answer)["best_score"]
