"""A run's model is one that plain Keras loads, once nnguide is imported, whichever came first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nnguide
from nnguide.models import keras_objects

SHIPPED = Path(nnguide.__file__).parent / "shipped"
LOAD = """
for task in ("digits", "spam"):
    model = keras.models.load_model(SHIPPED + "/" + task + "/model.keras")
    print(task, *model.output_shape)
"""
COMPLETE = """
import importlib, pkgutil
for module in pkgutil.walk_packages(nnguide.__path__, "nnguide."):
    if module.name.split(".")[1] in ("models", "preprocessing", "training"):
        importlib.import_module(module.name)
known = {name.removeprefix("nnguide>"): value.__module__
         for name, value in keras.saving.get_custom_objects().items()
         if name.startswith("nnguide>")}
for old in nnguide.models.keras_objects.RENAMED:
    del known[old]
assert known == nnguide.models.keras_objects.CLASSES, known
"""


def fresh(code: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()


@pytest.mark.parametrize("order", ["import nnguide, keras", "import keras, nnguide"])
def test_keras_loads_the_model_of_a_run_by_itself(order: str) -> None:
    """And every class that nnguide registers is one it can find without having been imported."""
    assert fresh(f"SHIPPED = {str(SHIPPED)!r}\n{order}{LOAD}{COMPLETE}") == [
        "digits None 10",
        "spam None 1",
    ]


def test_importing_nnguide_imports_no_framework_and_nothing_of_it() -> None:
    code = "import sys, nnguide; print(*sorted(m for m in sys.modules if m.startswith('nnguide')))"
    heavy = "; print(*{'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    assert fresh(code + heavy) == ["nnguide nnguide.models nnguide.models.keras_objects", ""]


def test_a_stand_in_is_its_class() -> None:
    lazy = keras_objects.LazyClass("Config", "nnguide.config")
    assert "not imported yet" in repr(lazy)
    assert lazy.__doc__ != ""
    assert lazy.merge is __import__("nnguide.config").config.Config.merge
