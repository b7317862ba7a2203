"""The TensorFlow layer gives NumPy's ids, however it is called, saved and loaded."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_tokens import NUMBERS, PHONES, PLAIN, SETTINGS, TEXTS, texts

from nnguide.errors import RunError
from nnguide.preprocessing import characters, text, text_ops
from nnguide.preprocessing.tokens import Tokeniser

TOKENISER = Tokeniser.adapt(TEXTS, **SETTINGS)
READER = Tokeniser.adapt(TEXTS, **SETTINGS, **PLAIN[1])
CALLED = Tokeniser.adapt([*TEXTS, *PHONES], **SETTINGS, phones=True)
HARD = [
    "١٢٣ call ४५६7 and ７８９ or 𝟙𝟚, ½ 5️⃣",
    "one",
    "1\r\n2\r\n\r\nthree\r",
    "",
    "word 12 ",
    "12 word " * 10_000,
    "9" * 50_000,
    "👩\u200d👧👍🏽0️⃣",
    "don't 0'1’2",
]


@pytest.fixture(scope="module")
def graph() -> tf.types.experimental.PolymorphicFunction:
    """The layer, traced once for any batch."""
    layer = text.Tokens(TOKENISER)
    return tf.function(layer, input_signature=[tf.TensorSpec([None], tf.string)])


@pytest.fixture(scope="module")
def plain_graph() -> tf.types.experimental.PolymorphicFunction:
    """The same of a layer that reads numbers and the opening."""
    layer = text.Tokens(READER)
    return tf.function(layer, input_signature=[tf.TensorSpec([None], tf.string)])


@pytest.fixture(scope="module")
def phones_graph() -> tf.types.experimental.PolymorphicFunction:
    """The same of a layer that reads a telephone number as one word."""
    layer = text.Tokens(CALLED)
    return tf.function(layer, input_signature=[tf.TensorSpec([None], tf.string)])


@pytest.fixture(scope="module")
def model() -> keras.Model:
    inputs = keras.Input((), dtype="string", name="text")
    return keras.Model(inputs, text.Tokens(TOKENISER, name="tokens")(inputs))


def test_every_code_point_is_folded_alike():
    every = np.arange(0x110000, dtype=np.int32)
    for found, expected in zip(
        text_ops.fold(tf.constant(every)), characters.fold(every), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("numbers", [False, True])
def test_every_code_point_has_the_same_plain_form(numbers):
    every = np.arange(0x110000, dtype=np.int32)
    expected = characters.fold_plain(every, numbers)
    for found, wanted in zip(
        text_ops.fold_plain(tf.constant(every), numbers), expected, strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_every_code_point_is_decoded_and_normalised_alike():
    valid = np.setdiff1d(np.arange(0x110000), np.arange(0xD800, 0xE000))
    batch = [characters.to_text(part) for part in np.array_split(valid, 300)]
    found = text_ops.normalise(tf.constant(batch), reach=10_000)
    for one, row in zip(batch, found, strict=True):
        assert characters.to_text(row.numpy()).strip(" ") == characters.normalise(one)


@settings(deadline=None, max_examples=150)
@given(texts)
@example(TEXTS)
@example([])
@example([""])
def test_any_batch_gets_equal_ids(graph, batch):
    np.testing.assert_array_equal(graph(tf.constant(batch, tf.string)), TOKENISER(batch))


@settings(deadline=None, max_examples=100)
@given(texts)
@example(TEXTS)
@example(HARD)
@example([])
def test_numbers_and_the_opening_get_equal_ids(plain_graph, batch):
    np.testing.assert_array_equal(plain_graph(tf.constant(batch, tf.string)), READER(batch))


@settings(deadline=None, max_examples=150)
@given(st.lists(NUMBERS | texts.map("".join), max_size=5))
@example(PHONES)
@example(HARD)
@example([])
@example(["", "1234567", "£", "7654321"])
def test_telephone_numbers_get_equal_ids(phones_graph, batch):
    np.testing.assert_array_equal(phones_graph(tf.constant(batch, tf.string)), CALLED(batch))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.binary(max_size=12) | st.text(max_size=3).map(str.encode), max_size=6))
@example([b"a\xed\xa0\x80b", b"\xe2\x82", b"\xc0\xafx", b"\xf5\x80\x80\x80", b"\xf0\x9f\x98x"])
def test_invalid_utf8_reads_as_python_replaces_it(graph, batch):
    expected = TOKENISER([one.decode("utf-8", "replace") for one in batch])
    np.testing.assert_array_equal(graph(tf.constant(batch, tf.string)), expected)


def test_lone_surrogates_are_cleaned_at_the_door(graph):
    hostile = "a\ud800b \udfff"
    expected = TOKENISER([hostile])
    np.testing.assert_array_equal(graph(tf.constant([characters.clean(hostile)])), expected)


@pytest.mark.parametrize(
    "tokeniser",
    [
        Tokeniser(["ok"], pairs=0, buckets=0),
        Tokeniser([], grams=[1, 8], buckets=5, max_chars=3),
        Tokeniser.adapt(TEXTS),
        Tokeniser.adapt(TEXTS, plain=True),
        Tokeniser.adapt(TEXTS, plain=True, numbers=True, opening=99, opening_words=3),
        Tokeniser.adapt(TEXTS, phones=True),
    ],
    ids=["no n-grams", "no words", "defaults", "plain", "numbers and opening", "phones"],
)
def test_other_settings(tokeniser):
    layer = text.Tokens(tokeniser)
    for batch in (TEXTS, TEXTS[:1]):
        np.testing.assert_array_equal(layer(tf.constant(batch, tf.string)), tokeniser(batch))


@pytest.mark.parametrize("pad", [3, 200])
def test_pad_fixes_the_width(pad):
    layer = text.Tokens(TOKENISER, pad=pad)
    inputs = keras.Input((1,), dtype="string", name="text")
    model = keras.Model(inputs, layer(inputs))
    column = tf.constant(TEXTS)[:, None]
    assert model.output_shape == (None, pad)
    np.testing.assert_array_equal(
        model.predict(column, batch_size=3, verbose=0), TOKENISER(TEXTS, pad=pad)
    )


def test_lists_and_tensors_of_one_or_two_axes(model):
    expected = TOKENISER(TEXTS)
    layer = model.get_layer("tokens")
    for batch in (TEXTS, np.array(TEXTS, object), tf.constant(TEXTS), tf.constant(TEXTS)[:, None]):
        np.testing.assert_array_equal(layer(batch), expected)
    assert model.output_shape == (None, None) and model.output.dtype == "int32"
    np.testing.assert_array_equal(model(tf.constant(TEXTS)), expected)


def test_in_a_dataset_and_under_a_strategy():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        layer = text.Tokens(TOKENISER)
    rows = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3).map(layer)
    for number, found in enumerate(rows):
        np.testing.assert_array_equal(found, TOKENISER(TEXTS[3 * number : 3 * number + 3]))


def test_a_reloaded_model_gives_the_same_ids(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again(tf.constant(TEXTS)), TOKENISER(TEXTS))
    assert again.get_layer("tokens").tokeniser.to_dict() == TOKENISER.to_dict()


def test_an_exported_model_gives_the_same_ids(model, tmp_path):
    model.export(tmp_path / "export", verbose=False)
    tf.saved_model.save(
        text.Tokens(TOKENISER),
        tmp_path / "layer",
        signatures=tf.function(
            lambda batch: {"ids": text.Tokens(TOKENISER)(batch)},
            input_signature=[tf.TensorSpec([None], tf.string)],
        ),
    )
    for folder in ("export", "layer"):
        signature = tf.saved_model.load(tmp_path / folder).signatures["serving_default"]
        for batch in (TEXTS, [], TEXTS[:1]):
            (found,) = signature(tf.constant(batch, tf.string)).values()
            np.testing.assert_array_equal(found, TOKENISER(batch))


def test_a_model_made_with_another_table_is_refused(model):
    config = model.get_layer("tokens").get_config()
    config["tokeniser"]["characters"] = "0" * 64
    with pytest.raises(RunError, match="character table"):
        text.Tokens.from_config(config)


@pytest.mark.data
@pytest.mark.skipif("NNGUIDE_DATA_DIR" not in os.environ, reason="needs NNGUIDE_DATA_DIR")
def test_real_messages_get_equal_ids():
    path = Path(os.environ["NNGUIDE_DATA_DIR"]) / "sms_spam/SMSSpamCollection"
    if not path.exists():
        pytest.skip(f"needs {path}")
    lines = path.read_text(encoding="utf-8").split("\n")
    messages = [line.split("\t", 1)[1] for line in lines if line]
    tokeniser = Tokeniser.adapt(messages[:1674])
    layer = tf.function(text.Tokens(tokeniser), input_signature=[tf.TensorSpec([None], tf.string)])
    np.testing.assert_array_equal(layer(tf.constant(messages)), tokeniser(messages))
