"""A bounded child process for learners' files.

Its time, memory and output are limited.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import nnguide
from nnguide.errors import WorkError
from nnguide.learn.exercises import child

SECONDS = 8.0  # for the file of one exercise
START = 120.0  # for Python, NumPy and perhaps Keras to be imported, on a busy machine
MOST = 1 << 20  # bytes of an answer

Answer = dict[str, Any]


def ask(questions: Sequence[dict[str, str]], seconds: float = SECONDS) -> Iterator[Answer]:
    """Yield the answer to each question in turn.

    A file that ends its process does not affect other answers.

    Args:
        questions: as `child` takes them.
        seconds: for each; one that takes longer is ended.
    Yields:
        state, mistake, detail, printed of each question, and a milestone's own values.
    """
    left = list(questions)
    while left:
        before = len(left)
        for answer in _one_child(list(left), seconds):
            left.pop(0)
            yield answer
        if len(left) == before:
            raise WorkError("the checking process ended without an answer")


def _one_child(questions: Sequence[dict[str, str]], seconds: float) -> Iterator[Answer]:
    """Yield answers of one process, up to the question that ends it."""
    reading, writing = os.pipe()
    home = os.path.dirname(os.path.dirname(nnguide.__file__))  # noqa: PTH120
    paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": paths}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", child.__name__, str(writing)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(writing,),
        start_new_session=True,
        env=environment,
    )
    os.close(writing)
    try:
        with contextlib.suppress(BrokenPipeError):
            assert process.stdin
            process.stdin.write(json.dumps(list(questions)).encode())
            process.stdin.close()
        began, answered = False, 0
        for line in _lines(reading, seconds):
            if line is None:
                if not began:
                    raise WorkError(f"the checking process did not begin in {START:.0f} s")
                text = f"no end after {seconds:.0f} s: a loop that never ends?"
                yield {"state": "wrong", "mistake": text, "detail": "", "printed": ""}
                return
            message = _message(line)
            if message is None:
                text = "the file writes where the check answers: close no file and open none"
                yield {"state": "wrong", "mistake": text, "detail": "", "printed": ""}
                return
            began = "begins" in message
            if not began:
                yield message
                answered += 1
                if answered == len(questions):
                    return  # a process that the file left behind may hold the pipe open
        if began:
            status = process.wait(START)
            end = f"signal {-status}" if status < 0 else f"status {status}"
            text = f"the file ended the checking process ({end})"
            yield {"state": "wrong", "mistake": text, "detail": "", "printed": ""}
        elif process.wait(START):
            raise WorkError(f"the checking process failed with status {process.returncode}")
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _message(line: bytes) -> Answer | None:
    """Parse a line of `child`.

    None where something else wrote it.
    """
    with contextlib.suppress(ValueError):
        message = json.loads(line)
        if isinstance(message, dict) and message.keys() & {"begins", "state"}:
            return message
    return None


def _lines(reading: int, seconds: float) -> Iterator[bytes | None]:
    """Yield lines as they come.

    None where one takes too long or is too large, then no more.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        buffer, end = b"", time.monotonic() + START
        while True:
            if not selector.select(max(0.0, end - time.monotonic())) or len(buffer) > MOST:
                yield None
                return
            some = os.read(reading, 65536)
            if not some:
                return
            *lines, buffer = (buffer + some).split(b"\n")
            for line in lines:
                yield line
                end = time.monotonic() + (seconds if b'"begins"' in line else START)
