"""A small convolutional network.

It halves the picture early: large maps cost the most time.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from nnguide.config import CnnConfig
from nnguide.errors import ConfigError
from nnguide.models.blocks import MOMENTUM, Dropout, Penalty, activation, hidden_layers
from nnguide.models.heads import Softmax

FIRST = "stage_1_1"  # the first convolution


@keras.saving.register_keras_serializable(package="nnguide")
class TestTimeShift(layers.Layer):
    """Layer that shifts each picture to every place nearby.

    The places are up to `pixels` away. In training a picture stays as it is. A network that learned
    from shifted pictures errs on some of them by chance; the mean of several views errs less, for
    as many times the work.

    Input: (batch, height, width, channels). Output: the same in training, else (count · batch, …),
    all pictures at the first place, then all at the second; the border's pixels are repeated.
    """

    __test__ = False  # no test case, whatever its name

    def __init__(self, pixels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pixels = pixels
        self.count = (2 * pixels + 1) ** 2

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            return inputs
        _, height, width, _ = inputs.shape
        reach = [self.pixels, self.pixels]
        wide = ops.pad(inputs, [[0, 0], reach, reach, [0, 0]], mode="symmetric")
        places = range(2 * self.pixels + 1)
        views = [wide[:, y : y + height, x : x + width] for y in places for x in places]
        return ops.concatenate(views, axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pixels": self.pixels}


@keras.saving.register_keras_serializable(package="nnguide")
class MeanOfViews(layers.Layer):
    """Mean of views, (count · batch, features) -> (batch, features).

    In training it is the identity.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            return inputs
        return ops.mean(ops.reshape(inputs, (self.count, -1, inputs.shape[-1])), axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}


def build(config: CnnConfig, *, input_shape: tuple[int, ...], labels: int) -> keras.Model:
    """Build an uncompiled convolutional classifier.

    Input: (batch, height, width, channels) float, preprocessed. Output: (batch, labels)
    float32 probabilities. Blocks of `config.space_to_depth` by as many pixels become channels.
    Then the first stage convolves once, each further stage `config.depth` times, and each
    ends by pooling 2 by 2. With `config.padding` valid a convolution answers only where its kernel
    lies within the picture, which is less work. With `config.test_time_shift` the picture is seen
    at several places outside of training, and the head gets the mean. With `config.first_filters`
    measured, the first stage has nothing to learn: `components.measure` gives it its filters.

    Raises:
        ConfigError: padding is valid, and a stage is left with less than its kernel.
    """
    features = keras.Input(input_shape, name="features")
    views = TestTimeShift(config.test_time_shift, name="views")
    x = views(features) if views.pixels else features
    x = _space_to_depth(x, config.space_to_depth)
    for stage, channels in enumerate(config.filters, start=1):
        depth, kernel = (1, config.kernel) if stage == 1 else (config.depth, 3)
        for number in range(1, depth + 1):
            name = f"stage_{stage}_{number}"
            learns = stage > 1 or config.first_filters == "learned"
            x = _convolve(x, channels, kernel, number == depth, config, name, learns)
    x = layers.Flatten(name="flatten")(x)
    x = Dropout(config.dropout, name="dropout")(x)
    x = hidden_layers(x, config)
    if views.pixels:
        x = MeanOfViews(views.count, name="mean_of_views")(x)  # so the logits are means as well
    return keras.Model(features, Softmax(labels)(x, config), name="core")


def _space_to_depth(x: Any, side: int) -> Any:
    """Convert (batch, h, w, c) to blocks of channels.

    The result is (batch, h / side, w / side, side * side * c).
    """
    if side == 1:
        return x
    _, height, width, channels = x.shape
    rows, columns = height // side, width // side
    x = layers.Reshape((rows, side, columns, side * channels), name="space_to_depth_split")(x)
    x = layers.Permute((1, 3, 2, 4), name="space_to_depth_order")(x)
    return layers.Reshape((rows, columns, side * side * channels), name="space_to_depth")(x)


def fixed_stage(core: keras.Model) -> keras.layers.Conv2D | None:
    """Return the convolution whose filters are measured, if `core` has one."""
    first = next((layer for layer in core.layers if layer.name == FIRST), None)
    return None if first is None or first.trainable else first


def _convolve(
    x: Any, channels: int, kernel: int, pool: bool, config: CnnConfig, name: str, learns: bool
) -> Any:
    """Apply convolution, pooling, normalisation and activation.

    Pooling comes first, so the rest costs a quarter. What does not learn has no penalty, and
    its normalisation no scale or shift: so no gradient goes through it.
    """
    side = min(x.shape[1:3])
    if config.padding == "valid" and side < kernel:
        raise ConfigError(
            f"model.padding=valid leaves {side} by {side} pixels for {name}, whose kernel needs "
            f"{kernel} by {kernel}. Set model.padding=same, fewer stages or a smaller model.depth."
        )
    x = layers.Conv2D(
        channels,
        kernel,
        padding=config.padding,
        use_bias=not (config.batch_norm and learns),
        kernel_initializer="he_normal",
        kernel_regularizer=Penalty(config.l1, config.l2) if learns else None,
        trainable=learns,
        name=name,
    )(x)
    if pool:
        x = layers.MaxPooling2D(2, padding="same", name=f"{name}_pool")(x)
    if config.batch_norm:
        x = layers.BatchNormalization(
            momentum=MOMENTUM, center=learns, scale=learns, name=f"{name}_norm"
        )(x)
    return activation(config.activation, name=f"{name}_{config.activation}")(x)
