"""How long commands take from the shell to the end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BARE = "import click\n@click.command()\ndef main(): 'Nothing.'\nmain()\n"
PICTURE = str(Path(__file__).resolve().parent.parent.parent / "docs" / "digit.png")
IMPORTS = "import tensorflow, keras"
# Prints the seconds that fit was entered after the first import, and its first step was done.
TRAINING = """
import time; begun = time.perf_counter()
import sys, tempfile, nnguide
from nnguide import logs
from nnguide.training.train import train
logs.tensorflow()
import keras
class Clock(keras.callbacks.Callback):
    def on_train_begin(self, logs=None): print(time.perf_counter() - begun, flush=True)
    def on_train_batch_end(self, batch, logs=None):
        print(time.perf_counter() - begun, flush=True)
        self.model.stop_training = True
with tempfile.TemporaryDirectory() as folder:
    train(sys.argv[1], settings=[f"data.dataset={sys.argv[2]}", "train.epochs=1",
          "train.steps_per_execution=1", "calibration.on=none"], out=folder + "/run",
          callbacks=[Clock()])
"""

TRAININGS = {"digits on mnist": ("digits", "mnist"), "spam on sms_spam": ("spam", "sms_spam")}


def timed(words: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of a process, which must end well."""
    started = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        peak = max(peak, _high_water(child.pid))
        time.sleep(0.002)
    seconds = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(f"benchmark: {' '.join(words)} ended with status {child.returncode}")
    return seconds, peak / 1024


def _high_water(pid: int) -> int:
    """The most memory a process has held so far, in kB: not its parent's, as ru_maxrss may be."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")), 0)


def entering(task: str, dataset: str) -> tuple[float, float]:
    """Seconds from the first import to fit, and of its first step, tracing included."""
    words = [sys.executable, "-c", TRAINING, task, dataset]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    begun, first = map(float, done.stdout.split()[:2])
    return begun, first - begun


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
    fit: dict[str, list[float]] = {side: [] for side in ("import tensorflow, keras", *TRAININGS)}
    first: dict[str, list[float]] = {side: [] for side in TRAININGS}
    for number in range(rounds):
        say(f"entering fit, round {number + 1} of {rounds}")
        fit["import tensorflow, keras"].append(timed([sys.executable, "-c", IMPORTS])[0])
        for training, named in TRAININGS.items():
            begun, step = entering(*named)
            fit[training].append(begun)
            first[training].append(step)
    rows = [
        {"what": what, "side": side, "values": seconds[what, side], "unit": "s"}
        for what, side in sides
    ]
    rows += [
        {"what": f"{what}: peak memory", "side": side, "values": memory[what, side], "unit": "MB"}
        for what, side in sides
    ]
    for what, found in (("until fit is entered", fit), ("the first step, traced", first)):
        rows += [{"what": what, "side": s, "values": v, "unit": "s"} for s, v in found.items()]
    return {"rows": rows, "notes": ["predictions by the newest run of each task, else the shipped"]}
