"""Dropout and penalties whose strength is a variable, so that it moves in a compiled `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnguide import logs

logs.tensorflow()

import keras  # noqa: E402

from nnguide.models.blocks import Dropout, Penalty  # noqa: E402


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
def test_dropout_zeroes_a_fraction_and_keeps_the_mean(rate: float) -> None:
    got = np.asarray(Dropout(rate, seed=1)(np.ones((200, 500), np.float32), training=True))
    n = got.size
    zeroed = (got == 0).mean()
    assert abs(zeroed - rate) < 5 * np.sqrt(rate * (1 - rate) / n) + 1e-9
    np.testing.assert_allclose(got[got > 0], 1 / (1 - rate), rtol=1e-6)
    assert abs(got.mean() - 1) < 0.02


def test_dropout_is_the_identity_outside_training() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(Dropout(0.9)(x), x)
    np.testing.assert_array_equal(Dropout(0.9)(x, training=False), x)


def test_dropout_draws_anew_each_time_and_by_its_seed() -> None:
    x = np.ones((10, 50), np.float32)
    layers = [Dropout(0.5, seed=3), Dropout(0.5, seed=3), Dropout(0.5, seed=4)]
    first = [np.asarray(layer(x, training=True)) for layer in layers]
    np.testing.assert_array_equal(first[0], first[1])
    assert (first[0] != first[2]).any()
    assert (np.asarray(layers[0](x, training=True)) != first[0]).any()


def test_whole_steps_are_kept_or_zeroed_together() -> None:
    layer = Dropout(0.5, whole=(None, 1), seed=0)
    got = np.asarray(layer(np.ones((8, 40, 6), np.float32), training=True))
    assert (got == got[:, :, :1]).all()
    assert 0.3 < (got == 0).mean() < 0.7
    assert len({row.tobytes() for row in got}) == 8  # each text by itself


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_dropout_keeps_the_dtype_and_its_rate_exact(dtype: str) -> None:
    layer = Dropout(0.2, dtype=dtype)
    assert keras.backend.standardize_dtype(layer.rate.dtype) == "float32"
    got = layer(np.ones((2, 3), np.float32), training=True)
    assert keras.backend.standardize_dtype(got.dtype) == layer.compute_dtype


def test_dropout_survives_its_configuration() -> None:
    layer = Dropout(0.3, whole=(None, 1), seed=5, name="d")
    layer.rate.assign(0.9)  # a schedule's business, not the configuration's
    copy = Dropout.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert float(copy.rate) == pytest.approx(0.3)
    with pytest.raises(ValueError, match=r"in \[0, 1\); got 1"):
        Dropout(1.0)


def test_the_rate_takes_effect_in_a_traced_function(tf: Any) -> None:
    layer = Dropout(0.0, seed=0)
    step = tf.function(lambda x: layer(x, training=True))
    x = np.ones((100, 100), np.float32)
    for rate in (0.0, 0.5, 0.1):
        layer.rate.assign(rate)
        assert (step(x).numpy() == 0).mean() == pytest.approx(rate, abs=0.03)


def test_the_penalty_is_its_formula() -> None:
    w = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    for l1, l2 in ((0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2)):
        expected = l1 * np.abs(w).sum() + l2 * (w**2).sum()
        assert float(Penalty(l1, l2)(w)) == pytest.approx(expected, rel=1e-5)
    assert float(Penalty(0, 1)(np.full(9000, 10, np.float16))) == 900_000  # beyond float16
    assert Penalty.from_config(Penalty(0.3, 0.2).get_config()).get_config() == {
        "l1": 0.3,
        "l2": 0.2,
    }


def test_the_penalty_reaches_the_loss() -> None:
    inputs = keras.Input((3,), name="x")
    layer = keras.layers.Dense(2, kernel_regularizer=Penalty(0.1, 0.01))
    model = keras.Model(inputs, layer(inputs))
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)
    w = np.asarray(layer.kernel)
    plain = (model.predict(x, verbose=0) ** 2).mean()
    expected = plain + 0.1 * np.abs(w).sum() + 0.01 * (w**2).sum()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_a_longer_batch_drops_the_steps_of_a_shorter() -> None:
    """Workers pad their texts to different lengths, and must drop the same tokens."""
    short, long = (
        np.asarray(Dropout(0.5, whole=(None, 1), seed=7)(np.ones((6, n, 3)), training=True))
        for n in (11, 40)
    )
    np.testing.assert_array_equal(short, long[:, :11])
    assert set(np.unique(short)) == {0, 2}
    assert np.ptp(short, axis=2).max() == 0  # a step as a whole
    assert np.ptp(short, axis=0).max() == 2  # not the same steps of each text
