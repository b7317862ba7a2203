"""`train --on ray`: what it refuses without Ray, and with Ray a killed worker that starts again."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

import pytest
import tiny
from started import Started, addresses

from nnguide.errors import ConfigError, ExtraError, NnguideError, WorkError
from nnguide.runs import DETERMINES, Run
from nnguide.training import on_ray

WORDS = tuple(
    part
    for word in (*tiny.words("digits"), "train.epochs=6", "model.dropout=0.2")
    for part in ("--set", word)
)
QUICK = {"RAY_worker_niceness": "0"}  # Ray's own workers give way to all other processes


def has_ray() -> bool:
    return importlib.util.find_spec("ray") is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--on needs --workers, how many"),
        (("--workers", "a:7000,b:7000"), "how many processes train, as in 4; got a:7000"),
        (("--workers", "2", "--worker", "0"), "Leave it out with --on"),
        (("--workers", "0"), "1 or more; got 0"),
        (("--workers", "2", "--strategy", "none"), "Use auto"),
        (("--workers", "2"), "give --out"),
        (("--workers", "2", "--out", "run", "--wait", "0"), "above 0"),
    ],
)
def test_what_cannot_be_asked(nnguide, alone, words, said):
    ended = nnguide("train", "digits", "--on", "ray", *words)
    assert (ended.status, said in ended.err) == (2, True), ended.err
    assert not list(alone.iterdir())


def test_a_number_of_workers_belongs_to_ray(nnguide, alone):
    ended = nnguide("train", "digits", "--workers", "2", "--out", "run")
    assert ended.status == 2 and "--on ray" in ended.err


@pytest.mark.skipif(has_ray(), reason="Ray is installed")
def test_without_ray_it_says_what_to_install(nnguide, alone):
    words = ("train", "digits", "--on", "ray", "--workers", "2", "--out", "run")
    ended = nnguide(*words)
    assert ended.status == ExtraError.exit_code
    assert "pip install 'nnguide[ray]'" in ended.err
    assert not list(alone.iterdir())


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ("Training failed: lost: worker 1 went away", WorkError, "were lost 21 times"),
        ("Unable to set up cluster storage with path", ConfigError, "storage that they share"),
        ("ModuleNotFoundError: No module named 'nnguide'", ConfigError, "same version on all"),
        ("The worker group startup timed out after 200 s", WorkError, "too few CPUs or GPUs"),
        ("a\nboom", WorkError, "gave the training up: boom"),
    ],
)
def test_what_becomes_of_ray_is_said_in_a_line(tmp_path, words, error, said):
    asked = on_ray.Asked(
        "digits", "default", {}, [], str(tmp_path / "run"), False, False, 600, "", "/"
    )
    found: NnguideError = on_ray.of_ray(RuntimeError(words), asked)
    assert type(found) is error and said in str(found) and "\n" not in str(found)


def worker_pids(place: Path) -> list[int]:
    """The processes in which Ray trains, of the command that was started in `place`."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            name = (process / "cmdline").read_bytes()
            if (
                b"RayTrainWorker" in name
                and os.fsencode(place) in (process / "environ").read_bytes()
            ):
                found.append(int(process.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["training ", "epoch 3", "calibration"])
def test_a_killed_worker_starts_again_by_itself(tmp_path, moment):
    """The run is equal to the bit to that of plain workers."""
    pytest.importorskip("ray.train.tensorflow")
    more = ("--dataset", tiny.built_in("digits"), "--deterministic", *WORDS)
    more = (*more, "--set", "calibration.on=folds", "--set", "calibration.folds=2")
    names = ",".join(addresses(2))
    plain = [
        Started(
            *("train", "digits", "--out", tmp_path / "plain", *more),
            *("--workers", names, "--worker", index),
            place=tmp_path,
        )
        for index in range(2)
    ]
    assert [worker.ends() for worker in plain] == [0, 0], [worker.text for worker in plain]
    run = tmp_path / "run"
    ray = Started(
        *("train", "digits", "--out", run, "--on", "ray", "--workers", 2, *more),
        place=tmp_path,
        NNGUIDE_REGISTRY=str(tmp_path / "registry"),
        **QUICK,
    )
    ray.wait_for(moment)
    ray.wait_until(lambda: len(worker_pids(tmp_path)) == 2)
    victims = worker_pids(tmp_path)
    assert len(victims) == 2, (ray.process.poll(), ray.text)
    os.kill(victims[moment == "epoch 3"], signal.SIGKILL)
    assert ray.ends() == 0, ray.text
    if moment == "epoch 3":
        assert "resuming after epoch" in ray.text, ray.text
    for name in (*DETERMINES, "history.csv"):
        assert (run / name).read_bytes() == (tmp_path / "plain" / name).read_bytes(), name
    assert Run.open(run).metrics["val_loss"] == Run.open(tmp_path / "plain").metrics["val_loss"]
    left = {path.name for path in tmp_path.iterdir() if path.suffix != ".log"}
    assert left - {"registry"} == {"run", "plain"}


@pytest.mark.slow
def test_an_error_of_a_worker_ends_it_at_once(tmp_path):
    """Its status is that of the training, and Ray does not try again."""
    pytest.importorskip("ray.train.tensorflow")
    words = ("train", "digits", "--on", "ray", "--workers", 2, "--out", tmp_path / "run")
    ray = Started(*words, "--dataset", tmp_path / "nothing.npz", *WORDS, place=tmp_path, **QUICK)
    assert ray.ends() == 2
    assert "no such file or folder" in ray.text and "Traceback" not in ray.text
    assert not (tmp_path / "run").exists()
