"""A search from beginning to end: trials, result, plots and comparison."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial

from nnguide import data
from nnguide.config import Config
from nnguide.data.catalogue import Source
from nnguide.data.examples import Examples
from nnguide.data.splits import training_and_validation
from nnguide.errors import ConfigError, WorkError
from nnguide.files import copy_folder, write_json, write_text, writing_to
from nnguide.files.workspace import Workspace
from nnguide.runs import Run
from nnguide.training import cluster
from nnguide.training import resume as resuming
from nnguide.training.train import train
from nnguide.tuning import chief, oracles, pictures, report, rows, search_folder
from nnguide.tuning.rows import Progress, Row
from nnguide.tuning.scoring import Scorer
from nnguide.tuning.search_folder import RESULT
from nnguide.tuning.settings import FILE, Search, default_folder
from nnguide.tuning.space import declare
from nnguide.tuning.worker import Worker

log = logging.getLogger(__name__)

BEST = "best.json"
SMALL = 1000  # examples of a validation set below which folds are advised
WHOLE_GRID = 1000  # combinations up to which a grid needs no bound
Watch = Callable[[Progress], None]


def tune(
    search: Search,
    *,
    out: Path | str | None = None,
    resume: bool = False,
    force: bool = False,
    workers: int = 1,
    address: str | None = None,
    minutes: float | None = None,
    compare: int = 3,
    train_best: bool = False,
    examples: Examples | None = None,
    source: Source | None = None,
    watch: Watch = lambda progress: None,
) -> dict[str, Any]:
    """Search, and write a folder with the best configuration.

    The folder also has the trials that it was chosen from.

    Args:
        search: what to search and how, from `nnguide.tuning.settings.settle`.
        out: the search's folder; None makes one under saved_models/searches.
        resume: continue a search that was interrupted; with one that is finished, do what is
            left of it.
        force: replace a folder that is not empty.
        workers: processes of this machine; 1 searches in this process.
        address: IP:PORT to lead workers at, these and those of other machines; None: these alone.
        minutes: after which no trial is begun; None: no limit.
        compare: seeds for the comparison with the default preset; 0: none.
        train_best: train the best configuration on training and validation together.
        examples: the training set, where it has been read already.
        source: the data, where a program holds it; None is what the settings name.
        watch: called with the progress of the search.
    Returns:
        What docs/json.md says of `tune`.
    Raises:
        NnguideError: see nnguide.errors; a search without a completed trial is a WorkError.
        KeyboardInterrupt: interrupted; what is done is kept for `resume`.
    """
    space, base = declare(search)
    cluster.refuse("nnguide tune", base.runtime.strategy)
    oracle = oracles.make(search, space)
    if search.tuner == "grid" and search.trials is None and oracle.planned > WHOLE_GRID:
        raise ConfigError(
            f"the whole grid has {oracle.planned:,} combinations. Narrow it with --space, or "
            "bound it with --trials."
        )
    if source is not None:
        examples = source.load("train")
    folder = Path(out) if out else default_folder(search.task, search.seed)
    place = search_folder.place(folder, force)
    before = search_folder.before(place, search) if resume else None
    scorer = Scorer(search, examples)
    if before is not None and before["planned"] >= oracle.planned and not before["time_is_up"]:
        log.info(f"{folder}: its trials are finished")
        result = before
    else:
        crew = Crew(workers, address, minutes, watch)
        result = _searched(scorer, oracle, source or data.of(base), place, before, resume, crew)
    if compare and result["comparison"] is None:
        best = search.base.merge(result["config"])
        result["comparison"] = report.compare(scorer, best, compare)
        write_json(folder / RESULT, result)
    if train_best and result["run"] is None:
        result["run"] = str(_train_best(search, result, folder, source).folder)
        write_json(folder / RESULT, result)
    return result


@dataclasses.dataclass(frozen=True)
class Crew:
    """Who runs the trials, for how long, and who is notified.

    These are arguments of `tune`.
    """

    workers: int
    address: str | None
    minutes: float | None
    watch: Watch


def _searched(
    scorer: Scorer,
    oracle: oracles.Durable,
    source: Source,
    place: Workspace,
    before: dict[str, Any] | None,
    resume: bool,
    crew: Crew,
) -> dict[str, Any]:
    """Run the remaining trials, and publish the search's folder.

    Args:
        before: the result of the same search with fewer trials, in that folder.
    """
    search, folder = scorer.search, place.folder
    if source.note:
        log.info(source.note)
    if before is not None or (resume and place.waits and search_folder.is_continued(place, search)):
        place = dataclasses.replace(place, force=True)  # it goes on with that very search
    with place.claimed(resume) as path:
        if before is not None:
            with writing_to(path):
                copy_folder(folder, path)
        write_text(path / FILE, search.to_json() + "\n")
        _warn_if_small(scorer)
        try:
            trials, seconds = _trials(oracle, scorer, path, resume, crew)
        except BaseException:
            if oracle.end_order:
                note = f"{len(oracle.end_order)} trials are kept"
                log.info(f"{note}: go on with --resume --out {folder}")
            raise
        result = {
            **_outcome(search, source, oracle, trials),
            "search": str(folder),
            "seconds": round(seconds, 3),
            **_report(search, trials, path),
        }
        if before is not None and before["best_trial"] == result["best_trial"]:
            result |= {key: before[key] for key in ("comparison", "run")}
        write_json(path / RESULT, result)
        place.publish()
    return result


def _outcome(
    search: Search, source: Source, oracle: oracles.Durable, trials: list[Row]
) -> dict[str, Any]:
    """Return what was searched and how the trials ended.

    The comparison and the run may follow.
    """
    return {
        "task": search.task,
        "dataset": source.name,
        "dataset_is_fallback": source.is_fallback,
        "tuner": search.tuner,
        "objective": search.objective,
        "planned": oracle.planned,
        "completed": sum(row.state == "completed" for row in trials),
        "failed": sum(row.state == "failed" for row in trials),
        "time_is_up": oracle.cut_short,
        "comparison": None,
        "run": None,
    }


def _warn_if_small(scorer: Scorer) -> None:
    """Warn if the validation set is small.

    A score in coarse steps separates good settings from better ones only by luck.
    """
    _, validation = training_and_validation(scorer.base, scorer.examples)
    if not scorer.search.folds and len(validation or ()) < SMALL:
        log.warning(
            f"warning: the validation set has {len(validation or ()):,} examples, so scores are "
            f"noisy. --folds 5 scores on all of the training set."
        )


def _trials(
    oracle: oracles.Durable, scorer: Scorer, folder: Path, resume: bool, crew: Crew
) -> tuple[list[Row], float]:
    """Run all trials; return them as rows, and the seconds."""
    search, began = scorer.search, time.monotonic()
    oracle.deadline = None if crew.minutes is None else began + 60 * crew.minutes
    watcher = _Watcher(oracle, search, folder, crew.watch)
    with writing_to(folder):
        oracle.attach(folder / "state", watcher)
    if resume:
        oracle.recover()
        if trials := len(oracle.end_order):
            log.info(f"resuming after {trials} trials")
    kind = f"{search.tuner} search of {search.task}"
    log.info(
        f"{kind}: {oracle.planned:,} trials of up to {search.max_epochs} epochs, {_scored(search)}"
    )
    if crew.workers == 1 and crew.address is None:
        Worker(oracle, str(folder), "state", scorer).search()
    else:
        chief.lead(
            oracle,
            search,
            address=crew.address,
            workers=crew.workers,
            logs=folder / "workers",
            notify=watcher,
        )
    if oracle.cut_short:
        log.info(f"time is up after {len(oracle.end_order)} of {oracle.planned:,} trials")
    return rows.rows(oracle), time.monotonic() - began


def _scored(search: Search) -> str:
    by = f"{search.folds} folds" if search.folds else "the validation set"
    times = f", {search.executions} seeds each" if search.executions > 1 else ""
    return f"{search.objective} on {by}{times}"


class _Watcher:
    """A listener that writes trials.csv and reports the progress.

    It is called for each trial.
    """

    def __init__(self, oracle: oracles.Durable, search: Search, folder: Path, watch: Watch) -> None:
        self.oracle, self.search, self.folder = oracle, search, folder
        self.watch = watch
        self.began, self.ended_before = time.monotonic(), -1

    def __call__(self, trial: Trial) -> None:
        trials = rows.rows(self.oracle)
        changed = next(row for row in trials if row.number == trial.trial_id)
        ended = sum(row.ended for row in trials)
        if self.ended_before < 0:
            self.ended_before = ended
        if changed.ended:
            write_text(self.folder / "trials.csv", rows.as_csv(self.search, trials))
        elapsed, planned = time.monotonic() - self.began, self.oracle.planned
        here, left = ended - self.ended_before, None
        if here:
            left = elapsed / here * (planned - ended)
            if self.oracle.deadline is not None:
                left = min(left, max(self.oracle.deadline - time.monotonic(), 0.0))
        self.watch(
            Progress(trials, changed, planned, rows.best(self.search, trials), elapsed, left)
        )


def _report(search: Search, trials: list[Row], folder: Path) -> dict[str, Any]:
    """Write the files about the trials; return the best trial's entries."""
    write_text(folder / "trials.csv", rows.as_csv(search, trials))
    best = rows.best(search, trials)
    if best is None:
        failed = [row for row in trials if row.state == "failed"]
        reason = f"The first: {failed[0].error}." if failed else "None was started in time."
        raise WorkError(
            f"none of {len(trials)} trials completed, so there is no best one. {reason} "
            f"See {folder / 'trials.csv'}."
        )
    assert best.config is not None
    write_json(folder / BEST, best.config)
    pictures.draw(search, trials, folder / "search.png")
    with writing_to(folder):
        report.write_hparams(search, trials, folder / "tensorboard")
    return {
        "best_trial": best.number,
        "best_score": best.score,
        "best_epoch": best.best_epoch,
        "config": best.config,
    }


def final(search: Search, config: dict[str, Any], best_epoch: int) -> Config:
    """Return the best configuration for a final training.

    It is trained on all that is not the test set.

    Nothing watches it: it takes as many epochs as the best trial's weights did.
    """
    return search.base.merge(config).merge(
        {
            "data": {"validation": 0.0},
            "train": {"epochs": best_epoch, "patience": 0, "restore_best": False},
            "calibration": {"on": "folds"},
        }
    )


def _train_best(
    search: Search,
    result: dict[str, Any],
    folder: Path,
    source: Source | None,
) -> Run:
    log.info("training the best on training and validation set together: no validation metrics")
    config, out = final(search, result["config"], result["best_epoch"]), folder / "best"
    waits = resuming.place(out, force=False).waits
    begun = waits or (out.exists() and Run.open(out).config == config)
    return train(
        search.task,
        source,
        config=config,
        out=out,
        resume=begun,
        force=not begun,
        watch=lambda title: (),  # the search has shown all
    )
