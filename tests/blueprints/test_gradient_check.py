"""The gradient check passes what is right and catches what is wrong."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.blueprints import activations, gradient_check, losses
from nnguide.blueprints.settings import ACTIVATIONS, PAIRS, Settings


@st.composite
def cases(draw):
    loss = draw(st.sampled_from(sorted(PAIRS)))
    chosen = Settings(
        hidden=tuple(draw(st.lists(st.integers(1, 5), max_size=4))),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        loss=loss,
        output=draw(st.sampled_from(PAIRS[loss])),
        l1=draw(st.sampled_from([0.0, 0.01])),
        l2=draw(st.sampled_from([0.0, 0.01])),
    )
    return gradient_check.random_case(
        chosen,
        inputs=draw(st.integers(1, 5)),
        outputs=draw(st.integers(2, 4)),
        n=draw(st.integers(1, 8)),
        seed=draw(st.integers(0, 10_000)),
    )


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_analytic_slopes_are_the_measured_ones(case):
    assert gradient_check.check(*case).difference <= gradient_check.AGREEMENT


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(case=cases())
def test_analytic_slopes_are_the_measured_ones_at_length(case):
    assert gradient_check.check(*case).difference <= gradient_check.AGREEMENT


def test_every_activation_loss_and_depth():
    rows = list(gradient_check.table())
    assert len(rows) == len(ACTIVATIONS) * sum(map(len, PAIRS.values()))
    assert all(row["agrees"] for row in rows)
    assert sum(row["skipped"] for row in rows) < 0.01 * sum(row["entries"] for row in rows)


def test_entries_at_a_kink_are_skipped_and_counted():
    network, X, y = gradient_check.random_case(Settings((3,), l1=0.01), 2, 1, 4, seed=0)
    network.layers[0].W[0, 0] = 0  # |w| has its kink here
    result = gradient_check.check(network, X, y)
    assert result.skipped >= 1 and result.difference <= gradient_check.AGREEMENT


WRONG = {
    "sigmoid": lambda da, a: da * a * (1 + a),
    "tanh": lambda da, a: da * (1 - a),
    "relu": lambda da, a: da * (a >= 0),
    "leaky_relu": lambda da, a: np.where(a > 0, da, 0.02 * da),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_activation_is_caught(name, monkeypatch):
    planted = dataclasses.replace(activations.TABLE[name], back=WRONG[name])
    monkeypatch.setitem(activations.TABLE, name, planted)
    case = gradient_check.random_case(Settings((8,), name), 4, 1, 8, seed=1)
    assert not gradient_check.check(*case).agrees


@pytest.mark.parametrize(("loss", "output"), [(k, o) for k, v in PAIRS.items() for o in v])
def test_a_wrong_delta_is_caught(loss, output, monkeypatch):
    right = losses.TABLE[loss].delta
    planted = dataclasses.replace(
        losses.TABLE[loss], delta=lambda z, y, g: 1.0001 * right(z, y, g) + 1e-5
    )
    monkeypatch.setitem(losses.TABLE, loss, planted)
    case = gradient_check.random_case(Settings((8,), loss=loss, output=output), 4, 3, 8, seed=1)
    assert not gradient_check.check(*case).agrees


def test_a_wrong_backward_is_caught(monkeypatch):
    network, X, y = gradient_check.random_case(Settings((5, 5), "tanh", l2=0.01), 3, 1, 8, seed=1)
    backward = type(network).backward

    def without_bias(self, Y):
        backward(self, Y)
        self.layers[0].db[...] = 0

    monkeypatch.setattr(type(network), "backward", without_bias)
    assert not gradient_check.check(network, X, y).agrees
