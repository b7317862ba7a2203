"""Each tuner runs the trials it promised; a search that was killed repeats and loses none."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pretended
import pytest

from nnguide.errors import RunError, WorkError, WriteError
from nnguide.tuning import oracles, rows
from nnguide.tuning.settings import TUNERS

TRIALS = {"random": 4, "bayesian": 4, "grid": None, "hyperband": None}
PLANNED = {"random": 4, "bayesian": 4, "grid": 4, "hyperband": 6}


def search(tuner: str) -> Any:
    return pretended.search(tuner, trials=TRIALS[tuner])


def kept(made: oracles.Durable) -> list[tuple[Any, ...]]:
    return [(row.number, row.state, row.score, row.epochs, row.values) for row in rows.rows(made)]


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_tuner_runs_as_many_trials_as_it_says(tuner: str, tmp_path: Path) -> None:
    wanted = search(tuner)
    made = pretended.run(wanted, tmp_path / "state")
    found = pretended.found(made)
    assert made.planned == len(found) == PLANNED[tuner]
    assert made.done
    assert {row.state for row in found} == {"completed"}
    assert len({row.number for row in found}) == len(found)
    different = Counter(json.dumps([row.values, row.epochs], sort_keys=True) for row in found)
    assert set(different.values()) == {1}
    best = rows.best(wanted, found)
    assert best is not None
    assert best.score == max(row.score or 0 for row in found)
    assert best.config is not None
    assert best.config["train"]["epochs"] == best.epochs


def test_hyperband_trains_a_rung_for_its_own_epochs(tmp_path: Path) -> None:
    found = pretended.found(pretended.run(search("hyperband"), tmp_path / "state"))
    assert sorted(row.epochs or 0 for row in found) == [1, 1, 1, 3, 3, 3]
    short = [row for row in found if row.epochs == 1]
    winner = max(short, key=lambda row: row.score or 0)
    assert any(row.values == winner.values for row in found if row.epochs == 3)


def test_of_equal_scores_the_lower_loss_is_better() -> None:
    def row(number: str, score: float, loss: float) -> rows.Row:
        return rows.Row(number, "completed", {}, score, {"val_loss": loss})

    found = [row("0", 0.9, 0.5), row("1", 0.9, 0.4), row("2", 0.8, 0.1), row("3", 0.9, 0.4)]
    best = rows.best(pretended.search(), [*found, rows.Row("4", "failed", {})])
    assert best is found[1]
    assert rows.best(pretended.search(objective="val_loss"), found) == found[0].__class__(
        "2", "completed", {}, 0.8, {"val_loss": 0.1}
    )


class DeathError(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("tuner", ["random", "grid", "hyperband"])
def test_killed_at_any_write_every_trial_is_there_once(
    tuner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write of the state is once the last thing that happens."""
    wanted = search(tuner)
    whole = kept(pretended.run(wanted, tmp_path / "whole"))
    real, calls, last, alive = oracles.write_json, 0, 0, False

    def dying(target: Any, value: Any) -> None:
        nonlocal calls
        real(target, value)
        calls += 1
        if calls == last:
            raise DeathError

    while not alive:
        last, calls = last + 1, 0
        folder = tmp_path / str(last)
        monkeypatch.setattr(oracles, "write_json", dying)
        try:
            made = pretended.run(wanted, folder)
            alive = True
        except DeathError:
            monkeypatch.setattr(oracles, "write_json", real)
            states = [json.loads(path.read_text()) for path in folder.glob("trial_*/trial.json")]
            ended = {state["trial_id"] for state in states if state["status"] == "COMPLETED"}
            made = pretended.oracle(wanted, folder)
            made.recover()
            again = pretended.Pretended(wanted)
            pretended.Worker(made, str(tmp_path), folder.name, again).search()
            assert len(again.calls) == PLANNED[tuner] - len(ended)
        assert kept(made) == whole
        assert len(made.end_order) == len(set(made.end_order)) == PLANNED[tuner]
    assert last > 3 * PLANNED[tuner]


def test_a_bayesian_search_goes_on_from_what_it_knows(tmp_path: Path) -> None:
    def die(call: int) -> None:
        if call == 4:
            raise DeathError

    with pytest.raises(DeathError):
        pretended.run(search("bayesian"), tmp_path / "state", die)
    made = pretended.oracle(search("bayesian"), tmp_path / "state")
    made.recover()
    again = pretended.Pretended(search("bayesian"))
    pretended.Worker(made, str(tmp_path), "state", again).search()
    assert len(again.calls) == 1
    assert [row.state for row in pretended.found(made)] == ["completed"] * 4


def test_a_damaged_state_is_said_to_be_one(tmp_path: Path) -> None:
    wanted = search("random")
    pretended.run(wanted, tmp_path / "state")
    (tmp_path / "state" / "oracle.json").write_text("{")
    with pytest.raises(RunError, match="--force"):
        pretended.oracle(wanted, tmp_path / "state").recover()


def test_trials_that_raise_are_recorded_and_the_search_goes_on(tmp_path: Path) -> None:
    import tensorflow as tf

    errors = [
        WorkError("the loss became nan in epoch 1"),
        MemoryError(),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"),
        ZeroDivisionError("division by zero"),
        ValueError("five in a row"),
    ]

    def fail(call: int) -> None:
        if call <= len(errors):
            raise errors[call - 1]

    wanted = pretended.search(trials=7)
    found = pretended.found(pretended.run(wanted, tmp_path / "state", fail))
    assert [row.state for row in found] == ["failed"] * 5 + ["completed"] * 2
    assert [row.error for row in found[:4]] == [
        "the loss became nan in epoch 1",
        "out of memory",
        "out of memory",
        "ZeroDivisionError: division by zero",
    ]
    best = rows.best(wanted, found)
    assert best is not None
    assert best.state == "completed"
    text = rows.as_csv(wanted, found)
    assert text.count("\n") == 8
    assert "division by zero" in text


def test_failed_trials_are_not_run_again(tmp_path: Path) -> None:
    def fail(call: int) -> None:
        if call == 1:
            raise ValueError("no")
        if call == 3:
            raise KeyboardInterrupt

    wanted = pretended.search(trials=4)
    with pytest.raises(KeyboardInterrupt):
        pretended.run(wanted, tmp_path / "state", fail)
    found = pretended.found(pretended.run(wanted, tmp_path / "state", resume=True))
    assert [row.state for row in found] == ["failed", "completed", "completed", "completed"]


def test_when_the_time_is_up_no_trial_is_begun(tmp_path: Path) -> None:
    import time

    wanted = pretended.search(trials=4)
    made = pretended.oracle(wanted, tmp_path / "state")

    def late(call: int) -> None:
        if call == 2:
            made.deadline = time.monotonic()

    pretended.Worker(made, str(tmp_path), "state", pretended.Pretended(wanted, at=late)).search()
    assert [row.state for row in pretended.found(made)] == ["completed", "completed"]
    assert made.late
    assert made.done


def test_a_full_disk_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = oracles.write_json

    def full(target: Any, value: Any) -> None:
        if "trial_2" in str(target):
            raise WriteError("the disk is full")
        real(target, value)

    monkeypatch.setattr(oracles, "write_json", full)
    wanted = search("random")
    with pytest.raises(WriteError):
        pretended.run(wanted, tmp_path / "state")
    monkeypatch.setattr(oracles, "write_json", real)
    made = pretended.run(wanted, tmp_path / "state", resume=True)
    assert len(made.end_order) == 4
