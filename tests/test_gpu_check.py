"""What scripts/gpu_check measures, what its table says, and its status without a GPU."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "gpu_check"
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
    )


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("gpu_check", str(SCRIPT))
    spec = importlib.util.spec_from_loader("gpu_check", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.slow
@needs_torch
def test_a_quick_run_on_the_processor(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    done = run("spam", "--backend", "torch", "--device", "cpu", "--quick", "--json", str(file))
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    precisions = [row["precision"] for row in found["rows"] if row["task"] == "spam"]
    assert precisions == ["float32", "mixed_float16", "mixed_bfloat16"]
    fed = {row["setup"] for row in found["rows"] if row["task"] == "PyTorch blueprint"}
    assert fed == {"ordinary memory", "pinned memory", "pinned memory, 2 processes ahead"}
    assert all(row["examples_per_second"] > 0 for row in found["rows"])
    assert all(len(row["losses"]) == 2 for row in found["rows"])
    assert done.stderr.count(" examples a second") == len(found["rows"])
    assert done.stdout.count("\n| torch |") == len(found["rows"]) == 9


@needs_torch
def test_without_a_gpu_it_says_so() -> None:
    done = run("spam", "--backend", "torch")
    assert done.returncode == 3, done.stderr
    assert "no GPU" in done.stdout


def test_time_that_is_over_is_said(script: ModuleType) -> None:
    done = run("--minutes", "0")
    assert done.returncode == 2
    assert "--minutes is a number above 0" in done.stderr


def test_each_measurement_is_kept_at_once(script: ModuleType, tmp_path: Path) -> None:
    """A run that is killed loses what was at work, and no more."""
    report = script.Report("a card", tmp_path / "gpu.json")
    report.take("jax", {"device": "a card", "version": "1", "keras": "3"})
    for done, accuracy in enumerate((0.99, None), start=1):
        report.take("jax", line("float32", done, accuracy))
        kept = json.loads((tmp_path / "gpu.json").read_text())
        assert len(kept["answers"]["jax"]) == 1 + done
        assert kept["rows"][0]["seeds"] == done
    report.take("jax", {"skipped": "digits, batch 8192"})
    report.take("jax", {"skipped": "digits, batch 8192"})
    assert report.text().startswith("a card\n\n- jax 1, Keras 3: a card\n")
    assert "Out of time on jax: digits, batch 8192 (2 left out)." in report.text()


def line(precision: str, seed: int, accuracy: float | None, **more: Any) -> dict[str, Any]:
    return {
        "backend": "jax",
        "task": "digits",
        "batch": 1024,
        "precision": precision,
        "seed": seed,
        "examples_per_second": 1000.0 + seed,
        "losses": [2.0, 1.0, 0.5],
        "val_accuracy": accuracy,
        "val_loss": None if accuracy is None else 0.1,
        "peak_bytes": None,
        **more,
    }


def test_precisions_are_compared_seed_by_seed(script: ModuleType) -> None:
    lines = [
        line("mixed_bfloat16", 0, 0.991, peak_bytes=2**20),
        line("float32", 0, 0.99),
        line("mixed_float16", 0, None),
        line("mixed_bfloat16", 1, 0.995),
        line("float32", 1, 0.996),
        line("float32", 2, 0.5),  # for which time was too short in 16 bits
    ]
    rows = script.summary(lines)
    assert [row["precision"] for row in rows] == ["float32", "mixed_float16", "mixed_bfloat16"]
    plain, half, brain = rows
    assert brain["seeds"] == 2
    assert brain["points"] == pytest.approx(0.0, abs=1e-9)
    assert brain["points_stdev"] == pytest.approx(math.sqrt(2) * 0.1)
    assert plain["val_accuracy"] == pytest.approx((0.99 + 0.996 + 0.5) / 3)
    assert half["val_accuracy"] is None
    text = script.table(rows)
    assert "NaN in 1" in text
    assert "1 MiB" in text
    assert "2.0000 1.0000 0.5000" in text
