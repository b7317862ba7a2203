"""A learner's WebSocket connection: requests for lessons, answered with figures.

    {"id": 7, "lesson": "neuron", "state": {"w1": 2}}                  the figures
    {"id": 8, "lesson": "neuron", "ask": "python", "state": {…}}       lines that give the numbers
    {"id": 9, "lesson": "neuron", "ask": "code", "state": {…}}         the functions that ran
    {"id": 10, "lesson": "neuron", "ask": "check"}                     what really happens
    {"id": 11, "lesson": "scratch", "ask": "points", "table": "x,y,…"} a table's rows as points

Each answer has the id of its message; the answer to a bad message is {"error": …}. A training
continues from where the last message left it, if the next one asks for a later step.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

import nnguide
from nnguide.errors import InputError, NnguideError
from nnguide.learn import lessons, tables
from nnguide.learn.lesson import Lesson, arguments
from nnguide.learn.python import as_python

log = logging.getLogger(__name__)
MOST_BYTES = 256 << 10  # of a message
RATE = 300.0  # messages a second that are answered; a fast screen asks for 240
BURST = 600.0  # at once
REFUSALS = 500  # messages that are too many before the connection ends


class TooMuchError(Exception):
    """The client keeps sending too fast."""


class Session:
    """The state of a connection: its training, and its request rate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._allowance, self._since = BURST, clock()
        self._refused = 0
        self._key: Any = None  # of the training that is under way
        self._run: Any = None
        self._step = 0
        self._rate: float | None = None  # updates a second, as measured last

    def answer(self, message: str) -> bytes:
        """Return the answer to a message, as JSON.

        Raises:
            TooMuchError: too many messages have come too fast.
        """
        request: dict[str, Any] = {}
        try:
            self._pay()
            request = _parsed(message)
            answered = self._answered(request)
        except NnguideError as error:
            answered = {"error": str(error)}
        except TooMuchError:
            raise
        except Exception as error:
            bug = f"this is a bug: {type(error).__name__}: {error}"
            log.error("%s, asked %s", bug, message[:300], exc_info=log.isEnabledFor(logging.DEBUG))
            answered = {"error": bug}
        number = request.get("id")
        head = {"id": number if isinstance(number, int) else None}
        return orjson.dumps(head | answered, option=orjson.OPT_SERIALIZE_NUMPY)

    def _pay(self) -> None:
        now = self._clock()
        self._allowance = min(BURST, self._allowance + RATE * (now - self._since))
        self._since = now
        if self._allowance < 1:
            self._refused += 1
            if self._refused > REFUSALS:
                raise TooMuchError
            raise InputError(f"too fast: expected at most {RATE:g} messages a second")
        self._allowance -= 1

    def _answered(self, message: dict[str, Any]) -> dict[str, Any]:
        lesson = lessons.get(message.get("lesson"))
        asked = message.get("ask", "figures")
        if asked == "points":
            return {"points": tables.points(message.get("table"))}
        if asked == "check":
            return self._checked(lesson)
        state = lesson.state(message.get("state", {}))
        if asked == "figures":
            figures = lesson.figures(state, self._numbers(lesson, state))
            return {"state": state, "figures": figures, "rate": self._rate}
        if asked == "python":
            return {"python": as_python(lesson, state)}
        if asked == "code":
            return {"code": [_shown(function) for function in lesson.code(state)]}
        raise InputError(f"ask is figures, python, code, check or points; got {str(asked)[:40]!r}")

    def _checked(self, lesson: Lesson) -> dict[str, Any]:
        question = lesson.question
        state = lesson.state(question.state)
        right = question.right(self._numbers(lesson, state))
        return {"right": right, "because": question.because, "state": state}

    @np.errstate(all="ignore")  # what leaves the numbers is shown as such
    def _numbers(self, lesson: Lesson, state: dict[str, Any]) -> dict[str, Any]:
        if lesson.training is None:
            return lesson.compute(state)
        key = (lesson.name, arguments(lesson.training.begin, state))
        step = state["step"]
        if key != self._key or step < self._step:
            self._key, self._run, self._step = key, lesson.begin(state), 0
        made, began = step - self._step, time.perf_counter()
        while self._step < step:
            lesson.training.update(self._run)
            self._step += 1
        if made:
            self._rate = made / max(time.perf_counter() - began, 1e-9)
        return lesson.compute(state, self._run)


def _parsed(message: str) -> dict[str, Any]:
    try:
        request = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise InputError(f"a message is a JSON object; got something else: {error}") from error
    if not isinstance(request, dict):
        raise InputError(f"a message is a JSON object; got {type(request).__name__}")
    return request


def _shown(function: Any) -> dict[str, Any]:
    """Return the lines of a function, and where they are."""
    function = inspect.unwrap(function)  # of a cache
    lines, first = inspect.getsourcelines(function)
    path = Path(inspect.getsourcefile(function) or "")
    root = Path(nnguide.__file__).parents[1]
    return {
        "name": function.__qualname__,
        "path": path.relative_to(root).as_posix(),
        "line": first,
        "lines": "".join(lines),
    }
