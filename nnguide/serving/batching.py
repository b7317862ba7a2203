"""Requests that arrive together are answered together, none waiting for others to come.

Whatever waits when a worker becomes free is its next batch, so an idle server answers at once
and a busy one in large batches. Each request is parsed and checked alone; if the model then
refuses a batch, each of its requests is tried again alone, so that only the bad one fails.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nnguide.errors import NnguideError
from nnguide.serving import classify, tensors
from nnguide.serving.bounds import Bounds, RefusedError
from nnguide.serving.servable import Servable
from nnguide.serving.signatures import CLASSIFY, DEFAULT, REGRESS

Method = Literal["predict", "classify", "regress"]
Outcome = bytes | RefusedError
WORKERS = 2  # threads of a model: one parses while the network of the other works
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Job:
    """A request on its way: its body, and where its answer is awaited."""

    method: Method
    body: bytes
    zipped: bool
    answer: asyncio.Future[bytes]


@dataclass(frozen=True, eq=False)
class Call:
    """A job that was parsed and checked."""

    job: Job
    signature: str
    inputs: tensors.Arrays
    rows: int
    joins: bool  # whether others' rows may stand below its own
    encode: Callable[[tensors.Arrays], bytes]


def unzipped(body: bytes, limit: int) -> bytes:
    """The content of gzip's `body`.

    Raises:
        RefusedError: 400, no gzip; 413, more than `limit` bytes.
    """
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise RefusedError(400, f"Content-Encoding is gzip, the body is not: {error}") from error
    if len(content) > limit:
        raise RefusedError(413, f"the body is longer than {limit:,} bytes when it is unzipped")
    if not stream.eof:
        raise RefusedError(400, "the gzip body is cut short")
    return content


class Batcher:
    """The queue of one loaded model and the threads that work it off."""

    def __init__(
        self,
        servable: Servable,
        bounds: Bounds,
        together: bool = True,
        seen: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """Start the threads.

        Args:
            together: whether requests share batches, where the model gains by it.
            seen: told how many rows each batch has.
        """
        self._servable = servable
        self._bounds = bounds
        self._together = together and servable.gains
        self._seen = seen
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        for _ in range(WORKERS):
            threading.Thread(target=self._work, name="nnguide-model", daemon=True).start()

    def submit(self, job: Job) -> bool:
        """Take `job` on; False if this model was replaced and takes no more."""
        with self._changed:
            if self._closed:
                return False
            self._waiting.append(job)
            self._changed.notify()
        return True

    def close(self) -> None:
        """Take no more; what was taken is answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while job := self._next(wait=True):
            calls: list[Call] = []
            for _ in range(self._bounds.batch):  # refused ones too, or they could go on for ever
                try:
                    calls.append(self._parsed(job))
                except Exception as error:
                    _deliver(job, refusal_of(error))
                full = sum(call.rows for call in calls) >= self._bounds.batch
                following = self._next(wait=False) if self._together and not full else None
                if following is None:
                    break
                job = following
            for group in self._groups(calls):
                self._run(group)

    def _next(self, wait: bool) -> Job | None:
        """The next job that somebody still awaits; None if this is closed and all is done, or at
        once if there is none and `wait` is False."""
        with self._changed:
            while True:
                while self._waiting:
                    job = self._waiting.popleft()
                    if not job.answer.cancelled():
                        return job
                if self._closed or not wait:
                    return None
                self._changed.wait()

    def _parsed(self, job: Job) -> Call:
        body = unzipped(job.body, self._bounds.body) if job.zipped else job.body
        document = tensors.Document.parse(body)
        return (self._predict if job.method == "predict" else self._classify)(job, document)

    def _predict(self, job: Job, document: tensors.Document) -> Call:
        name = document.signature or DEFAULT
        if name not in self._servable.signatures:
            raise RefusedError(400, f'Serving signature name: "{name}" not found in signature def')
        given, in_rows = tensors.predict_inputs(document, self._servable.signatures[name])
        counts = {len(array) if array.ndim else 1 for array in given.values()}
        rows = max(counts, default=1)
        self._admit(rows)
        prepared = self._servable.prepare(name, given)
        joins = self._servable.signatures[name].batched and len(counts) == 1
        encode = tensors.predictions if in_rows else tensors.columnar
        return Call(job, name, prepared, rows, joins, encode)

    def _classify(self, job: Job, document: tensors.Document) -> Call:
        wanted = CLASSIFY if job.method == "classify" else REGRESS
        name = classify.check(document.signature, wanted, dict(self._servable.signatures))
        examples = classify.examples(document)
        self._admit(len(examples))
        prepared = self._servable.examples(name, examples)
        encode = tensors.classifications if job.method == "classify" else tensors.regressions
        joins = self._servable.signatures[name].batched
        return Call(job, name, prepared, len(examples), joins, encode)

    def _admit(self, rows: int) -> None:
        if rows > self._bounds.rows:
            raise RefusedError(
                413,
                f"at most {self._bounds.rows:,} instances a request; got {rows:,}. Send several.",
            )

    def _groups(self, calls: list[Call]) -> list[list[Call]]:
        """Calls that may share a batch, each batch within the bound unless it is one call."""
        groups: list[list[Call]] = []
        filling: dict[str, list[Call]] = {}  # signature -> its group that may still grow
        for call in calls:
            group = filling.get(call.signature, [])
            if (
                call.joins
                and group
                and sum(one.rows for one in group) + call.rows <= self._bounds.batch
            ):
                group.append(call)
                continue
            groups.append([call])
            if call.joins:
                filling[call.signature] = groups[-1]
        return groups

    def _run(self, group: list[Call]) -> None:
        try:
            rows = [call.rows for call in group]
            self._seen(sum(rows))
            if len(group) == 1:
                parts = [self._servable.run(group[0].signature, group[0].inputs)]
            else:
                joined = {
                    name: np.concatenate([call.inputs[name] for call in group])
                    for name in group[0].inputs
                }
                outputs = self._servable.run(group[0].signature, joined)
                if {len(array) for array in outputs.values()} != {sum(rows)}:
                    raise ValueError("the outputs are not one a row: no batch can be shared")
                ends = np.cumsum(rows)
                parts = [
                    {name: array[end - count : end] for name, array in outputs.items()}
                    for end, count in zip(ends, rows, strict=True)
                ]
        except Exception as error:
            if len(group) > 1:
                for call in group:
                    self._run([call])
            else:
                _deliver(group[0].job, refusal_of(error))
            return
        for call, part in zip(group, parts, strict=True):
            try:
                _deliver(call.job, call.encode(part))
            except Exception as error:
                _deliver(call.job, refusal_of(error))


def refusal_of(error: Exception) -> RefusedError:
    """What the client is told of an error; a bug is logged and is 500."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, NnguideError):
        return RefusedError(400 if error.exit_code == 4 else 500, str(error))
    if isinstance(error, MemoryError):
        return RefusedError(429, "there is not enough memory for this request now")
    log.error("this is a bug: %s: %s", type(error).__name__, error, exc_info=error)
    return RefusedError(500, f"{type(error).__name__} in the server; see its log")


def _deliver(job: Job, outcome: Outcome) -> None:
    """Hand an answer to whoever awaits it, on the thread of the event loop."""
    try:
        job.answer.get_loop().call_soon_threadsafe(_settle, job.answer, outcome)
    except RuntimeError:  # the event loop is closed: nobody awaits it
        log.info("an answer came after the server had ended")


def _settle(answer: asyncio.Future[bytes], outcome: Outcome) -> None:
    if answer.done():
        return
    if isinstance(outcome, RefusedError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
