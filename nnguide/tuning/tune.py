"""Search for better settings from a Python program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from nnguide.errors import ConfigError
from nnguide.tuning.settings import settle


def tune(
    task: str,
    data: Any = None,
    *,
    label_column: str | None = None,
    text_column: str | None = None,
    settings: Iterable[str] = (),
    space: Mapping[str, Any] | None = None,
    tuner: str = "random",
    objective: str = "val_accuracy",
    trials: int | None = None,
    max_epochs: int | None = None,
    factor: int | None = None,
    iterations: int | None = None,
    executions: int = 1,
    folds: int = 0,
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
        settings: KEY=VALUE words; what they set is not searched.
        space: what may change, by setting, as docs/tuning.md has it in TOML; None is all of it.
        tuner, objective, trials, max_epochs, factor, iterations, executions, folds: of the search,
            as the options of `nnguide tune`.
        workers, minutes, compare, train_best, out, resume, force, say: as for
            `nnguide.tuning.search.tune`. Without `say` a notebook shows the lines in its cell.
    Returns:
        What docs/json.md says of `tune`: `config` is the best, for `train(task, config=…)`.
    Raises:
        NnguideError: see nnguide.errors.
    """
    from nnguide.training import notebook
    from nnguide.training.configure import configure, of_data, with_words
    from nnguide.tuning import search
    from nnguide.tuning.space_file import entries

    words: list[str] = list(settings)
    base = configure(task, settings=words)
    source, named = of_data(base, words, data, label_column, text_column)
    words = list(with_words(words, named))
    if source is not None and workers > 1:
        raise ConfigError(
            f"{workers} workers are processes of their own, which cannot see what this program "
            "holds. Give the path of a file, or workers=1."
        )
    settled = settle(
        task,
        settings=words,
        space=entries(configure(task, settings=words), dict(space)) if space else {},
        tuner=tuner,
        objective=objective,
        trials=trials,
        max_epochs=max_epochs,
        factor=factor,
        iterations=iterations,
        executions=executions,
        folds=folds,
    )
    return search.tune(
        settled,
        out=out,
        resume=resume,
        force=force,
        workers=workers,
        minutes=minutes,
        compare=compare,
        train_best=train_best,
        source=source,
        say=say or (notebook.Board().say if notebook.is_running() else lambda line: None),
    )
