"""Update rules, schedules, batches and the step of L1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.blueprints import optimizers, training_loop
from nnguide.blueprints.settings import SCHEDULES, Settings


def test_adam_as_published():
    rule, θ = optimizers.Adam(np.zeros(2), Settings()), np.array([1.0, -2.0])
    m, v, expected = np.zeros(2), np.zeros(2), θ.copy()
    for t, g in enumerate([np.array([0.5, 3.0]), np.array([-1.0, 0.0])], start=1):
        rule.step(θ, g, 0.1)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        expected -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(θ, expected, rtol=1e-13)


def test_adam_steps_by_the_rate_however_steep_the_slope():
    for steepness in (1e-4, 1, 1e4):
        θ = np.zeros(1)
        optimizers.Adam(θ, Settings()).step(θ, np.array([steepness]), 0.1)
        assert θ[0] == pytest.approx(-0.1, rel=1e-3)


def test_momentum_gathers_speed():
    rule, θ = optimizers.Momentum(np.zeros(1), Settings(momentum=0.9)), np.zeros(1)
    rule.step(θ, np.ones(1), 0.1)
    rule.step(θ, np.ones(1), 0.1)
    assert θ[0] == pytest.approx(-0.1 - 0.19)


def test_adamw_decays_apart_from_the_slope():
    θ = np.ones(1)
    optimizers.Adam(θ, Settings(optimizer="adamw", weight_decay=0.5)).step(θ, np.zeros(1), 0.1)
    assert θ[0] == pytest.approx(0.95)


def test_soft_threshold_stops_at_exactly_zero():
    θ = np.array([0.3, -0.3, 0.05, -0.05, 0.0])
    optimizers.soft_threshold(θ, 0.1)
    np.testing.assert_allclose(θ, [0.2, -0.2, 0, 0, 0])
    assert (θ[2:] == 0).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_never_leave_their_range(schedule):
    rates = [optimizers.learning_rate(schedule, 0.1, step, 300) for step in range(300)]
    assert max(rates) == pytest.approx(0.1) and min(rates) >= 0


def test_rates_at_their_marks():
    def at(schedule, step):
        return optimizers.learning_rate(schedule, 1.0, step, 300)

    assert [at("step", s) for s in (0, 99, 100, 200)] == pytest.approx([1, 1, 0.1, 0.01])
    assert [at("exponential", s) for s in (0, 150)] == pytest.approx([1, 0.1])
    assert [at("cosine", s) for s in (0, 150, 299)] == pytest.approx([1, 0.5, 0], abs=1e-4)
    assert [at("onecycle", s) for s in (0, 90, 299)] == pytest.approx([0.04, 1, 1e-4], abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 200), size=st.integers(1, 250) | st.just("full"))
def test_batches_hold_every_example_once(n, size):
    found = list(training_loop.batches(n, size, np.random.default_rng(0)))
    assert sorted(np.concatenate(found)) == list(range(n))
    assert len(found) == training_loop.updates_per_epoch(n, size)
