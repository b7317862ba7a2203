"""Text to token ids as a Keras layer, on every backend.

TensorFlow has strings, so there the layer is part of a model's graph. JAX and PyTorch have none:
there it takes texts of Python or NumPy, outside of compiled functions, and gives tensors of ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from nnguide.preprocessing.tokens import Tokeniser


@keras.saving.register_keras_serializable(package="nnguide")
class Tokens(keras.layers.Layer):
    """Layer from raw texts to the ids of a `Tokeniser`.

    Input: (batch,) or (batch, 1) string in UTF-8; invalid bytes part words. Output: (batch, width)
    int32, rows ending in zeros.
    """

    def __init__(self, tokeniser: Tokeniser, *, pad: int | None = None, **kwargs: Any) -> None:
        """Wrap `tokeniser`.

        Args:
            tokeniser: already adapted.
            pad: the width; longer rows are cut. None is the width of the batch's longest row.
            kwargs: as for any Keras layer.
        """
        super().__init__(trainable=False, **kwargs)
        self.tokeniser = tokeniser
        self.pad = pad
        self.supports_jit = False  # strings
        self._convert_input_args = False  # Keras would make NumPy's texts an array of objects
        self._allow_non_tensor_positional_args = True

    def call(self, inputs: Any) -> Any:
        """Return the ids of `inputs`."""
        if keras.backend.backend() == "tensorflow":
            from nnguide.preprocessing import text_ops

            return text_ops.ids(inputs, self.tokeniser, self.pad)
        texts = np.asarray(inputs, object).reshape(-1)
        return keras.ops.convert_to_tensor(self.tokeniser(_decoded(texts), self.pad))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return (batch, width); the width is None unless `pad` fixes it."""
        return (input_shape[0], self.pad)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the shape and dtype of the ids."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="int32")

    def get_config(self) -> dict[str, Any]:
        """Return all that `from_config` needs, as JSON values.

        The vocabulary is included.
        """
        return {**super().get_config(), "tokeniser": self.tokeniser.to_dict(), "pad": self.pad}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Tokens:
        """Return the layer that `get_config` described.

        A RunError is raised if its tokeniser does not fit.
        """
        config = {name: value for name, value in config.items() if name != "trainable"}
        return cls(Tokeniser.from_dict(config.pop("tokeniser")), **config)


def _decoded(texts: Iterable[str | bytes]) -> list[str]:
    return [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
