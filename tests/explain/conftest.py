"""Trained runs opened once for the whole session, and inputs that they decide about."""

from __future__ import annotations

import pytest
import tiny

from nnguide.blueprints.saved import Saved
from nnguide.explain import targets


@pytest.fixture(scope="session")
def subjects(trained):
    """A tiny run of a task, opened for explaining."""
    found = {}

    def subject(task):
        if task not in found:
            found[task] = targets.subject(trained(task))
        return found[task]

    return subject


@pytest.fixture(scope="session")
def inputs():
    """Raw inputs of a task, some of each label."""

    def some(task, count):
        return list(tiny.examples(task, count).inputs[:count])

    return some


@pytest.fixture(scope="session")
def blueprint(tmp_path_factory):
    """A network by hand of an engine, trained for an instant on `data`."""

    def train(engine="numpy", data="moons", **settings):
        from nnguide.blueprints import engines, problems, saved
        from nnguide.blueprints.settings import Settings

        problem = problems.load(data, 120)
        classes = len(problem.labels)
        loss = "mse" if not classes else "binary_crossentropy"
        output = "linear" if not classes else "sigmoid"
        if classes > 2:
            loss, output = "categorical_crossentropy", "softmax"
        asked = Settings(
            **{"hidden": (8, 6), "epochs": 3, "loss": loss, "output": output, **settings}
        )
        network = engines.build(engine, len(problem.encoder.mean), problem.outputs, asked)
        history = network.fit(problem.encoder(problem.train.inputs), problem.train.y)
        folder = tmp_path_factory.mktemp("blueprint")
        given = {"engine": engine, "examples": 120, "label_column": None}
        saved.save(folder, network, problem, given, history, {})
        return Saved.open(folder)

    return train
