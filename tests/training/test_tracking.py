"""`train --track`: what a tracker holds of a run is what the run holds."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nnguide.config.values import flat
from nnguide.errors import ConfigError, ExtraError, WorkError
from nnguide.runs import Run
from nnguide.training import tracking


def expected(run: Run) -> tuple[dict[str, str], list[float], set[str]]:
    """A run's settings as words, its loss by epoch, and the names of its files."""
    settings = {key: str(value) for key, value in flat(run.config.to_dict()).items()}
    return settings, run.history["loss"], {path.name for path in run.folder.iterdir()}


def test_mlflow_holds_the_run(trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path}/store")
    run = trained("spam")
    assert "mlflow run" in tracking.track(run, "mlflow")
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("nnguide-spam")
    (logged,) = client.search_runs([experiment.experiment_id])
    settings, losses, names = expected(run)
    assert {key: logged.data.params[key] for key in settings if settings[key]} == {
        key: value for key, value in settings.items() if value
    }
    history = client.get_metric_history(logged.info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == list(enumerate(losses, 1))
    assert logged.data.metrics["run.val_accuracy"] == run.metrics["val_accuracy"]
    kept = {Path(one.path).name for one in client.list_artifacts(logged.info.run_id, "run")}
    assert kept == names


def test_trackio_holds_the_run(trained, tmp_path: Path):
    pytest.importorskip("trackio")
    run = trained("spam")
    code = """
import sys, json
from nnguide.runs import Run
from nnguide.training.tracking import track

run = Run.open(sys.argv[1])
said = track(run, "trackio")
import trackio
from trackio.sqlite_storage import SQLiteStorage
logs = SQLiteStorage.get_logs("nnguide-spam", run.folder.name)
config = SQLiteStorage.get_run_config("nnguide-spam", run.folder.name)
print(json.dumps({"said": said, "logs": logs, "config": config}, default=str))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, str(run.folder)],
        env={**os.environ, "TRACKIO_DIR": str(tmp_path / "store"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    settings, losses, names = expected(run)
    assert settings.items() <= found["config"].items()
    logged = [one["loss"] for one in found["logs"] if "loss" in one]
    assert logged == pytest.approx(losses)
    assert any(one.get("run.val_accuracy") == run.metrics["val_accuracy"] for one in found["logs"])
    kept = {path.name for path in (tmp_path / "store").rglob("*") if path.is_file()}
    assert kept, names


def test_a_tracker_that_is_missing_is_named_before_the_training(nnguide_train):
    status, said = nnguide_train("--track", "other")
    assert (status, "--track takes mlflow or trackio" in said) == (2, True), said


@pytest.fixture
def nnguide_train(tmp_path: Path):
    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "nnguide", "train", "spam", "--out", "run", *words]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert not (tmp_path / "run").exists()
        return ended.returncode, ended.stderr

    return run


def test_what_a_tracker_says_is_one_error(trained, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match="mlflow or trackio"):
        tracking.check("wandb")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExtraError, match=r"nnguide\[mlflow\]"):
        tracking.check("mlflow")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())

    def refuse(name: str) -> None:
        raise OSError("no such server")

    broken = SimpleNamespace(set_experiment=refuse)
    real = importlib.import_module
    monkeypatch.setattr(
        importlib, "import_module", lambda name: broken if name == "mlflow" else real(name)
    )
    with pytest.raises(WorkError, match=r"no such server. The run itself is whole"):
        tracking.track(trained("spam"), "mlflow")
