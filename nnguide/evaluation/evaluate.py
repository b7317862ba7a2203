"""Measuring a model on examples, and a run on a data set."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from nnguide import data as data_sets
from nnguide import logs, tasks
from nnguide.config import Config
from nnguide.config.deprecation import renamed_argument
from nnguide.data.dataset_info import KIND_NAMES
from nnguide.data.examples import Examples
from nnguide.errors import ConfigError, DataError, InputError, NnguideError
from nnguide.evaluation import copies, figures, metrics
from nnguide.files import expanded
from nnguide.models.saving import outputs
from nnguide.runs import Decision, Run

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from nnguide.feedback.corrections import Layer

SPLITS = ("train", "validation", "test", "all")


def measure(
    task: tasks.Task, model: Any, examples: Examples, threshold: float | None
) -> dict[str, Any]:
    """Return the metrics of a model on raw examples.

    They are those of nnguide.evaluation.metrics.
    """
    network = functools.partial(outputs, model)
    answered = task.kind.outputs(network, examples.inputs)
    return figures_of(answered, examples, threshold)


def figures_of(answered: np.ndarray, examples: Examples, threshold: float | None) -> dict[str, Any]:
    """Return the metrics of (n, nodes) outputs for examples.

    They are those of nnguide.evaluation.metrics.
    """
    if answered.shape[1] == 1:
        return metrics.spam_metrics(
            answered[:, 0], examples.labels, 0.5 if threshold is None else threshold
        )
    return metrics.digits_metrics(answered, examples.labels, examples.label_names)


@renamed_argument("dataset", "data", until="0.4")
def evaluate(
    run: Run,
    data: Any = None,
    *,
    split: str | None = None,
    threshold: float | None = None,
    label_column: str | None = None,
    text_column: str | None = None,
    encoding: str | None = None,
    plots: Path | None = None,
    feedback: Layer | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Measure a run on a data set.

    Args:
        run: whose model.
        data: a set's name, a path, or what a program holds, as `nnguide.data.memory.FORMS` lists
            it; None is what the run was trained on.
        split: train, validation, test or all; None is test, or all for a user's own data that the
            run was not trained on.
        threshold: for spam, instead of the run's own.
        label_column, text_column, encoding: of a table; None is "label" and "text", or for the
            run's own data what it was trained with.
        plots: a folder for the pictures: confusion.png, reliability.png, for spam thresholds.png
            and curves.png.
        feedback: an owner's corrections, `nnguide.feedback.layer(run)`.
        say: takes each line that is logged (see nnguide.logs).
    Returns:
        The metrics, with task, dataset, dataset_is_fallback and split.
    Raises:
        ConfigError: an unknown split, or one that this data has not.
        DataError: the data is not available.
        InputError: the data's labels are not the run's.
    """
    if threshold is not None:
        if run.threshold is None:
            raise ConfigError(f"a threshold is for spam; {run.task.name} takes the most probable")
        if not 0 <= threshold <= 1:
            raise ConfigError(f"--threshold is a probability in [0, 1]; got {threshold:g}")
    with logs.shown_by(say):
        measured_on = measured_data(run, data, split, label_column, text_column, encoding)
        examples = measured_on.examples
        chosen = run.threshold if threshold is None else threshold
        answered = run.outputs(examples.inputs, "keras")
        corrected: dict[str, int] = {}
        if feedback is not None:
            answered = feedback(examples.inputs, answered)
            count = feedback.copies(examples.inputs)
            corrected = {"corrected_copies": count}
            if count:
                log.info(copies.corrected_note(count, len(examples)))
        measured = figures_of(answered, examples, chosen)
        if plots is not None:
            draw(answered, examples, chosen, measured, plots)
            log.info(f"pictures: {plots}")
        return {
            "task": run.task.name,
            "dataset": measured_on.source.name,
            "dataset_is_fallback": measured_on.is_fallback,
            "split": measured_on.split,
            "training_copies": _training_copies(run, measured_on),
            **corrected,
            **measured,
            **refused(run.decision, answered, examples.labels),
        }


def refused(decision: Decision, answered: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Count the refused examples, and the correct ones among the others.

    {} where the run refuses nothing. All other metrics are of the most probable label, whether
    it is refused or not.
    """
    if decision.refuse_below is None:
        return {}
    kept = ~decision.refused(answered)
    right = decision.numbers(answered) == labels
    low, high = metrics.wilson_interval(int((~kept).sum()), len(kept))
    return {
        "refuse_below": decision.refuse_below,
        "refused": float(1 - kept.mean()),
        "refused_low": low,
        "refused_high": high,
        "answered_accuracy": float(right[kept].mean()) if kept.any() else None,
    }


def _training_copies(run: Run, measured_on: MeasuredData) -> int | None:
    """Count the examples that are also in the training set.

    None where that is not known.
    """
    examples = measured_on.examples
    if measured_on.own and measured_on.split != "test":
        return None  # they are the training set
    try:
        training = copies.training_inputs(run, own_dataset(run))
    except NnguideError:
        return None
    count = int(copies.among(examples.inputs, training).sum())
    if count:
        log.info(
            f"note: {count:,} of these {len(examples):,} examples are in the run's training set "
            f"too: on them the metrics measure memory. `nnguide audit` shows the metrics without "
            f"them"
        )
    return count


@dataclass(frozen=True)
class MeasuredData:
    """The data that a run is measured on.

    Attributes:
        examples: numbered by the run's labels.
        source: where they come from.
        split: which part of it they are.
        own: it is the data that the run was trained on.
        is_fallback: it is built-in data in place of the real data set.
    """

    examples: Examples
    source: data_sets.Source
    split: str
    own: bool
    is_fallback: bool


def measured_data(
    run: Run,
    data: Any,
    split: str | None,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
) -> MeasuredData:
    """Load the examples that `evaluate` measures a run on.

    Args and errors are those of `evaluate`.
    """
    source, own = _source(run, data, label_column, text_column, encoding)
    examples, split = _part(run, source, own, split)
    examples = _with_features(_with_labels(examples, run.labels), run.features)
    is_fallback = source.is_fallback or bool(own and run.manifest["dataset_is_fallback"])
    for kind in data_sets.kinds_of(source, examples):
        if not run.has_learned(kind):
            log.info(
                f"note: {source.name} holds {KIND_NAMES[kind]}, and {run.folder} was trained on "
                "none: these metrics are not those of its use"
            )
    if source.note:
        log.info(source.note)
    elif is_fallback:
        log.info(
            f"note: {source.name} is a built-in stand-in for real data: its metrics say little "
            "about real use"
        )
    return MeasuredData(examples, source, split, own, is_fallback)


def _with_labels(examples: Examples, labels: tuple[str, ...]) -> Examples:
    """Return the same examples numbered by the run's labels.

    The data may lack some of them.
    """
    if tuple(examples.label_names) == labels:
        return examples
    if foreign := sorted(set(examples.label_names) - set(labels)):
        raise InputError(
            f"expected data with the run's labels ({', '.join(labels)}); got {', '.join(foreign)}"
        )
    number = np.array([labels.index(name) for name in examples.label_names])
    return replace(examples, labels=number[examples.labels], label_names=labels)


def _with_features(examples: Examples, features: tuple[str, ...]) -> Examples:
    """Return the same rows with the run's columns, in its order."""
    if examples.features == features:
        return examples
    if missing := [name for name in features if name not in examples.features]:
        raise InputError(f"expected a table with the run's columns; it has no {', '.join(missing)}")
    columns = [examples.features.index(name) for name in features]
    return replace(examples, inputs=examples.inputs[:, columns], features=features)


def draw(
    answered: np.ndarray,
    examples: Examples,
    threshold: float | None,
    measured: dict[str, Any],
    plots: Path,
) -> None:
    """Write the plots of an evaluation to the folder `plots`.

    They are confusion.png and reliability.png, and for spam thresholds.png and curves.png.
    """
    figures.confusion(measured["confusion"], examples.label_names, plots / "confusion.png")
    if threshold is None:
        right = Decision(examples.label_names).numbers(answered) == examples.labels
        figures.reliability(answered.max(axis=1), right, plots / "reliability.png")
        return
    spam = answered[:, 0]
    figures.reliability(spam, examples.labels == 1, plots / "reliability.png")
    figures.spam_thresholds(spam, examples.labels, plots / "thresholds.png", threshold)
    figures.spam_curves(spam, examples.labels, plots / "curves.png", threshold)


def _source(
    run: Run,
    data: Any,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
) -> tuple[data_sets.Source, bool]:
    """Find the data to measure on.

    The second value says whether the run was trained on it.
    """
    config, own = run.config.data, own_dataset(run)
    path = _own_path(run)
    if data is not None and not isinstance(data, str | PurePath):
        source = data_sets.hold(
            run.task.name,
            data,
            split_seed=config.split_seed,
            label_column=label_column,
            text_column=text_column,
            encoding=encoding,
            labels=run.labels,
        )
        return source, source.name == own
    dataset = None if data is None else str(data)
    if dataset is None and path and not Path(path).exists():
        raise DataError(
            f"the run was trained on {path}, which no longer exists. Give data with --dataset."
        )
    if dataset is None or dataset == own or (path and _is_same(dataset, path)):
        dataset = own
        label_column, text_column, encoding = (
            label_column or config.label_column,
            text_column or config.text_column,
            encoding or config.encoding,
        )
    source = data_sets.find(
        run.task.name,
        dataset,
        split_seed=config.split_seed,
        label_column=label_column or None,
        text_column=text_column or None,
        encoding=encoding or None,
    )
    return source, source.name == own


def _own_path(run: Run) -> str | None:
    """Return the path of the run's own training data.

    None for data sets that are known by name. Runs of older versions have a path also for names
    joined by a plus.
    """
    names = run.manifest["dataset"].split("+")
    return None if set(names) <= set(data_sets.names()) else run.manifest.get("dataset_path")


def _is_same(path: str, other: str) -> bool:
    return expanded(path).resolve() == Path(other).resolve()


def _part(run: Run, source: data_sets.Source, own: bool, split: str | None) -> tuple[Examples, str]:
    """Return the examples of a split and the split's name.

    The name matters where no split was asked for.
    """
    if split is not None and split not in SPLITS:
        raise ConfigError(f"--split is one of {', '.join(SPLITS)}; got {split!r}")
    split = split or ("all" if source.is_own and not own else "test")
    if split == "validation" and not own:
        raise ConfigError(
            f"the validation set is of the run's own data, {own_dataset(run)}, not of {source.name}"
        )
    if split == "validation":
        return validation_part(run.config, source), split
    if split == "train" and own:
        from nnguide.data.splits import training_and_validation

        return training_and_validation(run.config, source.load("train"))[0], split
    return source.load(split), split


def own_dataset(run: Run) -> str:
    """Return the data set that the run was trained on.

    It is a data set's name or an absolute path.
    """
    return _own_path(run) or run.manifest["dataset"]


def validation_part(config: Config, source: data_sets.Source) -> Examples:
    """Load the validation set of a run's training data.

    Raises:
        ConfigError: there is none.
    """
    from nnguide.data.splits import training_and_validation

    held = training_and_validation(config, source.load("train"))[1]
    if held is None:
        raise ConfigError(
            "the run learned from its whole training set (data.validation is 0): "
            "it has no validation set. Use --split test."
        )
    return held
