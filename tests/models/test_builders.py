"""Builders: a configuration in, an uncompiled network of that shape out, always the same."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from nnguide import logs
from nnguide.config import CnnConfig, DenseConfig, EmbeddingConfig
from nnguide.errors import ConfigError

tf: Any = logs.tensorflow()

import keras  # noqa: E402

from nnguide.models import convolutional, dense, text  # noqa: E402
from nnguide.models.blocks import Dropout, Penalty  # noqa: E402
from nnguide.models.heads import Sigmoid, Softmax  # noqa: E402

SHAPE = {"input_shape": (28, 28, 1), "labels": 10}


def sizes(model: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in model.trainable_weights]


def test_the_dense_network_of_the_guide() -> None:
    model = dense.build(DenseConfig(hidden=(128, 64)), **SHAPE)
    assert sizes(model) == [(784, 128), (128,), (128, 64), (64,), (64, 10), (10,)]
    assert model.output_shape == (None, 10)
    assert not model.compiled


@pytest.mark.parametrize("space_to_depth", [1, 2, 4])
@pytest.mark.parametrize("filters", [(3,), (4, 6, 8), (3, 4, 5, 6)])
def test_the_convolutional_network_ends_in_its_last_channels(
    space_to_depth: int, filters: tuple[int, ...]
) -> None:
    model = convolutional.build(
        CnnConfig(filters=filters, space_to_depth=space_to_depth, depth=1), **SHAPE
    )
    assert model.output_shape == (None, 10)
    flat = model.get_layer("flatten")
    assert flat.input.shape[-1] == filters[-1]
    assert flat.input.shape[1] == flat.input.shape[2] >= 1
    channels = [shape[-1] for shape in sizes(model) if len(shape) == 4]
    assert list(dict.fromkeys(channels)) == list(filters)


def test_a_shifted_network_looks_at_nine_places_and_answers_with_the_mean() -> None:
    config = CnnConfig(filters=(4,), hidden=(6,), space_to_depth=1, dropout=0.0)
    once = convolutional.build(config, **SHAPE)
    often = convolutional.build(dataclasses.replace(config, test_time_shift=1), **SHAPE)
    assert sizes(often) == sizes(once)
    often.set_weights(once.get_weights())
    pictures = np.random.default_rng(0).normal(size=(5, 28, 28, 1)).astype(np.float32)
    wide = np.pad(pictures, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="edge")
    views = [
        wide[:, row : row + 28, column : column + 28] for row in range(3) for column in range(3)
    ]

    def logits(model: keras.Model, view: np.ndarray) -> np.ndarray:
        return np.asarray(keras.Model(model.inputs, model.get_layer("logits").output)(view))

    mean = np.mean([logits(once, view) for view in views], axis=0)
    np.testing.assert_allclose(logits(often, pictures), mean, atol=1e-5)
    in_training = often(pictures, training=True)
    np.testing.assert_allclose(in_training, once(pictures, training=True), atol=1e-5)


def test_without_padding_a_convolution_answers_where_its_kernel_lies_within() -> None:
    config = CnnConfig(filters=(6, 5), depth=1, batch_norm=False, test_time_shift=1)
    padded = convolutional.build(config, **SHAPE)
    bare = convolutional.build(dataclasses.replace(config, padding="valid"), **SHAPE)
    assert [padded.get_layer(f"stage_{n}_1").output.shape[1:3] for n in (1, 2)] == [
        (14, 14),
        (7, 7),
    ]
    assert [bare.get_layer(f"stage_{n}_1").output.shape[1:3] for n in (1, 2)] == [(12, 12), (4, 4)]
    bare.get_layer("stage_1_1").set_weights(padded.get_layer("stage_1_1").get_weights())
    pictures = np.random.default_rng(3).random((4, 28, 28, 1), dtype=np.float32)
    seen = [
        np.asarray(keras.Model(model.inputs, model.get_layer("stage_1_1").output)(pictures))
        for model in (padded, bare)
    ]
    np.testing.assert_allclose(seen[0][:, 1:-1, 1:-1], seen[1], atol=1e-6)


def test_a_picture_that_ends_before_the_kernel_is_a_clear_word() -> None:
    config = CnnConfig(filters=(4, 4, 4, 4), padding="valid")
    with pytest.raises(ConfigError, match=r"leaves 1 by 1 pixels for stage_3_1.*padding=same"):
        convolutional.build(config, **SHAPE)


def test_the_text_network_has_one_node() -> None:
    model = text.build(
        EmbeddingConfig(embedding=5, hidden=(7,)), ids=30, first_gram=9, head=Sigmoid()
    )
    assert sizes(model) == [(30, 5), (20, 7), (7,), (7, 1), (1,)]
    words_alone = text.build(
        EmbeddingConfig(embedding=5, hidden=(7,)), ids=30, first_gram=30, head=Sigmoid()
    )
    assert sizes(words_alone)[1] == (10, 7)
    in_parts = text.build(
        EmbeddingConfig(embedding=5, hidden=(7,)),
        ids=30,
        first_gram=20,
        head=Sigmoid(),
        boundaries=[9, 9, 15],  # the second kind is empty
    )
    assert sizes(in_parts)[1] == (40, 7)
    assert model.output_shape == (None, 1)


def test_a_rare_token_learns_faster_and_answers_the_same() -> None:
    layer = text.TokenEmbedding(6, 2)
    ids = np.array([[1, 2, 3], [1, 4, 5]], np.int32)
    before = layer(ids)
    layer.adapt(np.bincount(ids.reshape(-1), minlength=layer.input_dim), texts=2, boundaries=[4])
    np.testing.assert_array_equal(layer(ids, training=True), before)

    def slope(training: bool) -> np.ndarray:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ids, training=training) * np.ones((2, 3, 2), np.float32))
        return np.asarray(tf.convert_to_tensor(tape.gradient(loss, layer.trainable_variables[0])))

    # Of two texts, 1 is in both: ln(3/3) + 1; 2 and 3 in one each: ln(3/2) + 1. Their mean over
    # four places is 1 when each is divided by it; 4 and 5, another kind, are equally rare.
    rare = math.log(1.5) + 1
    mean = (2 + 2 * rare) / 4
    pace = np.array([0, 1 / mean, rare / mean, rare / mean, 1, 1]) ** 2
    np.testing.assert_allclose(slope(True), slope(False) * pace[:, None], rtol=1e-5)
    assert "pace" not in layer.get_config()


@pytest.mark.parametrize("largest", [0.0, 1e-6, 0.69, 127.0, 127.1, 3e4])
def test_numbers_rounded_to_eight_bits_are_few_and_near(largest: float) -> None:
    layer = text.TokenEmbedding(500, 3)
    layer.build()
    before = np.random.default_rng(0).normal(0, 1, (500, 3)).astype(np.float32)
    before *= np.float32(largest) / np.abs(before).max()
    layer.embeddings.assign(before)
    layer.round()
    after = np.asarray(layer.get_weights()[0])
    assert len(np.unique(after)) <= 255
    assert np.abs(after - before).max() <= largest / 127  # half a step, of at most twice that
    layer.round()
    np.testing.assert_array_equal(layer.get_weights()[0], after)


def test_padding_changes_no_answer() -> None:
    model = text.build(
        EmbeddingConfig(embedding=5, hidden=(7,)), ids=30, first_gram=5, head=Sigmoid()
    )
    ids = np.array([[3, 9, 3], [0, 0, 0]], np.int32)
    padded = np.pad(ids, [[0, 0], [0, 4]])
    np.testing.assert_allclose(model(padded), model(ids), atol=1e-6)
    alone = np.asarray(model(np.zeros((1, 1), np.int32)))  # a text without tokens
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(alone[0], model(ids)[1], atol=1e-6)


def test_pooling_is_the_sum_over_the_root_of_the_count_and_the_maximum() -> None:
    vectors = np.array([[[1, -5], [2, 0], [3, -1], [5, -3], [99, 99]]], np.float32)
    ids = np.array([[4, 5, 7, 8, 0]])
    got = text.MaskedPool(0, 10)([vectors, ids])
    np.testing.assert_allclose(got, [[5.5, -4.5, 5, 0]])
    got = text.MaskedPool(4, 6)([vectors, ids])
    np.testing.assert_allclose(got, [[3 / 2**0.5, -5 / 2**0.5, 2, 0]])
    np.testing.assert_allclose(text.MaskedPool(9, 20)([vectors, ids]), [[0, 0, 0, 0]])


@pytest.mark.parametrize("first", [0, 4])
def test_in_training_pooling_is_the_same_with_the_same_gradient(first: int) -> None:
    """Also in rows that do not rise, and where no row has such a token."""
    random = np.random.default_rng(first)
    pool = text.MaskedPool(first, 9)
    for ids in (
        np.sort(random.integers(0, 20, (8, 12)), 1)[:, ::-1],
        random.integers(9, 20, (8, 12)),
    ):
        vectors = tf.constant(random.normal(size=(8, 12, 3)), tf.float32)
        found = []
        for training in (False, True):
            with tf.GradientTape() as tape:
                tape.watch(vectors)
                pooled = pool([vectors, ids], training=training)
                loss = tf.reduce_sum(pooled * tf.range(1.0, 7.0))
            found.append((pooled, tape.gradient(loss, vectors)))
        for asked, learned in zip(*found, strict=True):
            np.testing.assert_allclose(learned, asked, atol=1e-6)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_setting_reaches_the_network(batch_norm: bool) -> None:
    config = DenseConfig((8, 9), "tanh", batch_norm, dropout=0.4, l1=0.01, l2=0.02)
    model = dense.build(config, **SHAPE)
    dropouts = [layer for layer in model.layers if isinstance(layer, Dropout)]
    assert [float(layer.rate) for layer in dropouts] == pytest.approx([0.4, 0.4])
    kernels = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert len(kernels) == 3
    for layer in kernels:
        assert isinstance(layer.kernel_regularizer, Penalty)
        assert layer.kernel_regularizer.get_config() == {"l1": 0.01, "l2": 0.02}
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == 2 * batch_norm
    assert model.get_layer("hidden_1_tanh").activation is keras.activations.tanh


def test_a_wide_network_joins_what_it_pooled_to_its_hidden_layers() -> None:
    """Its last layer has a weight for each number of the pool and each hidden unit."""
    config = EmbeddingConfig(hidden=(5, 3), embedding=4, wide=True)
    given = {"ids": 30, "first_gram": 9, "head": Sigmoid()}
    model = text.build(config, **given)
    pooled = model.get_layer("pool_dropout").output.shape[-1]
    assert model.get_layer("logits").kernel.shape == (pooled + 3, 1)
    logits = keras.Model(model.input, model.get_layer("logits").output)
    model.get_layer("hidden_2").set_weights([np.zeros((5, 3)), np.zeros(3)])
    rows = np.array([[2, 3, 11, 0]])
    pool = keras.Model(model.input, model.get_layer("pool_dropout").output)(rows)
    kernel, bias = model.get_layer("logits").get_weights()
    expected = np.asarray(pool) @ kernel[:pooled] + bias
    np.testing.assert_allclose(np.asarray(logits(rows)), expected, rtol=1e-5, atol=1e-7)
    # Without hidden layers there is nothing to join.
    alone = text.build(dataclasses.replace(config, hidden=()), **given)
    assert alone.get_layer("logits").kernel.shape == (pooled, 1)


def test_token_dropout_hides_whole_tokens() -> None:
    config = EmbeddingConfig(token_dropout=0.3, word_dropout=0.4)
    model = text.build(config, ids=30, first_gram=9, head=Sigmoid())
    layer = model.get_layer("token_dropout")
    assert float(layer.rate) == pytest.approx(0.3)
    assert tuple(layer.whole) == (None, 1)
    layer = model.get_layer("word_dropout")
    assert float(layer.rate) == pytest.approx(0.4)
    assert tuple(layer.whole) == (1,)


@pytest.mark.parametrize(("head", "wrong"), [(Softmax(3), [[0.0, 1.0, 0.0]]), (Sigmoid(), [[0.0]])])
def test_a_confidently_wrong_answer_still_costs_and_teaches(head: Any, wrong: Any) -> None:
    """The loss is computed from the logits: 40 off costs 40, and the slope is not clipped."""
    inputs = keras.Input((1,), name="x")
    model = keras.Model(inputs, head(inputs, DenseConfig()))
    layer = model.get_layer("logits")
    kernel = np.zeros((1, head.nodes), np.float32)
    kernel[0, 0] = 40.0
    layer.set_weights([kernel, np.zeros(head.nodes, np.float32)])
    model.compile(keras.optimizers.SGD(1.0), head.loss())
    history = model.fit(np.ones((1, 1), np.float32), np.array(wrong, np.float32), verbose=0)
    assert history.history["loss"][0] == pytest.approx(40, abs=1e-3)
    assert float(np.asarray(layer.kernel)[0, 0]) == pytest.approx(39, abs=1e-3)


@pytest.mark.parametrize(("head", "labels"), [(Softmax(3), [2, 0, 1]), (Sigmoid(), [1, 0, 1])])
def test_a_head_agrees_with_itself(head: Any, labels: list[int]) -> None:
    targets = head.targets(np.array(labels))
    assert targets.shape == (3, head.nodes)
    assert targets.dtype == np.float32
    probabilities = head.probabilities(targets)
    assert probabilities.argmax(axis=1).tolist() == labels
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert float(head.loss()(targets, targets)) < 1e-5
    (accuracy,) = head.metrics()
    assert accuracy.name == "accuracy"
    accuracy.update_state(targets, 0.8 * targets + 0.1)
    assert float(accuracy.result()) == 1


def test_calibration_is_the_identity_until_it_is_set() -> None:
    model = dense.build(DenseConfig(hidden=()), **SHAPE)
    x = np.random.default_rng(0).normal(size=(4, 28, 28, 1)).astype(np.float32)
    before = np.asarray(model(x))
    assert not any("calibration" in weight.path for weight in model.trainable_weights)
    layer = model.get_layer("calibration")
    layer.scale.assign(0.5)
    softer = np.asarray(model(x))
    expected = before**0.5 / (before**0.5).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softer, expected, rtol=1e-4)
