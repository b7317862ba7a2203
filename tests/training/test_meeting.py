"""Workers meet, agree or end together, and name who went away; here they are threads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from started import addresses

from nnguide import logs
from nnguide.errors import ConfigError, DataError, NnguideError, WorkError
from nnguide.training import meeting as module
from nnguide.training.cluster import Cluster
from nnguide.training.meeting import Meeting


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "HEARTBEAT", 0.02)
    yield


def run(
    count: int, place: Path, work: Callable[[Meeting], object], wait: float = 60
) -> dict[int, Any]:
    """What each worker's `work` came to: its value or its error."""
    names, found = addresses(count), {}

    def one(index: int) -> None:
        cluster = Cluster(names, index, "--workers")
        try:
            with Meeting(cluster, place, wait) as meeting:
                found[index] = work(meeting)
        except (NnguideError, KeyboardInterrupt) as error:
            found[index] = error

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_those_who_agree_go_on_and_leave_nothing(tmp_path: Path) -> None:
    def work(meeting: Meeting) -> object:
        meeting.agree("asked", {"train.seed": 3, "list": (1, 2)})
        if meeting.cluster.is_chief:
            meeting.tell("settled", {"epochs": 4})
        else:
            return meeting.hear("settled")
        return None

    assert run(3, tmp_path / "run", work) == {0: None, 1: {"epochs": 4}, 2: {"epochs": 4}}
    assert list(tmp_path.iterdir()) == []


def test_the_chief_waits_for_slow_workers_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine another worker may need longer to end than a process should."""
    monkeypatch.setattr(module, "UNWIND", 0.05)

    def work(meeting: Meeting) -> None:
        meeting.agree("asked", {})
        if not meeting.cluster.is_chief:
            time.sleep(0.5)

    run(2, tmp_path / "run", work)
    assert list(tmp_path.iterdir()) == []


def test_a_difference_ends_all_and_names_worker_and_key(tmp_path: Path) -> None:
    def work(meeting: Meeting) -> None:
        seed = 5 if meeting.cluster.index == 2 else 3
        meeting.agree("asked", {"train.epochs": 2, "train.seed": seed})

    for error in run(3, tmp_path / "run", work).values():
        assert isinstance(error, ConfigError)
        assert "worker 2 (127.0.0.1:" in str(error)
        assert "has train.seed 5, worker 0 (127.0.0.1:" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_one_ends_all_with_its_status(tmp_path: Path) -> None:
    def work(meeting: Meeting) -> None:
        meeting.agree("asked", {})
        if meeting.cluster.is_chief:
            raise DataError("there is no set named nothing")
        meeting.hear("settled")

    found = run(2, tmp_path / "run", work)
    assert all(isinstance(error, DataError) for error in found.values())
    assert "worker 0 (127.0.0.1:" in str(found[1])
    assert "there is no set named nothing" in str(found[1])


def test_ctrl_c_on_one_interrupts_all(tmp_path: Path) -> None:
    def work(meeting: Meeting) -> None:
        meeting.agree("asked", {})
        if not meeting.cluster.is_chief:
            raise KeyboardInterrupt
        meeting.agree("data", {})

    found = run(2, tmp_path / "run", work)
    assert all(isinstance(error, KeyboardInterrupt) for error in found.values())


def test_a_worker_that_is_missing_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANNOUNCED", 0.1)
    lines: list[str] = []
    cluster = Cluster(addresses(2), 0, "--workers")
    with (
        pytest.raises(WorkError, match=r"worker 1 \(127.*did not come within 0.5 s"),
        logs.shown_by(lines.append),
        Meeting(cluster, tmp_path / "run", 0.5) as meeting,
    ):
        meeting.agree("asked", {})
    assert any(line.startswith("waiting for worker 1 (127.0.0.1:") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_start_left_is_no_worker(tmp_path: Path) -> None:
    """A file of a killed process neither counts as present nor passes its facts on."""
    folder = tmp_path / ".run.workers"
    folder.mkdir()
    (folder / "1.json").write_text(
        '{"name": "old", "sees": {"0": "another"}, "facts": {"asked": {}}, "epoch": 0, '
        '"steps": 0, "ended": [2, "old trouble"], "beat": 9}\n'
    )
    cluster = Cluster(addresses(2), 0, "--workers")
    with (
        pytest.raises(WorkError, match="did not come"),
        Meeting(cluster, tmp_path / "run", 0.5) as meeting,
    ):
        meeting.agree("asked", {})


def test_storage_that_is_not_shared_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANNOUNCED", 0.1)
    monkeypatch.setattr(module, "UNSEEN", 0.3)
    names, found = addresses(2), {}

    def one(index: int) -> None:
        place = tmp_path / str(index)
        place.mkdir()
        with (
            pytest.raises(ConfigError) as told,
            Meeting(Cluster(names, index, "x"), place / "run", 60) as meeting,
        ):
            try:
                meeting.agree("asked", {})
            finally:
                time.sleep(0.5)  # the other one is to find out too
        found[index] = str(told.value)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(2):
        assert f"worker {1 - index} (127.0.0.1:" in found[index]
        assert "is not on storage that all workers see" in found[index]


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        names = (f"127.0.0.1:{taken.getsockname()[1]}", *addresses(1))
        with (
            pytest.raises(ConfigError, match="another training"),
            Meeting(Cluster(names, 0, "--workers"), tmp_path / "run", 1),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["silent", "stuck", "ended"])
def test_who_goes_away_in_training_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A collective that fails once it is aborted stands in for TensorFlow."""
    aborted = threading.Event()
    monkeypatch.setattr(module, "LOST", 0.5 if how == "silent" else 60.0)
    monkeypatch.setattr(module, "SUSPECTED", 0.5)
    monkeypatch.setattr(module, "_abort", lambda words: aborted.set())

    def work(meeting: Meeting) -> None:
        meeting.agree("asked", {})
        with meeting.in_step():
            meeting.step(3)
            if meeting.cluster.index == 1:
                if how == "silent":
                    meeting._over.set()  # as SIGSTOP would
                if how == "ended":
                    raise WorkError("the disk of b is gone")
                aborted.wait(30)
                return
            meeting.step(3)
            aborted.wait(30)
            raise RuntimeError("a collective was aborted")

    found = run(2, tmp_path / "run", work, wait=0.5 if how == "stuck" else 60)
    words = {
        "silent": "went away in epoch 3",
        "stuck": "took no step for 0.5 s in epoch 3",
        "ended": "ended in epoch 3 (the disk of b is gone)",
    }[how]
    assert isinstance(found[0], WorkError)
    assert str(found[0]).startswith("worker 1 (127.0.0.1:")
    assert str(found[0]).endswith(f"{words}; start all again with --resume")
