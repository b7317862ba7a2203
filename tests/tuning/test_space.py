"""A space file narrows, fixes and widens a task's space, and refuses what it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pretended
import pytest

from nnguide import tasks
from nnguide.errors import ConfigError
from nnguide.tuning.settings import objectives, settle
from nnguide.tuning.space import apply, combinations, declare
from nnguide.tuning.space_file import entries, read


def declared(task: str, tree: dict[str, Any], *words: str) -> tuple[dict[str, Any], Any]:
    base = settle(task, settings=words).base
    wanted = settle(task, settings=words, space=entries(base, tree))
    space, base = declare(wanted)
    return {hp.name: hp for hp in space.space}, base


@pytest.mark.parametrize("task", tasks.names())
def test_a_task_declares_what_a_search_changes(task: str) -> None:
    found, base = declared(task, {})
    groups = {name.partition(".")[0] for name in found}
    of_inputs = {"tokens": base.tokens, "augment": base.augment}
    assert {"model", "train", *(name for name, group in of_inputs.items() if group)} <= groups
    assert {"model.hidden", "model.dropout", "model.l1", "model.l2"} <= found.keys()
    assert {"train.optimizer", "train.learning_rate", "train.schedule"} <= found.keys()
    for hp in found.values():  # each is a setting, and each of its values is one
        for value in (hp.default, *hp.values):
            assert apply(base, {hp.name: value}).task == task


def test_the_space_follows_the_network() -> None:
    assert "model.filters" in declared("digits", {})[0]
    assert "model.filters" not in declared("digits", {}, "model.kind=dense")[0]


def test_a_file_narrows_fixes_and_widens() -> None:
    tree = {
        "model": {"dropout": {"max": 0.1}, "l2": 0.5, "filters": {"values": [[4], [8, 8]]}},
        "train": {
            "learning_rate": {"min": 1e-5},
            "batch_size": {"values": [7, "full"]},
            "label_smoothing": {"min": 0, "max": 0.1, "step": 0.05},
            "steps_per_execution": {"min": 1, "max": 9},
        },
    }
    found, base = declared("digits", tree)
    dropout, rate = found["model.dropout"], found["train.learning_rate"]
    assert (dropout.min_value, dropout.max_value, dropout.step) == (0.0, 0.1, 0.05)
    assert (rate.min_value, rate.max_value, rate.sampling) == (1e-5, 5e-2, "log")
    assert base.model.l2 == 0.5
    assert "model.l2" not in found
    assert [
        apply(base, {"model.filters": v}).model.filters for v in found["model.filters"].values
    ] == [(4,), (8, 8)]
    sizes = found["train.batch_size"].values
    assert [apply(base, {"train.batch_size": v}).train.batch_size for v in sizes] == [7, "full"]
    assert list(found["train.label_smoothing"].values) == [0, 0.05, 0.1]
    assert len(list(found["train.steps_per_execution"].values)) == 9


def test_what_is_set_is_not_searched() -> None:
    found, base = declared("digits", {}, "train.optimizer=sgd")
    assert "train.optimizer" not in found
    assert base.train.optimizer == "sgd"
    with pytest.raises(ConfigError, match="both set and in --space"):
        settle("digits", settings=["model.l2=0"], space={"model.l2": 1})


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"train": {"learning_rat": 1}}, "Did you mean train.learning_rate?"),
        ({"trian": {"learning_rate": 1}}, "unknown setting 'trian'"),
        ({"tokens": {"words": 9}}, "unknown setting 'tokens'"),
        ({"train": 3}, "unknown setting 'train'"),
        ({"train": {"epochs": 3}}, "train.epochs is the same in every trial"),
        ({"data": {"validation": 0.5}}, "data is the same in every trial"),
        ({"model": {"dropout": {"low": 0}}}, "unknown key 'low'"),
        ({"model": {"dropout": {"values": []}}}, "a list of at least one"),
        ({"model": {"dropout": {"values": [0.1, 1.5]}}}, "model.dropout is a fraction"),
        ({"model": {"dropout": {"max": 1.5}}}, "model.dropout is a fraction"),
        ({"model": {"dropout": {"min": "a"}}}, "needs values, or numbers min and max"),
        ({"model": {"kernel": {"min": 1}}}, "needs values, or numbers min and max"),
        ({"train": {"learning_rate": {"min": 1, "max": 0.5}}}, "greater than"),
        ({"train": {"optimizer": {"values": ["adma"]}}}, "must be one of sgd"),
    ],
)
def test_what_a_file_may_not_say(tree: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        declared("digits", tree)
    assert message in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read(tmp_path / "nowhere.toml")
    (tmp_path / "broken.toml").write_text("x = [")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read(tmp_path / "broken.toml")


def test_a_space_in_which_all_is_fixed_is_refused() -> None:
    wanted = pretended.search(space={})
    fixed = {hp.name: hp.default for hp in declare(wanted)[0].space}
    with pytest.raises(ConfigError, match="nothing to search"):
        declare(settle("digits", settings=["model.kind=dense"], space=fixed))


def test_the_size_of_a_grid() -> None:
    assert combinations(declare(pretended.search("grid"))[0]) == 2 * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tuner": "hyperband", "trials": 3}, "--max-epochs, --factor and --iterations"),
        ({"tuner": "hyperband", "factor": 1}, "--factor must be 2 or more"),
        ({"tuner": "hyperband", "iterations": 0}, "--iterations must be 1 or more"),
        ({"factor": 3}, "for --tuner hyperband"),
        ({"trials": 0}, "--trials must be 1 or more"),
        ({"max_epochs": 0}, "--max-epochs must be 1 or more"),
        ({"executions": 0}, "--executions must be 1 or more"),
        ({"folds": 1}, "--folds must be 2 or more"),
        ({"objective": "val_acuracy"}, "Did you mean val_accuracy?"),
        ({"objective": "val_mcc"}, "digits has: val_accuracy, val_loss, val_f1"),
        ({"settings": ["data.validation=0", "calibration.on=none"]}, "no validation set"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settle("digits", **options)
    assert message in str(caught.value)


def test_the_objectives_of_a_task() -> None:
    assert {"val_accuracy", "val_loss"} <= set(objectives("digits")) < set(objectives("spam"))
    assert "val_mcc" in objectives("spam")
