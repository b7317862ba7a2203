"""Paper, pens and cameras: every effect is a pure function of the seed and keeps a picture one."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from nnguide import logs

tf = logs.tensorflow()

from nnguide.preprocessing import paper  # noqa: E402

PICTURES = tiny.examples("digits", 48).inputs.astype(np.float32)


@pytest.mark.parametrize("name", paper.EFFECTS)
@pytest.mark.parametrize("count", [0, 1, 7])
def test_an_effect_is_a_function_of_its_seed(name: str, count: int) -> None:
    effect, images = paper.EFFECTS[name], tf.constant(PICTURES[:count])
    once, again = (effect(images, tf.constant([3, 5])).numpy() for _ in range(2))
    assert once.shape == (count, 28, 28)
    assert once.dtype == np.float32
    assert np.isfinite(once).all()
    np.testing.assert_array_equal(once, again)
    if count == 7:
        other = effect(images, tf.constant([3, 6])).numpy()
        fixed = name in ("neighbours", "low resolution", "thin pen", "thick pen")
        assert fixed or (once != other).any()
        assert (once != images.numpy()).any()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_is_spoiled_and_the_rest_stays(share: float) -> None:
    images = tf.constant(PICTURES)
    spoiled = paper.spoil(images, share, tf.constant([1, 2])).numpy()
    count = round(len(PICTURES) * share)
    np.testing.assert_array_equal(spoiled[count:], PICTURES[count:])
    changed = (spoiled != PICTURES).any(axis=(1, 2))
    assert changed[:count].mean() >= 0.75 if count else True  # a line may miss the picture
    assert spoiled.min() >= 0
    assert spoiled.max() <= 255
    if 0 < share < 1:  # which takes seconds
        compiled = tf.function(lambda x, seed: paper.spoil(x, share, seed))
        np.testing.assert_allclose(compiled(images, tf.constant([1, 2])), spoiled, atol=1e-2)
