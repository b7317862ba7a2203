"""The lessons, in the guide's order.

Each is a file of this folder.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from nnguide.config.values import unknown
from nnguide.errors import ConfigError
from nnguide.learn.lesson import Lesson

NAMES = (
    "neuron",
    "activations",
    "nonlinear",
    "backward",
    "losses",
    "descent",
    "batches",
    "scratch",
    "overfitting",
    "mistakes",
    "broken",
    "pixels",
    "convolution",
    "words",
    "precision",
    "blackbox",
)


@functools.cache
def every() -> tuple[Lesson, ...]:
    """Return all lessons, in order."""
    return tuple(get(name) for name in NAMES)


def get(name: Any) -> Lesson:
    """Return the lesson of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in NAMES:
        raise ConfigError(unknown(str(name)[:60], list(NAMES), "lesson"))
    return importlib.import_module(f"{__name__}.{name}").LESSON


def by_section() -> dict[str, str]:
    """Return the first lesson about each section of the guide."""
    names: dict[str, str] = {}
    for lesson in every():
        names.setdefault(lesson.passage.section, lesson.name)
    return names
