"""The network that the benchmark trains in PyTorch is the Keras one, layer by layer."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnguide import logs, tasks

logs.tensorflow()

import keras  # noqa: E402

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

from bench.digits import torch_twin  # noqa: E402

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
)
FAST = ("model.first_filters=measured", "model.padding=valid", "model.depth=1")


@pytest.mark.parametrize("settings", [FAST, ("model.space_to_depth=1", "model.hidden=5")])
def test_with_the_same_weights_both_answer_the_same(settings: tuple[str, ...]) -> None:
    import torch

    config = tiny.config("digits", "model.kind=cnn", "model.filters=6,5", *settings)
    training = tiny.examples("digits", 64)
    task = tasks.get("digits")
    layer = task.preprocessor(config, training.inputs)
    core = task.build(config, layer, 10)
    assert task.adapt is not None
    task.adapt(core, layer, training.inputs)
    generator = np.random.default_rng(1)
    core.set_weights([_other(weight, generator) for weight in core.weights])
    twin = torch_twin(config, training)
    _copy(core, twin)
    x = np.asarray(layer(training.inputs[:16]))
    with torch.no_grad():
        logits = twin.eval()(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
        answers = torch.softmax(logits, 1).numpy()
    np.testing.assert_allclose(answers, core(x), atol=1e-5)


def _other(weight: Any, generator: np.random.Generator) -> np.ndarray:
    """What a training could have made of a weight; statistics and scales stay positive."""
    value = keras.ops.convert_to_numpy(weight)
    changed = weight.path.rsplit("/", 1)[1] in ("kernel", "gamma", "moving_variance", "beta")
    return (
        value * generator.uniform(0.5, 1.5, value.shape).astype(value.dtype) if changed else value
    )


def _copy(core: keras.Model, twin: Any) -> None:
    """Give the PyTorch modules the weights of the Keras layers."""
    import torch

    modules = [m for m in twin if list(m.parameters(False)) or list(m.buffers(False))]
    kinds = (keras.layers.Conv2D, keras.layers.Dense, keras.layers.BatchNormalization)
    layers = [layer for layer in core.layers if isinstance(layer, kinds)]
    map_shape = core.get_layer("flatten").input.shape[1:]
    for layer, module in zip(layers, modules, strict=True):
        values = {w.path.rsplit("/", 1)[1]: keras.ops.convert_to_numpy(w) for w in layer.weights}
        if (kernel := values.pop("kernel", None)) is not None:
            if kernel.ndim == 4:
                values["weight"] = kernel.transpose(3, 2, 0, 1)
            elif len(kernel) == np.prod(map_shape):  # PyTorch flattens channels first
                split = kernel.reshape(*map_shape, -1).transpose(2, 0, 1, 3)
                values["weight"] = split.reshape(len(kernel), -1).T
            else:
                values["weight"] = kernel.T
        names = {
            "gamma": "weight",
            "beta": "bias",
            "moving_mean": "running_mean",
            "moving_variance": "running_var",
        }
        for name, value in values.items():
            getattr(module, names.get(name, name)).data.copy_(torch.from_numpy(value.copy()))
