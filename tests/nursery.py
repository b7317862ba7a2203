"""A process that has imported what is slow, and forks `nnguide` commands that can be killed.

A killed command costs a test nothing but its own work: no interpreter starts, no TensorFlow.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTED = (  # with all that these import, what commands of the tests import
    *("matplotlib.pyplot", "PIL.Image", "tensorboard.summary", "ai_edge_litert.interpreter"),
    *("tensorflow_datasets", "tensorflow_datasets.core", "nnguide.data.sms_spam_builder"),
    *("nnguide.data.preparation", "nnguide.data.spam_sample", "nnguide.data.texts"),
    *("nnguide.doctor.report", "nnguide.evaluation.refusal", "nnguide.export.verify"),
    *("nnguide.feedback.learner", "nnguide.inference.light", "nnguide.inference.litert"),
    *("nnguide.tasks", "nnguide.models.light_form", "nnguide.models.text"),
    *("nnguide.preprocessing.text", "nnguide.runs.compare", "nnguide.runs.streaming"),
    *("nnguide.training.ensemble", "nnguide.training.train", "nnguide.tuning.tune"),
)


class Nursery:
    """Starts commands, each in a process of its own, in the folder `place`."""

    def __init__(self, place: Path, **variables: str) -> None:
        self.place, self.log = place, place.with_name(f"{place.name}.log")
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, words: Sequence[object], kill: Callable[[float], bool] | None = None
    ) -> tuple[int, str]:
        """How a command ends, a signal's number below 0, and what it wrote.

        Args:
            words: its arguments.
            kill: whether it is to be killed, asked all the time with the seconds so far; None:
                it is not.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(self.log), *map(str, words)]) + "\n")
        self.process.stdin.flush()
        pid, began = int(self.process.stdout.readline()), time.monotonic()
        while kill and not select.select([self.process.stdout], [], [], 0.0005)[0]:
            if kill(time.monotonic() - began):
                kill = None
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return int(self.process.stdout.readline()), self.log.read_text("utf-8", "replace")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


def main() -> None:
    """Fork a command for each line of standard input."""
    from nnguide import cli, logs

    logs.tensorflow()
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        log, *words = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for descriptor in (1, 2):
                os.dup2(file, descriptor)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            status = 1
            try:
                cli.main(words)
            except SystemExit as ended:
                status = int(ended.code or 0)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(pid, flush=True)
        _, ended = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)


if __name__ == "__main__":
    main()
