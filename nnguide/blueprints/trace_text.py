"""One message through a trained spam network and back, by layer.

The way of a text: words and pieces of words become ids, each id a row of the embedding, the rows
are pooled to their average and maximum, hidden layers look at those, one node answers. On the way
back the gradient reaches the embedding: how far each token's row would have to move for the
answer to change says how much the answer hangs on that token.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.errors import ConfigError, InputError
from nnguide.runs import Run

SHOWN = 6  # numbers of a layer that are shown


def trace_text(run: Run, text: str, target: int = 1) -> dict[str, Any]:
    """Follow `text` forward and backward through a spam run's network.

    Args:
        run: a run of the spam task.
        text: a message with at least one character that is read.
        target: 1 asks for the loss of saying ham, 0 of saying spam: L is taken against it.
    Returns:
        text, target, probability (of spam), loss;
        tokens: [{token, id, pull}], words, pairs+of them and [pieces], each once; id 1
            is an unknown word, pull the norm of ∂L/∂embedding of that token;
        forward: [{layer, kind, shape, first}], the first numbers of each layer's output;
        backward: [{layer, norm}], the norm of ∂L/∂output of each layer, the last layer first.
    Raises:
        ConfigError: the run is not one of spam, or is several networks joined.
        InputError: the text holds nothing to read.
    """
    if run.task.threshold is None:
        raise ConfigError(f"a message goes through a spam run; {run.folder} is of {run.task.name}")
    if "core" not in [layer.name for layer in run.model.layers]:
        raise ConfigError(f"expected a single network to follow; {run.folder} joins several")
    import keras
    import tensorflow as tf

    tokens_layer, core = run.model.get_layer("tokens"), run.model.get_layer("core")
    ids = tokens_layer(tf.constant([text]))
    if not np.asarray(ids).any():
        raise InputError(f"expected a message with words in it; got {text!r}")
    layers = [layer for layer in core.layers if layer.name != "ids" and "dropout" not in layer.name]
    follow = keras.Model(core.input, [layer.output for layer in layers])
    with tf.GradientTape() as tape:
        outputs = follow(ids, training=False)
        probability = outputs[-1][0, 0]
        right = probability if target else 1 - probability
        loss = -tf.math.log(tf.maximum(right, 1e-30))
    slopes = tape.gradient(loss, outputs)

    token_ids = np.asarray(ids)[0]
    names = tokens_layer.tokeniser.names(text)
    pulls = np.linalg.norm(np.asarray(slopes[0])[0], axis=1)
    return {
        "text": text,
        "target": target,
        "probability": float(probability),
        "loss": float(loss),
        "tokens": [
            {"token": name, "id": int(i), "pull": float(pull)}
            for name, i, pull in zip(names, token_ids, pulls, strict=True)
        ],
        "forward": [
            {
                "layer": layer.name,
                "kind": type(layer).__name__,
                "shape": list(output.shape),
                "first": np.ravel(output)[:SHOWN].astype(float).tolist(),
            }
            for layer, output in zip(layers, outputs, strict=True)
        ],
        "backward": [
            {"layer": layer.name, "norm": float(np.linalg.norm(slope))}
            for layer, slope in zip(layers[::-1], slopes[::-1], strict=True)
            if slope is not None
        ],
    }
