"""What every test shares: no noise from TensorFlow, and trained tiny runs, once a session."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import tiny
from filelock import FileLock
from hypothesis import HealthCheck, settings

from nnguide import logs
from nnguide.runs import Run

# The runs that tests make are not those of the user, nor are the corrections.
REGISTRY = tempfile.mkdtemp(prefix="nnguide-registry-")
os.environ["NNGUIDE_REGISTRY"] = REGISTRY
os.environ["NNGUIDE_FEEDBACK"] = f"{REGISTRY}/feedback"
atexit.register(shutil.rmtree, REGISTRY, ignore_errors=True)

# A shell that runs tests in the background makes them and their children deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no finding: neither a slow example nor slow drawing of examples fails a test.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few tests first: they hold the longest tests.

    A worker takes a file at a time, and at the end a long one would leave the others idle.
    """
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: tests[item.path])


@pytest.fixture(scope="session")
def tf() -> object:
    """The tensorflow module, imported without its noise."""
    return logs.tensorflow()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder that all workers share, made by the one that first asks for it.

    It is called as what follows the last - of its name, and alone in its folder. Its maker is
    given the path, which is not there; nobody may change what it makes.
    """
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        inside = place / f"made-{name}" / name.rpartition("-")[2]
        with FileLock(place / f"{name}.lock"):
            if not (done := place / f"{name}.made").exists():
                inside.parent.mkdir()
                make(inside)
                done.touch()
        return inside

    return folder


@pytest.fixture(scope="session")
def trained(made_once: Callable[..., Path]) -> Callable[[str], Run]:
    """A finished tiny run of a task, trained on its built-in data when it is first asked for."""
    runs: dict[str, Run] = {}

    def run(task: str) -> Run:
        if task not in runs:
            own = f"{os.getpid()}-" if task == "table" else ""  # its table ends with this process
            runs[task] = Run.open(made_once(f"trained-{own}{task}", partial(make_run, task)))
        return runs[task]

    return run


@pytest.fixture(scope="session")
def calibrated(made_once: Callable[..., Path]) -> Run:
    """A finished tiny run of spam that keeps what its threshold is chosen by."""
    make = partial(make_run, "spam", more=("calibration.on=validation",))
    return Run.open(made_once("calibrated-spam", make))


def make_run(task: str, folder: Path, more: tuple[str, ...] = ()) -> None:
    """Train a tiny run of a task on its built-in data, with the settings `more` on top."""
    from nnguide.training.train import train

    words = (*tiny.words(task), f"data.dataset={tiny.built_in(task)}", *more)
    with pytest.MonkeyPatch.context() as patch:  # a test may have a registry of its own
        patch.setenv("NNGUIDE_REGISTRY", REGISTRY)
        train(task, settings=words, out=folder)
