"""The controls of a lesson: each has a name and a default.

They are what a hand can move; most have a range.
"""

from __future__ import annotations

import base64
import binascii
import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from nnguide.errors import InputError
from nnguide.explain import layers

SIDE = 28  # of a drawn picture


@dataclass(frozen=True)
class Control(ABC):
    """One value of a lesson's state.

    Attributes:
        name: of the argument that it sets.
        also: what else is set when it is moved, so that its effect is visible.
    """

    name: str
    label: str
    also: dict[str, Any] = field(default_factory=dict, kw_only=True)
    kind: ClassVar[str]

    @abstractmethod
    def read(self, value: Any) -> Any:
        """Return the value, checked.

        Raises:
            InputError: it is none that this control can have.
        """

    def described(self) -> dict[str, Any]:
        """Return what the page needs to know."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Slider(Control):
    """A number in a range."""

    low: float
    high: float
    step: float
    default: float
    whole: bool = False
    log: bool = False  # the slider moves by equal factors
    kind: ClassVar[str] = "slider"

    def read(self, value: Any) -> Any:
        return _number(self.label, value, self.low, self.high, self.whole)


@dataclass(frozen=True)
class Choice(Control):
    """One of several names.

    `labels` shows them in other words.
    """

    options: tuple[str, ...]
    default: str
    labels: tuple[str, ...] = ()
    kind: ClassVar[str] = "choice"

    def read(self, value: Any) -> str:
        if value not in self.options:
            raise InputError(
                f"{self.label} is one of {', '.join(self.options)}; got {_short(value)}"
            )
        return str(value)


@dataclass(frozen=True)
class Saved(Control):
    """A saved run with inputs of a kind, or the default.

    The default is the lesson's own network.
    """

    inputs: str  # pictures or texts
    own: str  # what to call the lesson's own network; "" where it has none
    kind: ClassVar[str] = "choice"
    OWN: ClassVar[str] = "by hand"

    @property
    def names(self) -> dict[str, str]:
        """The present choices and their titles."""
        return ({self.OWN: self.own} if self.own else {}) | layers.saved(self.inputs)

    @property
    def default(self) -> str:
        return self.OWN if self.own else f"{layers.SHIPPED}digits"

    def read(self, value: Any) -> str:
        if value != self.default and (not isinstance(value, str) or value not in self.names):
            raise InputError(
                f"{self.label} is one of {', '.join(self.names)}; got {_short(value)}. "
                "`nnguide runs` lists the runs."
            )
        return str(value)

    def described(self) -> dict[str, Any]:
        names = self.names
        options = {"options": list(names), "labels": list(names.values()), "default": self.default}
        return super().described() | options


@dataclass(frozen=True)
class Switch(Control):
    """On or off."""

    default: bool = False
    kind: ClassVar[str] = "switch"

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise InputError(f"{self.label} is true or false; got {_short(value)}")
        return value


@dataclass(frozen=True)
class Text(Control):
    """A message."""

    default: str
    most: int  # characters
    kind: ClassVar[str] = "text"

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > self.most:
            raise InputError(
                f"{self.label} is a text of at most {self.most:,} characters; got {_short(value)}"
            )
        return value


@dataclass(frozen=True)
class Numbers(Control):
    """A small grid of numbers, row by row."""

    columns: int
    low: float
    high: float
    default: tuple[float, ...]
    kind: ClassVar[str] = "numbers"

    def read(self, value: Any) -> tuple[float, ...]:
        count = len(self.default)
        if not isinstance(value, list | tuple) or len(value) != count:
            raise InputError(f"{self.label} is a list of {count} numbers; got {_short(value)}")
        return tuple(_number(self.label, number, self.low, self.high) for number in value)


@dataclass(frozen=True)
class Points(Control):
    """Points (x, y, class) that the learner puts into a plane."""

    limit: float  # of |x| and |y|
    most: int  # points
    default: tuple[tuple[float, float, int], ...] = ()
    kind: ClassVar[str] = "points"

    def read(self, value: Any) -> tuple[tuple[float, float, int], ...]:
        if not isinstance(value, list | tuple) or len(value) > self.most:
            raise InputError(
                f"{self.label} is a list of at most {self.most} points; got {_short(value)}"
            )
        points = []
        for point in value:
            if not isinstance(point, list | tuple) or len(point) != 3 or point[2] not in (0, 1):
                raise InputError(
                    f"{self.label}: a point is [x, y, class], its class 0 or 1; got {_short(point)}"
                )
            x, y = (
                _number(self.label, coordinate, -self.limit, self.limit) for coordinate in point[:2]
            )
            points.append((x, y, int(point[2])))
        return tuple(points)


@dataclass(frozen=True)
class Picture(Control):
    """A drawn picture, 28 by 28 grey levels as base64.

    "" is a blank one.
    """

    default: str = ""
    kind: ClassVar[str] = "picture"

    def read(self, value: Any) -> str:
        try:
            levels = base64.b64decode(value, validate=True) if isinstance(value, str) else None
        except (binascii.Error, ValueError):
            levels = None
        if levels is None or len(levels) not in (0, SIDE * SIDE):
            raise InputError(
                f"{self.label} is {SIDE}×{SIDE} grey levels, one byte each, in base64; "
                f"got {_short(value)}"
            )
        return str(value)


def _number(label: str, value: Any, low: float, high: float, whole: bool = False) -> Any:
    kind = "a whole number" if whole else "a number"
    wrong = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong or not math.isfinite(value) or not low <= value <= high or (whole and value % 1):
        raise InputError(f"{label} is {kind} from {low:g} to {high:g}; got {_short(value)}")
    return int(value) if whole else float(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
