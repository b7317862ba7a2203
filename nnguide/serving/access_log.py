"""The access log: one JSON line for each request.

Its request id is also in the answer.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nnguide.errors import WriteError

KEPT = 10_000  # lines that wait to be written; what comes beyond that is counted and lost
_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
log = logging.getLogger(__name__)


class AccessLog:
    """The access log's file.

    A thread writes it, so that no slow disk or pipe delays requests.
    """

    def __init__(self, path: str) -> None:
        """Open the log.

        Args:
            path: of a file, which is added to; "-" for standard output.
        Raises:
            WriteError: it cannot be written.
        """
        self._path = path
        self._lines: queue.Queue[bytes | None] = queue.Queue(KEPT)
        self._lost = 0
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._file = os.dup(1) if path == "-" else os.open(Path(path), flags, 0o640)
        except OSError as error:
            raise WriteError(f"--access-log: cannot write {path}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._write, name="nnguide-access-log", daemon=True)
        self._thread.start()

    def add(self, line: dict[str, Any]) -> None:
        """Queue a line for the log."""
        try:
            self._lines.put_nowait(orjson.dumps(line) + b"\n")
        except queue.Full:
            self._lost += 1

    def close(self) -> None:
        """Write the waiting lines, for a few seconds at most."""
        try:
            self._lines.put(None, timeout=5)
        except queue.Full:
            return
        self._thread.join(5)

    def _write(self) -> None:
        was_reported = False
        while (line := self._lines.get()) is not None:
            if self._lost:
                self._lost, lost = 0, self._lost
                line = orjson.dumps({"time": _now(), "lost": lost}) + b"\n" + line
            try:
                os.write(self._file, line)  # whole, also where several processes add to the file
            except OSError as error:
                if not was_reported:
                    log.error("the access log %s cannot be written: %s", self._path, error.strerror)
                was_reported = True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RequestIds:
    """An ASGI middleware for request ids and the access log.

    Every answer has an id, every request a line.
    """

    def __init__(self, app: ASGIApp, to: AccessLog | None) -> None:
        self._app = app
        self._to = to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        asked = [value for name, value in scope["headers"] if name == b"x-request-id"]
        received = asked[0].decode("latin-1") if asked else ""
        identity = received if _ID.fullmatch(received) else uuid.uuid4().hex
        scope["request_id"] = identity
        status, size = 499, 0  # where nobody waits for an answer any more

        async def marked(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                header = (b"x-request-id", identity.encode())
                message = {**message, "headers": [*message.get("headers", ()), header]}
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, marked)
        finally:
            if self._to:
                client = scope.get("client")
                self._to.add(
                    {
                        "time": _now(),
                        "request_id": identity,
                        "client": client[0] if client else None,
                        "method": scope["method"],
                        "path": scope["path"],
                        "status": status,
                        "bytes": size,
                        "seconds": round(time.perf_counter() - began, 6),
                        "worker": os.getpid(),
                    }
                )
