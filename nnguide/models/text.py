"""Networks over tokens, with one sigmoid node.

They are pooled embeddings, or a dense bag of words.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nnguide.config import DenseConfig, EmbeddingConfig
from nnguide.errors import ConfigError
from nnguide.models.blocks import Dropout, Penalty, activation, hidden_layers
from nnguide.models.heads import Head

# Small: a token that training never showed keeps its first numbers, and should say little.
FIRST_NUMBERS = 0.01


@keras.saving.register_keras_serializable(package="nnguide")
class TokenEmbedding(layers.Embedding):
    """Token embedding in which rare tokens learn faster.

    `adapt` measures how rare they are. A gradient times the square of the inverse document
    frequency moves the numbers as if the network saw them weighted by it, as TF-IDF weights words;
    but nothing of it has to travel with the model. Without `adapt` all learn alike.

    Input: (batch, length) int ids. Output: (batch, length, numbers).
    Source of the weight: Spärck Jones, A statistical interpretation of term specificity (1972).
    """

    pace: np.ndarray | None = None  # (ids,) float32

    def adapt(self, seen: np.ndarray, texts: int, boundaries: Sequence[int]) -> None:
        """Measure how rare each token is.

        Args:
            seen: (input_dim,) int, how many texts have each id.
            texts: how many there are.
            boundaries: where a new kind of tokens begins; in each the weight is 1 on average.
        """
        weight = np.log((1 + texts) / (1 + seen)) + 1
        for start, end in itertools.pairwise([0, *boundaries, self.input_dim]):
            rows = slice(start, end)
            if seen[rows].any():
                weight[rows] /= np.average(weight[rows], weights=seen[rows])
        self.pace = np.square(weight).astype(np.float32)

    def round(self) -> None:
        """Round all numbers to 8 bits.

        They become multiples of one power of two, from -127 to 127 of it: float32 numbers still,
        most of whose bits are 0, which a file packs to a fifth.
        """
        numbers = ops.convert_to_numpy(self.embeddings)
        if largest := float(np.abs(numbers).max(initial=0.0)):
            step = 2.0 ** np.ceil(np.log2(largest / 127))
            self.embeddings.assign(np.round(numbers / step) * step)

    def call(self, inputs: Any, training: bool = False) -> Any:
        numbers = super().call(inputs)
        if not training or self.pace is None:
            return numbers
        more = ops.cast(ops.take(self.pace - 1, inputs), numbers.dtype)[..., None]

        @ops.custom_gradient
        def paced(numbers: Any) -> tuple[Any, Any]:
            def gradient(*args: Any, upstream: Any = None) -> Any:
                upstream = args[0] if upstream is None else upstream
                return upstream + more * upstream

            return numbers, gradient

        return paced(numbers)

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return super().compute_output_spec(inputs)


@keras.saving.register_keras_serializable(package="nnguide")
class MaskedPool(layers.Layer):
    """Pool the embeddings of a text's tokens: sum and maximum.

    The sum is divided by the root of the count. The sum over √n is what texts scaled to length 1
    give a linear classifier: long texts say more than short ones, as they do under a sum, yet not
    in proportion. The maximum does not change when innocent words are added. Ids from `first`
    (inclusive) to `end` (exclusive) count, but never 0, padding.

    Input: (batch, length, d) embeddings and (batch, length) int ids. Output: (batch, 2 d).
    A text without such tokens gives zeros.
    """

    def __init__(self, first: int, end: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.end = first, end

    def call(self, inputs: tuple[Any, Any], training: bool = False) -> Any:
        embedded, ids = inputs
        chosen = ops.logical_and(ids >= max(self.first, 1), ids < self.end)
        if training and self.first == 0 and keras.backend.backend() == "tensorflow":
            # Rows rise, so what the first pool pools stands in few columns: the rest adds nothing.
            wide = ops.max(ops.where(ops.any(chosen, axis=0), ops.arange(ops.shape(ids)[1]), 0)) + 1
            embedded, chosen = embedded[:, :wide], chosen[:, :wide]
        chosen = ops.expand_dims(chosen, -1)  # (batch, length, 1); LiteRT has no [:, :, None]
        present = ops.cast(chosen, embedded.dtype)
        count = ops.sum(present, axis=1)  # (batch, 1)
        total = ops.sum(embedded * present, axis=1) / ops.sqrt(ops.maximum(count, 1))  # (batch, d)
        lowest = ops.cast(-1e4, embedded.dtype)  # float16 holds it
        highest = ops.max(ops.where(chosen, embedded, lowest), axis=1)  # (batch, d)
        highest = ops.where(count > 0, highest, ops.zeros_like(highest))
        return ops.concatenate([total, highest], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        (batch, _, numbers), _ = input_shape
        return batch, 2 * numbers

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "first": self.first, "end": self.end}


def build(
    config: EmbeddingConfig,
    *,
    ids: int,
    first_gram: int,
    head: Head,
    boundaries: Sequence[int] = (),
) -> keras.Model:
    """Build an uncompiled text classifier.

    Input: (batch, length) int32 token ids in [0, ids), 0 is padding, those from `first_gram` on
    are of character n-grams. Output: what `head` gives, (batch, nodes) float32 probabilities.
    Words and n-grams are pooled apart: the many n-grams would drown the few words. So are the
    kinds of tokens below `first_gram`, of which another begins at each of `boundaries`.

    Source of `model.wide`: Cheng et al., Wide & deep learning for recommender systems (2016).
    """
    tokens = keras.Input((None,), dtype="int32", name="ids")
    start = keras.initializers.RandomUniform(-FIRST_NUMBERS, FIRST_NUMBERS)
    x = TokenEmbedding(ids, config.embedding, embeddings_initializer=start, name="embedding")(
        tokens
    )
    # Hiding whole tokens keeps single words from deciding alone.
    x = Dropout(config.token_dropout, whole=(None, 1), name="token_dropout")(x)
    pools = [
        MaskedPool(first, end, name="pool_words" if first == 0 else f"pool_from_{first}")(
            [x, tokens]
        )
        for first, end in itertools.pairwise([0, *boundaries, first_gram])
        if first < end
    ]
    words = layers.Concatenate(name="pool_of_kinds")(pools) if len(pools) > 1 else pools[0]
    # Hiding all words of a text makes the n-grams do without: words may come s p e l l e d.
    words = Dropout(config.word_dropout, whole=(1,), name="word_dropout")(words)
    if first_gram < ids:
        grams = MaskedPool(first_gram, ids, name="pool_grams")([x, tokens])
        words = layers.Concatenate(name="pool")([words, grams])
    x = Dropout(config.dropout, name="pool_dropout")(words)
    deep = hidden_layers(x, config)
    if config.wide and config.hidden:  # each token has one weight by itself, as without them
        deep = layers.Concatenate(name="wide_and_deep")([x, deep])
    return keras.Model(tokens, head(deep, config), name="core")


@keras.saving.register_keras_serializable(package="nnguide")
class SumOfRows(layers.Layer):
    """Sum of the rows of a text's tokens, and a bias.

    It is a dense layer on a bag of words. Input: (batch, length, units) rows of weights and (batch,
    length) int ids, of which 0 is padding. Output: (batch, units). A text without tokens gives the
    bias.
    """

    def build(self, input_shape: Any) -> None:
        units = input_shape[0][-1]
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")

    def call(self, inputs: tuple[Any, Any]) -> Any:
        rows, ids = inputs
        present = ops.cast(ops.expand_dims(ids > 0, -1), rows.dtype)  # (batch, length, 1)
        return ops.sum(rows * present, axis=1) + self.bias

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        (batch, _, units), _ = input_shape
        return batch, units


def build_dense(config: DenseConfig, *, ids: int, head: Head) -> keras.Model:
    """Build an uncompiled dense classifier on a bag of words.

    Its input x is a row of zeros, with a 1 for each token that the text has. So x W[1] is the sum
    of the rows of W[1] of those tokens: an embedding lookup and a sum, and x is never made.

    Input: (batch, length) int32 token ids in [0, ids), each once; 0 is padding. Output: what
    `head` gives, (batch, nodes) float32 probabilities.
    """
    if not config.hidden or config.batch_norm:
        raise ConfigError(
            "the dense network for texts has one hidden layer or more, without batch "
            f"normalization; got model.hidden={list(config.hidden)}, "
            f"model.batch_norm={str(config.batch_norm).lower()}"
        )
    tokens = keras.Input((None,), dtype="int32", name="ids")
    first, *others = config.hidden
    start = keras.initializers.RandomNormal(stddev=0.1)
    rows = layers.Embedding(
        ids,
        first,
        embeddings_initializer=start,
        embeddings_regularizer=Penalty(config.l1, config.l2),
        name="embedding",
    )(tokens)
    x = SumOfRows(name="hidden_1")([rows, tokens])
    x = activation(config.activation, name=f"hidden_1_{config.activation}")(x)
    x = Dropout(config.dropout, name="hidden_1_dropout")(x)
    x = hidden_layers(x, replace(config, hidden=tuple(others)), first=2)
    return keras.Model(tokens, head(x, config), name="core")
