"""Settings survive JSON, are set from the line, and say what is wrong with a value."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import tasks
from nnguide.config import CnnConfig, Config, DenseConfig, ModelConfig, Ramp, TrainConfig
from nnguide.config.presets import names as preset_names
from nnguide.config.presets import preset
from nnguide.config.values import Typed, flat
from nnguide.errors import ConfigError
from nnguide.training.configure import configure

RANGES: dict[str, st.SearchStrategy[Any]] = {
    "validation": st.floats(0.01, 0.99),
    # 2 in the first stage, as many as a patch of one pixel has components of both signs
    "filters": st.lists(st.integers(1, 99), max_size=3).map(lambda more: (2, *more)),
    "space_to_depth": st.sampled_from([1, 2, 4]),
    "test_time_shift": st.integers(0, 2),
    "grams": st.lists(st.integers(1, 8), max_size=4).map(tuple),
    "monitor": st.sampled_from(["val_loss", "val_accuracy", "loss", "accuracy"]),
    "learning_rate": st.floats(1e-9, 1e3),
    "batch_size": st.one_of(st.just("full"), st.integers(1, 10_000)),
    "folds": st.integers(2, 20),
}


def values(wanted: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type that every setting without a range of its own takes."""
    if get_origin(wanted) is Literal:
        return st.sampled_from(get_args(wanted))
    if get_origin(wanted) is tuple:
        return st.lists(values(get_args(wanted)[0]), max_size=3).map(tuple)
    return {
        int: st.integers(1, 10_000),
        float: st.floats(0, 0.99),
        str: st.text(max_size=20),
        bool: st.booleans(),
    }[wanted]


@st.composite
def changed(draw: st.DrawFn, node: Any) -> Any:
    """`node`, a configuration or a group of it, with some settings redrawn."""
    wanted = get_type_hints(type(node))
    changes = {}
    for item in fields(node):
        current = getattr(node, item.name)
        if is_dataclass(current):
            changes[item.name] = draw(changed(current))
        elif current is not None and item.name not in ("task", "kind") and draw(st.booleans()):
            strategy = RANGES.get(item.name)
            changes[item.name] = draw(values(wanted[item.name]) if strategy is None else strategy)
    if changes.get("first_filters") == "measured":  # so few that any kernel has them
        changes["filters"] = draw(RANGES["filters"])
    return replace(node, **changes)


@pytest.mark.parametrize("task", tasks.names())
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_json_and_back(task: str, data: st.DataObject) -> None:
    defaults = tasks.get(task).defaults
    config = data.draw(changed(defaults))
    tree = json.loads(json.dumps(config.to_dict(), allow_nan=False))
    assert defaults.merge(tree) == config


@pytest.mark.parametrize("task", tasks.names())
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_setting_can_be_typed(task: str, data: st.DataObject) -> None:
    """What `--set` takes, a setting at a time, gives the same configuration."""
    defaults = tasks.get(task).defaults
    config = data.draw(changed(defaults))
    words = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in flat(config.to_dict()).items()
        if not isinstance(value, str) or value == value.strip()
    ]
    got = defaults.override(words)
    left = got.differences(config)
    assert all(isinstance(value, str) and value != value.strip() for _, value in left.values())


@pytest.mark.parametrize("task", tasks.names())
def test_presets_are_configurations(task: str) -> None:
    assert "default" in preset_names(task)
    for name in preset_names(task):
        assert tasks.get(task).defaults.merge(preset(task, name)).task == task
    with pytest.raises(ConfigError, match="default"):
        preset(task, "defualt")


def digits(*words: str) -> Config:
    return tasks.get("digits").defaults.override(words)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("train.epochs=3", 3),
        ("train.epochs=3.0", 3),
        ("train.learning_rate=1e-2", 0.01),
        ("train.learning_rate=1", 1.0),
        ("train.batch_size=full", "full"),
        ("train.batch_size=64", 64),
        ("train.restore_best=false", False),
        ("train.optimizer=adamw", "adamw"),
        ("train.l2_schedule.end=0.5", 0.5),
        ("model.hidden=16,32", (16, 32)),
        ("model.hidden=[16, 32]", (16, 32)),
        ("model.hidden=[]", ()),
        ("model.hidden=7", (7,)),
        ("data.dataset=../a,b = c.csv", "../a,b = c.csv"),
        ("data.dataset=1e5", "1e5"),
        ("data.dataset=true", "true"),
        ("data.dataset=[x]", "[x]"),
        (" train.epochs = 4 ", 4),
    ],
)
def test_a_value_means_what_its_setting_takes(word: str, value: object) -> None:
    config: Any = digits(word)
    for part in word.partition("=")[0].strip().split("."):
        config = getattr(config, part)
    assert config == value
    assert type(config) is type(value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("train.epoch=3", "unknown setting 'train.epoch'. Did you mean train.epochs?"),
        ("trian.epochs=3", "Did you mean train.epochs?"),
        ("epochs=3", "Did you mean train.epochs?"),
        ("optimizr.rate=3", "'optimizr.rate'. Did you mean train.learning_rate?"),
        ("optimizr.rate", "'optimizr.rate'. Did you mean train.learning_rate?"),
        ("train.optimizr=adam", "Did you mean train.optimizer?"),
        ("data.optimizer=adam", "Did you mean train.optimizer?"),
        ("lr=3", "Did you mean train.learning_rate?"),
        ("model.hiden=3", "Did you mean model.hidden?"),
        ("train..epochs=3", "Did you mean train.epochs?"),
        ("learning_rat=3", "Did you mean train.learning_rate?"),
        ("start=1", "train.dropout_schedule.start or train.l2_schedule.start"),
        ("zzz=1", "Known: task, model, data"),
        ("model.embedding=3", "unknown setting 'model.embedding'"),
        ("tokens.words=5", "tokens is not a setting of digits"),
        ("task=spam", "for 'spam', not for 'digits'"),
        ("train=3", "train is a group of settings (train.epochs, "),
        ("train.epochs.x=3", "train.epochs must be a whole number"),
        ("train.epochs=true", "train.epochs must be a whole number; got True"),
        ("train.epochs=2.5", "train.epochs must be a whole number; got 2.5"),
        ("train.epochs=0", "train.epochs must be 1 or more; got 0"),
        ("train.epochs=1e12", "train.epochs must be below 2**32"),
        ("train.epochs=" + "9" * 5000, "train.epochs must be a whole number"),
        ("train.epochs=" + "[" * 5000, "train.epochs must be a whole number"),
        ("train.seed=-1", "train.seed must be 0 or more"),
        ("train.seed=4294967296", "train.seed must be below 2**32"),
        ("train.batch_size=half", "train.batch_size must be a whole number or full"),
        ("train.batch_size=0", "train.batch_size must be 1 or more"),
        ("train.optimizer=lamb", "one of sgd, momentum, adam, adamw; got 'lamb'"),
        ("train.restore_best=yes", "must be true or false; got 'yes'"),
        ("train.monitor=f1", "train.monitor must be one of val_loss"),
        ("train.learning_rate=0", "must be above 0"),
        ("train.learning_rate=NaN", "must be a number"),
        ("train.learning_rate=Infinity", "must be a number"),
        ("model.l2=1e999", "must be a number"),
        ("model.l2=-1", "model.l2 must be 0 or more"),
        ("model.dropout=1", "model.dropout is a fraction in [0, 1); got 1. For 20 % write 0.2"),
        ("model.hidden=16,a", "model.hidden must be a whole number; got 'a'"),
        ("model.hidden=16,0", "model.hidden must be 1 or more"),
        ("model.filters=1,2,3,4,5", "1 to 4 stages"),
        ("model.kind=desne", "Did you mean dense?"),
        ("model.kind=[1]", "unknown model.kind"),
        ("data.validation=1", "data.validation is a fraction in [0, 1)"),
        ("augment.scale=1", "augment.scale is a fraction"),
        ("train.dropout_schedule.end=1", "train.dropout_schedule.end is a fraction"),
        ("runtime.precision=fp16", "runtime.precision must be one of auto"),
        ("train.epochs", "--set takes KEY=VALUE"),
        ("=3", "--set takes KEY=VALUE"),
    ],
)
def test_a_wrong_setting_says_what_to_type(word: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        digits(word)
    assert message in str(caught.value)


def test_groups_of_another_task_are_refused() -> None:
    spam = tasks.get("spam").defaults
    with pytest.raises(ConfigError, match="augment is not a setting of spam"):
        spam.override(["augment.shift=1"])
    with pytest.raises(ConfigError, match="tokens is not a setting of digits"):
        digits().merge({"tokens": {"words": 5}})


def test_another_kind_of_model_starts_from_its_own_defaults() -> None:
    config = digits("model.dropout=0.4", "model.kind=dense")
    assert config.model == DenseConfig()
    assert digits("model.dropout=0.4", "model.kind=cnn").model == CnnConfig(dropout=0.4)
    both = digits().merge({"model": {"kind": "dense", "hidden": [5], "l1": 0.1}})
    assert both.model == DenseConfig(hidden=(5,), l1=0.1)
    with pytest.raises(ConfigError, match=r"model\.filters"):
        digits("model.kind=dense", "model.filters=3")


@pytest.mark.parametrize("task", tasks.names())
def test_a_task_takes_its_own_models_alone(task: str) -> None:
    others = {"dense", "cnn", "embedding"} - set(tasks.get(task).models)
    assert others
    for kind in others:
        with pytest.raises(ConfigError, match=f"one of {', '.join(tasks.get(task).models)}"):
            configure(task, settings=[f"model.kind={kind}"])


def test_later_settings_win() -> None:
    """Preset, then configuration, then single settings."""
    recipe = preset("digits", "default")
    assert configure("digits").train.epochs == recipe["train"]["epochs"]
    tree = {"train": {"epochs": 3, "batch_size": 7}}
    assert configure("digits", config=tree).train.epochs == 3
    config = configure("digits", config=tree, settings=["train.epochs=1", "train.epochs=2"])
    assert (config.train.epochs, config.train.batch_size) == (2, 7)
    assert config.train.schedule == recipe["train"]["schedule"]
    assert configure("digits", config=config) == config
    assert configure("digits", settings={"train": {"epochs": 9}}).train.epochs == 9


def test_a_configuration_of_another_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="for 'spam', not for 'digits'"):
        configure("digits", config=tasks.get("spam").defaults)
    with pytest.raises(ConfigError, match="for 'spam', not for 'digits'"):
        configure("digits", settings=["task=spam"])
    with pytest.raises(ConfigError, match="Did you mean digits"):
        configure("digit")


def test_a_group_checks_its_values_whoever_makes_it() -> None:
    assert DenseConfig(hidden=[3, 4]).hidden == (3, 4)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"train\.schedule must be one of"):
        TrainConfig(schedule="linear")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"model\.dropout must be a number"):
        ModelConfig(dropout=float("nan"))
    with pytest.raises(ConfigError, match=r"schedule\.start"):
        Ramp(start=-1)


def test_differences_are_by_key() -> None:
    assert digits("train.epochs=3").differences(digits("train.epochs=4")) == {
        "train.epochs": (3, 4)
    }
    assert digits().differences(digits()) == {}


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 20), st.integers(0, 40))
def test_a_ramp_is_a_straight_line(start: float, end: float, warmup: int, epoch: int) -> None:
    ramp = Ramp(start, end, warmup)
    assert ramp.at(0) == start
    assert ramp.at(warmup + epoch) == pytest.approx(end)
    if epoch < warmup:
        assert ramp.at(epoch) == pytest.approx(start + (end - start) * epoch / warmup)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_value_or_a_config_error(text: str) -> None:
    Typed(text).parse()
    for key in ("train.epochs", "model.hidden", "train.batch_size", text):
        try:
            digits(f"{key}={text}")
        except ConfigError as error:
            assert str(error)


def test_numbers_of_numpy_are_settings() -> None:
    tree = {
        "train": {
            "epochs": np.int64(3),
            "learning_rate": np.float32(0.5),
            "batch_size": np.int8(8),
        },
        "model": {
            "hidden": np.array([16, 8]),
            "batch_norm": np.bool_(True),
            "dropout": np.array(0),
        },
    }
    found = configure("digits", config={"model": {"kind": "dense"}}, settings=tree)
    assert found.model.hidden == (16, 8)
    assert (found.train.epochs, found.train.learning_rate, found.train.batch_size) == (3, 0.5, 8)
    assert type(found.train.epochs) is int
    json.dumps(found.to_dict())
    with pytest.raises(ConfigError, match="must be a whole number"):
        configure("digits", settings={"train": {"epochs": np.array([1, 2])}})


@pytest.mark.parametrize("wrong", ["train.epochs=3", b"train.epochs=3", 3, None, [3], [("a", 1)]])
def test_settings_are_a_list_or_a_mapping(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="expected settings as a list of KEY=VALUE words"):
        configure("digits", settings=wrong)
