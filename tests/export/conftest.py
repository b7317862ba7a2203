"""Exports of the tiny runs, each made once, after a check on a few inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nnguide import framework_logs
from nnguide.export import Format, verify
from nnguide.runs import Run

FEW = 30  # inputs that an export is checked on here


@pytest.fixture(scope="session", autouse=True)
def few() -> Iterator[None]:
    """Check exports on few inputs: the full count is for the slow tests and for users."""
    framework_logs.tensorflow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "CHECKED", FEW)
        yield


@pytest.fixture(scope="session")
def exported(
    trained: Callable[[str], Run], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Format], Path]:
    """The folder of a task's export in a form; nobody may change it."""
    made: dict[tuple[str, Format], Path] = {}
    out = tmp_path_factory.mktemp("exports")

    def folder(task: str, form: Format) -> Path:
        if (task, form) not in made:
            from nnguide.export.publish import export

            made[task, form] = export(trained(task), form, out).folder
        return made[task, form]

    return folder
