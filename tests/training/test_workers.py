"""Several processes train one network: they learn what one would, and end together."""

from __future__ import annotations

import contextlib
import csv
import functools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from started import Started, addresses

from nnguide.runs import DETERMINES, Run
from nnguide.training.cluster import SLURM_PORTS

ROOT = Path(__file__).parents[2]

LEARN = """
import json, sys
sys.path.insert(0, "tests")
import numpy as np
import tiny
from nnguide import tasks
from nnguide import logs
from nnguide.training import fit as module
from nnguide.training.cluster import Cluster
from nnguide.training.fit import fit
from nnguide.training.runtime import runtime
from nnguide.training.train import configure

names, index, out, cases = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
cluster = Cluster(tuple(names), index, "--workers") if len(names) > 1 else None
logs.tensorflow()
module.FEW_STEPS = 0  # the statistics are those of the steps
plain = ("calibration.on=none", "train.schedule=constant", "train.restore_best=false")
found = {}
CASES = {
    "digits": (
        *("train.epochs=2", "train.steps_per_execution=2", "model.batch_norm=false"),
        *("train.dropout_schedule.warmup=2", "train.dropout_schedule.end=0.3"),
        *("train.l2_schedule.warmup=1", "train.l2_schedule.end=0.0001"),
    ),
    "normalised": ("train.epochs=1", "train.optimizer=momentum", "train.learning_rate=0.01"),
    "spam": ("train.epochs=2", "train.batch_size=36", "train.class_weight=balanced"),
}
defaults = configure("digits").runtime
with runtime(defaults, cluster=cluster) as chosen:
    import keras

    for case in cases:
        keras.utils.set_random_seed(0)
        task = "spam" if case == "spam" else "digits"
        settings = [*plain, *CASES[case]]
        if task == "digits":
            small = ("train.batch_size=108", "model.filters=16,24", "train.learning_rate=0.001")
            settings = [*small, *settings]
        config = configure(task, settings=settings)
        whole = tiny.examples(task, 500)
        held, rest = whole.take(np.arange(53)), whole.take(np.arange(53, len(whole)))
        fitted = fit(tasks.get(task), config, rest, held, chosen)
        found[case] = {
            "history": fitted.history,
            "weights": [w.ravel().tolist() for w in fitted.model.get_weights()],
        }
with open(out, "w") as file:
    json.dump(found, file)
"""


@functools.cache
def learned(count: int, folder: Path, *cases: str) -> list[dict[str, Any]]:
    """What each of so many workers learned."""
    names = json.dumps(addresses(count))
    outs = [folder / f"{count}-{index}.json" for index in range(count)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", LEARN, names, str(index), str(out), *cases],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for index, out in enumerate(outs)
    ]
    for process in started:
        _, errors = process.communicate(timeout=1800)
        assert process.returncode == 0, errors
    return [json.loads(out.read_text()) for out in outs]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learned")


@pytest.mark.parametrize(
    ("count", "cases"),
    [
        (2, ("spam",)),
        pytest.param(2, ("digits",), marks=pytest.mark.slow),
        pytest.param(2, ("normalised",), marks=pytest.mark.slow),
        pytest.param(3, ("digits", "normalised", "spam"), marks=pytest.mark.slow),
    ],
)
def test_several_workers_learn_what_one_learns(
    count: int, cases: tuple[str, ...], folder: Path
) -> None:
    """With augmentation, dropout and penalties; the validation set has 53 examples."""
    (alone,), workers = learned(1, folder, *cases), learned(count, folder, *cases)
    for case, one in alone.items():
        for worker in workers:
            assert worker[case] == workers[0][case]  # to the bit
        several = workers[0][case]
        tolerance = 1e-2 if case == "normalised" else 1e-5
        for mine, his in zip(several["weights"], one["weights"], strict=True):
            np.testing.assert_allclose(mine, his, atol=tolerance)
        for name, values in one["history"].items():
            np.testing.assert_allclose(several["history"][name], values, atol=max(tolerance, 1e-4))
        right = np.array(several["history"]["val_accuracy"]) * 53
        np.testing.assert_allclose(right, np.round(right), atol=1e-3)


def settings(*more: str) -> list[str]:
    words = (*tiny.words("digits"), "train.epochs=6", "model.dropout=0.2", *more)
    return [part for word in words for part in ("--set", word)]


def start(
    place: Path,
    count: int,
    *options: object,
    one: Callable[[int], list[str]] = lambda index: [],
) -> list[Started]:
    """Every worker of a training into `place`."""
    names = ",".join(addresses(count))
    given = ("--out", place, "--dataset", tiny.built_in("digits"), "--deterministic", *options)
    return [
        Started(
            *("train", "digits", *given, "--workers", names, "--worker", index, *one(index)),
            place=place.parent,
        )
        for index in range(count)
    ]


def ends(workers: list[Started]) -> list[int]:
    return [worker.ends() for worker in workers]


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".log"}


def test_another_seed_ends_all_before_anything_is_written(tmp_path: Path) -> None:
    def seed(index: int) -> list[str]:
        return ["--seed", str(index % 2)]

    workers = start(tmp_path / "run", 2, *settings(), one=seed)
    assert ends(workers) == [2, 2]
    for worker in workers:
        assert "worker 1 (127.0.0.1:" in worker.text
        assert "has train.seed 1, worker 0" in worker.text
    assert left(tmp_path) == set()


def test_workers_need_a_folder_that_all_see(tmp_path: Path) -> None:
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    alone = Started("train", "digits", place=tmp_path, TF_CONFIG=json.dumps(cluster))
    assert alone.ends() == 2
    assert "give --out" in alone.text


def assert_same(run: Path, whole: Path) -> None:
    for name in (*DETERMINES, "history.csv"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name
    assert Run.open(run).metrics["val_loss"] == Run.open(whole).metrics["val_loss"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of two workers that nothing disturbed."""
    place = tmp_path_factory.mktemp("whole") / "run"
    workers = start(place, 2, *settings())
    assert ends(workers) == [0, 0], [worker.text for worker in workers]
    assert left(place.parent) == {"run"}
    return place


def environment(origin: str, index: int, names: tuple[str, ...], job: int) -> dict[str, str]:
    """What a cluster's manager says to one of two processes."""
    if origin == "TF_CONFIG":  # as of TFJob and Vertex AI, with a chief
        cluster = {"chief": [names[0]], "worker": [names[1]]}
        task = {"type": ("chief", "worker")[index], "index": 0}
        return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
    return {
        "SLURM_JOB_ID": str(job),
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURM_PROCID": str(index),
        "SLURM_NODEID": "0",
        "SLURM_LOCALID": str(index),
    }


def free_job() -> int:
    """A job of SLURM whose two ports are free."""
    while True:
        job = random.randrange(600)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for place in range(2):
                probe = held.enter_context(socket.socket())
                probe.bind(("", SLURM_PORTS[0] + 16 * job + place))
            return job


@pytest.mark.slow
@pytest.mark.parametrize("origin", ["TF_CONFIG", "SLURM"])
def test_workers_that_the_environment_names_learn_the_same(
    tmp_path: Path, whole: Path, origin: str
) -> None:
    words = ("train", "digits", "--out", tmp_path / "run", "--dataset", tiny.built_in("digits"))
    names, job = addresses(2), free_job()
    workers = [
        Started(
            *(*words, "--deterministic", *settings()),
            place=tmp_path,
            **environment(origin, index, names, job),
        )
        for index in range(2)
    ]
    assert ends(workers) == [0, 0], [worker.text for worker in workers]
    assert_same(tmp_path / "run", whole)


@pytest.mark.slow
def test_workers_read_records_as_they_read_a_table(tmp_path: Path) -> None:
    """Each reads its part of every batch; the networks are equal to the bit."""
    rows = [("spam" if n % 3 else "ham", f"word{n % 4} {n}") for n in range(120)]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("label", "text"), *rows])
    prepared = Started("data", "prepare", "t.csv", "--records", place=tmp_path)
    assert prepared.ends() == 0, prepared.text
    small = [part for word in tiny.words("spam") for part in ("--set", word)]
    for name in ("t.csv", "t.csv.records"):
        names = ",".join(addresses(2))
        words = ("train", "spam", "--dataset", name, "--out", f"run of {name}", *small)
        workers = [
            Started(*words, "--workers", names, "--worker", index, place=tmp_path)
            for index in range(2)
        ]
        assert ends(workers) == [0, 0], [worker.text for worker in workers]
    table, records = (Run.open(tmp_path / f"run of {name}") for name in ("t.csv", "t.csv.records"))
    assert table.history == records.history
    for one, other in zip(table.model.get_weights(), records.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def away(workers: list[Started], victim: int) -> None:
    """The others end with 8 and the one line."""
    for index, worker in enumerate(workers):
        if index == victim:
            continue
        assert worker.process.returncode == 8, worker.text
        line = rf"worker {victim} \(127\.0\.0\.1:\d+\) went away.*; start all again"
        assert re.search(line, worker.text), worker.text
        assert "Traceback" not in worker.text


def kill_and_resume(tmp_path: Path, whole: Path, kills: int, seed: int) -> None:
    chance, run, landed = random.Random(seed), tmp_path / "run", 0
    while landed < kills:
        workers = start(run, 2, "--resume", *settings())
        victim = chance.randrange(2)
        workers[0].wait_for(chance.choice(["training ", "epoch 1", "epoch 3"]))
        time.sleep(chance.uniform(0, 1))
        workers[victim].process.kill()
        began = time.monotonic()
        if ends(workers)[victim] == 0:
            shutil.rmtree(run)
            continue
        if workers[1 - victim].process.returncode == 0:  # the training was over
            assert_same(run, whole)
            shutil.rmtree(run)
            continue
        assert time.monotonic() - began < 60
        away(workers, victim)
        landed += 1
    workers = start(run, 2, "--resume", *settings())
    assert ends(workers) == [0, 0], [worker.text for worker in workers]
    assert_same(run, whole)


def test_a_killed_worker_ends_all(tmp_path: Path) -> None:
    workers = start(tmp_path / "run", 2, *settings("train.epochs=5000"))
    workers[0].wait_for("training ")
    workers[1].process.kill()
    ends(workers)
    away(workers, 1)


@pytest.mark.slow
def test_killed_twenty_times_it_ends_the_same(tmp_path: Path, whole: Path) -> None:
    kill_and_resume(tmp_path, whole, 20, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_stopped_worker_ends_the_others(tmp_path: Path, victim: int) -> None:
    workers = start(tmp_path / "run", 2, *settings("train.epochs=5000"))
    workers[0].wait_for("epoch 1")
    workers[victim].process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    workers[1 - victim].ends()
    assert time.monotonic() - began < 60
    workers[victim].process.kill()
    workers[victim].ends()
    away(workers, victim)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("victim", [0, 1])
def test_a_signal_to_one_worker_ends_all_with_a_run(
    tmp_path: Path, number: signal.Signals, victim: int
) -> None:
    workers = start(tmp_path / "run", 2, *settings("train.epochs=200"))
    workers[0].wait_until(lambda: workers[0].text.count("\nepoch ") >= 2)
    workers[victim].process.send_signal(number)
    assert ends(workers) == [130, 130], [worker.text for worker in workers]
    assert left(tmp_path) == {"run"}
    assert Run.open(tmp_path / "run").metrics["interrupted"] is True
    assert "continue with --resume" in workers[0].text


STOCK = """
import json, sys
from nnguide import logs
from nnguide.config import RuntimeConfig
from nnguide.training.cluster import Cluster
from nnguide.training.runtime import runtime

cluster = Cluster(tuple(json.loads(sys.argv[1])), int(sys.argv[2]), "--workers")
with runtime(RuntimeConfig(), cluster=cluster) as chosen, chosen.scope:
    import keras
    import numpy as np
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((8, 3)), np.zeros((8, 1)), verbose=0)
"""


@pytest.mark.slow
def test_the_fit_of_keras_itself_still_fails() -> None:
    """The day that it works, `nnguide.training.multi_worker` can go."""
    names = json.dumps(addresses(2))
    started = [
        subprocess.Popen(
            [sys.executable, "-c", STOCK, names, str(index)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    errors = [process.communicate(timeout=600)[1] for process in started]
    assert all(process.returncode != 0 for process in started), "Keras's own fit works: use it"
    assert any("PerReplica" in text for text in errors), errors
