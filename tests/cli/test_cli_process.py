"""What only a process of its own can show: its streams, its limits, its signals."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import processes
import pytest
import tiny

SETTINGS = [part for word in tiny.words("digits") for part in ("--set", word)]


def start(*arguments: object, **more) -> subprocess.Popen:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        processes.words(*arguments), env=processes.environment(), **{**pipes, **more}
    )


@pytest.fixture
def run(trained) -> Path:
    return trained("spam").folder


def test_training_writes_its_result_to_stdout_and_its_own_lines_to_stderr(alone):
    training = start("train", "digits", *SETTINGS, "--dataset", "optdigits", "--out", "run")
    out, err = (stream.decode() for stream in training.communicate(timeout=1200))
    assert training.returncode == 0
    assert out.startswith("run: ")
    assert out.count("\n") == 1
    lines = err.splitlines()
    assert lines[0].startswith("precision float32")
    assert lines[1].startswith("training digits on optdigits: 1,")
    assert [line[:9] for line in lines[2:5]] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert not any(word in err for word in ("WARNING", "oneDNN", "cpu_feature", "cuda", "\x1b"))


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_an_interruption_keeps_the_best_epochs_and_ends_with_130(alone, number):
    training = start(
        *("train", "digits", *SETTINGS, "--dataset", "optdigits", "--out", "run"),
        *("--set", "train.epochs=2000", "--set", "train.batch_size=256"),  # epochs are short
    )
    shown = 0  # of a long training, not every epoch is
    while shown < 2:
        line = training.stderr.readline()
        assert line, "it ended by itself"
        shown += line.startswith(b"epoch ")
    training.send_signal(number)
    out, err = (stream.decode() for stream in training.communicate(timeout=1200))
    assert training.returncode == 130
    assert "Traceback" not in err
    assert out.startswith("run: ")
    assert (alone / "run" / "manifest.json").exists()
    assert not (alone / "run.train.unfinished").exists()


def test_a_stream_is_answered_as_it_comes_and_ends_with_ctrl_c(alone, run):
    answering = start("predict", run, "-")
    for number in range(3):
        answering.stdin.write(b"message %d\n" % number)
        answering.stdin.flush()
        assert answering.stdout.readline().endswith(b"\tmessage %d\n" % number)
    answering.send_signal(signal.SIGINT)
    out, err = answering.communicate(timeout=600)
    assert answering.returncode == 130
    assert out == b""
    assert err.decode().split() == ["run:", str(run), "nnguide:", "interrupted"]


def test_a_reader_that_leaves_early_is_no_error(alone, run):
    endless = subprocess.Popen(["yes", "win a prize"], stdout=subprocess.PIPE)
    answering = start("predict", run, "-", stdin=endless.stdout)
    assert answering.stdout.readline().endswith(b"\twin a prize\n")
    answering.stdout.close()
    assert answering.wait(600) == 0
    endless.kill()
    assert answering.stderr.read().decode() == f"run: {run}\n"


def test_a_full_place_ends_with_9_and_leaves_no_run(alone, run):
    with Path("/dev/full").open("wb") as full:
        answering = start("predict", run, "hello", stdout=full)
        _, err = answering.communicate(timeout=600)
    assert answering.returncode == 9
    assert err.decode().splitlines()[1:] == [
        "nnguide: cannot write the output: No space left on device"
    ]

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    training = start(
        *("train", "digits", *SETTINGS, "--dataset", "optdigits", "--out", "run"),
        preexec_fn=little,
    )
    out, err = training.communicate(timeout=1200)
    assert (training.returncode, out) == (9, b"")
    assert b"nnguide: cannot write " in err.splitlines()[-1]
    assert list(alone.iterdir()) == []


def test_another_backend_of_keras_is_refused(alone):
    done = subprocess.run(
        processes.words("train", "digits"),
        env={**processes.environment(), "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "KERAS_BACKEND=tensorflow" in done.stderr


def test_a_full_folder_for_temporary_files_costs_no_training(nnguide, alone, monkeypatch):
    """Nothing is written there that a run needs, so it may as well not exist."""
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", "/nowhere/at/all")
        ended = nnguide("train", "digits", *SETTINGS, "--dataset", "optdigits", "--out", "run")
    assert ended.status == 0, ended.err
    assert (alone / "run" / "light.tflite").exists()
    assert "warning" not in ended.err


CAUGHT = """
import sys

leave = sys.exit

def interrupted():
    raise KeyboardInterrupt

def exit(status=None):
    try:
        exec("interrupted()", globals())
    except KeyboardInterrupt:
        leave(status)

sys.exit = exit
"""


def test_an_interruption_that_was_caught_does_not_change_the_status(tmp_path):
    """Python ends `-m` by SIGINT where one has left an exec of text, as in a dataclass."""
    (tmp_path / "sitecustomize.py").write_text(CAUGHT)
    environment = processes.environment()
    paths = f"{tmp_path}:{environment.get('PYTHONPATH', '')}"
    words = (sys.executable, "-m", "nnguide", "--version")
    ended = subprocess.run(words, env={**environment, "PYTHONPATH": paths}, capture_output=True)
    assert ended.returncode == 0, ended
