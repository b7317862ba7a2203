"""One writer's hand: found from a few mistakes, and given to other digits."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from nnguide import load
from nnguide.data import hands
from nnguide.preprocessing import mnist_form
from nnguide.training import writer
from nnguide.training.writer import Hand

DIGITS = hands.drawn(60, 3)


@pytest.mark.parametrize("hand", [Hand(), Hand(0.8), Hand(-0.6, 0.3), Hand(0.2, -0.5, 0.4)])
def test_a_digit_comes_back_from_a_hand(hand: Hand) -> None:
    for picture in DIGITS.inputs[:20]:
        written = hand.write(picture)
        assert (written.shape, written.dtype) == ((28, 28), np.uint8)
        assert np.allclose(mnist_form.mass_centre(written), 14, atol=1.2)
        back = hand.set_upright(written)
        usual = Hand().write(picture)
        assert np.corrcoef(back.ravel(), usual.ravel())[0, 1] > 0.8
    assert hand.times(0) == Hand()
    assert not Hand().write(np.zeros((28, 28), np.uint8)).any()


def test_the_top_goes_to_the_right_and_a_turn_is_clockwise() -> None:
    upright = np.zeros((28, 28), np.uint8)
    upright[4:24, 13:15] = 255
    for hand in (Hand(slant=0.7), Hand(turn=0.5)):
        places = np.argwhere(hand.write(upright) > 128)
        top, bottom = (places[places[:, 0] < 9], places[places[:, 0] > 19])
        assert top[:, 1].mean() > bottom[:, 1].mean() + 5
    squat = np.zeros((28, 28), np.uint8)
    squat[4:24, 4:24] = 255
    height, width = np.ptp(np.argwhere(Hand(squeeze=0.7).write(squat) > 128), axis=0)
    assert height > 1.5 * width


def test_mistakes_show_the_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FIRST", 60)
    monkeypatch.setattr(writer, "LATER", 20)
    outputs = functools.partial(load("digits").outputs, engine="light")
    written = np.stack([Hand(-1.0).write(picture) for picture in DIGITS.inputs])
    wrong = np.flatnonzero(outputs(written).argmax(1) != DIGITS.labels)
    assert len(wrong) > 5
    found = writer.find(outputs, written[wrong], DIGITS.labels[wrong], seed=0)
    assert found.slant < -0.3
    assert found == writer.find(outputs, written[wrong], DIGITS.labels[wrong], seed=0)
    upright = np.stack([found.set_upright(picture) for picture in written])
    right = (outputs(upright).argmax(1) == DIGITS.labels).mean()
    assert right > (outputs(written).argmax(1) == DIGITS.labels).mean() + 0.1
    usual = writer.find(outputs, DIGITS.inputs[:3], DIGITS.labels[:3], seed=0)
    assert abs(usual.slant) < 0.4
