"""The record of an exercise with everything about it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

TO_DO = "raise NotImplementedError  # your lines"


class Case(NamedTuple):
    """One call of one of the functions.

    `where` names an edge case, such as "z = ±1000".
    """

    function: str
    args: tuple[Any, ...]
    where: str = ""


class Mistake(NamedTuple):
    """A mistake as an edit of the solution.

    A file has this mistake if its answers are those of the edited solution.
    """

    name: str
    old: str
    new: str


Functions = Mapping[str, Any]


def call(functions: Functions, case: Case) -> Any:
    """Call the case's function with its arguments."""
    return functions[case.function](*case.args)


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        step: the anchor of the guide's step.
        line: a line of that step, word for word.
        solution: Python text; every function has a docstring that says what is wanted.
        cases: from a seeded generator, the calls to compare; the same each time.
        use: makes a comparable answer of a call: arrays, numbers, texts, or a tuple of them.
        in_place: the functions may change their arguments.
        keras: the file needs Keras.
    """

    name: str
    title: str
    step: str
    line: str
    solution: str
    cases: Callable[[np.random.Generator], Iterable[Case]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str, str]
    use: Callable[[Functions, Case], Any] = call
    in_place: bool = False
    keras: bool = False

    @property
    def functions(self) -> list[str]:
        """The names that the learner's file must define."""
        return [
            node.name
            for node in ast.parse(self.solution).body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        ]

    @property
    def stub(self) -> str:
        """The solution without the lines below each docstring."""
        lines = self.solution.lstrip("\n").splitlines()
        defined = [
            node
            for node in ast.walk(ast.parse("\n".join(lines)))
            if isinstance(node, ast.FunctionDef)
        ]
        for node in sorted(defined, key=lambda node: -node.lineno):
            docstring = node.body[0]
            to_do = " " * docstring.col_offset + TO_DO
            lines[docstring.end_lineno : node.end_lineno] = [to_do]
        return "\n".join(lines) + "\n"

    def with_mistake(self, mistake: Mistake) -> str:
        """Return the solution with the mistake in it."""
        return self.solution.replace(mistake.old, mistake.new)
