"""Batching of requests that arrive together.

No request waits for others to come.

When a worker becomes free, all waiting requests are its next batch, so an idle server answers at
once and a busy one in large batches. Each request is parsed and checked alone, and each of its
instances if it is refused; if the model then refuses a batch, each of its requests is tried again
alone, and then each of its instances, so that only the bad one fails. Picture files are read in
other processes meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnguide.errors import InputError, NnguideError
from nnguide.preprocessing import joined
from nnguide.serving import classify, decoding, inference_tensors, tensors
from nnguide.serving.bounds import Bounds, RefusedError
from nnguide.serving.jobs import Asked, Body, Call, Job, Key
from nnguide.serving.servable import MARKS, Servable
from nnguide.serving.signatures import CLASSIFY, DEFAULT, REGRESS

Outcome = Body | RefusedError
WORKERS = 2  # threads of a model: one parses while the network of the other works
log = logging.getLogger(__name__)


def _apart(
    key: str, rows: Sequence[Any], prepared: Callable[[Any], Any]
) -> tuple[list[tensors.Arrays | list[bytes]], dict[int, str]]:
    """Prepare each row alone; return results and errors by place."""
    good, bad = [], {}
    for place, row in enumerate(rows):
        try:
            good.append(prepared(row))
        except (RefusedError, InputError) as error:
            bad[place] = f"{key}[{place}]: {error}"
    return good, bad


class Batcher:
    """The queue of one loaded model, and its worker threads."""

    def __init__(
        self,
        servable: Servable,
        bounds: Bounds,
        batching: bool = True,
        seen: Callable[[int], None] = lambda rows: None,
        decoders: decoding.Decoders | None = None,
        answered: Callable[[tensors.Arrays], None] = lambda outputs: None,
    ) -> None:
        """Start the threads.

        Args:
            batching: whether requests share batches, if that makes the model faster.
            seen: called with the number of rows of each batch.
            decoders: read the pictures of requests; several models share them.
            answered: called with the outputs of each batch.
        """
        self._answered = answered
        self._decoders = decoders or decoding.Decoders()
        self._servable = servable
        self._bounds = bounds
        self._batching = batching and servable.gains
        self._seen = seen
        self._waiting: deque[Job | Call] = deque()
        self._holders = 0  # requests that began with this model and are not answered
        self._changed = threading.Condition()
        self._closed = False
        for _ in range(WORKERS):
            threading.Thread(target=self._work, name="nnguide-model", daemon=True).start()

    def hold(self) -> bool:
        """Register a request; return False if the batcher is closed.

        Each successful `hold` is followed by a `release`.
        """
        with self._changed:
            if not self._closed:
                self._holders += 1
            return not self._closed

    def release(self) -> None:
        """End the registration of a request that is answered."""
        with self._changed:
            self._holders -= 1
            self._changed.notify_all()

    def submit(self, job: Job) -> None:
        """Add the job of a request that holds this model."""
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()

    def close(self) -> None:
        """Accept no new requests.

        Those that have begun are still answered.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while item := self._next(wait=True):
            calls: list[Call] = []
            for _ in range(self._bounds.batch):  # refused ones too, or they could go on forever
                try:
                    if call := item if isinstance(item, Call) else self._parsed(item):
                        calls.append(call)
                except Exception as error:
                    _deliver(item if isinstance(item, Job) else item.job, refusal_of(error))
                full = sum(call.rows for call in calls) >= self._bounds.batch
                following = self._next(wait=False) if self._batching and not full else None
                if following is None:
                    break
                item = following
            for group in self._groups(calls):
                self._run(group)

    def _next(self, wait: bool) -> Job | Call | None:
        """Return the next job or call that somebody still awaits.

        None if this is closed and all is done, or at once if there is none and `wait` is
        False.
        """
        with self._changed:
            while True:
                while self._waiting:
                    item = self._waiting.popleft()
                    job = item if isinstance(item, Job) else item.job
                    if not job.answer.cancelled():
                        return item
                if (self._closed and not self._holders) or not wait:
                    return None
                self._changed.wait()

    def _parsed(self, job: Job) -> Call | None:
        """Parse a job into a call.

        None while its pictures are read.
        """
        body = tensors.unzipped(job.body, self._bounds.body) if job.zipped else job.body
        if job.method == "infer":
            return self._infer(job, body)
        document = tensors.Document.parse(body)
        return (self._predict if job.method == "predict" else self._classify)(job, document)

    def _predict(self, job: Job, document: tensors.Document) -> Call | None:
        name = document.signature or DEFAULT
        if name not in self._servable.signatures:
            raise RefusedError(400, f'Serving signature name: "{name}" not found in signature def')
        signature = self._servable.signatures[name]
        rows = document.rows("instances") if signature.batched else []
        self._admit(len(rows))
        key: Key = "instances" if "instances" in document.fields else "inputs"
        asked = Asked(job, name, signature.batched, key)

        def prepared(document: tensors.Document) -> tensors.Arrays | list[bytes]:
            return self._prepared(name, tensors.predict_inputs(document, signature)[0])

        try:
            whole = prepared(document)
        except (RefusedError, InputError) as error:
            if refusal_of(error).status != 400 or len(rows) < 2:
                raise
            good, bad = _apart(asked.key, rows, prepared)
            if not good:
                raise
            return self._call(asked, good, bad)
        return self._call(asked, [whole], {})

    def _prepared(self, name: str, arrays: tensors.Arrays) -> tensors.Arrays | list[bytes]:
        """Return inputs for `run`, or the picture files to read first."""
        self._admit(max((len(array) if array.ndim else 1 for array in arrays.values()), default=1))
        files = self._servable.pictures(name, arrays)
        return self._servable.prepare(name, arrays) if files is None else files

    def _infer(self, job: Job, body: bytes) -> Call | None:
        """Parse a request of the Open Inference Protocol.

        The protocol cannot report the error of a single row.
        """
        parsed = inference_tensors.parse(body, job.json, self._servable.signatures)
        joins = self._servable.signatures[parsed.signature].batched
        asked = Asked(job, parsed.signature, joins, "inputs", parsed)
        return self._call(asked, [self._prepared(parsed.signature, parsed.inputs)], {})

    def _classify(self, job: Job, document: tensors.Document) -> Call | None:
        wanted = CLASSIFY if job.method == "classify" else REGRESS
        name = classify.check(document.signature, wanted, dict(self._servable.signatures))
        examples = classify.examples(document)
        self._admit(len(examples))
        asked = Asked(job, name, self._servable.signatures[name].batched, "examples")
        try:
            whole = self._servable.examples(name, examples)
        except (RefusedError, InputError) as error:
            if refusal_of(error).status != 400 or len(examples) < 2:
                raise
            good, bad = _apart(
                asked.key, examples, lambda example: self._servable.examples(name, [example])
            )
            if not good:
                raise
            return self._call(asked, good, bad)
        return self._call(asked, [whole], {})

    def _call(
        self, asked: Asked, good: list[tensors.Arrays | list[bytes]], bad: dict[int, str]
    ) -> Call | None:
        """Return the call of prepared inputs.

        None once its pictures are being read.
        """
        if isinstance(good[0], list):
            files = [file for files in good for file in files]  # bytes, since the first is so

            def done(results: list[decoding.Read]) -> None:
                try:
                    ready = self._read(asked, results, bad)
                except Exception as error:
                    _deliver(asked.job, refusal_of(error))
                    return
                with self._changed:
                    self._waiting.append(ready)
                    self._changed.notify()

            awaited = asked.job.answer
            self._decoders.submit(
                decoding.Reading(files, lambda: not awaited.cancelled(), done)  # type: ignore[arg-type]
            )
            return None
        inputs = {
            key: good[0][key] if len(good) == 1 else np.concatenate([row[key] for row in good])  # type: ignore[call-overload]
            for key in good[0]
        }
        counts = {len(array) if array.ndim else 1 for array in inputs.values()}
        joins = asked.joins and len(counts) == 1
        return Call(asked, inputs, max(counts, default=1), joins, bad)

    def _read(self, asked: Asked, pictures: list[decoding.Read], bad: dict[int, str]) -> Call:
        """Return the call of pictures that were read.

        Those that could not be read are among its bad rows.
        """
        if self._servable.refuse_below is not None:  # an empty picture is answered with none
            empty = np.zeros((28, 28), np.uint8)
            pictures = [empty if isinstance(read, decoding.Blank) else read for read in pictures]
        total = len(pictures) + len(bad)
        places = [place for place in range(total) if place not in bad]
        refused = {
            place: reason
            for place, reason in zip(places, pictures, strict=True)
            if isinstance(reason, str)
        }
        if refused and (asked.key == "inputs" or len(refused) == len(pictures)):
            place, reason = next(iter(refused.items()))
            raise InputError(reason if total == 1 else f"{asked.key}[{place}]: {reason}")
        good = [read for read in pictures if not isinstance(read, str)]
        levels = np.stack(good)
        prepared = self._servable.prepare(DEFAULT, {"image": levels})
        prepared |= {MARKS: np.array([joined.is_mark(read) for read in good])}
        named = {place: f"{asked.key}[{place}]: {reason}" for place, reason in refused.items()}
        return Call(asked, prepared, len(levels), asked.joins, {**bad, **named})

    def _admit(self, rows: int) -> None:
        if rows > self._bounds.rows:
            raise RefusedError(
                413,
                f"at most {self._bounds.rows:,} instances a request; got {rows:,}. Send several.",
            )

    def _groups(self, calls: list[Call]) -> list[list[Call]]:
        """Group calls that may share a batch.

        Each batch is within the bound unless it is one call.
        """
        groups: list[list[Call]] = []
        filling: dict[str, list[Call]] = {}  # signature -> its group that may still grow
        for call in calls:
            group = filling.get(call.signature, [])
            if (
                call.joins
                and group
                and sum(member.rows for member in group) + call.rows <= self._bounds.batch
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
                outputs_of_calls = [self._outputs(group[0].signature, group[0].inputs)]
            else:
                joined = {
                    name: np.concatenate([call.inputs[name] for call in group])
                    for name in group[0].inputs
                }
                outputs = self._outputs(group[0].signature, joined)
                if {len(array) for array in outputs.values()} != {sum(rows)}:
                    raise ValueError("the outputs are not one a row: no batch can be shared")
                ends = np.cumsum(rows)
                outputs_of_calls = [
                    {name: array[end - count : end] for name, array in outputs.items()}
                    for end, count in zip(ends, rows, strict=True)
                ]
        except Exception as error:
            if len(group) > 1:
                for call in group:
                    self._run([call])
            else:
                _deliver(group[0].job, self._row_by_row(group[0], refusal_of(error)))
            return
        for call, own in zip(group, outputs_of_calls, strict=True):
            try:
                _deliver(call.job, call.encode(own, call.bad))
            except Exception as error:
                _deliver(call.job, refusal_of(error))

    def _outputs(self, signature: str, inputs: tensors.Arrays) -> tensors.Arrays:
        outputs = self._servable.run(signature, inputs)
        self._answered(outputs)
        return outputs

    def _row_by_row(self, call: Call, refusal: RefusedError) -> Outcome:
        """Answer a refused call row by row.

        Only its bad rows fail then.
        """
        if refusal.status != 400 or call.rows < 2 or not call.joins or call.asked.key == "inputs":
            return refusal
        places = [place for place in range(call.rows + len(call.bad)) if place not in call.bad]
        bad, good = dict(call.bad), []
        for row, place in enumerate(places):
            inputs = {name: array[row : row + 1] for name, array in call.inputs.items()}
            try:
                good.append(self._outputs(call.signature, inputs))
            except Exception as error:
                if (refused := refusal_of(error)).status != 400:
                    return refused
                bad[place] = f"{call.asked.key}[{place}]: {refused}"
        if not good:
            return refusal
        outputs = {name: np.concatenate([answer[name] for answer in good]) for name in good[0]}
        return call.encode(outputs, bad)


def refusal_of(error: Exception) -> RefusedError:
    """Return the refusal that the client receives for an error.

    A bug is logged and has status 500.
    """
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, NnguideError):
        return RefusedError(400 if error.exit_code == 4 else 500, str(error))
    if isinstance(error, MemoryError):
        return RefusedError(429, "there is not enough memory for this request now")
    log.error("this is a bug: %s: %s", type(error).__name__, error, exc_info=error)
    return RefusedError(500, f"{type(error).__name__} in the server; see its log")


def _deliver(job: Job, outcome: Outcome) -> None:
    """Send an answer to its client's event loop."""
    try:
        job.answer.get_loop().call_soon_threadsafe(_settle, job.answer, outcome)
    except RuntimeError:  # the event loop is closed: nobody awaits it
        log.info("an answer came after the server had ended")


def _settle(answer: asyncio.Future[Body], outcome: Outcome) -> None:
    if answer.done():
        return
    if isinstance(outcome, RefusedError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
