"""The NumPy, PyTorch and Keras networks by name."""

from __future__ import annotations

from typing import Any

from nnguide import logs
from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError

BACKENDS = ("numpy", "torch", "keras")


def build(
    backend: str, inputs: int, outputs: int, settings: Settings, dtype: str = "float32"
) -> Any:
    """Build the network of `settings` in one backend.

    The initial weights are the same in every backend.

    Raises:
        ConfigError: no such backend.
        ExtraError: PyTorch is not installed.
    """
    if backend == "numpy":
        from nnguide.blueprints.network2 import NumpyNet

        return NumpyNet(inputs, outputs, settings, dtype)
    if backend == "torch":
        from nnguide.blueprints.torch_net import TorchNet

        return TorchNet(inputs, outputs, settings, dtype)
    if backend == "keras":
        logs.tensorflow()
        from nnguide.blueprints.keras_net import KerasNet

        return KerasNet(inputs, outputs, settings, dtype)
    raise ConfigError(f"the backend is one of {', '.join(BACKENDS)}; got {backend!r}")
