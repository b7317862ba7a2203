"""Every command that makes a folder, killed at random moments, then followed by any other.

Whatever has its name is whole, no run is lost, no command ends in a bug, and the killed command
itself, with the options that its own advice names, goes on or starts over and leaves nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import tiny
from nursery import Nursery

from nnguide.data import prepared
from nnguide.export import publish
from nnguide.files import sha256
from nnguide.runs import Run
from nnguide.tuning.search_folder import RESULT

SETTINGS = [
    part
    for word in (
        *tiny.words("spam"),
        "train.epochs=2",
        "train.steps_per_execution=9",
        "calibration.on=validation",  # a run that takes x's place has predictions for threshold
    )
    for part in ("--set", word)
]
TRAIN = ["train", "spam", "--dataset", "spam_sample", *SETTINGS]
SMALL = [
    part
    for word in (
        *("tokens.words=100", "tokens.pairs=0", "tokens.buckets=64", "tokens.grams=3"),
        *("model.embedding=4", "model.hidden=8", "model.dropout=0.1", "model.word_dropout=0"),
        *("model.l1=0", "model.l2=0", "train.optimizer=adam", "train.schedule=constant"),
        *("train.batch_size=128", "train.steps_per_execution=9"),
    )
    for part in ("--set", word)
]
KILLED: dict[str, list[str]] = {
    "threshold": ["threshold", "x", "--max-blocked-ham", "0.1"],
    "threshold --out": ["threshold", "x", "--max-blocked-ham", "0.1", "--out", "t"],
    "ensemble": ["ensemble", "x", "y", "--out", "e"],
    "train": [*TRAIN, "--out", "n"],
    "train --force": [*TRAIN, "--out", "x", "--force"],
    "tune": [
        *("tune", "spam", "--dataset", "spam_sample", "--trials", "2", "--max-epochs", "1"),
        *("--compare", "0", "--out", "s", *SMALL),
    ],
    "export": ["export", "x", "--format", "litert", "--out", "exports"],
}
REAL = Path(os.environ.get("NNGUIDE_DATA_DIR", "")) / "sms_spam"
if os.environ.get("NNGUIDE_DATA_DIR") and REAL.is_dir():
    KILLED["data"] = ["data", "prepare", "sms_spam"]
FOLLOWING: dict[str, list[str]] = {
    **KILLED,
    "train --resume": [*TRAIN, "--out", "x", "--resume"],
    "train --resume --epochs": ["train", "spam", "--out", "x", "--resume", "--epochs", "3"],
    "train n --resume": [*TRAIN, "--out", "n", "--resume"],
    "predict": ["predict", "x", "win a prize"],
    "evaluate": ["evaluate", "x"],
    "runs": ["runs"],
    "runs compare": ["runs", "compare", "x", "y"],
}
QUICK = ("threshold", "threshold --out", "train --resume", "predict", "runs", "runs compare")

# Kills of each command, at least, in an eighth of the thousand. Most are of `threshold`, which
# takes a twentieth of the time of a training and once destroyed runs.
EIGHTH = {
    "threshold": 98,
    "threshold --out": 12,
    "ensemble": 3,
    "train": 3,
    "train --force": 3,
    "tune": 2,
    "export": 3,
    "data": 3,
}
OFTEN = 12  # as often as one of the others, a quick command follows
IN_A_ROW = 3  # kills of a command, at most, before it may end


@pytest.fixture(scope="module")
def templates(
    tmp_path_factory: pytest.TempPathFactory, calibrated: Run, trained: Callable[[str], Run]
) -> Path:
    """Two small runs: x, which keeps what a threshold is chosen by, and y."""
    folder = tmp_path_factory.mktemp("templates")
    for run, name in ((calibrated, "x"), (trained("spam"), "y")):
        shutil.copytree(run.folder, folder / name)
    return folder


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    place = tmp_path_factory.mktemp("kills") / "place"
    place.mkdir()
    nursery = Nursery(place, NNGUIDE_CACHE=str(place / "cache"))
    yield nursery
    nursery.close()


def everything_is_whole(place: Path, models: set[str] | None, case: str) -> None:
    """All that has its name; x is one of the `models`, whose hashes are given, or any."""
    for name in ("x", "y", "n", "t", "e"):
        if (place / name).exists() or (place / f"{name}.replaced").exists():
            run = Run.open(place / name)
            if models and name in ("x", "y", "t"):
                assert sha256(run.folder / "model.keras") in models, (case, name)
    assert (place / "x").exists() and (place / "y").exists(), case
    for version in (place / "exports" / "spam-litert").glob("[0-9]"):
        publish.check(version)
    for prepared_set in (place / "cache" / "sms_spam").glob("*"):
        assert prepared_set.suffix or prepared.is_intact(prepared_set), case
    assert not (place / "s").exists() or (place / "s" / RESULT).exists(), case


def moment(chance: random.Random, place: Path, seconds: float) -> Callable[[float], bool]:
    """When to kill: at any time, soon after a workspace is there, or as it takes its name."""
    how, late = chance.choice(("time", "early", "end")), [0.0]
    at = chance.uniform(0, seconds)
    wait = chance.choice((0, chance.uniform(0, 0.02), chance.uniform(0, 0.3)))
    rooms = (place, place / "exports" / "spam-litert", place / "cache" / "sms_spam")

    def kill(passed: float) -> bool:
        if how == "time":
            return passed > at
        late[0] = late[0] or (passed if any(map(is_reached, rooms)) else 0.0)
        return bool(late[0]) and passed > late[0] + wait

    def is_reached(room: Path) -> bool:
        with contextlib.suppress(FileNotFoundError):
            for path in room.iterdir():
                if path.suffix in (".replaced", ".removed"):
                    return True
                if path.suffix == ".unfinished" and (how == "early" or _is_complete(path)):
                    return True
        return False

    return kill


def _is_complete(folder: Path) -> bool:
    return (folder / "decision.json").exists() or (folder / RESULT).exists()


def advised(text: str) -> list[str]:
    """The options that a refusal names."""
    last = text.splitlines()[-1] if text else ""
    if "--resume --force" in last:
        return ["--resume", "--force"]
    return [option for option in ("--resume", "--force") if option in last][:1]


def ends_well(
    nursery: Nursery, words: list[str], allowed: tuple[int, ...], case: str
) -> tuple[int, str]:
    status, text = nursery.run(words)
    assert status in allowed, (case, words, status, text)
    assert "bug" not in text and "Traceback" not in text, (case, words, text)
    return status, text


def kill(
    nursery: Nursery,
    templates: Path,
    shares: Mapping[str, int],
    seed: int,
    following: Sequence[str],
) -> Counter[tuple[str, str]]:
    """Kill each command as often as its share says, and have each of `following` follow in turn.

    Up to three kills of a command come one after the other, each followed by another command.

    Returns:
        How often each was killed and then followed by each.
    """
    place, landed = nursery.place, Counter[tuple[str, str]]()
    known = {sha256(templates / name / "model.keras") for name in ("x", "y")}
    seconds = dict.fromkeys(shares, 1.0)  # that a command takes
    chance = random.Random(seed)
    turns = {name: itertools.cycle(chance.sample(following, len(following))) for name in shares}
    left = Counter(shares)
    while left := +left:
        name = chance.choices(*zip(*left.items(), strict=True))[0]
        words, killed, changes = KILLED[name], 0, name == "train --force"
        begin_anew(place, templates)
        for _ in range(min(left[name], IN_A_ROW)):
            began = time.monotonic()
            status, text = nursery.run(words, moment(chance, place, seconds[name]))
            if status != -signal.SIGKILL:
                assert status == 0 or (status == 2 and killed), (name, text)
                if not status:
                    seconds[name] = time.monotonic() - began
                break
            after = next(turns[name])
            case = f"seed {seed}, kill {landed.total() + 1}: {name}, then {after}"
            print(case, flush=True)
            landed[name, after] += 1
            killed += 1
            everything_is_whole(place, None if changes else known, case)
            ends_well(nursery, FOLLOWING[after], (0, 2, 4, 5), case)
            changes = changes or after == "train --force" or "--resume" in after
            everything_is_whole(place, None if changes else known, case)
        left[name] -= killed
        if killed:
            began = time.monotonic()
            status, text = ends_well(nursery, words, (0, 2), case)
            if status == 2 and (options := advised(text)):
                status, text = ends_well(nursery, [*words, *options], (0,), case)
            assert status == 0, (case, text)
            seconds[name] = max(time.monotonic() - began, 0.9 * seconds[name])
            everything_is_whole(place, None if changes else known, case)
            mine = (f".{words[0]}.unfinished", ".replaced")
            remains = [path.name for path in place.rglob("*") if path.name.endswith(mine)]
            assert not remains, (case, remains)
    return landed


def begin_anew(place: Path, templates: Path) -> None:
    """Leave nothing in `place` but the two runs."""
    for path in place.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for run in ("x", "y"):
        shutil.copytree(templates / run, place / run)


def test_killed_commands_lose_nothing(nursery: Nursery, templates: Path) -> None:
    shares = dict.fromkeys(("threshold", "threshold --out", "ensemble"), 1)
    assert kill(nursery, templates, shares, 1, QUICK).total() == 3


@pytest.mark.slow
@pytest.mark.parametrize("eighth", range(8))
def test_a_thousand_killed_commands_lose_nothing(
    nursery: Nursery, templates: Path, eighth: int
) -> None:
    """An eighth of them at a time; every other command follows a killed `threshold`."""
    shares = {name: share for name, share in EIGHTH.items() if name in KILLED}
    following = [name for name in FOLLOWING for _ in range(OFTEN if name in QUICK else 1)]
    landed = kill(nursery, templates, shares, 2 + eighth, following)
    assert landed.total() == sum(shares.values())
    assert {after for name, after in landed if name == "threshold"} == set(FOLLOWING)
