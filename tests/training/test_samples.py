"""What a task draws beside the training set, to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from nnguide import tasks
from nnguide.data.examples import Examples
from nnguide.errors import ConfigError
from nnguide.training.configure import configure
from nnguide.training.samples import samples_of

SPAM = ["win a prize", "call now"]
HAM = ["see you at six", "thanks for lunch", "home soon"]


def messages(texts: list[str], labels: list[int]) -> Examples:
    inputs = np.empty(len(texts), object)
    inputs[:] = texts
    return Examples(inputs, np.array(labels), ("ham", "spam"))


TRAINING = messages([*SPAM, *HAM], [1, 1, 0, 0, 0])


def test_spam_is_learned_once_more_with_words_of_ham_appended():
    task = tasks.get("spam")
    config = configure("spam", settings=["train.innocent_words=12"])
    found = samples_of(task, config, TRAINING)
    assert list(found.inputs[:5]) == list(TRAINING.inputs)
    assert found.targets[:, 0].tolist() == [1, 1, 0, 0, 0, 1, 1]
    assert found.weights.tolist() == [1] * 7
    for spam, copy in zip(SPAM, found.inputs[5:], strict=True):
        assert copy.startswith(f"{spam} ")
        appended = copy.removeprefix(f"{spam} ").split()
        assert 5 <= len(appended) <= 12
        assert set(appended) <= set(" ".join(HAM).split())
    again = samples_of(task, config, TRAINING)
    assert list(again.inputs) == list(found.inputs)
    other = samples_of(task, configure("spam", settings=["train.seed=1"]), TRAINING)
    assert list(other.inputs) == list(TRAINING.inputs)


@pytest.mark.parametrize("label", [0, 1])
def test_nothing_is_drawn_where_one_kind_is_missing(label):
    config = configure("spam", settings={"train": {"innocent_words": 3}})
    alone = messages(HAM, [label] * 3)
    assert list(samples_of(tasks.get("spam"), config, alone).inputs) == HAM


def test_words_are_appended_to_spam_alone():
    with pytest.raises(ConfigError, match="innocent_words is for spam"):
        configure("digits", settings=["train.innocent_words=5"])
