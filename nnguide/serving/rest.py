"""TensorFlow Serving's REST interface: paths, bounds, statuses. Nothing here blocks."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nnguide.serving.batching import Batcher, Job, Method
from nnguide.serving.bounds import Bounds, RefusedError
from nnguide.serving.metrics import Metrics
from nnguide.serving.versions import Model, Version

# As in TensorFlow Serving: any case, a version or a label or neither, before decoding.
_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)", re.I | re.A
)
_GET = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<metadata>metadata))?", re.I | re.A
)


def json_response(content: Any, status: int = 200) -> Response:
    """`content` as JSON."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, status, media_type="application/json")


def error_response(refusal: RefusedError) -> Response:
    """The answer that a refusal is."""
    response = json_response({"error": str(refusal)}, refusal.status)
    if refusal.status == 429:
        response.headers["Retry-After"] = "1"
    return response


class Rest:
    """The ASGI application below /v1."""

    def __init__(self, models: dict[str, Model], bounds: Bounds, metrics: Metrics) -> None:
        self._models = models
        self._bounds = bounds
        self._metrics = metrics
        self._requests = 0  # taken on and not yet answered
        self._held = 0  # bytes of their bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request = Request(scope, receive)
        path = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace")
        method, model = "other", ""
        try:
            if request.method == "POST" and (asked := _POST.fullmatch(path)):
                method = asked["method"].lower()
                name = unquote(asked["name"])
                model = name if name in self._models else ""
                body = await self._post(request, method, name, _version(asked))  # type: ignore[arg-type]
                response = json_response(body)
            elif request.method == "GET" and (asked := _GET.fullmatch(path)):
                method = "metadata" if asked["metadata"] else "status"
                name = unquote(asked["name"] or "")
                model = name if name in self._models else ""
                response = json_response(self._get(name, _version(asked), method))
            else:
                raise RefusedError(400, f"Malformed request: {request.method} {path[:200]}")
        except RefusedError as refusal:
            response = error_response(refusal)
        except ClientDisconnect:
            return
        self._metrics.requests.labels(model, method, response.status_code).inc()
        self._metrics.seconds.labels(model, method).observe(time.perf_counter() - began)
        await response(scope, receive, send)

    async def _post(
        self, request: Request, method: Method, name: str, version: int | None
    ) -> bytes:
        model = self._models.get(name)
        while not (begun := _current(model, name, version)).batcher.hold():
            await asyncio.sleep(0)  # it was replaced in this moment
        try:
            return await self._answered(request, method, begun.batcher)
        finally:
            begun.batcher.release()

    async def _answered(self, request: Request, method: Method, batcher: Batcher) -> bytes:
        """The answer of the model that the request began with."""
        zipped = _is_zipped(request)
        size = _declared(request)
        if size > self._bounds.body:
            raise _too_long(self._bounds.body)
        if self._requests >= self._bounds.queue:
            raise RefusedError(
                429, f"{self._bounds.queue:,} requests are being answered already. Try again."
            )
        self._hold(1, 0)
        held = 0
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        status, reason = 408, "the request's body did not come in time"
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
                            429, "other requests hold the memory there is. Try again."
                        )
                status, reason = 504, f"no answer within {self._bounds.seconds:g} s"
                job = Job(method, bytes(body), zipped, answer)
                batcher.submit(job)
                return await answer
        except TimeoutError as error:
            raise RefusedError(status, reason) from error
        finally:
            answer.cancel()  # where nobody awaits it any more
            self._hold(-1, -held)

    def _hold(self, requests: int, size: int) -> None:
        self._requests += requests
        self._held += size
        self._metrics.waiting.set(self._requests)

    def _get(self, name: str, version: int | None, what: str) -> Any:
        if not name:
            raise RefusedError(400, "Missing model name in request.")
        model = self._models.get(name)
        if what == "metadata":
            found = _current(model, name, version)
            assert model
            return model.metadata(found)
        if model is None:
            raise RefusedError(404, f"Could not find any versions of model {name}")
        states = model.status()
        if version is not None and version not in states:
            raise RefusedError(404, f"Could not find version {version} of model {name}")
        return {
            "model_version_status": [
                _state(number, *state)
                for number, state in states.items()
                if version in (None, number)
            ]
        }


def _state(version: int, state: str, error: str) -> dict[str, Any]:
    code = "DATA_LOSS" if error else "OK"
    return {
        "version": str(version),
        "state": state,
        "status": {"error_code": code, "error_message": error},
    }


def _version(asked: re.Match[str]) -> int | None:
    if asked["label"]:
        raise RefusedError(400, f"Unrecognized servable version label: {unquote(asked['label'])}")
    if asked["version"] is None:
        return None
    if len(asked["version"]) > 19 or int(asked["version"]) >= 2**63:
        raise RefusedError(400, f"Failed to convert version: {asked['version'][:40]} to numeric.")
    return int(asked["version"])


def _current(model: Model | None, name: str, version: int | None) -> Version:
    found = model.current if model else None
    if found and version in (None, found.number):
        return found
    asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    raise RefusedError(404, f"Servable not found for request: {asked}")


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
