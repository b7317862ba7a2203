"""Training on more messages than memory should hold: record files, written and learned from."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnguide.data import spam_sample
from nnguide.files import read_json

FULL, QUICK = (100_000, 1_000_000), (20_000,)  # messages; ten million take an hour
WORDS = (3, 28)  # of a message, 14 on average as in SMS Spam
AT_ONCE = 10_000  # messages that are made together
BATCH = 512
TRACED, STEPS = 5, 200  # steps that are not measured, and whose waits for a batch are
POLL = 0.1  # seconds between two looks at a process
SETTINGS = {
    "train.epochs": 1,
    "train.batch_size": BATCH,
    "calibration.on": "validation",
}


def records(
    quick: bool,
    say: Callable[[str], None],
    counts: Sequence[int] = (),
    preset: str = "default",
    epoch: bool = True,
) -> dict[str, Any]:
    """Seconds, processor time and peak memory of both commands, for each number of messages.

    Without `epoch` the network is trained on few messages, and only its steps are measured.
    """
    rows: list[dict[str, Any]] = []
    notes = [
        f"messages of {WORDS[0]} to {WORDS[1]} words of the built-in sample, drawn by label; a "
        "fifth is the test set",
        f"nnguide train spam --preset {preset}, with "
        + ", ".join(f"{key}={value}" for key, value in SETTINGS.items()),
    ]
    for count in counts or (QUICK if quick else FULL):
        say(f"{count:,} messages")
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
            rows += _measured(count, preset, epoch, Path(folder), say, notes)
    return {"rows": rows, "notes": notes}


def messages(count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Label and text of so many messages, half of each label, one after another."""
    sample = spam_sample.load()
    words = [
        [word for text in sample.inputs[sample.labels == label] for word in text.split()]
        for label in range(len(sample.label_names))
    ]
    random = np.random.default_rng(seed)
    for start in range(0, count, AT_ONCE):
        size = min(AT_ONCE, count - start)
        labels = random.integers(0, 2, size).tolist()
        lengths = random.integers(WORDS[0], WORDS[1], size).tolist()
        drawn = random.random(sum(lengths)).tolist()
        place = 0
        for number, (label, length) in enumerate(zip(labels, lengths, strict=True), start):
            own = words[label]
            text = " ".join([own[int(x * len(own))] for x in drawn[place : place + length]])
            place += length
            yield sample.label_names[label], f"{text} {number}"


def _measured(
    count: int,
    preset: str,
    epoch: bool,
    folder: Path,
    say: Callable[[str], None],
    notes: list[str],
) -> list[dict[str, Any]]:
    table, run = folder / "messages.csv", folder / "run"
    prepared = _prepared(table, count)
    say(f"  prepared: {prepared}")
    data = table.with_name(f"{table.name}.records")
    learned = data
    if not epoch:
        _prepared(folder / "few.csv", QUICK[0])
        learned = folder / "few.csv.records"
    chosen = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    words = ("train", "spam", "--preset", preset, "--dataset", learned, "--out", run)
    trained = _command(*words, *chosen)
    say(f"  trained: {trained}")
    side = f"{count:,} messages"
    waits = _step(data, run)
    say(f"  waited: {waits}")
    busy = waits.working / (waits.working + waits.waiting)
    notes.append(
        f"{side}: {busy:.1%} of the time of {STEPS} steps or fewer are the steps themselves, "
        f"the rest is waiting for batches; a batch takes {waits.batch * 1e3:.1f} ms of processor "
        f"time, of which reading {waits.reading * 1e3:.1f} ms"
    )
    rows = [
        {"what": what, "side": side, "values": [value], "unit": unit}
        for name, of in (("prepare", prepared), *([("train, one epoch", trained)] * epoch))
        for what, value, unit in (
            (name, of["seconds"], "s"),
            (f"{name}: processor time", of["processor"], "s"),
            (f"{name}: peak memory", of["memory"], "MB"),
            (f"{name}: rate", count / of["seconds"], "messages/s"),
        )
    ]
    if epoch:
        inside = float(read_json(run / "metrics.json")["train_seconds"])
        rows.append({"what": "within fit", "side": side, "values": [inside], "unit": "s"})
    rows.append({"what": "step, fraction of time", "side": side, "values": [busy], "unit": ""})
    return rows


def _prepared(table: Path, count: int) -> dict[str, float]:
    """What it took to prepare so many messages as records; their table is gone then."""
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "text"])
        writer.writerows(messages(count))
    took = _command("data", "prepare", table, "--records", "--task", "spam")
    table.unlink()
    return took


def _command(*words: object) -> dict[str, float]:
    """What a command took, which must end well: seconds, processor time, memory in MB."""
    started, peak = time.perf_counter(), 0.0
    child = subprocess.Popen(
        [sys.executable, "-m", "nnguide", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while True:
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, _high_water(child.pid))
        time.sleep(POLL)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"benchmark: {' '.join(map(str, words))} ended with {child.returncode}")
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "processor": used.ru_utime + used.ru_stime,
        "memory": peak,
    }


def _high_water(pid: int) -> float:
    """The most memory that a process has held so far, in MB."""
    try:
        held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(held[1]) / 1024 if held else 0.0


class Waits(NamedTuple):
    """Seconds of all steps, and of the waits for their batches; processor time of a batch."""

    working: float
    waiting: float
    batch: float
    reading: float


def _step(folder: Path, run: Path) -> Waits:
    """Times of steps of the run's network on these records."""
    from nnguide import logs

    logs.tensorflow()
    import tensorflow as tf

    from nnguide import data, tasks
    from nnguide.models.optimizers import optimizer
    from nnguide.models.saving import load, preprocessor
    from nnguide.runs import Run
    from nnguide.training import pipeline

    opened, task = Run.open(run), tasks.get("spam")
    model = load(run / "model.keras")
    layer = preprocessor(model)
    training = data.find("spam", str(folder)).load("train")
    some = min(len(training), (STEPS + TRACED) * BATCH)  # spread over all files
    training = training.take(np.linspace(0, len(training) - 1, some).astype(np.int64))
    config = opened.config
    core = task.build(config, layer, 2)
    inputs, _ = task.feed(layer, training.inputs)
    assert task.adapt is not None
    task.adapt(core, layer, inputs)
    plan = pipeline.plan(len(training), BATCH)
    head = task.head(2)
    core.compile(optimizer(config.train, plan.steps), head.loss(), metrics=head.metrics())
    batches = pipeline.batches(
        inputs,
        head.targets(training.labels),
        plan,
        epochs=range(1),
        seed=0,
        weights=np.ones(len(training), np.float32),
    )
    started = time.process_time()
    for _ in batches:
        pass
    batch = (time.process_time() - started) / plan.steps
    places = np.random.default_rng(0).permutation(len(training))
    started = time.process_time()
    for at in range(plan.steps):
        list(training.inputs[places[at * BATCH : (at + 1) * BATCH]])
    reading = (time.process_time() - started) / plan.steps
    step = tf.function(core.train_step, reduce_retracing=True)
    took = iter(batches)
    for _ in range(TRACED):
        step(next(took))
    working = waiting = 0.0
    for _ in range(plan.steps - TRACED):
        started = time.perf_counter()
        ready_batch = next(took)
        ready = time.perf_counter()
        step(ready_batch)["loss"].numpy()
        waiting += ready - started
        working += time.perf_counter() - ready
    return Waits(working, waiting, batch, reading)
