"""The examples of docs/export.md run as they stand, in processes without nnguide."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```py\n(.*?)```", (ROOT / "docs/export.md").read_text("utf-8"), re.DOTALL)


def test_there_is_one_for_each_form() -> None:
    assert len(EXAMPLES) == 4


SAVED_MODELS = [pytest.param(number, marks=pytest.mark.slow) for number in (0, 1)]


@pytest.mark.parametrize("number", [*SAVED_MODELS, 2, 3])
def test_it_runs(exported: Callable[[str, str], Path], tmp_path: Path, number: int) -> None:
    source = EXAMPLES[number]
    found = re.search(r"saved_models/exports/(digits|spam)(?:-(onnx|litert))?/1", source)
    assert found
    if found[2] == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    shutil.copytree(exported(found[1], found[2] or "saved_model"), tmp_path / found[0])
    shutil.copyfile(ROOT / "docs/digit.png", tmp_path / "digit.png")
    ended = subprocess.run(
        [sys.executable, "-I", "-c", source], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"ham|spam" if found[1] == "spam" else r"\d", ended.stdout)
