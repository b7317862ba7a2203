"""What the tests of the live guide share: random states, and the named numbers of figures."""

from __future__ import annotations

import base64
import contextlib
import io
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.learn import lessons
from nnguide.learn.controls import (
    Choice,
    Control,
    Numbers,
    Picture,
    Points,
    Saved,
    Slider,
    Switch,
    Text,
)
from nnguide.learn.lesson import Lesson
from nnguide.learn.python import as_python

FEW_STEPS = 40  # of a training, so that each state is there quickly
WORDS = (
    "free",
    "prize",
    "call",
    "me",
    "tonight",
    "WIN",
    "the",
    "meeting",
    "at",
    "six",
    "£1000",
    "2",
    "5",
)


def random_state(lesson: Lesson, seed: int) -> dict[str, Any]:
    """A value for each control."""
    chance = random.Random(f"{lesson.name}-{seed}")
    return {name: value(control, chance) for name, control in lesson.all_controls.items()}


def value(control: Control, chance: random.Random) -> Any:
    if isinstance(control, Slider):
        if control.name == "step":
            return chance.randint(0, min(FEW_STEPS, int(control.high)))
        if control.whole:
            return chance.randint(int(control.low), int(control.high))
        if control.log:
            return float(np.exp(chance.uniform(np.log(control.low), np.log(control.high))))
        return chance.choice([chance.uniform(control.low, control.high), control.default])
    if isinstance(control, Choice):
        return chance.choice(control.options)
    if isinstance(control, Saved):
        return control.default  # what is on this machine differs
    if isinstance(control, Switch):
        return chance.random() < 0.5
    if isinstance(control, Text):
        return " ".join(chance.choices(WORDS, k=chance.randint(0, 12)))[: control.most]
    if isinstance(control, Numbers):
        return [chance.uniform(control.low, control.high) for _ in control.default]
    if isinstance(control, Points):
        most = chance.choice([0, 1, 7, 40])
        return [[chance.uniform(-1, 1), chance.uniform(-1, 1), i % 2] for i in range(most)]
    assert isinstance(control, Picture)
    levels = bytes(chance.randint(0, 255) if chance.random() < 0.2 else 0 for _ in range(784))
    return base64.b64encode(levels).decode()


def named(figure: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Every number of a figure that has a name, and every array; None stands for not finite."""
    if isinstance(figure, dict):
        if name := figure.get("name"):
            if isinstance(figure.get("values"), str):
                packed = np.frombuffer(base64.b64decode(figure["values"]), "<f4")
                yield name, packed.astype(float).reshape(figure["shape"])
            elif "value" in figure:
                yield name, np.array(figure["value"], float)
            elif "y" in figure:
                yield name, np.array(figure["y"], float)
        for inner in figure.values():
            yield from named(inner)
    elif isinstance(figure, list):
        for inner in figure:
            yield from named(inner)


def variables(lesson: Lesson, state: dict[str, Any]) -> dict[str, Any]:
    """What the copied Python of a state leaves behind, run by itself."""
    found: dict[str, Any] = {"__name__": "copied"}
    text = as_python(lesson, state)
    assert "nnguide.learn" not in text
    with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, lesson.name, "exec"), found)
    return found


def lookup(variables: dict[str, Any], reference: str) -> np.ndarray:
    """The variable or the entry of one that a number on the page names."""
    name, _, place = reference.rstrip("]").partition("[")
    if place and isinstance(variables[name], list):  # of arrays of several shapes
        first, *more = (int(i) for i in place.split(","))
        return np.asarray(variables[name][first], float)[tuple(more)]
    found = np.asarray(variables[name], float)
    return found[tuple(int(i) for i in place.split(","))] if place else found


def compare(figures: list[Any], found: dict[str, Any], state: dict[str, Any]) -> int:
    """Hold the named numbers of figures against variables; how many numbers those were."""
    count = 0
    for name, shown in named(figures):
        wanted = np.asarray(lookup({**state, **found}, name))
        if shown.size != wanted.size:
            raise AssertionError(f"{name}: {shown.shape} shown, {wanted.shape} computed")
        wanted = np.where(np.isfinite(wanted), wanted, np.nan).reshape(shown.shape)
        scale = max(1.0, float(np.nanmax(np.abs(wanted), initial=0)))
        np.testing.assert_allclose(shown, wanted, rtol=1e-6, atol=1e-6 * scale, err_msg=name)
        count += shown.size
    return count


def every_lesson() -> list[str]:
    return list(lessons.NAMES)
