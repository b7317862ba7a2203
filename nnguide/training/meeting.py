"""Meeting of a training's workers in a shared folder.

It is beside the run's folder, on storage that all see. Each worker keeps one small file there: who
it is, what it was asked for, how far it is. It writes the file again every second, which shows that
it lives, and reads those of the others. So they agree before TensorFlow connects them, and a worker
that dies or hangs is named, which TensorFlow does not do for one that hangs.

A file is of this start of the training if its worker has seen this process: every process draws
a name of its own, and writes down whose it has read.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nnguide.errors import ConfigError, NnguideError, WorkError
from nnguide.files import writing_to
from nnguide.training.cluster import Cluster, WorkerLostError

log = logging.getLogger(__name__)

HEARTBEAT = 0.5  # seconds between two heartbeats
LOST = 15.0  # seconds without one, after which a worker is lost
SUSPECTED = 6.0  # the same, once TensorFlow has lost a worker
ANNOUNCED = 10.0  # seconds between two lines while waiting
UNSEEN = 30.0  # seconds in which what a worker writes must be seen by the others
UNWIND, LEAVE = 5.0, 30.0  # seconds in which a process ends, and all that live after the chief
WAIT = 600.0  # seconds for a worker that is missing or stuck
INTERRUPTED = 130
AGAIN = "start all again with --resume"
Facts = Mapping[str, Any]


class Meeting:
    """Workers of a training, met in a folder; use it with `with`.

    Args:
        cluster: who they are.
        place: the run's folder.
        wait: seconds for a worker that is missing, or takes no step.
    """

    def __init__(self, cluster: Cluster, place: Path, wait: float) -> None:
        self.cluster, self.wait = cluster, wait
        self.place = place
        self.folder = place.with_name(f".{place.name}.workers")
        self.lost: str | None = None  # who went away in training, as a line for the user
        self._ended = False  # whether that one ended by itself
        self._mine: dict[str, Any] = {"name": secrets.token_hex(8), "sees": {}, "facts": {}}
        self._mine.update(epoch=0, steps=0, ended=None)
        self._others = {index: _Other() for index in range(len(cluster)) if index != cluster.index}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._training = False
        self._moved = (-1, time.monotonic())  # the fewest steps of any worker, and since when
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._listener: socket.socket | None = None

    def __enter__(self) -> Meeting:
        self._listen()
        try:
            with writing_to(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                self._write()
        except BaseException:
            self.close_port()
            raise
        self._thread.start()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        status, words = 0, ""
        is_lost = isinstance(error, WorkerLostError)
        if isinstance(error, NnguideError):
            status, words = error.exit_code, str(error)
        elif isinstance(error, KeyboardInterrupt):
            status, words = INTERRUPTED, "interrupted"
        elif error is not None:
            status, words = 1, f"{type(error).__name__}: {error}"
        self.close_port()
        with self._lock:
            self._mine["ended"] = [status, words, is_lost]
        with contextlib.suppress(OSError):
            self._write()
        if self.cluster.is_chief:
            self._leave_last()
        self._over.set()
        self._thread.join()

    def _leave_last(self) -> None:
        """Remove the folder once no other worker reads it any more."""
        deadline = time.monotonic() + LEAVE
        while not all(other.is_gone for other in self._others.values()):
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
        self._over.set()
        self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Before training: agree.

    def agree(self, what: str, facts: Facts) -> None:
        """Wait until every worker is here with the same facts.

        Raises:
            ConfigError: a worker's differ, or it does not see what the others write.
            WorkError: a worker did not come in time.
            NnguideError: a worker ended, with its own error.
        """
        self.tell(what, facts)
        self._until(lambda other: what in other.facts)
        theirs = {index: other.facts[what] for index, other in self._others.items()}
        theirs[self.cluster.index] = json.loads(json.dumps(facts))
        for index in range(1, len(self.cluster)):
            for key in {**theirs[0], **theirs[index]}:
                first, other = theirs[0].get(key), theirs[index].get(key)
                if first != other:
                    raise ConfigError(
                        f"{self.cluster.name(index)} has {key} {other}, {self.cluster.name(0)} "
                        f"{first}. Start all workers with the same command, data and versions."
                    )

    def tell(self, what: str, facts: Facts) -> None:
        """Write facts for the other workers to read."""
        with self._lock:
            self._mine["facts"][what] = dict(facts)
        with writing_to(self.folder):
            self._write()

    def hear(self, what: str, patient: bool = False) -> dict[str, Any]:
        """Return the chief's facts; `patient` waits while the chief lives.

        Raises:
            WorkError: it did not come in time.
            NnguideError: the chief ended, with its own error.
        """
        self._until(lambda other: what in other.facts, only=0, patient=patient)
        facts: dict[str, Any] = self._others[0].facts[what]
        return facts

    def _until(
        self, so: Callable[[_Other], bool], only: int | None = None, patient: bool = False
    ) -> None:
        began = announced = time.monotonic()
        unseen: dict[int, float] = {}
        while True:
            awaited = {i: o for i, o in self._others.items() if only in (None, i)}
            left = [i for i, other in awaited.items() if not (other.is_met and so(other))]
            if not left:
                return
            now = time.monotonic()
            for index, other in self._others.items():
                if other.is_met and not so(other) and other.ended is not None:
                    self._raise_of(index)
                if other.is_met and other.silent > LOST and other.ended is None:
                    raise WorkerLostError(f"{self.cluster.name(index)} went away; start all again")
            if now - announced >= ANNOUNCED:
                announced = now
                self._check_storage([i for i in left if not awaited[i].is_met], unseen)
                names = ", ".join(map(self.cluster.name, left))
                limit = "" if patient else f" of at most {self.wait:g} s"
                log.warning(f"waiting for {names}: {now - began:.0f} s{limit}")
            if now - began > self.wait and not patient:
                names = ", ".join(map(self.cluster.name, left))
                raise WorkError(
                    f"{names} did not come within {self.wait:g} s. Start every worker with the "
                    "same command; --wait gives them more time."
                )
            time.sleep(0.05)

    def _raise_of(self, index: int) -> None:
        """Raise the error that another worker ended with."""
        status, words, is_lost = self._others[index].ended or (0, "", False)
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        error = WorkerLostError if is_lost else ERRORS.get(status, WorkError)
        raise error(f"{self.cluster.name(index)} ended: {words or 'it has nothing left to do'}")

    def _check_storage(self, absent: list[int], unseen: dict[int, float]) -> None:
        """Raise an error for a worker that listens but is unseen."""
        for index in list(unseen):
            if index not in absent:
                del unseen[index]
        for index in absent:
            host, _, port = self.cluster.addresses[index].rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
            except OSError:
                unseen.pop(index, None)
                continue
            since = unseen.setdefault(index, time.monotonic())
            if time.monotonic() - since >= UNSEEN - ANNOUNCED and not self._others[index].was_read:
                raise ConfigError(
                    f"{self.cluster.name(index)} runs and writes nothing into {self.folder}: --out "
                    "is not on storage that all workers see."
                )

    # In training: watch.

    @contextlib.contextmanager
    def in_step(self) -> Iterator[None]:
        """Let the workers train together, and end when one is lost.

        Raises:
            WorkError: it names who went away.
        """
        with self._lock:
            self._moved, self._training = (-1, time.monotonic()), True
        try:
            yield
        except Exception as error:
            if isinstance(error, NnguideError):
                raise
            self._suspect()
            if self.lost is not None:
                kind = WorkError if self._ended else WorkerLostError
                raise kind(self.lost) from error
            if type(error).__module__.startswith("tensorflow"):
                raise WorkerLostError(f"the workers lost each other; {AGAIN}") from error
            raise
        finally:
            with self._lock:
                self._training = False

    def step(self, epoch: int) -> None:
        """Note that this worker has come to a common point."""
        with self._lock:
            self._mine["epoch"], self._mine["steps"] = epoch, self._mine["steps"] + 1

    def _suspect(self) -> None:
        """Wait until it is clear which worker TensorFlow has lost."""
        deadline = time.monotonic() + LOST + HEARTBEAT
        while self.lost is None and time.monotonic() < deadline:
            self._look(SUSPECTED)
            time.sleep(0.05)

    def _look(self, patience: float) -> None:
        """Set `lost` where a worker went away or is stuck."""
        for index, other in self._others.items():
            name, where = self.cluster.name(index), f"in epoch {max(self._mine['epoch'], 1)}"
            if other.ended is not None and not other.ended[0]:
                continue  # it is through
            if other.ended is not None:
                status, words, is_lost = other.ended
                self._ended = self._ended or not (is_lost or self.lost)
                how = "was interrupted" if status == INTERRUPTED else "ended"
                reason = "" if status == INTERRUPTED else f" ({words})"
                self.lost = self.lost or f"{name} {how} {where}{reason}; {AGAIN}"
            elif other.silent > patience or not other.is_met:
                self.lost = self.lost or f"{name} went away {where}; {AGAIN}"
        steps = {index: other.steps for index, other in self._others.items()}
        steps[self.cluster.index] = self._mine["steps"]
        fewest = min(steps.values())
        if fewest != self._moved[0]:
            self._moved = (fewest, time.monotonic())
        elif time.monotonic() - self._moved[1] > self.wait:
            behind = [self.cluster.name(i) for i, n in steps.items() if n == fewest]
            self.lost = self.lost or (
                f"{', '.join(behind)} took no step for {self.wait:g} s in epoch "
                f"{max(self._mine['epoch'], 1)}; {AGAIN}"
            )

    def _live(self) -> None:
        """Show that this worker lives, and look for others."""
        while not self._over.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                self._write()
            self._read()
            if self._training and self.lost is None:
                self._look(LOST)
                if self.lost is not None:
                    self._end()

    def _end(self) -> None:
        """Wake a training that waits; or else end the process."""
        _abort(self.lost or "")
        deadline = time.monotonic() + UNWIND + SUSPECTED
        while self._training and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._training:
            sys.stderr.write(f"nnguide: {self.lost}\n")
            sys.stderr.flush()
            os._exit(WorkError.exit_code)

    # The files.

    def _listen(self) -> None:
        """Hold TensorFlow's port, as a sign that this worker runs."""
        family = socket.AF_INET6 if "[" in self.cluster.addresses[self.cluster.index] else None
        listener = socket.socket(family or socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", self.cluster.port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            raise ConfigError(
                f"port {self.cluster.port} of {self.cluster.name(self.cluster.index)} cannot be "
                f"used: {error.strerror}. Is another training at work here?"
            ) from error
        self._listener = listener

    def close_port(self) -> None:
        """Free this worker's port for TensorFlow."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _write(self) -> None:
        """Write this worker's file in place, for slow network storage."""
        with self._lock:
            self._mine["beat"] = self._mine.get("beat", 0) + 1
            self._mine["sees"] = {str(i): o.name for i, o in self._others.items()}
            text = json.dumps(self._mine)
            handle = os.open(
                self.folder / f"{self.cluster.index}.json", os.O_RDWR | os.O_CREAT, 0o666
            )
            try:
                os.pwrite(handle, f"{text}\n".encode(), 0)  # what is behind the line is older
            finally:
                os.close(handle)

    def _read(self) -> None:
        for index, other in self._others.items():
            try:
                text = (self.folder / f"{index}.json").read_text("utf-8").partition("\n")[0]
                tree = json.loads(text)
                other.take(tree, tree["sees"].get(str(self.cluster.index)), self._mine["name"])
            except (OSError, ValueError):  # it is not there, or just being written
                continue
            except (LookupError, TypeError, AttributeError):  # it is no worker's
                continue


class _Other:
    """Facts that are known of another worker.

    Attributes:
        name: which its process has drawn; "" before anything was read.
        is_met: whether it has seen this process.
        was_read: whether its file changes.
        facts, steps, ended: what its file says.
    """

    def __init__(self) -> None:
        self.name, self.is_met, self.was_read = "", False, False
        self.facts: dict[str, Any] = {}
        self.steps = 0
        self.ended: tuple[int, str, bool] | None = None
        self._beat, self._heard = -1, time.monotonic()

    @property
    def silent(self) -> float:
        """Seconds since its last sign of life."""
        return time.monotonic() - self._heard

    @property
    def is_gone(self) -> bool:
        """Whether it reads nothing any more."""
        return self.ended is not None or not self.is_met or self.silent > SUSPECTED

    def take(self, tree: dict[str, Any], seen: str | None, mine: str) -> None:
        """Read a worker's file; it should have `seen` `mine`."""
        if (tree["beat"], tree["name"]) == (self._beat, self.name):
            return
        if self._beat != -1:
            self.was_read = True  # its file moves
        self._beat, self.name = tree["beat"], tree["name"]
        self.is_met = seen == mine
        if self.is_met:
            self._heard = time.monotonic()
            self.facts, self.steps = tree["facts"], tree["steps"]
            status, words, is_lost = tree["ended"] or (None, "", False)
            self.ended = None if status is None else (status, words, is_lost)


ERRORS: dict[int, type[NnguideError]] = {
    kind.exit_code: kind for kind in NnguideError.__subclasses__()
}


def _abort(words: str) -> None:
    """Make TensorFlow's waiting collectives fail, without a public API."""
    from tensorflow.python.eager import context
    from tensorflow.python.framework import errors

    with contextlib.suppress(Exception):
        context.context().abort_collective_ops(errors.UNAVAILABLE, words)
