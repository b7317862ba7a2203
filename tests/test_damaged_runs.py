"""A run with whatever in its files is refused in words, or answers; it never stops another."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnguide import logs, runs
from nnguide.errors import NnguideError, RunError
from nnguide.evaluation import validation_scores
from nnguide.files import sha256, write_json
from nnguide.inference import LIGHT_FILES
from nnguide.runs import MANIFEST, Run, registry

DEEP = "[" * 100_000 + "]" * 100_000
JSON = ("config.json", "decision.json", "metrics.json", "light.json", MANIFEST)
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**70, 1.5, -0.5, 1e308, "", "x", "spam", "\ud800", "a" * 20_000),
    *([], {}, [1], ["ham"], {"a": 1}, [[]], float("nan"), float("inf"), -0.0, "NaN", [None] * 3),
)


def rehash(folder: Path) -> None:
    """Make the manifest match, as somebody who changes a run on purpose would."""
    manifest = json.loads((folder / MANIFEST).read_text())
    for name in manifest["files"]:
        manifest["files"][name] = sha256(folder / name)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value in a tree."""
    items: Any = ()
    if isinstance(tree, (dict, list)):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree[:20])
    inner = [place for key, value in items for place in places(value, (*path, key))]
    return [path, *inner] if path else inner


def mutate(folder: Path, chance: random.Random) -> str:
    """Change something in a run; what, in words."""
    name = chance.choice([n for n in (*JSON, validation_scores.NAME) if (folder / n).exists()])
    path, tree = folder / name, None
    how = chance.choice(["value", "value", "value", "missing", "bytes", "cut", "text"])
    if name.endswith(".npz") or how in ("bytes", "cut"):
        content = bytearray(path.read_bytes())
        if how == "cut":
            del content[chance.randrange(len(content)) :]
        else:
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content)
    elif how == "text":
        path.write_text(chance.choice([DEEP, "", "null", "[]", "{}", '"x"', "NaN", "1e999", "\0"]))
    else:
        tree = json.loads(path.read_text())
        *way, last = chance.choice(places(tree))
        node = tree
        for key in way:
            node = node[key]
        if how == "missing":
            del node[last]
            how = f"without {last}"
        else:
            node[last] = chance.choice(ODD)
            how = f"{last} = {str(node[last])[:20]!r}"
        path.write_text(json.dumps(tree))
    if name != MANIFEST:
        rehash(folder)
    return f"{name}: {how}"


def use(folder: Path, inputs: Any, out: Path) -> None:
    """What verbs do with a run, without Keras."""
    run = Run.open(folder)
    assert run.metrics["epochs"] >= 0
    assert run.config.task == run.task.name
    for answer in run.predict(inputs, engine="light"):
        assert answer.label in run.labels
        assert 0 <= answer.probability <= 1.0001
    if run.task.name == "spam":
        validation_scores.set_threshold(run, 0.1, out)


def mutants(run: Run, count: int, seed: int, tmp_path: Path) -> int:
    """Use mutated copies of a run; how many were refused."""
    refused = 0
    if run.task.name == "spam":
        inputs: Any = ["win a prize now", "see you at six"]
    else:
        inputs = np.zeros((2, 28, 28), np.uint8)
    files = [path for path in run.folder.iterdir() if path.is_file()]
    for number in range(count):
        chance, folder = random.Random(1000 * seed + number), tmp_path / "mutant"
        folder.mkdir()
        for path in files:
            shutil.copyfile(path, folder / path.name)
        done = mutate(folder, chance)
        try:
            use(folder, inputs, tmp_path / "out")
        except NnguideError as error:
            assert str(error).strip(), done
            assert error.exit_code != 1, done
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}, mutant {number}, {done}: {error!r}") from error
        shutil.rmtree(folder)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
    return refused


def test_mutated_runs_are_refused_in_words(
    trained: Callable[[str], Run], calibrated: Run, tmp_path: Path
) -> None:
    assert mutants(trained("digits"), 15, 1, tmp_path) >= 4
    assert mutants(calibrated, 25, 2, tmp_path) >= 8


@pytest.mark.slow
def test_a_thousand_mutated_runs_are_refused_in_words(
    trained: Callable[[str], Run], calibrated: Run, tmp_path: Path
) -> None:
    assert mutants(trained("digits"), 300, 3, tmp_path) >= 80
    assert mutants(calibrated, 700, 4, tmp_path) >= 200


def test_what_a_choice_depends_on_is_in_the_manifest(calibrated: Run, tmp_path: Path) -> None:
    """Also what a newer nnguide adds; an older run's manifest lacks it, and `threshold` says so."""
    run = calibrated
    assert {validation_scores.NAME, *LIGHT_FILES} <= run.manifest["files"].keys()
    old = tmp_path / "old"
    shutil.copytree(run.folder, old)
    np.savez_compressed(
        old / validation_scores.NAME,
        spam=np.linspace(0, 1, 50, dtype=np.float32),
        labels=np.arange(50, dtype=np.int8) % 2,
    )
    with pytest.raises(RunError, match=f"{validation_scores.NAME} does not match"):
        Run.open(old)
    manifest = json.loads((old / MANIFEST).read_text())
    del manifest["files"][validation_scores.NAME]
    write_json(old / MANIFEST, manifest)
    lines: list[str] = []
    with logs.shown_by(lines.append):
        made, _ = validation_scores.set_threshold(Run.open(old), 0.1, tmp_path / "new")
    assert "nothing proves" in lines[0]
    assert validation_scores.NAME in made.manifest["files"]


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Any) -> list[str]:
    """Folders under saved_models/runs in every state, and two good runs; the broken ones' names."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / runs.ROOT
    names = ["deep", "pipe", "loop", "text", "half", "metrics", "binary"]
    for name in ("good", *names):
        if name != "loop":
            shutil.copytree(trained("spam").folder, root / name)
    (root / "loop").symlink_to("loop")
    (root / "deep" / MANIFEST).write_text(DEEP)
    for name in ("pipe", "half"):
        (root / name / MANIFEST).unlink()
    os.mkfifo(root / "pipe" / MANIFEST)
    (root / "text" / MANIFEST).write_text('{"created": 5, "task": ["spam"]}')
    (root / "metrics" / "metrics.json").write_text('{"val_accuracy": NaN}')
    (root / "binary" / MANIFEST).write_bytes(b"\xff\xfe\0")
    (root / "mine").mkdir()  # no run at all
    (root / "mine" / "notes.txt").write_text("")
    (root / "a file").write_text("")
    return names


def test_a_broken_folder_stops_nothing_and_is_named(
    broken: list[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    monkeypatch.setattr(logging.getLogger("nnguide"), "propagate", True)
    with caplog.at_level("WARNING", "nnguide"):
        assert [run.folder.name for run in runs.finished()] == ["good"]
    # a handler of pytest's own may hear a logger that did not propagate before, and each line twice
    left_out = {record.getMessage() for record in caplog.records}
    for name in broken:
        assert any(str(runs.ROOT / name) in line for line in left_out), name
    assert len(left_out) == len(broken)
    assert runs.load("spam")


def test_the_list_names_what_is_broken(
    broken: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnguide.cli import main

    monkeypatch.setenv(registry.VARIABLE, "registry")
    with pytest.raises(SystemExit) as ended:
        main(["runs"])
    out, err = capfd.readouterr()
    assert not ended.value.code
    assert [line.split("\t")[0] for line in out.splitlines()] == [str(runs.ROOT / "good")]
    for name in broken:
        if name != "half":  # without its manifest it is no longer a run
            assert str(runs.ROOT / name) in err, err
