"""Random changes to pictures: how far they go, that the seed decides them, what they leave."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from nnguide import logs
from nnguide.config import AugmentConfig

tf = logs.tensorflow()
from nnguide.preprocessing.augment import GROUP, augment  # noqa: E402

ALL = AugmentConfig(2.0, 10.0, 0.1, 0.1, 0.5, 0.5, 0.3, 0.1)


def changed(images: np.ndarray, config: AugmentConfig, seed: tuple[int, int] = (3, 5)):
    return augment(tf.constant(images), config, tf.constant(seed)).numpy()


@pytest.fixture
def cross() -> np.ndarray:
    """(GROUP, 28, 28) float32: a plus in the middle, 8 pixels each way, 4 wide."""
    picture = np.zeros((GROUP, 28, 28), np.float32)
    picture[:, 6:22, 12:16] = 255
    picture[:, 12:16, 6:22] = 255
    return picture


def centre(picture: np.ndarray) -> np.ndarray:
    return np.array(ndimage.center_of_mass(picture))


@pytest.mark.parametrize("batch", [1, GROUP, GROUP + 3])
def test_the_seed_decides_and_the_shape_stays(batch: int):
    images = np.random.default_rng(0).integers(0, 256, (batch, 28, 28)).astype(np.uint8)
    first = changed(images, ALL)
    assert first.shape == images.shape and first.dtype == np.float32
    np.testing.assert_array_equal(first, changed(images, ALL))
    assert np.abs(first - changed(images, ALL, (3, 6))).mean() > 1


def test_nothing_asked_for_changes_nothing():
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    np.testing.assert_array_equal(changed(images, AugmentConfig()), images)


def test_a_shift_moves_by_at_most_what_was_asked(cross):
    moves = [
        centre(changed(cross, AugmentConfig(shift=3), (0, step))[0]) - 13.5 for step in range(40)
    ]
    assert np.abs(moves).max() <= 3.01
    assert np.abs(moves).max() > 2
    assert np.abs(np.mean(moves)) < 0.8


def test_a_rotation_turns_both_ways_by_at_most_what_was_asked():
    bar = np.zeros((1, 28, 28), np.float32)
    bar[:, 12:16, 4:24] = 255
    angles = []
    for step in range(40):
        turned = changed(bar, AugmentConfig(rotate=20), (0, step))[0]
        rows, columns = np.mgrid[-13.5:14.5, -13.5:14.5]
        xx, yy = (turned * columns**2).sum(), (turned * rows**2).sum()
        angles.append(np.degrees(np.arctan2(2 * (turned * rows * columns).sum(), xx - yy)) / 2)
    assert max(np.abs(angles)) <= 20.5
    assert max(angles) > 12 and min(angles) < -12


def test_scale_and_shear_keep_the_centre(cross):
    for step in range(20):
        moved = changed(cross, AugmentConfig(scale=0.2, shear=0.2), (0, step))[0]
        np.testing.assert_allclose(centre(moved), 13.5, atol=0.05)
        assert 0.6 < moved.sum() / cross[0].sum() < 1.5


def test_the_warp_is_the_one_of_scipy():
    """The same field through an independent implementation of bilinear interpolation."""
    from nnguide.preprocessing import augment as module

    random = np.random.default_rng(1)
    grey = random.uniform(0, 255, (2, 28, 28, GROUP)).astype(np.float32)
    config = AugmentConfig(2.0, 15.0, 0.2, 0.2, 1.5)
    field = module._field(module._Groups(2, 0, 2), 28, 28, config, tf.constant([1, 2]))
    ours = module._warp(tf.constant(grey), field).numpy()
    for group in range(2):
        at = np.moveaxis(field.numpy()[group], -1, 0)
        for member in (0, GROUP - 1):
            theirs = ndimage.map_coordinates(
                np.pad(grey[group, :, :, member], 20), at + 20, order=1
            )
            np.testing.assert_allclose(ours[group, :, :, member], theirs, atol=0.05)


@pytest.mark.parametrize("paper", [0.0, 0.5])
@pytest.mark.parametrize("rows", [slice(0, 16), slice(16, 30), slice(5, 6), slice(3, 29)])
def test_some_rows_are_as_among_all(rows: slice, paper: float):
    """So several workers that each make a part of a batch see what one would."""
    images = np.random.default_rng(0).integers(0, 256, (30, 28, 28)).astype(np.uint8)
    config = dataclasses.replace(ALL, paper=paper)
    part = augment(tf.constant(images), config, tf.constant((3, 5)), rows).numpy()
    np.testing.assert_allclose(part, changed(images, config)[rows], atol=1e-3)


def test_thickness_adds_and_takes_at_most_a_pixel(cross):
    most = ndimage.grey_dilation(cross[0], (3, 3)).sum()
    least = ndimage.grey_erosion(cross[0], (3, 3)).sum()
    ink = [changed(cross, AugmentConfig(thickness=0.9), (0, step))[0].sum() for step in range(40)]
    assert least <= min(ink) < 0.8 * cross[0].sum()
    assert 1.2 * cross[0].sum() < max(ink) <= most


def test_contrast_stays_between_black_and_white(cross):
    for step in range(20):
        paler = changed(cross, AugmentConfig(contrast=0.5), (0, step))[0]
        assert paler.min() >= 0 and paler.max() <= 255
        assert np.ptp(paler) >= 0.5 * 255


def test_noise_is_as_strong_as_was_asked(cross):
    spread = [
        (changed(cross, AugmentConfig(noise=0.2), (0, step))[0] - cross[0]).std() / 255
        for step in range(40)
    ]
    assert 0.15 < max(spread) < 0.22 and min(spread) < 0.05
