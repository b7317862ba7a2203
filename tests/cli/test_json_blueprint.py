"""Every answer of `nnguide blueprint … --json` is as docs/json.md says."""

from __future__ import annotations

import itertools
import json

import json_schema
import numpy as np
import pytest

from nnguide.blueprints import gradient_check
from nnguide.blueprints.experiments import first_layer


@pytest.fixture
def held(nnguide):
    """Run a blueprint command and hold its answer to the page."""

    def run(line: str, *when: str) -> dict:
        ended = nnguide("blueprint", *line.split(), "--json")
        assert ended.status == 0, ended.err
        assert ended.out.isascii()
        answer = json.loads(ended.out, parse_constant=pytest.fail)
        assert answer["command"] == f"blueprint {line.split()[0]}"
        json_schema.check(answer, *when)
        return answer

    return run


@pytest.mark.parametrize(
    "line",
    [
        "neuron",
        "activations",
        "losses",
        "twins --steps 10",
        "linear",
        "rates --steps 3",
        "rates --learning-rates 1e200",
        "batches --epochs 1",
        "schedules --epochs 1",
        "vanishing --depth 2",
        "overfit --epochs 2",
        "scaling",
        "train --data moons --epochs 1",
        "train --data line --epochs 1 --plot line.png",
        "convolution",
    ],
)
def test_numbers(line, held):
    held(line)


def test_trace(held, trained):
    held("trace", "inputs")
    held(f"trace --text free --run {trained('spam').folder}", "text")


def test_filters(held, monkeypatch):
    weights = np.random.default_rng(0).normal(size=(784, 5))
    monkeypatch.setattr(first_layer, "weights_of", lambda run: weights)
    held("filters run --most 2")


def test_check(held, monkeypatch):
    rows = list(itertools.islice(gradient_check.table(), 2))
    monkeypatch.setattr(gradient_check, "table", lambda seed: iter(rows))
    held("check")
