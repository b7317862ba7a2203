"""One network trained by two processes of this machine, a core each, beside one alone."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEEDS = 3
EPOCHS = 3  # the first is traced, and not counted
BATCHES = (128, 1024)
# Trains as one of the workers that are named; writes its processor time per epoch and accuracy.
TRAINING = """
import json, os, sys, time
addresses, index, out, *words = sys.argv[1:]
index, addresses = int(index), tuple(json.loads(addresses))
cores = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, [cores[index % len(cores)]])
from nnguide import data, logs, tasks
from nnguide.data.splits import training_and_validation
from nnguide.training.cluster import Cluster
from nnguide.training.configure import configure
from nnguide.training.runtime import runtime
logs.tensorflow()
config = configure("digits", preset=words[0], settings=words[1:])
source = data.find("digits", "mnist")
training, validation = training_and_validation(config, source.load("train"))
cluster = Cluster(addresses, index, "--workers") if len(addresses) > 1 else None
with runtime(config.runtime, seed=config.train.seed, cluster=cluster) as chosen:
    import keras
    from nnguide.models.saving import outputs
    from nnguide.training.fit import fit
    class Clock(keras.callbacks.Callback):
        taken = []
        def on_epoch_begin(self, epoch, logs=None): self.began = time.process_time()
        def on_test_begin(self, logs=None): self.taken.append(time.process_time() - self.began)
    fitted = fit(tasks.get("digits"), config, training, validation, chosen, callbacks=[Clock()])
    test = source.load("test")
    accuracy = float((outputs(fitted.model, test.inputs).argmax(1) == test.labels).mean())
with open(out, "w") as file:
    json.dump({"processor": Clock.taken[1:], "accuracy": accuracy}, file)
"""


def workers(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Processor time of an epoch of the default network, and the accuracy of `fast`, on MNIST."""
    rows: list[dict[str, Any]] = []
    notes = ["each process has one core; two listen on the loopback"]
    for batch in BATCHES[1:] if quick else BATCHES:
        settings = [f"train.epochs={EPOCHS}", f"train.batch_size={batch}"]
        taken: dict[int, list[float]] = {}
        for count in (1, 2):
            say(f"default, batches of {batch}, processes: {count}")
            ended = _trained(count, "default", *settings)
            taken[count] = [seconds for process in ended for seconds in process["processor"]]
            side = "one process" if count == 1 else "each of two workers"
            what = f"an epoch in batches of {batch:,}"
            rows.append({"what": what, "side": side, "values": taken[count], "unit": "s"})
        ratio = statistics.median(taken[2]) / statistics.median(taken[1])
        notes.append(f"batches of {batch:,}: each worker takes {ratio:.2f} of one's processor time")
    scores: dict[int, list[float]] = {1: [], 2: []}
    for seed in range(1 if quick else SEEDS):
        for count, accuracies in scores.items():
            say(f"fast, seed {seed}, processes: {count}")
            ended = _trained(count, "fast", f"train.seed={seed}")
            if len({process["accuracy"] for process in ended}) > 1:
                raise SystemExit(f"benchmark: workers ended with other networks: {ended}")
            accuracies.append(ended[0]["accuracy"])
    for count, side in ((1, "one process"), (2, "two workers")):
        rows.append({"what": "fast: accuracy", "side": side, "values": scores[count], "unit": ""})
    difference = 100 * (statistics.mean(scores[2]) - statistics.mean(scores[1]))
    notes.append(f"fast: two workers are {difference:+.3f} points from one process, over seeds")
    return {"rows": rows, "notes": notes}


def _trained(count: int, *words: str) -> list[dict[str, Any]]:
    """What each of so many processes measured that train one network together."""
    names = json.dumps([f"127.0.0.1:{_free_port()}" for _ in range(count)])
    with tempfile.TemporaryDirectory() as folder:
        outs = [Path(folder) / str(index) for index in range(count)]
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", TRAINING, names, str(index), str(out), *words],
                env={**os.environ, "TF_NUM_INTRAOP_THREADS": "1"},
                stderr=subprocess.PIPE,
                text=True,
            )
            for index, out in enumerate(outs)
        ]
        for process in processes:
            _, errors = process.communicate()
            if process.returncode:
                raise SystemExit(f"benchmark: a worker failed:\n{errors}")
        return [json.loads(out.read_text()) for out in outs]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
