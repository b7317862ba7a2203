"""The definition of a lesson: plain data and a few pure functions.

One page shows every lesson.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from typing import Any

from nnguide.errors import InputError
from nnguide.learn.controls import Control, Slider
from nnguide.learn.figures import Figure

State = Mapping[str, Any]
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Passage:
    """A section of the guide, or some of its paragraphs.

    The paragraphs are those between two beginnings.
    """

    section: str  # the anchor of its heading
    start: str = ""  # the first paragraph begins with it
    stop: str = ""  # and the first one left out with this


@dataclass(frozen=True)
class Question:
    """A question to predict and then check.

    The answer is what the lesson's own numbers say.

    Attributes:
        state: what the page shows once the guess is made; what it lacks is the default.
        right: the numbers in that state -> which of the choices is right.
        because: why, in a sentence or two.
    """

    text: str
    choices: tuple[str, ...]
    state: dict[str, Any]
    right: Callable[[Numbers], int]
    because: str


@dataclass(frozen=True)
class Training:
    """A training that is followed update by update.

    The control `step` counts the updates.

    Attributes:
        begin: arguments by name, from the state -> what is trained, and whatever goes with it.
        update: makes one more step with it.
        pace: steps of a frame of the film.
    """

    begin: Callable[..., Any]
    update: Callable[[Any], None]
    most: int
    pace: int = 1

    @property
    def control(self) -> Slider:
        return Slider("step", "Step", 0, self.most, 1, 0, whole=True)


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        name: in the address and on the command line.
        summary: a sentence for the list of lessons.
        passage: the text, which is the guide's.
        controls: what the learner moves; together their values are the state.
        numbers: the state's values by name -> every number that the page shows, by name. It takes
            only the arguments that it needs; in a lesson with a training the first one, `run`,
            is what `begin` made. It is shown as Python, so it ends with `return dict(…)` of
            local names.
        figures: state, numbers -> figures.
        code: state -> the functions of the library that ran.
        exactness: where the picture is not exact.
        exercises: those that write what it shows, by name.
    """

    name: str
    title: str
    summary: str
    passage: Passage
    controls: tuple[Control, ...]
    numbers: Callable[..., Numbers]
    figures: Callable[[State, Numbers], list[Figure]]
    code: Callable[[State], list[Any]]
    question: Question
    exactness: str
    training: Training | None = None
    exercises: tuple[str, ...] = ()
    hint: str = field(default="")  # how to use it, where the controls do not say it

    @cached_property
    def all_controls(self) -> dict[str, Control]:
        controls = [*self.controls, *([self.training.control] if self.training else [])]
        return {control.name: control for control in controls}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        return {name: control.default for name, control in self.all_controls.items()}  # type: ignore[attr-defined]

    def state(self, values: Any) -> dict[str, Any]:
        """Return a whole state.

        The given values are checked, the others are at their defaults.

        Raises:
            InputError: a value that the control cannot have, or one of no control.
        """
        if not isinstance(values, dict):
            raise InputError("a state is an object of the controls' values by name")
        if unknown := sorted(set(values) - self.all_controls.keys()):
            names = ", ".join(self.all_controls)
            raise InputError(
                f"{self.name} has no control {unknown[0][:40]!r}; its controls are {names}"
            )
        return self.defaults | {
            name: self.all_controls[name].read(value) for name, value in values.items()
        }

    def compute(self, state: State, run: Any = None) -> Numbers:
        """Return the numbers of a state.

        `run` is a training at that step, if there is one already.
        """
        if self.training is None:
            return self.numbers(**arguments(self.numbers, state))
        if run is None:
            run = self.begin(state)
            for _ in range(state["step"]):
                self.training.update(run)
        return self.numbers(run, **arguments(self.numbers, state))

    def begin(self, state: State) -> Any:
        assert self.training
        return self.training.begin(**arguments(self.training.begin, state))


def arguments(function: Callable[..., Any], state: State) -> dict[str, Any]:
    """Return the values of a state that a function takes."""
    return {name: state[name] for name in signature(function).parameters if name in state}
