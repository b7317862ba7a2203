"""A worker, which asks for trials, trains them and reports results.

The same class serves a search in one process and a worker of a chief on the network.
In the second case the search itself travels with each trial, so a worker cannot disagree with
its chief on what is searched.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import grpc
import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial
from keras_tuner.errors import FailedTrialError, FatalError

from nnguide.errors import ConfigError, NnguideError, WorkError
from nnguide.tuning import guard
from nnguide.tuning.guard import Guard
from nnguide.tuning.oracles import OUTCOME
from nnguide.tuning.scoring import Scorer, failure
from nnguide.tuning.settings import Search

SEARCH = "nnguide/search"  # the value in which a search travels with a trial
OWNED_BY_CHIEF = "NNGUIDE_TUNE_OWNED"  # set for a worker whose standard input ends with its chief
POLL, HEARTBEAT = 0.5, 2.0  # seconds: between asking, signs of life
GREETING = 10.0  # seconds for the first answer of what listens there
EARLY, PATIENCE = 300.0, 60.0  # seconds: for a chief to come, to come back


class Worker(BaseTuner):
    """Runs the trials of an oracle.

    Args:
        oracle: of this process; or any, where the environment names a chief.
        scorer: of the search, where it is known beforehand.
        folder: where keras-tuner may make its folder.
    """

    def __init__(
        self, oracle: keras_tuner.Oracle, folder: str, name: str, scorer: Scorer | None = None
    ) -> None:
        super().__init__(oracle=oracle, directory=folder, project_name=name)
        if hasattr(self.oracle, "stub"):  # a client's: keras-tuner's own is not guarded
            from keras_tuner.src import protos

            channel = Guard.of(os.environ).channel(chief_address(os.environ))
            self.oracle.stub = protos.get_service_grpc().OracleStub(channel)
        self.scorer = scorer
        self.busy: str | None = None  # the trial at work
        self._idle = False

    def pre_create_trial(self) -> None:
        if self._idle:  # it was told to wait
            time.sleep(POLL)
        self._idle = True

    def on_trial_begin(self, trial: Trial) -> None:
        self.busy, self._idle = trial.trial_id, False

    def on_trial_end(self, trial: Trial) -> None:
        self.oracle.end_trial(trial)
        self.busy = None

    def save(self) -> None:
        """Do nothing: a worker has no state, the oracle keeps its own."""

    def run_trial(self, trial: Trial, *_: Any, **__: Any) -> float:
        """Run a trial and return its score.

        Its result is among its values.
        """
        values, began = trial.hyperparameters.values, time.perf_counter()
        search = values.pop(SEARCH, None)
        try:
            if self.scorer is None:
                self.scorer = Scorer(Search.from_json(search))
            outcome = self.scorer.score(
                self.scorer.config(values),
                self.scorer.search.seed,
                self.scorer.search.executions,
            )
        except Exception as error:
            values[OUTCOME] = json.dumps(failure(error, began))
            raise FailedTrialError(str(error)) from error
        values[OUTCOME] = json.dumps(asdict(outcome))
        return outcome.score


def work(task: str) -> None:
    """Work for the chief that keras-tuner's environment variables name.

    They are KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT.

    Returns when the chief has no more trials.

    Raises:
        ConfigError: the chief searches another task.
        WorkError: the chief does not answer, or went away.
    """
    address = chief_address(os.environ)
    if OWNED_BY_CHIEF in os.environ:
        threading.Thread(target=_end_with_chief, daemon=True).start()
    await_chief(address)
    with tempfile.TemporaryDirectory() as folder:
        worker = _OfTask(task, keras_tuner.Oracle(), folder, "worker")
        signs = _SignsOfLife(worker, address)
        try:
            greet(worker.oracle.stub, address)
        except grpc.RpcError as error:
            raise _said(
                error,
                address,
                f"what listens at {address} does not answer as a chief does. Is it one? With TLS "
                f"it needs {guard.AUTHORITY} here.",
            ) from error
        try:
            signs.start()
            worker.search()
        except FatalError as error:
            raise ConfigError(str(error)) from error
        except grpc.RpcError as error:
            raise _said(error, address, f"the chief at {address} is gone") from error
        finally:
            signs.over.set()


def greet(stub: Any, address: str) -> None:
    """Send a first request to the chief.

    One that refuses or is no chief is found at once.
    """
    from keras_tuner.src import protos

    until = time.monotonic() + GREETING
    while True:
        try:
            stub.GetSpace(protos.get_service().GetSpaceRequest(), timeout=GREETING)
            return
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > until:
                raise
        time.sleep(POLL)


def _said(error: grpc.RpcError, address: str, otherwise: str) -> NnguideError:
    """Return a chief's refusal or absence as an error."""
    if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.FAILED_PRECONDITION):
        return ConfigError(f"the chief at {address} refused this worker: {error.details()}")
    if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
        return WorkError(f"the chief at {address} refused what it was sent: {error.details()}")
    if error.code() == grpc.StatusCode.UNAVAILABLE and "SSL" in str(error.details()).upper():
        return ConfigError(
            f"no secure connection to the chief at {address}: {error.details()}. Compare its "
            f"certificate with {guard.AUTHORITY}."
        )
    return WorkError(otherwise)


def await_chief(address: str) -> None:
    """Wait until something listens at the chief's address.

    gRPC itself would ask less and less often.
    """
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"KERASTUNER_ORACLE_PORT is a number up to 65535; got {port!r}")
    until = time.monotonic() + EARLY
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=HEARTBEAT).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                raise WorkError(
                    f"no chief answers at {address}: start one there, or check whether it died"
                ) from error
            time.sleep(POLL)


class _OfTask(Worker):
    """A worker that refuses a search of another task."""

    def __init__(self, task: str, *args: Any) -> None:
        super().__init__(*args)
        self.task = task

    def run_trial(self, trial: Trial, *args: Any, **named: Any) -> float:
        task = json.loads(trial.hyperparameters.values[SEARCH])["task"]
        if task != self.task:
            raise FatalError(f"the chief searches {task}, not {self.task}")
        return super().run_trial(trial, *args, **named)


class _SignsOfLife(threading.Thread):
    """Tells the chief that the trial continues.

    It ends the process if there is no chief any more.
    """

    def __init__(self, worker: Worker, address: str) -> None:
        super().__init__(daemon=True)
        self.worker, self.address, self.over = worker, address, threading.Event()

    def run(self) -> None:
        from keras_tuner.src import protos

        service, heard = protos.get_service(), time.monotonic()
        stub = self.worker.oracle.stub
        while not self.over.wait(HEARTBEAT):
            try:
                if trial := self.worker.busy:
                    stub.GetTrial(service.GetTrialRequest(trial_id=trial), timeout=HEARTBEAT)
                else:
                    stub.GetSpace(service.GetSpaceRequest(), timeout=HEARTBEAT)
                heard = time.monotonic()
            except (grpc.RpcError, ConfigError):
                if time.monotonic() - heard > PATIENCE and not self.over.is_set():
                    _leave(f"no chief answers at {self.address}: the search is over, or it died")


def _leave(reason: str) -> None:
    """End the process, whatever its other threads wait for."""
    sys.stderr.write(f"nnguide: {reason}\n")
    sys.stderr.flush()
    os._exit(WorkError.exit_code)


def _end_with_chief() -> None:
    os.read(0, 1)  # until the chief's end of the pipe is closed, by its death too
    os._exit(WorkError.exit_code)


def chief_address(environ: Mapping[str, str]) -> str:
    """Return IP:PORT of the chief from keras-tuner's environment variables."""
    return f"{environ['KERASTUNER_ORACLE_IP']}:{environ['KERASTUNER_ORACLE_PORT']}"


def role(environ: Mapping[str, str]) -> str:
    """Return this process's role: alone, chief or worker.

    keras-tuner's environment variables say it.

    Raises:
        ConfigError: only some of them are set.
    """
    names = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
    if names[0] not in environ:
        return "alone"
    if missing := [name for name in names if not environ.get(name)]:
        raise ConfigError(
            f"{names[0]} is set, and {' and '.join(missing)} is not. A chief and its workers "
            "need all three; without a chief unset it."
        )
    if not environ[names[1]].isdigit():
        raise ConfigError(f"{names[1]} is a port's number; got {environ[names[1]]!r}")
    return "chief" if "chief" in environ[names[2]] else "worker"
