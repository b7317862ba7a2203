"""Exports of the tiny runs, each made once, after a check on a few inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from nnguide import logs
from nnguide.export import Format, verify
from nnguide.runs import Run

FEW = 30  # inputs that an export is checked on here


@pytest.fixture(scope="session", autouse=True)
def few() -> Iterator[None]:
    """Check exports on few inputs: the full count is for the slow tests and for users."""
    logs.tensorflow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "CHECKED", FEW)
        yield


@pytest.fixture(scope="session")
def exported(
    trained: Callable[[str], Run], made_once: Callable[..., Path]
) -> Callable[[str, Format], Path]:
    """The folder of a task's export in a form; nobody may change it."""

    def make(task: str, form: Format, out: Path) -> None:
        from nnguide.export.publish import export

        export(trained(task), form, out)

    def folder(task: str, form: Format) -> Path:
        out = made_once(f"exported-{task}-{form}", partial(make, task, form))
        (version,) = out.glob("*/[0-9]*")
        return version

    return folder
