"""The diagnosis that finds a mistake from a learner's answers.

A mistake has a name when the learner's answers are those of the solution with that mistake in it,
call for call. Otherwise the difference is described: a shape, a factor, a sign, an edge case.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide.learn.exercises import outcome
from nnguide.learn.exercises.exercise import Case, Exercise, Functions
from nnguide.learn.exercises.outcome import Outcome, UnusableAnswerError

Calls = list[tuple[Case, Outcome]]


@dataclass(frozen=True)
class Verdict:
    """The result of checking one file.

    Attributes:
        state: "passed", "not written" or "wrong".
        mistake: its name; "" when passed.
        detail: the first call that went wrong, expected and received.
    """

    state: str
    mistake: str = ""
    detail: str = ""


def load(source: str) -> dict[str, Any]:
    """Return the functions of a source text of nnguide."""
    functions: dict[str, Any] = {}
    exec(compile(source, "solution", "exec"), functions)
    return functions


def examine(exercise: Exercise, functions: Functions) -> Verdict:
    """Check a learner's functions."""
    missing = [name for name in exercise.functions if name not in functions]
    if missing:
        return Verdict("wrong", f"{missing[0]} is missing: the file must define it")
    answers = list(outcome.run(exercise, functions))
    right = list(outcome.run(exercise, load(exercise.solution)))
    wrong = [
        (case, expected, answer)
        for (case, answer), (_, expected) in zip(answers, right, strict=True)
        if not outcome.same(expected, answer)
    ]
    if not wrong:
        return Verdict("passed")
    if any(isinstance(answer.error, NotImplementedError) for _, _, answer in wrong):
        done = {case.function for case, _ in answers} - {case.function for case, _, _ in wrong}
        names = {
            case.function
            for case, _, answer in wrong
            if isinstance(answer.error, NotImplementedError)
        }
        first = next(name for name in exercise.functions if name in names)
        state = "wrong" if done else "not written"
        return Verdict(state, f"{first} is not written yet")
    case, expected, answer = wrong[0]
    detail = f"{describe(case)}: {_difference(expected, answer)}"
    return Verdict("wrong", _named(exercise, answers, right, case.function) or seen(wrong), detail)


def _named(exercise: Exercise, answers: Calls, right: Calls, function: str) -> str:
    """Return the name of the mistake that gives these answers.

    The answers are those of one function's calls; it may be two mistakes together.
    """
    calls = [
        (answer, expected)
        for (case, answer), (_, expected) in zip(answers, right, strict=True)
        if case.function == function
    ]
    return _nearest(calls, _singles(exercise, function)) or _nearest(
        calls, _pairs(exercise, function)
    )


@functools.cache
def _singles(exercise: Exercise, function: str) -> list[tuple[str, list[Outcome]]]:
    """Return the answers of each mistake by itself."""
    return [
        (mistake.name, list(_answers(exercise, function, exercise.with_mistake(mistake))))
        for mistake in exercise.mistakes
    ]


def _pairs(exercise: Exercise, function: str) -> Iterator[tuple[str, Iterator[Outcome]]]:
    """Yield the answers of every two mistakes that can be combined.

    Keras takes too long for so many models.
    """
    for first, second in itertools.permutations(() if exercise.keras else exercise.mistakes, 2):
        source = exercise.with_mistake(first)
        if first.name != second.name and second.old in source:
            both = source.replace(second.old, second.new)
            with contextlib.suppress(SyntaxError):  # edits that do not go together
                compile(both, "solution", "exec")
                yield f"{first.name}; and {second.name}", _answers(exercise, function, both)


def _answers(exercise: Exercise, function: str, source: str) -> Iterator[Outcome]:
    return (made for _, made in outcome.run(exercise, load(source), function))


def _nearest(
    calls: list[tuple[Outcome, Outcome]], made: Iterable[tuple[str, Iterable[Outcome]]]
) -> str:
    """Return the name of the best match for the wrong answers.

    It gives every wrong answer of `calls`, and most of all of them.
    """
    best, name = 0, ""
    for what, outcomes in made:
        agreed = distinct = 0
        for (answer, expected), theirs in zip(calls, outcomes, strict=True):
            if outcome.same(theirs, answer):
                agreed += 1
                distinct += not outcome.same(expected, answer) and not outcome.same(
                    expected, theirs
                )
            elif not outcome.same(expected, answer):
                break  # a wrong answer that this mistake does not give
        else:
            if distinct and agreed > best:
                best, name = agreed, what
    return name


def seen(wrong: list[tuple[Case, Outcome, Outcome]]) -> str:
    """Describe the wrong answers without knowing the mistake."""
    case, expected, answer = wrong[0]
    where = f" at {case.where}" if case.where else ""
    if isinstance(answer.error, ArithmeticError):
        return f"overflows{where or ': ' + str(answer.error)}"
    if isinstance(answer.error, UnusableAnswerError):
        return str(answer.error)
    if answer.error is not None:
        return f"{type(answer.error).__name__}: {str(answer.error)[:300]}{where}"
    if answer.changed:
        return "an argument is changed: work on a copy, the caller still needs it"
    if len(answer.parts) != len(expected.parts):
        return f"{_count(len(answer.parts))} returned where {_count(len(expected.parts))} belong"
    if _turned(expected.parts, answer.parts):
        return "the values are right, and in another order than wanted"
    for number, (want, have) in enumerate(zip(expected.parts, answer.parts, strict=True)):
        if outcome.same_parts((want,), (have,)):
            continue
        of = f" of part {number + 1}" if len(expected.parts) > 1 else ""
        if isinstance(want, str) or isinstance(have, str):
            return f"{have} where {want} belongs"
        if want.shape != have.shape:
            turned = "transposed: " if want.shape == have.shape[::-1] else ""
            return f"{turned}the shape{of} is {have.shape} where {want.shape} belongs"
        if not np.isfinite(have).all():
            return f"not finite{where}: it holds NaN or infinity"
        if relation := _factor(wrong, number) or _line(wrong, number):
            return relation + of
        return f"the numbers{of} are wrong{where}{_side(case, want, have)}"
    if answer.warned and outcome.same_parts(expected.parts, answer.parts):
        what = "overflows" if answer.warned == "overflow" else "log(0) or 0/0"
        return f"{what}{where}: the values are right, but NumPy warns"
    return f"the numbers are wrong{where}"


def _turned(wanted: tuple[Any, ...], received: tuple[Any, ...]) -> bool:
    """Return whether all wanted parts are there in another order."""
    if outcome.same_parts(wanted, received):
        return False
    left = list(received)
    for want in wanted:
        at = next((i for i, have in enumerate(left) if outcome.same_parts((want,), (have,))), None)
        if at is None:
            return False
        del left[at]
    return True


def _part(
    wrong: list[tuple[Case, Outcome, Outcome]], number: int
) -> Iterator[tuple[Case, np.ndarray, np.ndarray]]:
    """Yield one part of every wrong answer, where it is an array.

    The answers are those of the first one's function.
    """
    for case, expected, answer in wrong:
        if case.function == wrong[0][0].function and len(answer.parts) == len(expected.parts):
            want, have = expected.parts[number], answer.parts[number]
            if not isinstance(want, str) and not isinstance(have, str):
                yield case, want, have


def _line(wrong: list[tuple[Case, Outcome, Outcome]], number: int) -> str:
    """Return the linear function from wanted to received numbers.

    It holds in every wrong call; "" where there is none.
    """
    pairs = [(want, have) for _, want, have in _part(wrong, number)]
    if any(want.shape != have.shape for want, have in pairs):
        return ""
    want, have = (
        np.concatenate([array.ravel() for array in arrays]) for arrays in zip(*pairs, strict=True)
    )
    if want.size < 4 or np.ptp(want) == 0:
        return ""
    slope, shift = np.polyfit(want, have, 1)
    if not np.allclose(have, slope * want + shift, 1e-3, 1e-4):
        return ""
    if np.isclose(slope, 1, atol=1e-3):
        return f"wrong by {shift:+.4g}, everywhere"
    return f"everywhere {slope:.4g} times what is wanted, {shift:+.4g}"


def _side(case: Case, want: np.ndarray, have: np.ndarray) -> str:
    """Return on which side of 0 the numbers are wrong.

    It is a side of the first argument; "" unless it is one side alone.
    """
    argument = case.args[0] if case.args else None
    if not isinstance(argument, np.ndarray) or argument.shape != want.shape or not want.shape:
        return ""
    bad = ~np.isclose(have, want, outcome.RELATIVE, outcome.ABSOLUTE)
    for side, name in ((argument < 0, "below"), (argument > 0, "above")):
        if side.any() and bad[side].any() and not bad[~side].any():
            return f", where the argument is {name} 0"
    return ""


def _count(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _factor(wrong: list[tuple[Case, Outcome, Outcome]], number: int) -> str:
    """Return the factor between wanted and received numbers.

    It is the same in every wrong call; "" where there is none.
    """
    factors, sizes = [], []
    for case, want, have in _part(wrong, number):
        if want.shape != have.shape or not want.any():
            return ""
        factor = float((want * have).sum() / (want * want).sum())
        if not np.allclose(have, factor * want, 1e-3, 1e-6):
            return ""
        factors.append(factor)
        sizes.append(_batch(case))
    if np.allclose(factors, -1):
        return "the sign is turned round"
    if len(factors) == 1 and wrong[0][0].where:
        return ""  # one edge case shows no rule
    if sizes and all(sizes) and np.allclose(factors, sizes):
        return "the mean is missing: too large by exactly n"
    if sizes and all(sizes) and np.allclose(factors, 1 / np.array(sizes, float)):
        return "the mean is taken twice: too small by exactly n"
    if np.allclose(factors, factors[0]) and factors[0]:
        return f"wrong by the factor {factors[0]:.4g}, everywhere"
    return ""


def _batch(case: Case) -> int:
    return next((len(a) for a in case.args if isinstance(a, np.ndarray) and a.ndim == 2), 0)


def describe(case: Case) -> str:
    """Return a call in words: shapes of arrays, short values."""

    def short(value: Any) -> str:
        if isinstance(value, np.ndarray):
            return f"array{value.shape}" if value.size > 6 else _numbers(value, 3)
        if isinstance(value, list) and any(isinstance(item, np.ndarray) for item in value):
            return f"[{', '.join(f'array{item.shape}' for item in value)}]"
        if isinstance(value, float):
            return f"{value:.4g}"
        text = getattr(value, "__name__", None) or repr(value)
        return "f" if text == "<lambda>" else text[:80]

    return f"{case.function}({', '.join(map(short, case.args))})"


def _difference(expected: Outcome, answer: Outcome) -> str:
    def short(values: tuple[Any, ...]) -> str:
        return " and ".join(_texts(values))

    if isinstance(answer.error, UnusableAnswerError):
        return f"expected {short(expected.parts)}"
    if answer.error is not None:
        return f"expected {short(expected.parts)}, received {type(answer.error).__name__}"
    warned = ", with a warning of NumPy" if answer.warned and not expected.warned else ""
    return f"expected {short(expected.parts)}, received {short(answer.parts)}{warned}"


def _numbers(array: np.ndarray, precision: int) -> str:
    return " ".join(np.array2string(array, precision=precision, separator=", ").split())


def _texts(values: tuple[Any, ...]) -> Iterator[str]:
    for value in values[:6]:
        if isinstance(value, str):
            yield value[:160]
        elif value.size <= 6:
            yield _numbers(value, 5)
        else:
            first = ", ".join(f"{number:.5g}" for number in value.ravel()[:4])
            yield f"[{first}, …] of shape {value.shape}"
