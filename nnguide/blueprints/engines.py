"""The three twins by name."""

from __future__ import annotations

from typing import Any

from nnguide import framework_logs
from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError

ENGINES = ("numpy", "torch", "keras")


def build(
    engine: str, inputs: int, outputs: int, settings: Settings, dtype: str = "float32"
) -> Any:
    """The network of `settings` in that engine, at the same starting weights in each.

    Raises:
        ConfigError: no such engine.
        ExtraError: PyTorch is not installed.
    """
    if engine == "numpy":
        from nnguide.blueprints.numpy_net import NumpyNet

        return NumpyNet(inputs, outputs, settings, dtype)
    if engine == "torch":
        from nnguide.blueprints.torch_net import TorchNet

        return TorchNet(inputs, outputs, settings, dtype)
    if engine == "keras":
        framework_logs.tensorflow()
        from nnguide.blueprints.keras_net import KerasNet

        return KerasNet(inputs, outputs, settings, dtype)
    raise ConfigError(f"the engine is one of {', '.join(ENGINES)}; got {engine!r}")
