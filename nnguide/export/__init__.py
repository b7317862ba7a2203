"""Exports of a trained model, each checked before it is published.

`nnguide.export.publish.export` writes one: a SavedModel that takes raw inputs, or the network
alone for ONNX Runtime or LiteRT with what prepares its inputs in NumPy beside it.
"""

from typing import Literal

Format = Literal["saved_model", "onnx", "litert"]
