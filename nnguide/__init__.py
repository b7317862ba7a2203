"""nnguide: a guide to neural networks that runs.

    from nnguide import load, train

    run = train("spam", settings=["train.epochs=3"])
    run.predict("WIN a free prize, call now")
    load("digits").predict("three.png")

The names below are imported when they are first used, so `import nnguide` is instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nnguide.models import keras_objects

__version__ = "0.2.0"

_HOMES = {
    "train": "nnguide.training.train",
    "configure": "nnguide.training.configure",
    "evaluate": "nnguide.evaluation.evaluate",
    "tune": "nnguide.tuning.tune",
    "explain": "nnguide.explain",
    "load": "nnguide.runs",
    "Run": "nnguide.runs",
    "Answer": "nnguide.runs",
    "Answers": "nnguide.runs",
    "Config": "nnguide.config",
    "Examples": "nnguide.data.examples",
    "NnguideError": "nnguide.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nnguide' has no attribute {name!r}")
    home = importlib.import_module(_HOMES[name])
    return home if home.__name__ == f"{__name__}.{name}" else getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)


keras_objects.install()  # so that keras.models.load_model reads the model of a run

if TYPE_CHECKING:  # the same names, for editors and type checkers
    from nnguide.config import Config as Config
    from nnguide.data.examples import Examples as Examples
    from nnguide.errors import NnguideError as NnguideError
    from nnguide.evaluation.evaluate import evaluate as evaluate
    from nnguide.explain import explain as explain
    from nnguide.runs import Answer as Answer
    from nnguide.runs import Answers as Answers
    from nnguide.runs import Run as Run
    from nnguide.runs import load as load
    from nnguide.training.configure import configure as configure
    from nnguide.training.train import train as train
    from nnguide.tuning.tune import tune as tune
