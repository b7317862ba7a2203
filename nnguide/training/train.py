"""Training of a task to a finished run folder.

The steps are data, fit, metrics and manifest.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide import data as data_sets
from nnguide import logs, runs, tasks
from nnguide.config import Config, Settings, each
from nnguide.config.values import flat
from nnguide.data.origins import origins as origins_of
from nnguide.data.splits import training_and_validation
from nnguide.errors import ConfigError, WriteError
from nnguide.files import workspace, write_json, writing_to
from nnguide.files.workspace import Workspace
from nnguide.runs import Run
from nnguide.training import cluster as clusters
from nnguide.training import notebook, rehearsal, remarks, updates
from nnguide.training import resume as resuming
from nnguide.training.cluster import Cluster
from nnguide.training.configure import configure, of_data, with_words
from nnguide.training.meeting import WAIT, Meeting
from nnguide.training.writing import Shown, Training, write_run

LOOKED_AT = 20_000  # examples that the checkup sees of a data set that is read from a disk

if TYPE_CHECKING:
    from nnguide.data.examples import Examples
    from nnguide.training.fit import Fitted

log = logging.getLogger(__name__)


def train(
    task: str,
    data: Any = None,
    *,
    label_column: str | None = None,
    text_column: str | None = None,
    preset: str = "default",
    config: Config | Mapping[str, Any] | None = None,
    settings: Settings = (),
    out: Path | str | None = None,
    force: bool = False,
    resume: bool = False,
    callbacks: Sequence[Any] = (),
    watch: Callable[[str], Sequence[Any]] | None = None,
    say: Callable[[str], None] | None = None,
    workers: Sequence[str] = (),
    worker: int | None = None,
    wait: float = WAIT,
) -> Run:
    """Train a network and return its finished run.

    Args:
        task, preset, config, settings: as for `configure`.
        data: what to learn from, instead of the setting data.dataset: a set's name, a path, or
            what a program holds, as `nnguide.data.memory.FORMS` lists it. Without a test set of
            its own, a fifth of it is kept for `evaluate`.
        label_column, text_column: of a table; None: "label" and "text".
        out: the run's folder; None makes one under saved_models/runs.
        force: replace a folder that is not empty, whole and at the end.
        resume: go on with a training that was interrupted, or give a finished one more epochs;
            settings that are not given are those it was begun with.
        callbacks: more Keras callbacks, for the training alone.
        watch: makes Keras callbacks that show progress, for a title: "" for the training, else
            that of a network that calibration trains.
        say: takes each line that is logged (see nnguide.logs). Without `watch` and `say` a
            notebook shows both in its cell.
        workers: host:port of each process that trains with this one, its own among them; by
            default those of TF_CONFIG or SLURM's variables.
        worker: the place of this process among `workers`.
        wait: seconds for another worker that is missing, or takes no step.
    Raises:
        NnguideError: see nnguide.errors; nothing that existed is lost.
        KeyboardInterrupt: interrupted before the first epoch ended; no folder is left.
    """
    if watch is None and say is None and notebook.is_running():
        board = notebook.Board()
        watch, say = board.watch, board.say
    with logs.shown_by(say):
        tree = config.to_dict() if isinstance(config, Config) else config or {}
        settings = each(settings)
        settled = configure(task, preset=preset, config=tree, settings=settings)
        source = None
        if data is not None or label_column or text_column:
            source, words = of_data(settled, settings, data, label_column, text_column)
            settings = with_words(settings, words)
            settled = configure(task, preset=preset, config=tree, settings=settings)
        asked = Asked(task, preset, tree, settings, out, force, resume)
        show = Shown(callbacks, watch or (lambda title: ()))
        cluster = clusters.find(settled.runtime.strategy, workers, worker)
        if cluster is None:
            return _train(asked, settled, source, show)
        if out is None:
            raise ConfigError(
                f"{len(cluster)} workers train into one folder, which all of them see: give --out."
            )
        if not 0 < wait < 1e6:
            raise ConfigError(f"--wait takes seconds, above 0; got {wait:g}")
        return _together(asked, settled, source, show, cluster, wait)


@dataclass(frozen=True)
class Asked:
    """Arguments of `train` that a user gave."""

    task: str
    preset: str
    tree: Mapping[str, Any]
    settings: Settings
    out: Path | str | None
    force: bool
    resume: bool


def _train(
    asked: Asked,
    settled: Config,
    source: data_sets.Source | None,
    show: Shown,
    meeting: Meeting | None = None,
) -> Run:
    """Train here and write the run; `meeting` makes it a chief."""
    task, resume = asked.task, asked.resume
    chosen = updates.named_settings(asked.tree, asked.settings)
    left = resuming.newest(task) if resume and asked.out is None else None
    out = Path(asked.out) if asked.out else left
    folder = out or runs.default_folder(task, settled.train.seed)
    space = resuming.place(folder, asked.force)
    begun = resuming.find(space, task) if resume else None
    if begun is not None:
        try:
            settled = begun.settle(asked.preset, asked.tree, asked.settings)
        except ConfigError:
            if begun.waits or not asked.force:
                raise
            begun = None
    if begun is not None:
        if begun.run is not None and begun.is_over(settled):
            log.info(f"{folder} is already finished")
            if meeting is not None:
                meeting.tell("settled", {"config": None})
            return begun.run
        space = begun.space
        chosen = set(updates.CHOSEN)  # when it was begun
    elif resume:
        log.info(f"nothing to resume at {folder}: starting from the beginning")
    if settled.model.l2 and settled.train.l2_schedule.warmup:
        log.info("train.l2_schedule replaces model.l2")

    resuming.check(space, resume)
    if meeting is not None:
        meeting.tell("settled", {"config": settled.to_dict(), "chosen": sorted(chosen)})
    source = source or data_sets.of(settled)
    if source.note:
        log.info(source.note)
    with space.claimed(resume):
        if begun is not None:
            begun.bring(settled)
        keep = begun is not None or not workspace.is_used(folder)
        run = _work(Start(tasks.get(task), settled, chosen, source, space, show, keep, meeting))
        assert run is not None  # this process writes
        return run


def _together(
    asked: Asked,
    settled: Config,
    source: data_sets.Source | None,
    show: Shown,
    cluster: Cluster,
    wait: float,
) -> Run:
    """Train as a worker; the chief alone writes and shows progress."""
    folder = Path(asked.out or "")
    with Meeting(cluster, folder, wait) as meeting:
        meeting.agree(
            "asked",
            {
                **flat(settled.to_dict()),
                "--resume": asked.resume,
                "--force": asked.force,
                **{f"version of {name}": version for name, version in _installed().items()},
            },
        )
        if cluster.is_chief:
            run = _train(asked, settled, source, _watched(show, meeting), meeting)
            meeting.tell("finished", {})
            return run
        message = meeting.hear("settled")
        if message["config"] is not None:
            quiet = Shown(show.callbacks)
            chosen = tasks.get(asked.task).defaults.merge(message["config"])
            start = Start(
                tasks.get(asked.task),
                chosen,
                set(message["chosen"]),
                source or data_sets.of(chosen),
                resuming.place(folder, asked.force),
                _watched(quiet, meeting),
                meeting=meeting,
            )
            with logs.warnings_alone():  # the chief tells of the work
                _work(start)
        meeting.hear("finished", patient=True)
        return Run.open(folder)


def _watched(show: Shown, meeting: Meeting) -> Shown:
    """Return `show` with a watch over the other workers."""

    def watch(title: str) -> Sequence[Any]:
        from nnguide.training.multi_worker import Steps

        return [Steps(meeting.step), *show.watch(title)]

    return replace(show, watch=watch, in_step=meeting.in_step)


def _installed() -> dict[str, str]:
    """Return the versions that decide what a network learns, without imports."""
    names = ("nnguide", "tensorflow", "keras", "numpy")
    return {"python": platform.python_version(), **{n: metadata.version(n) for n in names}}


@dataclass(frozen=True)
class Start:
    """A training that may begin, with settled settings and claimed folder.

    Attributes:
        chosen: keys of the settings that the user gave.
        keep: publish the run even if it is interrupted.
        meeting: with the other workers, of which this is one.
    """

    task: tasks.Task
    config: Config
    chosen: set[str]
    source: data_sets.Source
    space: Workspace
    show: Shown
    keep: bool = True
    meeting: Meeting | None = None


def _work(start: Start) -> Run | None:
    """Train and write the run; return None unless it writes."""
    whole = start.source.load("train")
    meeting = start.meeting
    logs.tensorflow()

    from nnguide.training.runtime import runtime

    taught = None
    if rehearsal.is_asked(start.source):
        config = rehearsal.gentle(start.config, start.chosen)
        training, validation, taught = rehearsal.sets(config, whole)
        whole = training if validation is None else training.join(validation)
    else:
        config = start.config
        training, validation = training_and_validation(config, whole)
    cluster = None
    if meeting is not None:
        cluster = meeting.cluster
        checkpoint = start.space.path / runs.CHECKPOINT
        meeting.agree("data", _read_alike(config, training, validation, checkpoint))
        meeting.close_port()
    with runtime(config.runtime, seed=config.train.seed, cluster=cluster) as chosen:
        log.info(chosen.reason)
        for warning in chosen.warnings:
            log.warning(f"warning: {warning}")
        log.info(
            f"training {start.task.name} on {start.source.name}: {len(training):,} examples, "
            f"{len(validation or ()):,} for validation"
        )
        for note in whole.notes:
            log.info(note)
        config = updates.suited(config, start.chosen, len(training))
        work = Training(
            start.task,
            config,
            start.source,
            training,
            validation,
            whole,
            chosen,
            start.space,
            start.show,
            start.keep,
            taught,
        )
        if not chosen.writes:
            _train_along(work)
            return None
        write_json(start.space.path / "config.json", config.to_dict())
        if validation is not None:
            remarks.compare(start.task, config, start.source, validation)
        fitted = _fit(work)
        if rehearsal.is_asked(start.source):
            rehearsal.average(fitted.model, config)
        run = write_run(work, fitted)
    if validation is not None:
        verdict = remarks.Guessing.on(validation).verdict(run.metrics)
        if verdict is not None:
            advice = remarks.advice(start.task, config, validation, run.folder)
            log.warning(f"warning: {verdict}. {advice}")
    return run


def _fit(work: Training) -> Fitted:
    """Fit the network, with the callbacks of a run."""
    import keras

    from nnguide.doctor.checkup import Checkup
    from nnguide.training.fit import fit

    task, config, training, show = work.task, work.config, work.training, work.show
    board = keras.callbacks.TensorBoard(
        work.space.path / "tensorboard", write_graph=False, profile_batch=0
    )
    size: int | None = None  # as large as suits the data
    if not updates.is_enough(config, len(training)):
        batch = config.train.batch_size
        size = len(training) if isinstance(batch, str) else int(batch)
    looked_at = training.in_memory(LOOKED_AT)
    targets = task.head(len(training.label_names)).targets(looked_at.labels)
    checkup = Checkup(looked_at.inputs, targets, size)
    try:
        with show.in_step():
            return fit(
                task,
                config,
                training,
                work.validation,
                work.runtime,
                taught=work.taught,
                checkpoint=work.space.path / runs.CHECKPOINT,
                callbacks=[checkup, board, *show.callbacks, *show.watch("")],
            )
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        with writing_to(work.space.path):
            raise


def _read_alike(
    config: Config, training: Examples, validation: Examples | None, checkpoint: Path
) -> dict[str, str]:
    """Return what several workers must have read alike."""
    from nnguide.training.fit import identity

    try:
        saved = hashlib.sha256(checkpoint.read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        saved = "none"
    return {"data with SHA-256": identity(config, training, validation)[:12], "checkpoint": saved}


def _train_along(work: Training) -> None:
    """Take part in all common steps of the workers, without writing."""
    from nnguide.training import calibrate
    from nnguide.training.fit import fit

    config, show = work.config, work.show
    with show.in_step():
        fitted = fit(
            work.task,
            config,
            work.training,
            work.validation,
            work.runtime,
            taught=work.taught,
            checkpoint=work.space.path / runs.CHECKPOINT,
            callbacks=[*show.callbacks, *show.watch("")],
        )
        if config.calibration.on in ("folds", "sources") and not fitted.interrupted:
            origins = None
            if config.calibration.on == "sources":
                origins = origins_of(work.source, work.whole, config.data.split_seed)
            with contextlib.suppress(KeyboardInterrupt):  # the run will be without calibration
                calibrate.out_of_fold(
                    *(work.task, config, work.whole, work.runtime, show.watch), origins
                )
