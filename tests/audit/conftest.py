"""One audit of each task's tiny run, made once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nnguide.audit import Audit, audit


@pytest.fixture(scope="session")
def audited(trained) -> Callable[[str], Audit]:
    made: dict[str, Audit] = {}

    def of(task: str) -> Audit:
        if task not in made:
            made[task] = audit(trained(task), limit=60)
        return made[task]

    return of
