"""The light form answers as the Keras model does: equal ids, probabilities within 1e-4."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tiny
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nnguide import tasks
from nnguide.inference import preprocessing, validation
from nnguide.inference.light import LightModel
from nnguide.models import light_form as writing
from nnguide.models.saving import outputs, preprocessor
from nnguide.runs import Run
from nnguide.training.network import assemble

ALPHABET = "\x00\n\t \u00a0\u0085\u2028\u200d\ufeff\ud800\udfff\U0010ffff½ﬁÅ😀'’-0٣a"
HOSTILE = st.lists(
    st.text(max_size=40)
    | st.text(ALPHABET, max_size=30)
    | st.builds(lambda part, times: part * times, st.text(min_size=1, max_size=3), st.just(2000)),
    max_size=8,
)
ODD = [
    "",
    " ",
    "a",
    "win " * 5000,
    "\ud800",
    "\x00",
    "é" * 3000,
    "free prize, call now",
    "💰" * 700,
]
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def spam(trained: Callable[[str], Run]) -> Run:
    return trained("spam")


@pytest.fixture(scope="module")
def digits(trained: Callable[[str], Run]) -> Run:
    return trained("digits")


@settings(deadline=None, max_examples=25)
@given(HOSTILE)
@example(ODD)
@example([])
def test_any_texts_get_the_same_answers(spam: Run, texts: list[str]) -> None:
    checked = validation.texts(texts)
    light, by_keras = spam.outputs(checked, "light"), spam.outputs(checked, "keras")
    assert light.dtype == np.float32
    assert light.shape == (len(texts), 1)
    np.testing.assert_allclose(light, by_keras, atol=TOLERANCE, rtol=0)
    decided = np.abs(light - spam.threshold) > TOLERANCE
    assert ((light > spam.threshold) == (by_keras > spam.threshold))[decided].all()


@settings(deadline=None, max_examples=30)
@given(HOSTILE.filter(len))
@example(ODD)
def test_any_texts_get_the_same_ids(tf: Any, spam: Run, texts: list[str]) -> None:
    checked = validation.texts(texts)
    layer = preprocessor(spam.model)
    encoded = tf.constant([text.encode() for text in checked], tf.string)
    np.testing.assert_array_equal(spam.light.front.tokeniser(list(checked)), layer(encoded))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 1500), max_size=400), st.randoms(use_true_random=False))
def test_rows_of_any_lengths_come_back_whole_and_in_place(lengths: list[int], random: Any) -> None:
    counts = np.array(lengths, np.int64)
    ids = np.arange(1, counts.sum() + 1, dtype=np.int32)
    seen = np.zeros(len(counts), int)
    for places in preprocessing._alike(counts):
        rows = preprocessing._padded(ids, counts, places)
        assert rows.size <= max(preprocessing.IDS, rows.shape[1])
        for place, row in zip(places, rows, strict=True):
            start = counts[:place].sum()
            np.testing.assert_array_equal(row[: counts[place]], ids[start : start + counts[place]])
            assert not row[counts[place] :].any()
            seen[place] += 1
    assert (seen == 1).all()


def test_a_text_is_answered_alike_alone_and_among_others(spam: Run) -> None:
    texts = validation.texts([*tiny.examples("spam", 1100).inputs, *ODD])
    together = spam.outputs(texts)
    alone = np.concatenate([spam.outputs(texts[i : i + 1]) for i in range(0, len(texts), 97)])
    np.testing.assert_allclose(together[::97], alone, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 300), st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.float32]))
def test_any_pictures_get_the_same_answers(digits: Run, n: int, seed: int, kind: Any) -> None:
    random = np.random.default_rng(seed)
    contrast = random.choice([0.0, 0.1, 1.0], (n, 1, 1))
    pictures = (random.uniform(0, 255, (n, 28, 28)) * contrast).astype(kind)
    checked = validation.pictures(pictures)
    light, by_keras = digits.outputs(checked, "light"), digits.outputs(checked, "keras")
    assert light.shape == (n, 10)
    np.testing.assert_allclose(light, by_keras, atol=TOLERANCE, rtol=0)
    best = np.sort(light, axis=1)
    decided = best[:, -1] - best[:, -2] > 2 * TOLERANCE
    assert (light.argmax(1) == by_keras.argmax(1))[decided].all()


def untrained(task: str, *settings: str) -> tuple[keras.Model, np.ndarray]:
    """A model with random weights and a calibration, and some inputs."""
    config = tiny.config(task, *settings)
    given = tiny.examples(task, 60)
    layer = tasks.get(task).preprocessor(config, given.inputs)
    core = tasks.get(task).build(config, layer, len(given.label_names))
    random = np.random.default_rng(0)
    drawn = [random.normal(0, 0.5, w.shape) for w in core.get_weights()]
    core.set_weights([w if w.ndim > 1 else np.abs(w) + 0.1 for w in drawn])  # variances too
    return assemble(tasks.get(task), layer, core), given.inputs


also = partial(pytest.param, marks=pytest.mark.slow)  # their parts are in others


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("digits", ["model.kind=cnn", "model.filters=4,8", "model.activation=gelu"]),
        also("digits", ["model.kind=cnn", "model.filters=4,8", "model.batch_norm=true"]),
        ("digits", ["model.activation=leaky_relu", "model.batch_norm=true"]),
        ("digits", ["model.activation=silu", "model.hidden=[]"]),
        also("spam", ["model.activation=tanh", "tokens.buckets=0"]),
        ("spam", ["model.activation=sigmoid", "model.hidden=[]", "tokens.max_words=3"]),
        ("spam", ["model.hidden=8,8", "model.wide=true", "tokens.grams=1,8"]),
        (
            "spam",
            [
                "model.apart=true",
                "tokens.plain=true",
                "tokens.numbers=true",
                "tokens.opening=99",
                "tokens.opening_words=3",
            ],
        ),
        ("spam", ["tokens.phones=true", "tokens.words=50"]),
        also(
            "spam", ["model.apart=true", "tokens.pairs=0", "tokens.buckets=0", "tokens.opening=9"]
        ),
    ],
)
def test_every_kind_of_network_has_a_light_form(
    tmp_path: Path, task: str, settings: list[str]
) -> None:
    model, given = untrained(task, *settings)
    writing.write(model, tmp_path, given)
    light = LightModel(tmp_path).outputs(given)
    assert np.ptp(light) > 0.01
    np.testing.assert_allclose(light, outputs(model, given), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("task", tasks.names())
def test_what_was_trained_in_half_precision_answers_in_single(tmp_path: Path, task: str) -> None:
    given = tiny.examples(task, 80)
    config = tiny.config(task, "runtime.precision=mixed_float16", "train.epochs=1")
    model = tiny.fitted(task, config, given).model
    core = model.get_layer("core")
    assert {layer.dtype_policy.name for layer in core.layers} == {"float32"}
    writing.write(model, tmp_path, given.inputs)
    light = LightModel(tmp_path).outputs(given.inputs)
    np.testing.assert_allclose(light, outputs(model, given.inputs), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("task", tasks.names())
def test_equal_networks_give_equal_files(tmp_path: Path, trained: Any, task: str) -> None:
    run = trained(task)
    writing.write(run.model, tmp_path, tiny.examples(task, 20).inputs)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (run.folder / path.name).read_bytes()


def test_threads_may_share_it(spam: Run) -> None:
    texts = validation.texts(list(tiny.examples("spam", 120).inputs))
    parts = [texts[i : i + 1 + i % 7] for i in range(100)]
    expected = [spam.outputs(part) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        for found, wanted in zip(pool.map(spam.outputs, parts), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
