"""A chief and its workers over keras-tuner's service: late ones, lost ones, a full disk."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pretended
import pytest
from keras_tuner.engine.trial import Trial

from nnguide import logs
from nnguide.errors import ConfigError, WorkError, WriteError
from nnguide.tuning import chief, oracles, worker
from nnguide.tuning.guard import Guard
from nnguide.tuning.worker import Worker, role


@pytest.fixture
def lead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lead a search with workers that are threads; `begin(name, …)` starts one."""
    told: list[Any] = []
    lines: list[str] = []
    threads: list[threading.Thread] = []

    class Led:
        """The search, its oracle, what was told and said."""

        def __init__(self, wanted: Any) -> None:
            self.wanted, self.told, self.lines = wanted, told, lines
            self.oracle = pretended.oracle(wanted, tmp_path / "state")
            self.port = 0

        def begin(self, name: str, at: Any = None) -> None:
            scorer = pretended.Pretended(self.wanted, at=at)
            with monkeypatch.context() as environment:
                environment.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
                environment.setenv("KERASTUNER_ORACLE_PORT", str(self.port))
                environment.setenv("KERASTUNER_TUNER_ID", name)
                worker = Worker(oracles.Random(), str(tmp_path), name, scorer)  # a client's
            threads.append(threading.Thread(target=self._search, args=(worker,), daemon=True))
            threads[-1].start()

        def _search(self, worker: Worker) -> None:
            try:
                worker.search()
            except Exception as error:  # the chief's end is a worker's too
                lines.append(f"worker ended: {type(error).__name__}")

        def run(self, then: Any) -> None:
            def say(line: str) -> None:
                lines.append(line)
                if line.startswith("chief at"):
                    self.port = int(line.rpartition(":")[2])
                    then(self)

            with logs.shown_by(say):
                chief.lead(
                    self.oracle,
                    self.wanted,
                    address="127.0.0.1:0",
                    workers=0,
                    logs=tmp_path / "logs",
                    notify=told.append,
                )

    return Led


def states(led: Any) -> list[str]:
    return [row.state for row in pretended.found(led.oracle)]


def test_two_workers_share_a_search_and_one_comes_late(lead: Any) -> None:
    led = lead(pretended.search("hyperband"))

    def late(call: int) -> None:
        if call == 2:
            led.begin("second")

    led.run(lambda led: led.begin("first", late))
    assert states(led) == ["completed"] * 6
    alone = pretended.run(led.wanted, Path(led.oracle._directory) / "alone")
    scores = [sorted(row.score for row in pretended.found(o)) for o in (led.oracle, alone)]
    assert scores[0] == scores[1]
    assert len([trial for trial in led.told if trial.status == "COMPLETED"]) >= 6


def test_an_error_reaches_the_chief_in_words(lead: Any) -> None:
    def fail(call: int) -> None:
        if call == 1:
            raise WorkError("the loss became nan in epoch 1")

    led = lead(pretended.search(trials=2))
    led.run(lambda led: led.begin("first", fail))
    assert states(led) == ["failed", "completed"]
    assert pretended.found(led.oracle)[0].error == "the loss became nan in epoch 1"


def test_the_trial_of_a_worker_that_left_is_run_by_another(
    lead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(chief.LEASE, "2")
    led = lead(pretended.search(trials=3))

    def then(led: Any) -> None:
        led.begin("gone", lambda call: time.sleep(20))  # without a sign of life
        while not led.oracle.ongoing_trials:
            time.sleep(0.01)
        led.begin("stays")

    led.run(then)
    assert states(led) == ["completed"] * 3
    assert len(led.oracle.end_order) == 3
    assert any("gone has been silent for" in line for line in led.lines)


def test_a_full_disk_ends_the_chief(lead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = oracles.write_json

    def full(target: Any, value: Any) -> None:
        if "trial_1" in str(target):
            raise WriteError("the disk is full")
        real(target, value)

    monkeypatch.setattr(oracles, "write_json", full)
    led = lead(pretended.search(trials=3))
    with pytest.raises(WriteError):
        led.run(lambda led: led.begin("first"))


def test_a_trial_that_no_worker_survives_fails(tmp_path: Path) -> None:
    made = pretended.oracle(pretended.search(trials=2), tmp_path / "state")
    trial = made.create_trial("worker-1")
    made.fail(trial.trial_id, "its worker died 3 times; out of memory?")
    (row,) = pretended.found(made)
    assert (row.state, row.error) == ("failed", "its worker died 3 times; out of memory?")
    assert not made.ongoing_trials


def test_of_two_workers_with_one_trial_the_first_counts(tmp_path: Path) -> None:
    """A worker that was given up may end its trial before or after the one that got it."""
    made = pretended.oracle(pretended.search(trials=3), tmp_path / "state")
    scorer = pretended.Pretended(pretended.search())

    def end(trial: Any) -> None:
        found = scorer.score(scorer.config(trial.hyperparameters.values), 0, 1)
        other = Trial.from_state(trial.get_state())  # as it comes over the network
        other.status = "COMPLETED"
        other.hyperparameters.values[oracles.OUTCOME] = json.dumps(asdict(found))
        made.end_trial(other)

    slow = made.create_trial("slow")
    made.take_back("slow")
    end(slow)  # before it was given to another
    assert made.create_trial("other").trial_id != slow.trial_id
    second = made.ongoing_trials["other"]
    made.take_back("other")
    assert made.create_trial("third").trial_id == second.trial_id
    end(second)  # while the third is at it
    end(second)  # the third's own
    assert made.end_order == [slow.trial_id, second.trial_id]
    assert not made.ongoing_trials
    assert [row.state for row in pretended.found(made)] == ["completed"] * 2


def test_an_address_in_use_is_wrong_use(tmp_path: Path) -> None:
    wanted = pretended.search()
    made = pretended.oracle(wanted, tmp_path / "state")
    with chief.serving(made, wanted, "127.0.0.1:0", Guard(), print) as (_, port):
        second = chief.serving(made, wanted, f"127.0.0.1:{port}", Guard(), print)
        with pytest.raises(ConfigError, match="cannot listen"), second:
            pass


def test_shares_of_the_cores() -> None:
    cores = sorted(os.sched_getaffinity(0))
    for count in range(1, len(cores) + 3):
        given = chief.shares(count)
        assert len(given) == count
        assert all(given)
        assert set().union(*given) <= set(cores)
        if count <= len(cores):
            assert sorted(core for share in given for core in share) == cores


def test_what_the_environment_makes_of_a_process() -> None:
    names = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
    whole = dict(zip(names, ("127.0.0.1", "8000", "tuner-1"), strict=True))
    assert role({}) == "alone"
    assert role(whole) == "worker"
    assert role({**whole, names[2]: "chief"}) == "chief"
    with pytest.raises(ConfigError, match="KERASTUNER_ORACLE_PORT"):
        role({names[0]: "127.0.0.1"})
    with pytest.raises(ConfigError, match="port"):
        role({**whole, names[1]: "http"})


@pytest.mark.parametrize("given", ["soon", "0", "-3", "nan", "inf"])
def test_a_lease_that_is_no_time_is_wrong_use(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(chief.LEASE, given)
    with pytest.raises(ConfigError, match=f"number of seconds above 0, as 60; got '{given}'"):
        chief.lead(
            pretended.oracle(pretended.search(), tmp_path / "state"),
            pretended.search(),
            address="127.0.0.1:0",
            workers=0,
            logs=tmp_path / "logs",
            notify=lambda trial: None,
        )


def test_a_worker_waits_for_its_chief(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as chief_to_be:
        chief_to_be.bind(("127.0.0.1", 0))
        address = "127.0.0.1:{1}".format(*chief_to_be.getsockname())
        threading.Timer(1.0, chief_to_be.listen).start()
        worker.await_chief(address)
    monkeypatch.setattr(worker, "EARLY", 0.0)
    with pytest.raises(WorkError, match=f"no chief answers at {address}"):
        worker.await_chief(address)
    for port in ("x", "99999"):
        with pytest.raises(ConfigError, match=f"number up to 65535; got '{port}'"):
            worker.await_chief(f"127.0.0.1:{port}")


def test_a_worker_that_waits_is_told_of_the_end(tmp_path: Path) -> None:
    made = pretended.oracle(pretended.search(trials=1), tmp_path / "state")
    trial = made.create_trial("busy")
    assert made.create_trial("waiting").status == "IDLE"
    made.fail(trial.trial_id, "a test")
    assert made.done
    assert made.create_trial("busy").status == "STOPPED"
    assert made.tuner_ids == {"waiting"}  # for whom the chief stays
    assert made.create_trial("waiting").status == "STOPPED"
    assert not made.tuner_ids
