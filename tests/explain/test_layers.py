"""A saved network layer by layer: its last layer is the network's own answer."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from nnguide import runs
from nnguide.errors import ConfigError, RunError
from nnguide.explain import layers
from nnguide.explain.features import Patches


@pytest.fixture(scope="module")
def digits() -> layers.Opened:
    return layers.opened("shipped/digits")


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.asarray(tiny.examples("digits", 20).inputs[3], np.uint8)


def test_the_last_layer_is_the_answer_before_softmax(digits, picture):
    checked = digits.run.check(picture[None])[0]
    found = digits.layers(checked)
    z = found[-1].values.astype(float)
    e = np.exp(z - z.max())
    np.testing.assert_allclose(e / e.sum(), digits.run.outputs(checked[None])[0], atol=1e-6)
    assert found[0].values.shape == (32, 7, 7) and found[0].name == "stage_1_1"
    before = digits.features(checked[None])[0]
    last = found[-2].values.transpose(1, 2, 0).ravel()
    np.testing.assert_array_equal(before, last)


def test_the_first_weights_make_the_first_layer(digits, picture):
    """The convolution of the picture, four pixels at a time, by the kernels that are shown."""
    checked = digits.run.check(picture[None])[0]
    ((_, batch),) = digits.run.light.front(checked[None])
    folded = batch[0, :, :, 0].reshape(14, 2, 14, 2).transpose(1, 3, 0, 2).reshape(4, 14, 14)
    padded = np.pad(folded, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    z = np.einsum("cijuv,kcuv->kij", windows, digits.kernels)
    pooled = z.reshape(32, 7, 2, 7, 2).max(axis=(2, 4))
    given = digits.layers(checked)[0].values
    for k in range(32):  # normalised afterwards, so that where it is not cut off it is a line
        above = given[k] > 1e-3
        if above.sum() > 8 and pooled[k][above].std() > 1e-2:
            assert abs(np.corrcoef(pooled[k][above], given[k][above])[0, 1]) > 0.999


def test_hiding_what_is_blank_takes_nothing(digits, picture):
    checked = digits.run.check(picture[None])[0]
    found = digits.hidden(checked, 3)
    squares = Patches(checked, layers.SQUARE)
    assert found.shape == (28, 28) and not found[squares.spread(~squares.differs) > 0].any()


@pytest.mark.parametrize("name", ["shipped/spam", "shipped/mail"])
def test_words_push_and_have_vectors(name):
    opened = layers.opened(name)
    checked = opened.run.check(["You won a free prize, call me now"])[0]
    assert opened.hidden(checked, 1).shape == (len(opened.words(checked)),)
    assert opened.embedding.shape[0] == opened.tokeniser.size
    z, p = opened.log_odds(checked, 1), opened.run.outputs(np.array([checked], object)).item()
    assert z == pytest.approx(np.log(p / (1 - p)), abs=1e-3)
    with pytest.raises(ConfigError, match="no weights of pixels"):
        _ = opened.kernels


def test_runs_are_listed_by_what_they_take():
    pictures, texts = layers.saved("pictures"), layers.saved("texts")
    assert "shipped/digits" in pictures and {"shipped/spam", "shipped/mail"} <= set(texts)
    assert not set(pictures) & set(texts)
    with pytest.raises(RunError):
        layers.opened("shipped/nothing")
    assert layers.folder_of("shipped/digits") == runs.shipped("digits")
