"""Commands in a process of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PYTHON = sys.executable


def words(*arguments: object) -> list[str]:
    """The command line of `nnguide` with these arguments."""
    return [PYTHON, "-m", "nnguide", *map(str, arguments)]


def environment() -> dict[str, str]:
    """What the process finds: this checkout, and no more threads than it needs."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
