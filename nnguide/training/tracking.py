"""Logging of finished runs to a tracker.

A run's settings, its metrics epoch by epoch, and its folder are logged.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
from typing import Any, Literal, get_args

from nnguide.config.values import flat
from nnguide.errors import ConfigError, ExtraError, WorkError
from nnguide.runs import Run

Tracker = Literal["mlflow", "trackio"]


def check(tracker: str) -> None:
    """Check before a long training that a tracker is installed.

    Raises:
        ConfigError: there is no such tracker.
        ExtraError: it is not installed.
    """
    if tracker not in get_args(Tracker):
        raise ConfigError(f"--track takes {' or '.join(get_args(Tracker))}; got {tracker!r}")
    if importlib.util.find_spec(tracker) is None:
        raise ExtraError.missing(tracker, tracker)


def track(run: Run, tracker: str) -> str:
    """Log a run to a tracker.

    It is in the project or experiment nnguide-TASK, under the name of its folder. The tracker
    decides where that is: MLFLOW_TRACKING_URI, TRACKIO_DIR or its default, a local store.

    Returns:
        Where it was logged, for a person.
    Raises:
        WorkError: the tracker refuses it; the run is whole nevertheless.
    """
    check(tracker)
    try:
        with _quiet():
            return {"mlflow": _to_mlflow, "trackio": _to_trackio}[tracker](run)
    except Exception as error:  # of a library that talks to stores and servers
        raise WorkError(
            f"{tracker} did not take the run: {type(error).__name__}: {str(error)[:300]}. The run "
            f"itself is whole: {run.folder}"
        ) from error


def _settings(run: Run) -> dict[str, Any]:
    return {key: str(value) for key, value in flat(run.config.to_dict()).items()}


def _numbers(run: Run) -> dict[str, float]:
    return {
        key: float(value)
        for key, value in run.metrics.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _epochs(run: Run) -> list[dict[str, float]]:
    history = run.history
    return [
        dict(zip(history, values, strict=True)) for values in zip(*history.values(), strict=True)
    ]


def _to_mlflow(run: Run) -> str:
    mlflow = importlib.import_module("mlflow")
    mlflow.set_experiment(f"nnguide-{run.task.name}")
    with mlflow.start_run(run_name=run.folder.name) as logged:
        mlflow.set_tags({"nnguide.run": str(run.folder.absolute()), "nnguide.task": run.task.name})
        mlflow.log_params(_settings(run))
        for epoch, values in enumerate(_epochs(run), 1):
            mlflow.log_metrics(values, step=epoch)
        mlflow.log_metrics({f"run.{key}": value for key, value in _numbers(run).items()})
        mlflow.log_artifacts(str(run.folder), artifact_path="run")
        return f"mlflow run {logged.info.run_id} at {mlflow.get_tracking_uri()}"


def _to_trackio(run: Run) -> str:
    trackio = importlib.import_module("trackio")
    project = f"nnguide-{run.task.name}"
    trackio.init(
        project=project,
        name=run.folder.name,
        config=_settings(run),
        embed=False,
        auto_log_gpu=False,
        auto_log_cpu=False,
    )
    for epoch, values in enumerate(_epochs(run), 1):
        trackio.log(values, step=epoch)
    trackio.log({f"run.{key}": value for key, value in _numbers(run).items()})
    artifact = trackio.Artifact(f"{run.task.name}-{run.folder.name}", type="model")
    artifact.add_dir(str(run.folder))
    trackio.log_artifact(artifact)
    trackio.finish()
    return f"trackio project {project}, run {run.folder.name}: trackio show --project {project}"


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep what the trackers print off standard output.

    Standard output is for the answer.
    """
    with open(os.devnull, "w", encoding="utf-8") as nothing, contextlib.redirect_stdout(nothing):  # noqa: PTH123
        yield
