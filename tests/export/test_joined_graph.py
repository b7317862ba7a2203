"""The graph tells several digits from one as nnguide.preprocessing.joined does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from strange_pictures import as_png, touching

from nnguide import runs
from nnguide.data import hands
from nnguide.errors import InputError
from nnguide.preprocessing import joined, pictures


def letter() -> Image.Image:
    """A drawn A, dark on light."""
    picture = Image.new("L", (90, 90), 255)
    for line in ([(20, 75), (45, 12), (70, 75)], [(30, 52), (60, 52)]):
        ImageDraw.Draw(picture).line(line, fill=0, width=7)
    return picture


def test_the_scores_are_the_same(tf: Any) -> None:
    from nnguide.export import tf_joined

    levels = np.concatenate([hands.drawn(20, 4).inputs, np.zeros((1, 28, 28), np.uint8)])
    levels = np.stack([*levels, *(pictures.read(as_png(touching(seed))) for seed in (0, 1))])
    made = tf_joined.scores(tf.constant(levels, tf.float32)).numpy()
    np.testing.assert_allclose(made, joined.network().scores(levels), atol=1e-3)


@pytest.mark.slow
def test_a_saved_model_answers_files_as_its_run_does(tf: Any) -> None:
    from nnguide.export import saved_model

    run = runs.load("digits")
    graph = saved_model.Pictures(run)
    several = 0
    drawn = [*map(touching, range(30)), letter(), touching(8).resize((28, 28))]
    for file in map(as_png, drawn):
        try:
            [answer] = run.predict(file, "keras")
        except InputError:
            several += 1
            with pytest.raises(tf.errors.InvalidArgumentError, match="expected one digit"):
                graph.serve_bytes(tf.constant([file]))
            continue
        made = graph.serve_bytes(tf.constant([file]))
        assert made["label"].numpy()[0].decode() == answer.label
    assert several
