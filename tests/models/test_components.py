"""Filters that are measured: what they are, and that training leaves them alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnguide import logs, tasks
from nnguide.config import CnnConfig
from nnguide.errors import ConfigError

tf: Any = logs.tensorflow()

import keras  # noqa: E402

from nnguide.models import components, convolutional, saving  # noqa: E402
from tests import tiny  # noqa: E402

MEASURED = CnnConfig(filters=(8, 4), depth=1, first_filters="measured", batch_norm=True)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Smooth pictures, brighter in one corner, of one channel, (60, 12, 12, 1)."""
    noise = np.random.default_rng(3).normal(size=(60, 14, 14))
    smooth = noise[:, 1:-1, 1:-1] + noise[:, :-2, 1:-1] + noise[:, 1:-1, :-2]
    smooth[:20] = 0  # a third shows nothing
    return smooth[..., None].astype(np.float32)


def test_filters_are_the_components_of_most_variance_with_both_signs(pictures: np.ndarray) -> None:
    found = components.filters(pictures, 3, 6)
    assert found.shape == (3, 3, 1, 6) and found.dtype == np.float32
    np.testing.assert_array_equal(found[..., 3:], -found[..., :3])
    patches = [
        pictures[n, y : y + 3, x : x + 3].ravel()
        for n in range(20, 60)
        for y in range(10)
        for x in range(10)
    ]
    answers = np.array(patches) @ found[..., :3].reshape(9, 3)
    covariance = np.cov(answers, rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(3), atol=1e-3)  # white, and no two alike
    variances = np.linalg.eigvalsh(np.cov(np.array(patches), rowvar=False))
    lengths = np.sqrt((found[..., :3] ** 2).sum(axis=(0, 1, 2)))
    np.testing.assert_allclose(lengths, 1 / np.sqrt(variances[::-1][:3]), rtol=1e-3)


def test_the_stage_answers_with_mean_0_and_deviation_1() -> None:
    images = tiny.examples("digits", 300).inputs
    task = tasks.get("digits")
    layer = task.preprocessor(task.defaults, images)
    core = convolutional.build(MEASURED, input_shape=(28, 28, 1), labels=10)
    assert task.adapt is not None
    task.adapt(core, layer, images)
    pooled = keras.Model(core.inputs, core.get_layer("stage_1_1_pool").output)
    channels = np.asarray(pooled(layer(images))).reshape(-1, 8)
    np.testing.assert_allclose(channels.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(channels.std(axis=0), 1, atol=1e-3)


def test_training_leaves_them_and_the_file_has_them(tmp_path: Path) -> None:
    config = tiny.config(
        "digits",
        *("model.kind=cnn", "model.filters=8,4", "model.depth=1", "model.batch_norm=true"),
        *("model.first_filters=measured", "train.epochs=2", "train.beta_2=0.9"),
    )
    training = tiny.examples("digits", 120)
    fitted = tiny.fitted("digits", config, training, training)
    core = fitted.model.get_layer("core")
    stage = core.get_layer("stage_1_1")
    assert stage.trainable_weights == []
    again = convolutional.build(config.model, input_shape=(28, 28, 1), labels=10)
    task, layer = tasks.get("digits"), saving.preprocessor(fitted.model)
    assert task.adapt is not None
    task.adapt(again, layer, training.inputs)
    for kept, measured in zip(
        stage.get_weights(), again.get_layer("stage_1_1").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(kept, measured)
    saving.save(fitted.model, tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(
        loaded.predict(training.inputs.astype(np.float32), verbose=0),
        fitted.model.predict(training.inputs.astype(np.float32), verbose=0),
        atol=1e-6,
    )


def test_a_first_stage_that_learns_is_left_alone() -> None:
    core = convolutional.build(CnnConfig(filters=(8, 4)), input_shape=(28, 28, 1), labels=10)
    assert convolutional.fixed_stage(core) is None
    before = core.get_weights()
    task, images = tasks.get("digits"), tiny.examples("digits", 20).inputs
    assert task.adapt is not None
    task.adapt(core, task.preprocessor(task.defaults, images), images)
    for old, new in zip(before, core.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("filters", [(7, 4), (74, 4)])
def test_an_impossible_number_of_filters_is_a_clear_word(filters: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="even number of filters in the first stage, at most 72"):
        CnnConfig(filters=filters, first_filters="measured")


@pytest.mark.parametrize("kernel", [1, 3])
def test_empty_pictures_and_single_pixels_give_finite_filters(kernel: int) -> None:
    empty = components.filters(np.zeros((4, 6, 6, 1), np.float32), kernel, 2)
    noise = np.random.default_rng(1).normal(size=(4, 6, 6, 1)).astype(np.float32)
    assert np.isfinite(empty).all() and np.isfinite(components.filters(noise, kernel, 2)).all()


def test_a_patch_larger_than_the_picture_is_a_clear_word() -> None:
    with pytest.raises(ConfigError, match=r"patches of 7 by 7 out of 6 by 6.*smaller model.kernel"):
        components.filters(np.zeros((4, 6, 6, 1), np.float32), 7, 2)
