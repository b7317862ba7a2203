"""Deprecation of public names.

A deprecated name works for a while longer and says what replaces it. docs/api.md has the policy. A
name that goes stays for two minor versions, or a year where that is longer, and warns with a
DeprecationWarning that names its successor and the version that drops it.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def renamed_argument(old: str, new: str, until: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take the argument `new` under its old name too.

    Args:
        until: the version that drops the old name.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if old not in kwargs:
                return function(*args, **kwargs)
            if new in kwargs:
                raise TypeError(f"{function.__name__}() got {new} and its old name {old}")
            warnings.warn(
                f"{function.__name__}({old}=) is {new}= now; the old name goes in {until}",
                DeprecationWarning,
                stacklevel=2,
            )
            arguments: dict[str, Any] = dict(kwargs)
            arguments[new] = arguments.pop(old)
            return function(*args, **arguments)

        return call

    return decorate
