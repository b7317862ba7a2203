"""Batch size and epochs suit the data, and what a user sets always stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import logs, tasks
from nnguide.config import Config
from nnguide.config.presets import names, preset
from nnguide.training import updates

sizes = st.integers(2, 100_000)


def configured(task: str, name: str = "default") -> Config:
    return tasks.get(task).defaults.merge(preset(task, name))


def count(config: Config, examples: int) -> int:
    return max(examples // int(config.train.batch_size), 1) * config.train.epochs


@settings(deadline=None, max_examples=50)
@given(sizes, st.sampled_from(tasks.names()), st.booleans())
def test_there_are_enough_updates_and_no_more_than_before_where_there_were(
    examples: int, task: str, from_a_run: bool
) -> None:
    config = configured(task)
    if from_a_run:
        config = config.override([f"train.start_from={task}"])
    lines: list[str] = []
    with logs.shown_by(lines.append):
        suited = updates.suited(config, set(), examples)
    wanted = updates.ENOUGH_FROM_A_RUN if from_a_run else updates.ENOUGH
    assert count(suited, examples) >= min(wanted, count(config, examples))
    assert count(suited, examples) >= wanted
    assert (suited == config) == (count(config, examples) >= wanted) == (not lines)
    assert suited.differences(config).keys() <= set(updates.CHOSEN)
    assert int(suited.train.batch_size) >= min(updates.SMALLEST, int(config.train.batch_size))
    assert updates.suited(suited, set(), examples) == suited


@settings(deadline=None, max_examples=50)
@given(
    sizes,
    st.one_of(st.integers(1, 1000), st.just("full")),
    st.integers(1, 50),
    st.sets(st.sampled_from(updates.CHOSEN)),
)
def test_what_a_user_sets_stays(
    examples: int, batch: int | str, epochs: int, chosen: set[str]
) -> None:
    tree = {"train": {"batch_size": batch, "epochs": epochs}}
    config = configured("digits").merge(tree)
    suited = updates.suited(config, chosen, examples)
    if "train.batch_size" in chosen or batch == "full":
        assert suited.train.batch_size == batch
    if "train.epochs" in chosen or batch == "full":
        assert suited.train.epochs == epochs
    if chosen == set(updates.CHOSEN):
        assert suited == config


@pytest.mark.parametrize(
    ("task", "examples"), [("digits", 54_000), ("spam", 1_590), ("spam", 3_900)]
)
def test_presets_stay_on_their_own_data(task: str, examples: int) -> None:
    """MNIST, the messages of the paper, and all distinct messages."""
    for name in names(task):
        config = configured(task, name)
        if config.data.dataset == "auto":
            assert updates.suited(config, set(), examples) == config


def test_the_keys_that_were_given() -> None:
    assert updates.named_settings({"train": {"epochs": 3}}, []) == {"train.epochs"}
    assert updates.named_settings({}, {"train": {"batch_size": 8}}) == {"train.batch_size"}
    words = ["train.epochs=3", 'model={"dropout": 0.1}', "data.dataset=a=b"]
    assert updates.named_settings({}, words) == {"train.epochs", "model.dropout", "data.dataset"}
    assert updates.named_settings(configured("spam").to_dict(), []) >= set(updates.CHOSEN)
