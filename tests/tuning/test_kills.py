"""Searches and workers killed with SIGKILL, and workers as if on other machines."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import tiny
from started import Started

SPACE = """
[model]
hidden.values = [[4], [8], [12], [16]]
dropout = 0.1
l1 = 0
l2 = 0
embedding = 4
word_dropout = 0
[tokens]
grams = [3]
buckets = 64
pairs = 0
[train]
optimizer = "adam"
learning_rate = { min = 0.001, max = 0.1, sampling = "log" }
schedule = "constant"
batch_size = 128
"""


def begin(place: Path, *options: object, **variables: str) -> Started:
    """`nnguide tune` under way: a tiny search, or the part in one that the variables tell."""
    (place / "space.toml").write_text(SPACE)
    words: list[object] = ["tune", "spam", *options]
    if "KERASTUNER_TUNER_ID" not in variables or "chief" in variables["KERASTUNER_TUNER_ID"]:
        words += ["--dataset", tiny.built_in("spam"), "--space", place / "space.toml"]
        words += ["--compare", 0, "--max-epochs", 1]
        words += ["--set", "train.steps_per_execution=9", "--set", "tokens.words=100"]
    return Started(*words, place=place, **variables)


def trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def states(folder: Path) -> dict[str, dict[str, Any]]:
    """Trial -> what the search in `folder`, or under way beside it, keeps of it."""
    under_way = folder.with_name(folder.name + ".tune.unfinished")
    for place in (folder, under_way):
        found = [json.loads(path.read_text()) for path in place.glob("state/trial_*/trial.json")]
        if found:
            return {state["trial_id"]: state for state in found}
    return {}


def ended(folder: Path) -> dict[str, Any]:
    """Trial -> score and end, of those that have ended."""
    return {
        trial: (state["score"], state["ended"])
        for trial, state in states(folder).items()
        if state["status"] == "COMPLETED"
    }


def at_work(folder: Path) -> dict[str, str]:
    """Worker -> its trial, of the search under way that will be `folder`."""
    path = folder.with_name(folder.name + ".tune.unfinished") / "state" / "oracle.json"
    return json.loads(path.read_text())["ongoing_trials"] if path.exists() else {}


def processes(word: str) -> list[int]:
    """Processes whose environment or command line holds `word`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            held = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if word.encode() in held and state != "Z":
            found.append(int(path.name))
    return found


def kill_and_resume(place: Path, kills: int, count: int, seed: int) -> None:
    """Kill the search at random moments; no trial that had ended is run again, none is lost."""
    chance, out, landed = random.Random(seed), place / "s", 0
    known: dict[str, Any] = {}
    while landed < kills:
        tune = begin(place, "--trials", count, "--out", out, "--resume")
        tune.wait_for("random search")
        most = (count - len(known)) // (kills - landed + 1)  # so that trials are left for the rest
        wanted = len(known) + chance.randint(0, most)
        tune.wait_until(lambda wanted=wanted: len(ended(out)) >= wanted)
        if chance.random() < 0.5:  # in the midst of a trial, or of what comes between two
            tune.wait_until(lambda: at_work(out))
            until = time.monotonic() + chance.random()
            tune.wait_until(lambda until=until: time.monotonic() > until)
        tune.process.kill()
        if tune.ends() == 0:  # a fast machine: again from the beginning
            shutil.rmtree(out)
            known, landed = {}, 0
            continue
        assert tune.process.returncode == -signal.SIGKILL, tune.text
        landed += 1
        now = ended(out)
        assert known.items() <= now.items()  # nothing lost, nothing done again
        known = now
    tune = begin(place, "--trials", count, "--out", out, "--resume")
    assert tune.ends() == 0, tune.text
    rows = trials(out)
    assert sorted(int(row["trial"]) for row in rows) == list(range(count))
    assert {row["state"] for row in rows} == {"completed"}
    assert known.items() <= ended(out).items()


@pytest.mark.slow
def test_killed_ten_times_and_resumed_every_trial_is_there_once(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, 10, 25, seed=2)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_worker_killed_in_its_trial(tmp_path: Path) -> None:
    """The search is complete, and no process stays."""
    mark = f"NNGUIDE_TEST={random.randrange(10**12)}"
    name, _, value = mark.partition("=")
    tune = begin(tmp_path, "--trials", 3, "--workers", 2, "--out", tmp_path / "s", **{name: value})
    tune.wait_until(lambda: at_work(tmp_path / "s"))
    assert tune.process.poll() is None, tune.text
    busy = next(iter(at_work(tmp_path / "s")))
    (worker,) = set(processes(mark)) & set(processes(f"KERASTUNER_TUNER_ID={busy}"))
    os.kill(worker, signal.SIGKILL)
    assert tune.ends() == 0, tune.text
    assert "was killed by signal 9" in tune.text
    assert [row["state"] for row in trials(tmp_path / "s")] == ["completed"] * 3
    assert processes(mark) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_end_with_a_chief_that_is_killed(tmp_path: Path) -> None:
    mark = f"NNGUIDE_TEST={random.randrange(10**12)}"
    name, _, value = mark.partition("=")
    tune = begin(tmp_path, "--trials", 99, "--workers", 2, "--out", tmp_path / "s", **{name: value})
    tune.wait_for("chief at")
    tune.wait_until(lambda: len(processes(mark)) >= 3)
    tune.process.kill()
    tune.ends()
    until = time.monotonic() + 600  # where it is still starting, on a busy machine
    while processes(mark) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes(mark) == []


@pytest.mark.slow
def test_chief_and_workers_by_environment_variables(tmp_path: Path) -> None:
    """As if each were a machine: one is there first, one comes late; both end with the search."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    common["NNGUIDE_TUNE_TOKEN"] = "a secret of this test"
    hosts = [tmp_path / name for name in ("chief", "first", "late", "stranger")]
    for host in hosts:
        host.mkdir()
    out = hosts[0] / "s"
    first = begin(hosts[1], **common, KERASTUNER_TUNER_ID="first")  # before its chief
    chief = begin(hosts[0], "--trials", 8, "--out", out, **common, KERASTUNER_TUNER_ID="chief")
    chief.wait_until(lambda: ended(out))
    guess = {**common, "NNGUIDE_TUNE_TOKEN": "a guess", "KERASTUNER_TUNER_ID": "stranger"}
    stranger = begin(hosts[3], **guess)
    assert stranger.ends() in (2, 8), stranger.text  # 8 where the search was over before
    if stranger.process.returncode == 2:
        assert "NNGUIDE_TUNE_TOKEN" in stranger.text
        assert "refused a request of 127.0.0.1" in chief.text
    late = begin(hosts[2], **common, KERASTUNER_TUNER_ID="late")
    assert chief.ends() == 0, chief.text
    assert [row["state"] for row in trials(out)] == ["completed"] * 8
    assert first.ends() == 0, first.text
    late.process.terminate()  # it may have come when all was over
    late.ends()
    assert [path.name for path in hosts[1].iterdir() if path.suffix not in (".log", ".toml")] == []
