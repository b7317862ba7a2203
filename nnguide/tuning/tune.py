"""Hyperparameter search from a Python program."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nnguide import logs
from nnguide.config import Settings, each
from nnguide.errors import ConfigError
from nnguide.files import workspace
from nnguide.tuning import search_folder
from nnguide.tuning.settings import ROOT, Search, default_folder, settle, suited
from nnguide.tuning.space_file import entries

if TYPE_CHECKING:
    from nnguide.data import Source
    from nnguide.data.examples import Examples

log = logging.getLogger(__name__)


def tune(
    task: str,
    data: Any = None,
    *,
    label_column: str | None = None,
    text_column: str | None = None,
    settings: Settings = (),
    space: Mapping[str, Any] | None = None,
    tuner: str | None = None,
    objective: str | None = None,
    trials: int | None = None,
    max_epochs: int | None = None,
    factor: int | None = None,
    iterations: int | None = None,
    executions: int | None = None,
    folds: int | None = None,
    workers: int = 1,
    minutes: float | None = None,
    compare: int = 3,
    train_best: bool = False,
    out: Path | str | None = None,
    resume: bool = False,
    force: bool = False,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Search better settings for a task, guided by its validation set.

    Args:
        task: digits, spam or table.
        data, label_column, text_column: as for `train`.
        settings: KEY=VALUE words and nested mappings; what they set is not searched.
        space: what may change, by setting, as docs/tuning.md has it in TOML; None is all of it.
        tuner, objective, trials, max_epochs, factor, iterations, executions, folds: of the search,
            as the options of `nnguide tune`; None is the usual, and with `resume` what the search
            was begun with.
        workers, minutes, compare, train_best, out, resume, force: as for
            `nnguide.tuning.search.tune`.
        say: takes each line that is logged (see nnguide.logs). Without it a notebook shows them in
            its cell.
    Returns:
        What docs/json.md says of `tune`: `config` is the best, for `train(task, config=…)`.
    Raises:
        NnguideError: see nnguide.errors.
    """
    from nnguide.training import notebook
    from nnguide.training.configure import configure, of_data, with_words

    if say is None and notebook.is_running():
        say = notebook.Board().say
    with logs.shown_by(say):
        settings = each(settings)
        base = configure(task, settings=settings)
        source, named = of_data(base, settings, data, label_column, text_column)
        if source is not None and workers > 1:
            raise ConfigError(
                f"{workers} workers are processes of their own, which cannot see what this program "
                "holds. Give the path of a file, or workers=1."
            )
        chosen = prepare(
            task,
            with_words(settings, named),
            dict(space) if space else None,
            source=source,
            out=None if out is None else Path(out),
            resume=resume,
            force=force,
            tuner=tuner,
            objective=objective,
            trials=trials,
            max_epochs=max_epochs,
            factor=factor,
            iterations=iterations,
            executions=executions,
            folds=folds,
        )
        from nnguide.tuning import search

        return search.tune(
            chosen.search,
            out=chosen.folder,
            resume=resume,
            force=force,
            workers=workers,
            minutes=minutes,
            compare=compare,
            train_best=train_best,
            examples=chosen.examples,
            source=source,
        )


class Prepared(NamedTuple):
    """A search that is ready to begin.

    Attributes:
        search, folder: what is searched and where it goes.
        examples: the training set, which every trial learns from; None for a search that goes on:
            it may have nothing left to train.
    """

    search: Search
    folder: Path
    examples: Examples | None


def prepare(
    task: str,
    settings: Settings,
    space: dict[str, Any] | None,
    *,
    source: Source | None = None,
    out: Path | None,
    resume: bool,
    force: bool,
    **options: Any,
) -> Prepared:
    """Check the options of a search and read its data.

    Mistakes are found before a framework is imported.

    Args:
        settings: over the default preset; they name the data too.
        space: a space file's tree; None is all that the task declares.
        source: the data, where a program holds it.
        options: the search's own, as `settle` takes them.
    """
    from nnguide import data as data_sets
    from nnguide.data.splits import training_and_validation
    from nnguide.training import updates
    from nnguide.training.configure import configure

    if out is None and resume:
        out = workspace.waiting(ROOT, f"{task}-", "tune")
    begun = None
    if resume and out is not None:
        begun = search_folder.begun(search_folder.place(out, force), task)
    if begun is None and resume:
        log.info(f"nothing to resume{f' at {out}' if out else ''}: starting from the beginning")
    base = configure(task, settings=settings) if begun is None else begun.base
    changes = None if space is None else entries(base, space)
    search = settle(task, settings=settings, space=changes, begun=begun, **options)
    folder = out or default_folder(task, search.seed)
    if begun is not None:
        return Prepared(search, folder, None)
    search_folder.place(folder, force).check(resume)
    examples = (source or data_sets.of(search.base)).load("train")
    count = len(training_and_validation(search.base, examples)[0])
    if search.folds:
        count = len(examples) * (search.folds - 1) // search.folds
    chosen = updates.named_settings({}, settings)
    chosen |= {"train.epochs"} if options.get("max_epochs") is not None else set()
    return Prepared(suited(search, chosen, count), folder, examples)
