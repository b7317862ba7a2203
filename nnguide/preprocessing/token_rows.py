"""Token ids of texts that are read when needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from nnguide.preprocessing.tokens import Tokeniser

AT_ONCE = 16_384  # texts that are tokenised together where all are


class TokenRows:
    """Batchwise substitute for a tf.RaggedTensor of all ids."""

    def __init__(self, tokeniser: Tokeniser, texts: Any) -> None:
        """Make the rows of `texts`, nnguide.data.records.Records."""
        self.tokeniser, self.texts = tokeniser, texts

    @property
    def shape(self) -> tuple[int]:
        return (len(self.texts),)

    def gather(self, places: Any) -> tf.RaggedTensor:
        """Return the rows at `places` (k,) int64."""
        ids, lengths = tf.numpy_function(self._rows, [places], [tf.int32, tf.int64])
        ids.set_shape([None])
        lengths.set_shape([None])
        return tf.RaggedTensor.from_row_lengths(ids, lengths, validate=False)

    def _rows(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.tokeniser.ragged(list(self.texts[places]))

    def counts(self) -> np.ndarray:
        """Return how many texts have each id, (ids,) int64."""
        seen = np.zeros(self.tokeniser.size, np.int64)
        for texts in self.texts.chunks(AT_ONCE):
            seen += np.bincount(self.tokeniser.ragged(texts)[0], minlength=len(seen))
        return seen
