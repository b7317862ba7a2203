"""How long commands take from the shell to the end."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BARE = "import click\n@click.command()\ndef main(): 'Nothing.'\nmain()\n"
PICTURE = str(Path(__file__).resolve().parent.parent.parent / "docs" / "digit.png")


def timed(words: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of a process, which must end well."""
    started = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = _wait(child.pid)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"benchmark: {' '.join(words)} ended with status {status}")
    return seconds, usage.ru_maxrss / 1024


def _wait(pid: int) -> tuple[int, int, resource.struct_rusage]:
    import os

    pid, status, usage = os.wait4(pid, 0)
    return pid, os.waitstatus_to_exitcode(status), usage


def start(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """`--help` against a bare click program; one prediction, light against Keras."""
    nnguide = [sys.executable, "-m", "nnguide"]
    text = "WIN a free prize, call now"
    sides = {
        ("help", "a bare click program"): [sys.executable, "-c", BARE, "--help"],
        ("help", "nnguide --help"): [*nnguide, "--help"],
        ("help", "nnguide train --help"): [*nnguide, "train", "--help"],
        ("one message, cold", "light"): [*nnguide, "predict", "spam", text],
        ("one message, cold", "Keras"): [*nnguide, "predict", "spam", text, "--engine", "keras"],
        ("one picture, cold", "light"): [*nnguide, "predict", "digits", PICTURE],
        ("one picture, cold", "Keras"): [
            *nnguide,
            "predict",
            "digits",
            PICTURE,
            "--engine",
            "keras",
        ],
    }
    rounds = 3 if quick else 7
    seconds: dict[tuple[str, str], list[float]] = {side: [] for side in sides}
    memory: dict[tuple[str, str], list[float]] = {side: [] for side in sides}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for side in list(sides)[:: 1 if number % 2 else -1]:
            took, peak = timed(sides[side])
            seconds[side].append(took)
            memory[side].append(peak)
    rows = [
        {"what": what, "side": side, "values": seconds[what, side], "unit": "s"}
        for what, side in sides
    ]
    rows += [
        {"what": f"{what}: peak memory", "side": side, "values": memory[what, side], "unit": "MB"}
        for what, side in sides
    ]
    return {"rows": rows, "notes": ["predictions by the newest run of each task, else the shipped"]}
