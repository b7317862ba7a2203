"""Several worker processes that serve at one port.

Each loads the models and accepts connections.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

FORBEARANCE = 10.0  # seconds that a worker has lived, at least, to be replaced when it dies
_PDEATHSIG = 1  # of prctl
log = logging.getLogger(__name__)


def run(
    count: int,
    work: Callable[[int, Callable[[], None]], int],
    ready: Callable[[], None],
    *,
    lost: Callable[[int], None] = lambda process: None,
    passed_on: tuple[signal.Signals, ...] = (),
) -> int:
    """Run `count` processes until a signal ends them all.

    Processes that die are replaced.

    The caller must not have started threads yet.

    Args:
        work: what each does: from its number, and what it calls when it is ready, to its status.
        ready: called once all are.
        lost: called with each process that has ended.
        passed_on: signals that each of them is sent too.
    Returns:
        130 after Ctrl-C, else 0 after a signal; the status of a worker that could not start.
    """
    return _Workers(count, work, ready, lost, passed_on).run()


def _end_with_parent() -> None:
    """Have the system send SIGTERM when the parent process ends."""
    with contextlib.suppress(OSError, AttributeError):  # Linux has it
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)


class _Workers:
    def __init__(
        self,
        count: int,
        work: Callable[[int, Callable[[], None]], int],
        ready: Callable[[], None],
        lost: Callable[[int], None],
        passed_on: tuple[signal.Signals, ...],
    ) -> None:
        self._count = count
        self._gone = lost
        self._passed_on = passed_on
        self._work = work
        self._ready = ready
        self._started: dict[int, tuple[int, float]] = {}  # process -> its number, and when
        self._ended_by = 0
        self._failed = 0
        self._reading, self._writing = os.pipe()

    def run(self) -> int:
        for caught in (signal.SIGTERM, signal.SIGINT):
            signal.signal(caught, self._end)
        for caught in self._passed_on:
            signal.signal(caught, lambda number, frame: self._signal_all(number))
        for number in range(self._count):
            self._start(number)
        waiting = self._count
        os.set_blocking(self._reading, False)
        while self._started:
            waiting -= self._said_ready()
            if waiting <= 0 and self._ready is not None and not self._ended_by:
                self._ready()
                self._ready = None  # type: ignore[assignment]
            process, status = os.waitpid(-1, os.WNOHANG)
            if process:
                self._gone(process)
                self._lost(process, os.waitstatus_to_exitcode(status))
            else:
                time.sleep(0.05)
        if self._failed:
            return self._failed
        return 130 if self._ended_by == signal.SIGINT else 0

    def _said_ready(self) -> int:
        try:
            return len(os.read(self._reading, self._count))
        except BlockingIOError:
            return 0

    def _start(self, number: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        if process := os.fork():
            self._started[process] = (number, time.monotonic())
            if self._ended_by:  # the signal came meanwhile
                os.kill(process, signal.SIGTERM)
            return
        self._be(number)

    def _be(self, number: int) -> NoReturn:
        """Run a worker until it ends."""
        status = 1
        try:
            for signal_number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(signal_number, signal.SIG_DFL)
            for signal_number in self._passed_on:  # until it listens itself
                signal.signal(signal_number, signal.SIG_IGN)
            os.close(self._reading)
            _end_with_parent()
            status = self._work(number, self._write_ready)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _write_ready(self) -> None:
        os.write(self._writing, b".")

    def _lost(self, process: int, status: int) -> None:
        number, began = self._started.pop(process)
        if self._ended_by or self._failed:
            return
        if time.monotonic() - began < FORBEARANCE:
            log.error("worker %d ended at its start (%d): the others end too", process, status)
            self._failed = status if status > 0 else 8
            self._signal_all()
            return
        log.error("worker %d ended (%d): another one takes its place", process, status)
        self._start(number)

    def _end(self, number: int, frame: object) -> None:
        self._ended_by = self._ended_by or number
        self._signal_all()

    def _signal_all(self, number: int = signal.SIGTERM) -> None:
        for process in list(self._started):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue
