"""Learning rates at start, peak and end; optimizers by name; a rate counts updates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import logs
from nnguide.config import TrainConfig

logs.tensorflow()

import keras  # noqa: E402

from nnguide.models.optimizers import (  # noqa: E402
    OneCycle,
    PerUpdate,
    learning_rate,
    optimizer,
)

PEAK, STEPS = 0.5, 100  # ten epochs of ten updates


def rates(schedule: str) -> list[float]:
    """The rate of each of the 100 updates, and of the one after them."""
    config = TrainConfig(epochs=10, learning_rate=PEAK, schedule=schedule)  # type: ignore[arg-type]
    got = learning_rate(config, 10)
    return [float(got(step)) if callable(got) else got for step in range(STEPS + 1)]


def test_constant() -> None:
    assert set(rates("constant")) == {PEAK}


def test_step_is_a_tenth_after_each_third() -> None:
    got = rates("step")
    assert got[0] == got[33] == pytest.approx(PEAK)
    assert got[34] == got[66] == pytest.approx(PEAK / 10)
    assert got[67] == got[100] == pytest.approx(PEAK / 100)


def test_exponential_falls_to_a_hundredth() -> None:
    expected = [PEAK * 0.01 ** (step / STEPS) for step in range(STEPS + 1)]
    np.testing.assert_allclose(rates("exponential"), expected, rtol=1e-5)


def test_cosine_falls_to_nothing() -> None:
    expected = [PEAK * (1 + math.cos(math.pi * step / STEPS)) / 2 for step in range(STEPS + 1)]
    np.testing.assert_allclose(rates("cosine"), expected, atol=1e-6)


def test_one_cycle_rises_and_falls() -> None:
    got = rates("onecycle")
    assert got[0] == pytest.approx(PEAK / 25)
    assert got[30] == pytest.approx(PEAK)
    assert got[15] == pytest.approx((PEAK / 25 + PEAK) / 2)
    assert got[100] == pytest.approx(PEAK / 10_000, rel=1e-3)
    assert got[:31] == sorted(got[:31])
    assert got[30:] == sorted(got[30:], reverse=True)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["constant", "step", "exponential", "cosine", "onecycle"]),
    st.floats(1e-6, 10),
    st.integers(1, 5),
    st.integers(1, 7),
)
def test_the_rate_asked_for_is_the_highest(name: str, peak: float, epochs: int, steps: int) -> None:
    config = TrainConfig(epochs=epochs, learning_rate=peak, schedule=name)  # type: ignore[arg-type]
    got = learning_rate(config, steps)
    course = [float(got(s)) if callable(got) else got for s in range(epochs * steps + 2)]
    assert max(course) <= peak * (1 + 1e-5)
    assert min(course) >= 0
    assert np.isfinite(course).all()


@pytest.mark.parametrize(
    ("name", "kind", "setting", "value"),
    [
        ("sgd", "SGD", "momentum", 0.0),
        ("momentum", "SGD", "momentum", 0.8),
        ("adam", "Adam", "weight_decay", None),
        ("adamw", "AdamW", "weight_decay", 0.05),
    ],
)
def test_optimizers_by_name(name: str, kind: str, setting: str, value: float) -> None:
    config = TrainConfig(optimizer=name, momentum=0.8, weight_decay=0.05)  # type: ignore[arg-type]
    got = optimizer(config, 10)
    assert type(got).__name__ == kind
    assert got.get_config()[setting] == value


def test_schedules_survive_their_configuration() -> None:
    for schedule in (OneCycle(0.1, 50), PerUpdate(OneCycle(0.1, 50), 4)):
        tree = keras.saving.serialize_keras_object(schedule)
        again = keras.saving.deserialize_keras_object(tree)
        assert [float(again(s)) for s in (0, 9, 99)] == [float(schedule(s)) for s in (0, 9, 99)]


def test_gathered_slices_are_one_update_of_the_schedule() -> None:
    """Keras counts slices; the rate of update k is the same however many slices it gathers."""
    config = TrainConfig(epochs=5, learning_rate=PEAK, schedule="cosine", optimizer="sgd")
    whole, sliced = optimizer(config, 1), optimizer(config, 1, accumulation_steps=4)
    paths = []
    for chosen, repeats in ((whole, 1), (sliced, 4)):
        variable = keras.Variable(np.zeros(1, np.float32))
        path = []
        for _ in range(5):
            for _ in range(repeats):
                chosen.apply([np.ones(1, np.float32)], [variable])
            path.append(float(variable[0]))
        paths.append(path)
    np.testing.assert_allclose(paths[1], paths[0], rtol=1e-5)
    expected = np.cumsum([-PEAK * (1 + math.cos(math.pi * k / 5)) / 2 for k in range(5)])
    np.testing.assert_allclose(paths[0], expected, rtol=1e-5)
