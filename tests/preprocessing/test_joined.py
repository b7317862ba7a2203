"""A picture of digits that touch is said to hold several, whatever answers; one digit is not."""

from __future__ import annotations

import contextlib

import handwriting
import numpy as np
import pytest
import strange_pictures
from PIL import Image

from nnguide import runs
from nnguide.cli import main
from nnguide.data import hands
from nnguide.errors import InputError
from nnguide.preprocessing import grey_levels, joined, many, mnist_form

TOUCH = "two or more that touch"
FEW = [12, pytest.param(400, marks=pytest.mark.slow)]


def touching(seed: int) -> np.ndarray:
    """Two drawn digits that touch, dark on light."""
    random = np.random.default_rng([seed, 11])
    return 0.93 - 0.83 * strange_pictures.two(random, random.uniform(-0.12, -0.04))


def alone(grey: np.ndarray) -> bool:
    try:
        many.one(grey.astype(np.float32), digits=True)
    except InputError as error:
        assert "--many" in str(error) or "no digit" in str(error)
        return False
    return True


@pytest.fixture(scope="module")
def run() -> runs.Run:
    return runs.load("digits")


@pytest.mark.parametrize("count", FEW, ids=["few", "many"])
def test_digits_that_touch_are_said_to_be_several(count):
    read = sum(alone(touching(seed)) for seed in range(count))
    assert read <= max(0.15 * count, 3)


@pytest.mark.parametrize("count", FEW, ids=["few", "many"])
def test_a_digit_alone_is_not(count):
    seen = []
    for picture, _, _ in handwriting.drawings(9, count):
        with contextlib.suppress(InputError):  # a few are refused for other reasons
            seen.append(many.one(grey_levels.to_grey(picture)))
    assert joined.network().are_several(np.stack(seen)).sum() <= max(0.01 * count, 1)
    others = hands.drawn(20 * count, 3).inputs
    assert joined.network().are_several(others).mean() <= 0.01


def test_a_picture_in_mnists_form_is_one_digit():
    levels = mnist_form.normalise(touching(0).astype(np.float32))
    assert joined.network().are_several(levels[None])[0]
    assert np.array_equal(many.one(levels / np.float32(255), digits=True), levels)


def test_labels_that_are_no_digits_may_look_like_two():
    assert joined.applies(tuple("0123456789")) and joined.applies(("3", "7"))
    assert not joined.applies(("10", "11")) and not joined.applies(("W", "M", "1"))
    assert not joined.applies(())
    assert many.one(touching(0).astype(np.float32)).shape == (28, 28)


def status(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code)


def test_whatever_answers_says_the_same(run, tmp_path, capfd):
    path = tmp_path / "two.png"
    Image.fromarray(np.rint(255 * touching(0)).astype(np.uint8)).save(path)
    for source in (path, path.read_bytes(), Image.open(path), np.asarray(Image.open(path))):
        with pytest.raises(InputError, match=TOUCH):
            run.predict(source)
    with pytest.raises(InputError, match=TOUCH):
        run.check(path)
    for more in ((), ("--no-reject",), ("--json",)):
        assert status("predict", "digits", path, *more) == 4
        ended = capfd.readouterr()
        assert TOUCH in ended.out + ended.err
    out, folder = tmp_path / "out.csv", tmp_path / "folder"
    folder.mkdir()
    path.rename(folder / "two.png")
    assert status("predict", "digits", "--dataset", folder, "--out", out) == 4
    assert TOUCH in out.read_text()


def test_a_server_says_the_same(tmp_path):
    from nnguide.serving import decoding

    path = tmp_path / "two.png"
    Image.fromarray(np.rint(255 * touching(0)).astype(np.uint8)).save(path)
    child = decoding._Child()
    try:
        assert TOUCH in str(child.read(path.read_bytes(), lambda: True, True))
        assert isinstance(child.read(path.read_bytes(), lambda: True), np.ndarray)
    finally:
        child._end()


def test_an_export_says_the_same(tf):
    from nnguide.export import tf_joined

    levels = np.concatenate([hands.drawn(20, 4).inputs, np.zeros((1, 28, 28), np.uint8)])
    levels = np.stack([*levels, mnist_form.normalise(touching(0).astype(np.float32))])
    wanted = joined.network().scores(levels)
    made = [float(tf_joined.score(tf.constant(one, tf.float32))) for one in levels]
    assert np.allclose(made, wanted, atol=1e-3)
