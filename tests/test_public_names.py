"""The public names are documented, and typed well enough for a strict program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nnguide

ROOT = Path(__file__).parent.parent
PROGRAM = Path(__file__).parent / "typed_program.py"


def test_the_reference_is_made_from_the_docstrings() -> None:
    found = subprocess.run(
        [sys.executable, ROOT / "scripts" / "api_reference", "--check"],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr


def test_the_reference_has_every_public_name() -> None:
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    titles = set(re.findall(r"^### (\w+)$", page, re.MULTILINE))
    assert set(nnguide.__all__) - {"__version__"} <= titles
    for name in nnguide.__all__:
        assert getattr(nnguide, name) is not None
        assert name in dir(nnguide)


def strictly(*programs: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What mypy --strict says of programs whose author has installed nnguide."""
    return subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "mypy",
                "--strict",
                "--config-file=",
                "--follow-imports=silent",
            ),
            *("--cache-dir", str(folder / "cache")),
            *map(str, programs),
        ],
        env={**os.environ, "MYPYPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_strict_program_passes_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    wrong = tmp_path / "wrong.py"
    lines = [
        "import nnguide",
        "nnguide.train(5)",
        'nnguide.train("spam", epoch=3)',
        'nnguide.load("spam").predikt("a")',
        'nnguide.load("spam").predict("a").label',
        'nnguide.evaluate(nnguide.load("spam"), split=3)',
        'nnguide.explain(nnguide.load("spam"), "a").weight',
        'nnguide.configure("spam").train.epoch',
    ]
    wrong.write_text("\n".join(lines), encoding="utf-8")
    found = strictly(PROGRAM, wrong, folder=tmp_path)
    assert "typed_program.py" not in found.stdout, found.stdout
    refused = {int(number) for number in re.findall(r"wrong\.py:(\d+): error", found.stdout)}
    assert refused == set(range(2, len(lines) + 1)), found.stdout
