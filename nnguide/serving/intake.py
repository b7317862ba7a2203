"""The path of every request to a model, with limits and metrics.

A request is answered by the version it began with. Nothing here blocks.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nnguide.serving.bounds import Bounds, RefusedError
from nnguide.serving.inference_tensors import LENGTH
from nnguide.serving.jobs import Body, Job, Method
from nnguide.serving.metrics import Metrics
from nnguide.serving.versions import Model, Version

_MEMORY = Path("/proc/self/statm")
_PAGE = 4096 if sys.platform == "win32" else os.sysconf("SC_PAGE_SIZE")


def json_response(content: Any, status: int = 200) -> Response:
    """Return `content` as a JSON response."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, status, media_type="application/json")


def error_response(refusal: RefusedError) -> Response:
    """Return the response for a refused request."""
    response = json_response({"error": str(refusal)}, refusal.status)
    if refusal.status == 429:
        response.headers["Retry-After"] = "1"
    return response


class Seen:
    """What /metrics counts of a request.

    It is the method, and the model where that is known.
    """

    method = "other"
    model = ""


class Intake:
    """The models, and all requests that are being answered."""

    def __init__(self, models: dict[str, Model], bounds: Bounds, metrics: Metrics) -> None:
        self.models = models
        self._bounds = bounds
        self._metrics = metrics
        self._requests = 0  # taken on and not yet answered
        self._held = 0  # bytes of their bodies

    async def respond(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        answer: Callable[[Request, str, Seen], Awaitable[Response]],
    ) -> None:
        """Send the response that `answer` returns for a request, and count it.

        `answer` receives the path as it came.
        """
        began = time.perf_counter()
        request = Request(scope, receive)
        path = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace")
        seen = Seen()
        try:
            response = await answer(request, path, seen)
        except RefusedError as refusal:
            response = error_response(refusal)
        except ClientDisconnect:
            return
        if seen.model not in self.models:
            seen.model = ""
        self._metrics.requests.labels(seen.model, seen.method, response.status_code).inc()
        self._metrics.seconds.labels(seen.model, seen.method).observe(time.perf_counter() - began)
        await response(scope, receive, send)

    async def ask(self, request: Request, method: Method, name: str, version: int | None) -> Body:
        """Return a model's answer to the body of a request.

        Raises:
            RefusedError: there is none.
        """
        while not (begun := self.current(name, version)).batcher.hold():
            await asyncio.sleep(0)  # it was replaced in this moment
        try:
            return await self._answered(request, method, name, begun)
        finally:
            begun.batcher.release()

    async def _answered(
        self, request: Request, method: Method, name: str, version: Version
    ) -> Body:
        """Return the answer of the version that the request began with."""
        zipped = _is_zipped(request)
        if _declared(request) > self._bounds.body:
            raise _too_long(self._bounds.body)
        if self._requests >= self._bounds.queue:
            raise RefusedError(
                429, f"{self._bounds.queue:,} requests are running already. Try again."
            )
        if self._requests and (most := self._bounds.memory) and resident() > most:
            raise RefusedError(429, "the server has no memory left for it now. Try again.")
        self._hold(1, 0)
        held = 0
        answer: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        status, reason = 408, "the request's body did not arrive in time"
        try:
            async with asyncio.timeout(self._bounds.seconds):
                body = bytearray()
                async for chunk in request.stream():
                    body += chunk
                    self._hold(0, len(chunk))
                    held += len(chunk)
                    if len(body) > self._bounds.body:
                        raise _too_long(self._bounds.body)
                    if self._held > self._bounds.held:
                        raise RefusedError(
                            429, "other requests use all the memory allowed. Try again."
                        )
                status, reason = 504, f"no answer within {self._bounds.seconds:g} s"
                length = request.headers.get(LENGTH) if method == "infer" else None
                version.batcher.submit(
                    Job(method, bytes(body), zipped, answer, name, version.number, length)
                )
                return await answer
        except TimeoutError as error:
            raise RefusedError(status, reason) from error
        finally:
            answer.cancel()  # if nobody awaits it any more
            self._hold(-1, -held)

    def _hold(self, requests: int, size: int) -> None:
        self._requests += requests
        self._held += size
        self._metrics.waiting.set(self._requests)

    def current(self, name: str, version: int | None) -> Version:
        """Return the version of a model that serves.

        Raises:
            RefusedError: 404, there is no such model, or another version serves.
        """
        model = self.models.get(name)
        served = model.current if model else None
        if served and version in (None, served.number):
            return served
        asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise RefusedError(404, f"Servable not found for request: {asked}")


def resident() -> int:
    """Return the resident memory of this process in bytes.

    0 where the system does not say.
    """
    try:
        return int(_MEMORY.read_bytes().split()[1]) * _PAGE
    except OSError:
        return 0


def _is_zipped(request: Request) -> bool:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise RefusedError(415, f"Content-Encoding: expected gzip or none; got {encoding[:40]}")
    return encoding == "gzip"


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


def _too_long(limit: int) -> RefusedError:
    return RefusedError(
        413, f"a request's body is of at most {limit:,} bytes. Send several requests."
    )
