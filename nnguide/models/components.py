"""Filters that are measured on pictures, not learned.

They are the principal components of the pictures' patches. What a network of digits learns first
looks much the same in each training: edges and strokes of every direction. Components are such
filters too, and cost no training: neither their own gradients nor those of what lies before.

Source: Jordan, 94 % on CIFAR-10 in 3.29 Seconds on a Single GPU (2024), whose first layer is such a
whitening, and before it Page, How to Train Your ResNet (2019).
"""

from __future__ import annotations

import keras
import numpy as np

from nnguide.errors import ConfigError

PATCHLESS = 1e-3  # standard deviation under which a patch shows nothing


def filters(inputs: np.ndarray, kernel: int, count: int) -> np.ndarray:
    """Return `count` filters for pictures of this kind.

    They are the components of most variance, each once as it is and once negated, for a unit that
    is silent below 0 sees one side alone. Each has the standard deviation 1 over the patches.

    Args:
        inputs: (n, height, width, channels) float32.
        kernel: side of the patches, in pixels.
        count: even, at most 2 · kernel² · channels.

    Returns:
        (kernel, kernel, channels, count) float32.

    Raises:
        ConfigError: a patch would be larger than a picture.
    """
    _, height, width, channels = inputs.shape
    if kernel > min(height, width):
        raise ConfigError(
            f"model.first_filters=measured cuts patches of {kernel} by {kernel} out of {height} by "
            f"{width}. Set a smaller model.kernel."
        )
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (kernel, kernel), axis=(1, 2))
    patches = np.moveaxis(windows, 3, -1).reshape(-1, kernel * kernel * channels)
    seen = patches[patches.std(axis=1) > PATCHLESS]
    seen = seen if len(seen) > patches.shape[1] else patches  # pictures of one shade each
    covariance = np.atleast_2d(np.cov(seen, rowvar=False, dtype=np.float64))
    variances, components = np.linalg.eigh(covariance)
    largest = np.argsort(variances)[::-1][: count // 2]
    chosen = components[:, largest] / np.sqrt(np.maximum(variances[largest], PATCHLESS**2))
    # Which sign a component has is chance: the one that makes its largest weight positive.
    chosen *= np.sign(chosen[np.abs(chosen).argmax(axis=0), range(chosen.shape[1])])
    both = np.concatenate([chosen, -chosen], axis=1).astype(np.float32)
    return both.reshape(kernel, kernel, channels, -1)


def measure(stage: keras.layers.Conv2D, core: keras.Model, features: np.ndarray) -> None:
    """Measure the filters of a convolution that is not trained.

    They come from what it sees. Scale and bias are such that, after the pooling behind it, each
    channel has the mean 0 and the standard deviation 1, for networks without normalisation.

    Args:
        stage: of `core`, followed by a pooling layer.
        features: (n, height, width, channels) float32, inputs of `core`.
    """
    seen = keras.Model(core.inputs, stage.input)([features], training=True)
    kernel = filters(keras.ops.convert_to_numpy(seen), stage.kernel_size[0], stage.filters)
    stage.set_weights([kernel, np.zeros(stage.filters)])
    pooled = core.get_layer(f"{stage.name}_pool").output
    reached = keras.Model(core.inputs, pooled)([features], training=True)
    channels = keras.ops.convert_to_numpy(reached).reshape(-1, stage.filters)
    mean, deviation = channels.mean(axis=0), np.maximum(channels.std(axis=0), PATCHLESS)
    stage.set_weights([kernel / deviation, -mean / deviation])
