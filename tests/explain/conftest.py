"""Trained runs opened once for the whole session, and inputs that they decide about."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from nnguide import explain
from nnguide.explain.subjects import subject as open_subject

MORE = ("train.epochs=25", "train.learning_rate=0.3")  # for words to weigh something


@pytest.fixture(scope="session")
def subjects(trained, tmp_path_factory):
    """A tiny run of a task, opened for explaining."""
    found = {}

    def subject(task):
        if task not in found and task == "spam":
            from nnguide.training.train import train

            words = (*tiny.words(task), *MORE, f"data.dataset={tiny.built_in(task)}")
            run = train(task, settings=words, out=tmp_path_factory.mktemp("spam") / "run")
            found[task] = open_subject(run)
        elif task not in found:
            found[task] = open_subject(trained(task))
        return found[task]

    return subject


@pytest.fixture(scope="session")
def inputs(subjects):
    """Raw inputs of a task; of texts those first that look most like spam."""

    def some(task, count):
        raws = list(tiny.examples(task, 40).inputs[:40])
        if task == "spam":
            of = subjects(task)
            raws = [raws[i] for i in np.argsort(-of.sums(of.kind.stacked(raws))[:, 0])]
        return raws[:count]

    return some


@pytest.fixture(scope="session")
def explained(subjects, inputs):
    """A method's explanations of 20 inputs of a task, or of 10 where it takes long; made once."""
    found = {}

    def explanations(task, method):
        if (task, method) not in found:
            raws = inputs(task, 10 if method in ("lime", "shap") else 20)
            found[task, method] = explain.explain_all(subjects(task), raws, method)
        return found[task, method]

    return explanations
