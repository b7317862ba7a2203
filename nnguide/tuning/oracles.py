"""keras-tuner's oracles, made safe against interruption at any moment.

keras-tuner writes its state in place and forgets, when it is killed between two files, which
trials had ended. Here every file appears whole, and `recover` goes by the trials' own files.
"""

from __future__ import annotations

import json
import math
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner import oracles, synchronized
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine.oracle import LOCKS, THREADS

from nnguide.errors import InputError, RunError
from nnguide.files import parse_json, read_json, write_json
from nnguide.tuning.settings import DIRECTIONS, Search
from nnguide.tuning.space import combinations

OUTCOME = "nnguide/outcome"  # the value by which a worker hands over what a trial came to
ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


def outcome(trial: Trial) -> dict[str, Any]:
    """Return the result of an ended trial.

    It is an `Outcome` as a mapping, or `error` and `traceback`.
    """
    return json.loads(trial.message) if trial.message else {}


OF_OUTCOME = {"score", "figures", "epochs", "best_epoch", "seconds", "config"}


def check_end(trial: Trial) -> None:
    """Raise InputError for a trial result that cannot be true.

    Raises:
        InputError: it is not an outcome, and no error.
    """
    text = trial.hyperparameters.values.get(OUTCOME)
    try:
        values = parse_json(text) if isinstance(text, str) else None
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise InputError("expected what it came to, as JSON")
    if trial.status in (TrialStatus.FAILED, TrialStatus.INVALID):
        texts = [values.get("error"), values.get("traceback", "")]
        if not all(isinstance(message, str) for message in texts) or not _is_number(
            values.get("seconds", 0)
        ):
            raise InputError("expected why it failed, as text")
        return
    if trial.status != TrialStatus.COMPLETED or set(values) != OF_OUTCOME:
        raise InputError(f"expected {', '.join(sorted(OF_OUTCOME))} of a completed trial")
    figures = values["figures"] if isinstance(values["figures"], dict) else {"": None}
    numbers = [values["score"], values["seconds"], *figures.values()]
    counts = [values["epochs"], values["best_epoch"]]
    if (
        not all(map(_is_number, numbers))
        or not all(type(count) is int and count > 0 for count in counts)
        or not isinstance(values["config"], dict)
        or "val_loss" not in figures
    ):
        raise InputError("expected finite numbers, and epochs from 1")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


class Durable(keras_tuner.Oracle):
    """An oracle whose search can be killed at any moment and continue.

    Attributes:
        deadline: by time.monotonic(); no trial is assigned after it.
        notify: called with every trial that begins or ends.
        exhausted: whether there is no further trial to assign.
    """

    ongoing_trials: dict[str, Trial]
    end_order: list[str]
    _retry_queue: list[str]
    deadline: float | None = None
    exhausted = False

    def attach(self, folder: Path, notify: Callable[[Trial], None]) -> None:
        """Keep the state in `folder`, print nothing, and notify of trials."""
        self._set_project_dir(str(folder.parent), folder.name)
        self.verbose = 0
        self.notify = notify
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def planned(self) -> int:
        """The most trials there will be."""
        return self.max_trials

    @property
    def late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    @property
    def cut_short(self) -> bool:
        """Whether the time was up before all trials were done."""
        return self.late and len(self.end_order) < self.planned

    @property
    def done(self) -> bool:
        """Whether the search is over.

        There is no trial left to assign and none is running.
        """
        return (self.exhausted or self.late) and not self.ongoing_trials

    @synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial for a worker.

        It is the trial that the worker was busy with if it died.
        """
        if self.late and tuner_id not in self.ongoing_trials:
            trial = Trial(self.get_space(), "none", TrialStatus.STOPPED)
            self.tuner_ids.discard(tuner_id)
        else:
            trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED:
            self.exhausted = True
            if self.ongoing_trials:  # one may have to be run again: stay
                trial.status = TrialStatus.IDLE
                self.tuner_ids.add(tuner_id)  # keras-tuner thinks that it was told to leave
        elif trial.status == TrialStatus.RUNNING:
            self.exhausted = False
            self.notify(trial)
        return trial

    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Trial:
        """Keep nothing before the end: partial trials do not count."""
        return self.trials[trial_id]

    def score_trial(self, trial: Trial) -> None:
        values = outcome(trial)
        trial.score, trial.best_step = values["score"], values["best_epoch"]

    @synchronized
    def end_trial(self, trial: Trial) -> None:
        """Record the result of a trial once.

        If two workers ran it, the first result counts.
        """
        mine = self.trials[trial.trial_id]
        if trial.trial_id in self.end_order:
            return
        if trial.trial_id in self._retry_queue:  # it was taken back, and came after all
            self._retry_queue.remove(trial.trial_id)
        trial.message = trial.hyperparameters.values.pop(OUTCOME, None)
        trial.hyperparameters = mine.hyperparameters
        trial.hyperparameters.values.pop(OUTCOME, None)
        super().end_trial(trial)
        self.notify(mine)

    @synchronized
    def take_back(self, tuner_id: str) -> None:
        """Let another worker run the trial of a lost one."""
        trial = self.ongoing_trials.pop(tuner_id, None)
        self.tuner_ids.discard(tuner_id)
        if trial is not None:
            self._retry_queue.append(trial.trial_id)
            self.exhausted = False
            self.save()

    @synchronized
    def fail(self, trial_id: str, reason: str) -> None:
        """End a trial that no worker survives."""
        trial = self.trials[trial_id]
        trial.status = TrialStatus.FAILED
        trial.hyperparameters.values[OUTCOME] = json.dumps({"error": reason})
        self.end_trial(trial)

    def save(self) -> None:
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: Trial) -> None:
        state = {**trial.get_state(), "ended": time.time()}
        write_json(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", state)

    def recover(self) -> None:
        """Continue from the files of a search that was killed.

        What a trial's own file says holds: one that has ended is not run again. One that the
        oracle's file does not know was never handed out, and is forgotten.

        Raises:
            RunError: a file is damaged.
        """
        state_file = Path(self._get_oracle_fname())
        for half_written in state_file.parent.rglob(".*"):
            half_written.unlink()
        trials = {}
        try:
            state = read_json(state_file) if state_file.exists() else None
            started = set(state["start_order"]) if state else set()
            for path in sorted(state_file.parent.glob("trial_*/")):
                name = path.name.removeprefix("trial_")
                if name not in started:
                    shutil.rmtree(path)
                    continue
                trials[name] = Trial.from_state(read_json(path / "trial.json"))
            self.trials = trials
            if state is None:
                return
            self.set_state(state)
            ended = [name for name in self.start_order if trials[name].status in ENDED]
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise RunError(
                f"the search's state at {state_file.parent} is damaged ({error}). "
                "Start over with --force."
            ) from error
        known = [name for name in self.end_order if name in ended]
        self.end_order = [*known, *(name for name in ended if name not in known)]
        waiting = [name for name in self.start_order if name not in ended]
        self._retry_queue = waiting[::-1]  # the last is taken first
        self.ongoing_trials = {}


def unlock(oracle: Durable) -> None:
    """Release keras-tuner's lock after a synchronized method has raised.

    keras-tuner would leave it locked for ever.
    """
    if THREADS[oracle] == threading.current_thread().name:
        THREADS[oracle] = None
        LOCKS[oracle].release()


class Random(Durable, oracles.RandomSearchOracle):
    """A random search in which no two trials are alike."""


class Bayesian(Durable, oracles.BayesianOptimizationOracle):
    """A Bayesian search in which a Gaussian process proposes each trial."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        import warnings

        from threadpoolctl import threadpool_limits

        # its matrices are tiny, so threads only get in the way; of few scores it never is sure
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().populate_space(trial_id)


class Grid(Durable, oracles.GridSearchOracle):
    """A grid search over every combination in turn.

    The whole space is known, so the last trial gives the next.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self.start_order:
            last = self.trials[self.start_order[-1]].hyperparameters.values
            values = self._get_next_combination(last)
        else:
            space = self.get_space()
            values = {hp.name: hp.default for hp in space.space if space.is_active(hp)}
        status = TrialStatus.STOPPED if values is None else TrialStatus.RUNNING
        return {"status": status, "values": values}

    @property
    def planned(self) -> int:
        whole = combinations(self.hyperparameters)
        return min(whole, self.max_trials or whole)


class Hyperband(Durable, oracles.HyperbandOracle):
    """A Hyperband search of many short trainings.

    The best of each rung are trained again for `factor` times as long.
    """

    @property
    def planned(self) -> int:
        sizes = (
            self._get_size(bracket, rung)
            for bracket in range(self._get_num_brackets())
            for rung in range(self._get_num_rounds(bracket))
        )
        return self.hyperband_iterations * sum(sizes)


def make(search: Search, space: keras_tuner.HyperParameters) -> Durable:
    """Return the oracle of a search that has no trials yet."""
    common: dict[str, Any] = {
        "objective": keras_tuner.Objective(search.objective, DIRECTIONS[search.objective]),
        "hyperparameters": space,
        "seed": search.seed + 1,  # keras-tuner takes 0 for none
        "max_consecutive_failed_trials": None,  # the search goes on
    }
    if search.tuner == "hyperband":
        return Hyperband(
            max_epochs=search.max_epochs,
            factor=search.factor,
            hyperband_iterations=search.iterations,
            **common,
        )
    if search.tuner == "grid":
        return Grid(max_trials=search.trials, **common)
    if search.tuner == "bayesian":
        # keras-tuner's own 3 for each dimension would leave a short search random
        first = min(3 * len(space.space), max(3, (search.trials or 0) // 3))
        return Bayesian(max_trials=search.trials, num_initial_points=first, **common)
    return Random(max_trials=search.trials, **common)
