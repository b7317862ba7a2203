"""The chief, which assigns trials to workers over keras-tuner's service.

Local workers are processes of this machine, each with its share of the cores. One that dies is
started again under the same name and gets its trial back; a trial that kills its worker
MOST_DEATHS times has failed. A worker on another machine that is silent too long loses its
trial to another. Workers end with their chief, however it ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

import nnguide
from nnguide.errors import ConfigError, InputError, WorkError
from nnguide.tuning import guard
from nnguide.tuning.guard import Guard, Refusing
from nnguide.tuning.oracles import Durable, check_end, unlock
from nnguide.tuning.settings import Search
from nnguide.tuning.worker import OWNED_BY_CHIEF, SEARCH

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1:0"
MOST_DEATHS = 3
MOST_REFUSALS = 100  # different ones that are said
POLL, SHUTDOWN = 0.1, 20.0  # seconds: between two polls, for workers to leave at the end
HANDSHAKE, IDLE = 10.0, 60.0  # seconds: to begin to speak, without a request; then it is cut off
LONGEST_NAME = 200  # characters of a worker's name
LEASE = "NNGUIDE_TUNE_LEASE"  # seconds after which a silent worker's trial is given to another
USUAL_LEASE = 60.0


class _Service(OracleServicer):
    """keras-tuner's service with the search and the workers' activity.

    It sends the search along with each trial, and records when each worker was last heard of.

    Args:
        refuse: ends a request that is not as it should be.
    """

    def __init__(self, oracle: Durable, search: Search, refuse: Callable[..., None]) -> None:
        super().__init__(oracle)
        self.text = search.to_json()
        self.refuse = refuse
        self.heard: dict[str, float] = {}  # trial -> when its worker was
        self.error: Exception | None = None  # what made the oracle unusable

    def CreateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802 (gRPC's name)
        if not (0 < len(request.tuner_id) <= LONGEST_NAME and request.tuner_id.isprintable()):
            self._invalid(context, f"a worker's name has 1 to {LONGEST_NAME} characters")
        answer = self._kept(super().CreateTrial, request, context)
        self.heard[answer.trial.trial_id] = time.monotonic()
        answer.trial.hyperparameters.values.values[SEARCH].string_value = self.text
        return answer

    def GetTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._check_known(request.trial_id, context)
        self.heard[request.trial_id] = time.monotonic()
        return super().GetTrial(request, context)

    def UpdateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._check_known(request.trial_id, context)
        return super().UpdateTrial(request, context)

    def UpdateSpace(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._invalid(context, "only the chief says what is searched")

    def EndTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._check_known(request.trial.trial_id, context)
        try:
            check_end(Trial.from_proto(request.trial))
        except InputError as error:
            self._invalid(context, f"the end of trial {request.trial.trial_id}: {error}")
        except Exception:
            self._invalid(context, f"the end of trial {request.trial.trial_id} cannot be read")
        return self._kept(super().EndTrial, request, context)

    def _check_known(self, name: str, context: Any) -> None:
        if name not in self.oracle.trials:
            self._invalid(context, f"there is no trial {name[:LONGEST_NAME]!a}")

    def _invalid(self, context: Any, reason: str) -> None:
        self.refuse(context, grpc.StatusCode.INVALID_ARGUMENT, reason)

    def _kept(self, method: Callable[..., Any], request: Any, context: Any) -> Any:
        try:
            return method(request, context)
        except Exception as error:  # such as a full disk: the chief ends with it
            self.error = self.error or error
            unlock(self.oracle)
            context.abort(grpc.StatusCode.INTERNAL, str(error))


@contextlib.contextmanager
def serving(
    oracle: Durable,
    search: Search,
    address: str,
    known: Guard,
    notify: Callable[[str], None],
) -> Iterator[tuple[_Service, int]]:
    """Run the service at an address; yield it and its port.

    `address` is IP:PORT, where port 0 is any free one.

    Args:
        known: what a worker must know.
        notify: takes a line about each request that is refused.
    Raises:
        ConfigError: the port is in use, the address is not one of this machine, or it can be
            reached from others and there is no token.
    """
    known.check(address)
    refusing = Refusing(known.token, notify)
    service = _Service(oracle, search, refusing.refuse)
    server = grpc.server(
        futures.ThreadPoolExecutor(4),
        interceptors=[refusing],
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.server_handshake_timeout_ms", round(1000 * HANDSHAKE)),
            ("grpc.max_connection_idle_ms", round(1000 * IDLE)),
        ],
    )
    protos.get_service_grpc().add_OracleServicer_to_server(service, server)
    port = known.listen(server, address)
    server.start()
    try:
        yield service, port
    finally:
        server.stop(1).wait()


def shares(count: int) -> list[list[int]]:
    """Return the cores of each of `count` workers.

    If there are more workers than cores, they share them.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return [
        cores[number::count] or cores[number % max(len(cores), 1) :][:1] for number in range(count)
    ]


class LocalWorker:
    """A local worker process that is started again when it dies.

    Args:
        number: from 1.
        task: digits or spam.
        chief: its address and port.
        cores: that it may use; none to leave it alone.
        log: the file for what it writes.
        known: environment variables by which chief and worker know each other.
    """

    def __init__(
        self,
        number: int,
        task: str,
        chief: tuple[str, int],
        cores: list[int],
        log: Path,
        known: dict[str, str],
    ) -> None:
        self.name, self.task, self.chief = f"worker-{number}", task, chief
        self.cores, self.log, self.known = cores, log, known
        self.start()

    def start(self) -> None:
        threads = str(max(len(self.cores), 1))
        place = str(Path(nnguide.__file__).parent.parent)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([place, *filter(None, [os.environ.get("PYTHONPATH")])]),
            "KERASTUNER_TUNER_ID": self.name,
            "KERASTUNER_ORACLE_IP": self.chief[0],
            "KERASTUNER_ORACLE_PORT": str(self.chief[1]),
            OWNED_BY_CHIEF: "1",
            **self.known,
        }
        if self.cores:
            for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
                environment[name] = threads
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "nnguide", "tune", self.task],
                stdin=subprocess.PIPE,  # its other end closes when this process dies
                stdout=file,
                stderr=file,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the chief
            )
        if self.cores and hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(self.process.pid, self.cores)  # before it has any threads

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def lead(
    oracle: Durable,
    search: Search,
    *,
    address: str | None,
    workers: int,
    logs: Path,
    notify: Callable[[Trial], None],
) -> None:
    """Assign all trials to local workers and to any others.

    There are `workers` local processes; others may connect.

    Args:
        oracle: attached, without a `notify` of its own: this thread calls `notify`.
        address: IP:PORT to listen at; port 0 for any. None: for its own workers alone.
        logs: a folder for what local workers write.
        notify: called with each trial that begins or ends.
    Raises:
        ConfigError: the address cannot be listened at, or not without a token, or the lease is
            no number.
        WorkError: local workers cannot be started.
        WriteError: the state cannot be written.
    """
    lease = lease_seconds()
    events: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    oracle.notify = events.put
    known = guard.of_own_workers() if address is None else Guard.of(os.environ)
    address = address or LOOPBACK
    refusals: queue.SimpleQueue[str] = queue.SimpleQueue()
    counts: Counter[str] = Counter()
    logs.mkdir(parents=True, exist_ok=True)
    with serving(oracle, search, address, known, refusals.put) as (service, port):
        host = address.rpartition(":")[0]
        near = "127.0.0.1" if host == "0.0.0.0" else host
        log.info(f"chief at {host}:{port}{_secured(known)}")
        local: list[LocalWorker] = []
        own = {guard.TOKEN: known.token.decode("utf-8", "surrogateescape")}
        if known.certificate and not known.authority:
            own[guard.AUTHORITY] = os.environ[guard.CERTIFICATE]
        try:
            for number, cores in enumerate(shares(workers), start=1):
                file = logs / f"worker-{number}.log"
                local.append(LocalWorker(number, search.task, (near, port), cores, file, own))
            deaths: Counter[str] = Counter()
            while not oracle.done:
                time.sleep(POLL)
                _notify_all(events, notify)
                _notify_new(refusals, counts)
                if service.error is not None:
                    raise service.error
                _revive(local, oracle, deaths)
                _reassign(service, oracle, lease)
            _part(local, oracle)
        finally:
            unlock(oracle)
            for worker in local:
                worker.end()
    _notify_new(refusals, counts)
    _notify_all(events, notify)


def _notify_all(events: queue.SimpleQueue[Trial], notify: Callable[[Trial], None]) -> None:
    while not events.empty():
        notify(events.get())


def _secured(known: Guard) -> str:
    means = [", with a token"] * bool(known.token) + [", over TLS"] * bool(known.certificate)
    return "".join(means)


def _notify_new(refusals: queue.SimpleQueue[str], counts: Counter[str]) -> None:
    """Log each refusal once, so that many of them are one line."""
    while not refusals.empty():
        line = refusals.get()
        counts[line] += 1
        if counts[line] == 1 and len(counts) <= MOST_REFUSALS:
            log.info(line)


def _revive(local: list[LocalWorker], oracle: Durable, deaths: Counter[str]) -> None:
    """Restart local workers that have died.

    A trial that kills them fails.
    """
    for worker in local:
        status = worker.process.poll()
        if status is None or (status == 0 and oracle.exhausted):
            continue
        trial = oracle.ongoing_trials.get(worker.name)
        at = trial.trial_id if trial else worker.name
        deaths[at] += 1
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        log.info(f"{worker.name} {how}" + (f" in trial {at}" if trial else ""))
        if deaths[at] >= MOST_DEATHS:
            if not trial:
                raise WorkError(f"{worker.name} cannot start: {worker.last_words()}")
            oracle.fail(at, f"its worker died {MOST_DEATHS} times; out of memory?")
        worker.end()
        worker.start()


def lease_seconds() -> float:
    """Return the seconds after which a silent worker loses its trial.

    They are set by an environment variable.

    Raises:
        ConfigError: the variable is no number of seconds above 0.
    """
    text = os.environ.get(LEASE)
    if text is None:
        return USUAL_LEASE
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{LEASE} is a number of seconds above 0, as 60; got {text!r}")
    return seconds


def _reassign(service: _Service, oracle: Durable, lease: float) -> None:
    """Take trials back from workers that are silent too long.

    `lease` is the time in seconds.
    """
    for name, trial in list(oracle.ongoing_trials.items()):
        silent = time.monotonic() - service.heard.get(trial.trial_id, time.monotonic())
        if silent > lease:
            log.info(
                f"{name} has been silent for {silent:.0f} s: trial {trial.trial_id} is run again"
            )
            oracle.take_back(name)


def _part(local: list[LocalWorker], oracle: Durable) -> None:
    """Tell the workers that there is nothing more to do."""
    until = time.monotonic() + SHUTDOWN
    while time.monotonic() < until and (
        oracle.tuner_ids or any(worker.process.poll() is None for worker in local)
    ):
        time.sleep(POLL)
