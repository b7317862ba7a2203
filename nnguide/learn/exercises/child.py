"""The process that runs the learner's files.

Its memory is bounded, and it starts no other process.

    python -P -m nnguide.learn.exercises.child REPORT < REQUEST

REQUEST is JSON, a list of {"exercise", "path"} or {"milestone", "folder"}; a line of JSON for each
goes to the file descriptor REPORT, with the time at which it begins announced before.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnguide.learn.exercises import catalogue, diagnosis

MEMORY = 3 << 30  # bytes that a file may take, on top of what Python, NumPy and Keras have
FILES = 64 << 20  # bytes that a file may be written to
PRINTED = 2000  # characters that are kept
STARTS_PROCESSES = (
    *("os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system"),
    "subprocess.Popen",
)


class Printed(io.StringIO):
    """The beginning of a file's output.

    The rest is only counted.
    """

    def write(self, text: str) -> int:
        if (left := PRINTED - self.tell()) > 0:
            super().write(text[:left])
        return len(text)


class ForkError(PermissionError):
    """The learner's file tried to start a process."""


forks: list[str] = []


def _watch(event: str, arguments: Any) -> None:
    if event in STARTS_PROCESSES:
        forks.append(event)
        raise ForkError(f"{event} is not for an exercise")


def _bound() -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILES, FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_watch)


def load(path: str) -> dict[str, Any]:
    """Run a learner's file; return the names that it defines."""
    source = Path(path).read_bytes()
    names: dict[str, Any] = {"__name__": "exercise", "__file__": path}
    exec(compile(source, path, "exec"), names)
    return names


def _line(error: BaseException, path: str) -> str:
    """Return the line of an error in the learner's file.

    "" where it is not known.
    """
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return f"line {frames[-1].lineno}" if frames else ""


def guarded(work: Callable[[], diagnosis.Verdict], path: str) -> diagnosis.Verdict:
    """Return the verdict on a file, also where it fails.

    What a file does instead of answering has a name.
    """
    forks.clear()
    try:
        verdict = work()
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.filename == path and error.lineno else ""
        return diagnosis.Verdict("wrong", f"a syntax error{where}: {error.msg}")
    except MemoryError:
        return diagnosis.Verdict("wrong", f"too much memory: a check has {MEMORY >> 30} GB")
    except SystemExit as error:
        where = _line(error, path)
        return diagnosis.Verdict("wrong", "the file ends the program: take exit() out", where)
    except (OSError, ValueError) as error:
        if not forks:
            return diagnosis.Verdict(
                "wrong", f"{type(error).__name__}: {error}", _line(error, path)
            )
        verdict = diagnosis.Verdict("wrong")
    except RecursionError as error:
        return diagnosis.Verdict("wrong", "endless recursion", _line(error, path))
    except BaseException as error:
        text = f"{type(error).__name__}: {str(error)[:300]}"
        return diagnosis.Verdict("wrong", text, _line(error, path))
    if forks:
        text = "the file starts another process: an exercise needs none"
        return diagnosis.Verdict("wrong", text, forks[0])
    return verdict


def answer(asked: dict[str, str]) -> dict[str, Any]:
    """Return the answer to one question."""
    printed = Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        if "milestone" in asked:
            from nnguide.learn.exercises import milestones

            reached: dict[str, Any] = {}

            def reach() -> diagnosis.Verdict:
                reached.update(milestones.reach(asked["milestone"], Path(asked["folder"]), load))
                return diagnosis.Verdict("passed")

            verdict = guarded(reach, asked["folder"])
        else:
            exercise, path = catalogue.BY_NAME[asked["exercise"]], asked["path"]
            reached = {}
            verdict = guarded(lambda: diagnosis.examine(exercise, load(path)), path)
    return {**verdict.__dict__, **reached, "printed": printed.getvalue()}


def main(report: int) -> None:
    """Answer every question, one line each."""
    asked = json.loads(sys.stdin.read())
    if any(
        catalogue.BY_NAME[request["exercise"]].keras for request in asked if "exercise" in request
    ):
        importlib.import_module("keras")  # slow, so not within the time of a file
    with open(report, "w", encoding="ascii", closefd=False) as answers:
        if any("milestone" in request for request in asked):
            from nnguide.learn.exercises import milestones

            for request in asked:
                milestones.data(request["milestone"])
        _bound()
        for number, request in enumerate(asked):
            print(json.dumps({"begins": number}), file=answers, flush=True)
            print(json.dumps(answer(request)), file=answers, flush=True)
    os._exit(0)  # whatever threads the files have left


if __name__ == "__main__":
    main(int(sys.argv[1]))
