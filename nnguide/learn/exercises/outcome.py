"""The results of calls, and their comparison."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Functions

RELATIVE, ABSOLUTE = 1e-3, 1e-5  # float32 passes, and no mistake is so small


class UnusableAnswerError(TypeError):
    """An answer that is no number, array or text."""


@dataclass(frozen=True)
class Outcome:
    """The result of one call.

    Attributes:
        parts: what it gave, as arrays and texts; none where it raised.
        error: what it raised.
        warned: "overflow", or "invalid" where NumPy warned of log(0), 0/0 and the like.
        changed: an argument was changed.
    """

    parts: tuple[Any, ...] = ()
    error: BaseException | None = None
    warned: str = ""
    changed: bool = False


def run(
    exercise: Exercise, functions: Functions, function: str = ""
) -> Iterator[tuple[Case, Outcome]]:
    """Call every case, or those of one function.

    The generator is seeded, so that two runs have the same arguments.
    """
    fresh = exercise.cases(np.random.default_rng(7))
    for case, before in zip(exercise.cases(np.random.default_rng(7)), fresh, strict=True):
        if function in ("", case.function):
            yield case, _outcome(exercise, functions, case, before)


def _outcome(exercise: Exercise, functions: Functions, case: Case, before: Case) -> Outcome:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            parts = _parts(exercise.use(functions, case))
        except (KeyboardInterrupt, MemoryError, SystemExit):
            raise
        except BaseException as error:
            return Outcome(error=error)
    words = [
        str(warning.message) for warning in caught if issubclass(warning.category, RuntimeWarning)
    ]
    overflow = any("overflow" in word for word in words)
    warned = "overflow" if overflow else "invalid" if words else ""
    changed = not exercise.in_place and not _equal(_flat(case.args), _flat(before.args))
    return Outcome(parts, None, warned, changed)


def _parts(value: Any) -> tuple[Any, ...]:
    if value is None:
        raise UnusableAnswerError("nothing is returned: the function lacks a return")
    parts: list[Any] = []
    for part in value if isinstance(value, (tuple, list)) and not _numbers(value) else (value,):
        if isinstance(part, str):
            parts.append(part)
            continue
        if hasattr(part, "detach"):  # a tensor of PyTorch
            part = part.detach()
        try:
            parts.append(np.array(part, dtype=np.float64))
        except (TypeError, ValueError) as error:
            kind = type(part).__name__
            if isinstance(part, (tuple, list)):
                raise UnusableAnswerError(
                    f"one flat list is wanted, and it holds a {kind} of several arrays"
                ) from error
            raise UnusableAnswerError(f"an array or a number is wanted, not {kind}") from error
    return tuple(parts)


def _numbers(value: Any) -> bool:
    """Return whether a value is a list of numbers or rows.

    It is then one array, written as a list.
    """
    if isinstance(value, (tuple, list)):
        return all(map(_numbers, value))
    return np.isscalar(value) and not isinstance(value, str)


def _flat(args: Any) -> list[np.ndarray]:
    """Return all arrays of the arguments."""
    if isinstance(args, np.ndarray):
        return [args]
    if isinstance(args, (tuple, list)):
        return [array for argument in args for array in _flat(argument)]
    return [np.asarray(args)] if isinstance(args, (int, float)) else []


def _equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def same(expected: Outcome, received: Outcome) -> bool:
    """Return whether two results are equal up to float32 rounding."""
    if expected.error or received.error:
        first, second = expected.error, received.error
        return type(first) is type(second) and str(first) == str(second)
    flags = (expected.warned, expected.changed) == (received.warned, received.changed)
    return flags and same_parts(expected.parts, received.parts)


def same_parts(expected: tuple[Any, ...], received: tuple[Any, ...]) -> bool:
    """Return whether two answers are the same, part by part."""
    return len(expected) == len(received) and all(map(_same_part, expected, received))


def _same_part(expected: Any, received: Any) -> bool:
    if isinstance(expected, str) or isinstance(received, str):
        return bool(type(expected) is type(received) and expected == received)
    if expected.shape != received.shape:
        return False
    finite = expected[np.isfinite(expected)]
    size = np.abs(finite).max(initial=0)
    return bool(np.allclose(received, expected, RELATIVE, ABSOLUTE * size + 1e-12, equal_nan=True))
