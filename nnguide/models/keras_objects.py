"""Lazy registration of nnguide's layers in Keras.

Keras finds them by name, and they are imported only when they are needed. A saved model names its
layers, and Keras looks these names up among the registered classes. `import nnguide` is instant and
imports no framework, so it registers stand-ins: each imports its class when a model file asks for
it. They are registered when Keras is imported, before or after.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

CLASSES = {  # name in a model file -> where the class is
    "Calibration": "nnguide.models.heads",
    "Dropout": "nnguide.models.blocks",
    "Penalty": "nnguide.models.blocks",
    "Columns": "nnguide.preprocessing.columns",
    "MaskedPool": "nnguide.models.text",
    "TokenEmbedding": "nnguide.models.text",
    "MeanOfViews": "nnguide.models.convolutional",
    "TestTimeShift": "nnguide.models.convolutional",
    "Pixels": "nnguide.preprocessing.images",
    "SumOfRows": "nnguide.models.text",
    "Tokens": "nnguide.preprocessing.text",
    "OneCycle": "nnguide.models.optimizers",
    "PerUpdate": "nnguide.models.optimizers",
}
RENAMED = {"MeanOfLooks": "MeanOfViews"}  # name in older model files -> the class


class LazyClass:
    """A class that is imported when it is first used."""

    def __init__(self, name: str, module: str) -> None:
        self._name, self._module = name, module

    def __repr__(self) -> str:
        return f"<{self._module}.{self._name}, not imported yet>"

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._imported(), attribute)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._imported()(*args, **kwargs)

    def _imported(self) -> Any:
        return getattr(importlib.import_module(self._module), self._name)


def install() -> None:
    """Register the stand-ins in Keras.

    That happens now if Keras is imported already, else when it is.
    """
    if "keras" in sys.modules:
        _register(sys.modules["keras"])
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported())


def _register(keras: ModuleType) -> None:
    registered = keras.saving.get_custom_objects()
    for name, module in CLASSES.items():  # the class itself, once imported, takes its place
        registered.setdefault(f"nnguide>{name}", LazyClass(name, module))
    for old, name in RENAMED.items():
        registered[f"nnguide>{old}"] = LazyClass(name, CLASSES[name])


class _WhenImported:
    """Import hook that registers the stand-ins once `keras` is imported.

    It finds no module itself.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _register(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
