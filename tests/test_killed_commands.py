"""Every command that makes a folder, killed at random moments, then followed by any other.

Whatever has its name is whole, no run is lost, no command ends in a bug, and the killed command
itself, with the options that its own advice names, goes on or starts over and leaves nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from nursery import Nursery

from nnguide.data import prepared
from nnguide.export import publish
from nnguide.files import sha256
from nnguide.runs import Run
from nnguide.tuning.search import RESULT

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
FOLLOWING: list[list[str]] = [
    *KILLED.values(),
    [*TRAIN, "--out", "x", "--resume"],
    ["train", "spam", "--out", "x", "--resume", "--epochs", "3"],
    [*TRAIN, "--out", "n", "--resume"],
    ["predict", "x", "win a prize"],
    ["evaluate", "x"],
    ["runs"],
    ["runs", "compare", "x", "y"],
]
LIGHT = FOLLOWING[:2] + FOLLOWING[-6:]  # those that take little time


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small runs, x and y, that keep what a threshold is chosen by."""
    from nnguide.training.train import train

    folder = tmp_path_factory.mktemp("templates")
    words = (*tiny.words("spam"), "data.dataset=spam_sample", "calibration.on=validation")
    for seed, name in enumerate(("x", "y")):
        train("spam", settings=(*words, f"train.seed={seed}"), out=folder / name)
    return folder


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    place = tmp_path_factory.mktemp("kills") / "place"
    place.mkdir()
    nursery = Nursery(place, NNGUIDE_CACHE=str(place / "cache"))
    yield nursery
    nursery.close()


def everything_is_whole(place: Path, models: set[str] | None) -> None:
    """All that has its name; x is one of the `models`, whose hashes are given, or any."""
    for name in ("x", "y", "n", "t", "e"):
        if (place / name).exists() or (place / f"{name}.replaced").exists():
            run = Run.open(place / name)
            if models and name in ("x", "y", "t"):
                assert sha256(run.folder / "model.keras") in models, name
    assert (place / "x").exists() and (place / "y").exists()
    for version in (place / "exports" / "spam-litert").glob("[0-9]"):
        publish.check(version)
    for prepared_set in (place / "cache" / "sms_spam").glob("*"):
        assert prepared_set.suffix or prepared.is_intact(prepared_set)
    assert not (place / "s").exists() or (place / "s" / RESULT).exists()


def moment(chance: random.Random, place: Path, seconds: float) -> Callable[[float], bool]:
    """When to kill: at any time, soon after a workspace is there, or as it takes its name."""
    how, late = chance.choice(("time", "early", "end")), [0.0]
    at = chance.uniform(0, seconds)
    wait = chance.choice((0, chance.uniform(0, 0.02), chance.uniform(0, 0.3)))

    def kill(passed: float) -> bool:
        if how == "time":
            return passed > at
        seen = any(
            path.name.endswith((".replaced", ".removed"))
            or (path.name.endswith(".unfinished") and (how == "early" or _is_complete(path)))
            for path in (*place.iterdir(), *place.glob("*/*/*.unfinished"))
        )
        late[0] = late[0] or (passed if seen else 0.0)
        return bool(late[0]) and passed > late[0] + wait

    return kill


def _is_complete(folder: Path) -> bool:
    return (folder / "decision.json").exists() or (folder / RESULT).exists()


def advised(text: str) -> list[str]:
    """The options that a refusal names."""
    last = text.splitlines()[-1] if text else ""
    if "--resume --force" in last:
        return ["--resume", "--force"]
    return [option for option in ("--resume", "--force") if option in last][:1]


def ends_well(nursery: Nursery, words: list[str], allowed: tuple[int, ...]) -> tuple[int, str]:
    status, text = nursery.run(words)
    assert status in allowed, (words, status, text)
    assert "bug" not in text and "Traceback" not in text, (words, text)
    return status, text


def kill(nursery: Nursery, templates: Path, kills: int, seed: int, following: Any) -> Counter[str]:
    """Kill until `kills` have landed; how often each command was."""
    place, landed, seconds = nursery.place, Counter[str](), dict.fromkeys(KILLED, 4.0)
    known = {sha256(templates / name / "model.keras") for name in ("x", "y")}
    number = 0
    while landed.total() < kills:
        name, number = list(KILLED)[number % len(KILLED)], number + 1
        chance = random.Random(f"{seed} {number}")
        for path in place.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for run in ("x", "y"):
            shutil.copytree(templates / run, place / run)
        words = KILLED[name]
        status, text = nursery.run(words, moment(chance, place, seconds[name]))
        if status != -signal.SIGKILL:
            assert status == 0, (name, text)
            seconds[name] *= 0.8
            continue
        landed[name] += 1
        forced = name == "train --force"
        everything_is_whole(place, None if forced else known)
        after = chance.choice(following)
        ends_well(nursery, after, (0, 2, 4, 5))
        changes = forced or "--force" in after or "--resume" in after
        everything_is_whole(place, None if changes else known)
        status, text = ends_well(nursery, words, (0, 2))
        if status == 2 and (options := advised(text)):
            status, text = ends_well(nursery, [*words, *options], (0,))
        assert status == 0, (name, after, text)
        everything_is_whole(place, None if changes else known)
        mine = f".{words[0]}.unfinished"
        left = [path.name for path in place.rglob("*") if path.name.endswith((mine, ".replaced"))]
        assert not left, (name, after, left)
    return landed


def test_killed_commands_lose_nothing(nursery: Nursery, templates: Path) -> None:
    assert len(kill(nursery, templates, 3, 1, LIGHT)) >= 2


@pytest.mark.slow
def test_a_thousand_killed_commands_lose_nothing(nursery: Nursery, templates: Path) -> None:
    assert len(kill(nursery, templates, 1000, 2, FOLLOWING)) == len(KILLED)
