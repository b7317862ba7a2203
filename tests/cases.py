"""Small inputs that people had trouble with: beside the checkout, where they are there.

Tests that read them have generated equivalents, so that a run without the folder checks the same
kinds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "cases"
FOLDER = Path(os.environ.get("NNGUIDE_CASES_DIR", _BESIDE))


def case(name: str) -> Path:
    """The input of that name; the test is skipped where it is not there."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not in NNGUIDE_CASES_DIR")
    return path
