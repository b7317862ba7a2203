"""Limits on connections: their number, duration and header size.

uvicorn with httptools accepts a head of any length, and waits for one forever. Its keep-alive
timer may fire before the data in the socket was read: after a pause of the whole process it would
close connections on which requests wait. Here a connection is closed only if two checks in a row
find it late, and between two checks the event loop reads the data that has arrived.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from nnguide.serving.bounds import Bounds

MAX_CONNECTIONS = 512  # one more ends the one that has been silent longest
MAX_HEAD = 64 << 10  # bytes of a request without its body
MAX_LINES = 100  # of a head
MAX_CHUNKED = 8  # bytes of chunked coding, at most, for each byte of a body
MAX_PIPELINED = 16  # requests of one connection that wait for the one before them
HEAD_SECONDS = 10.0  # from the connection, or a head's first byte, to its end
POLL = 1.0  # seconds between two checks for connections that are over their time
SPARE_SECONDS = 10.0  # beyond a request's own time, for its answer to be taken
SLICE = 16 << 10  # bytes parsed between two checks at the bounds


class Connections:
    """All connections of a server, each with its deadline."""

    def __init__(self, bounds: Bounds) -> None:
        self.request_seconds = bounds.seconds + SPARE_SECONDS
        self.idle_seconds = bounds.idle
        self._open: dict[BoundedProtocol, None] = {}  # the one that was silent longest first

    def protocol(self) -> type[HttpToolsProtocol]:
        """Return the protocol class that uvicorn uses for each connection."""
        return type("BoundedProtocol", (BoundedProtocol,), {"all": self})

    def add(self, connection: BoundedProtocol) -> None:
        """Add a connection.

        If there are too many, the one that has been silent longest is closed.
        """
        if len(self._open) >= MAX_CONNECTIONS:
            silent = next((other for other in self._open if not other.is_at_work), connection)
            silent.end()
        self._open[connection] = None

    def discard(self, connection: BoundedProtocol) -> None:
        self._open.pop(connection, None)

    def spoke(self, connection: BoundedProtocol) -> None:
        """Record that a connection was active just now."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    async def watch(self) -> None:
        """Close connections that are late at two checks in a row."""
        late: set[BoundedProtocol] = set()
        while True:
            await asyncio.sleep(POLL)
            now = asyncio.get_running_loop().time()
            over = {client for client in self._open if client.until < now}
            for connection in over & late:
                connection.end()
            late = over - late


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    all: Connections
    until: float  # the event loop's time at which it is ended
    _fed = _body = _lines = 0  # of the request that is read: all bytes, its body's, its lines
    _refused = False

    @property
    def is_at_work(self) -> bool:
        """Whether a request has begun and is not yet answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def end(self) -> None:
        self.all.discard(self)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override, unused-ignore]
        super().connection_made(transport)
        self.until = self.loop.time() + HEAD_SECONDS
        self.all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.all.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), SLICE):
            slice_ = bytes(view[start : start + SLICE])
            self._fed += len(slice_)
            if self._fed - self._body > MAX_HEAD + MAX_CHUNKED * self._body:
                self._refuse()
            elif len(self.pipeline) > MAX_PIPELINED:
                self.end()
            else:
                super().data_received(slice_)
            if self.transport.is_closing():
                return

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._fed = self._body = self._lines = 0
        if not self.is_at_work:
            self.until = self.loop.time() + HEAD_SECONDS

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines += 1
        if self._lines > MAX_LINES:
            self._refused = True
            raise ValueError("too many lines")  # it ends the parser, which asks for a refusal
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        begins = not self.is_at_work
        super().on_headers_complete()
        if begins:
            self.until = self.loop.time() + self.all.request_seconds

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.all.spoke(self)
        waits = self.all.request_seconds if self.is_at_work else self.all.idle_seconds
        self.until = self.loop.time() + waits

    def timeout_keep_alive_handler(self) -> None:
        """Do nothing: `Connections.watch` closes connections that are silent too long."""

    def handle_websocket_upgrade(self) -> None:
        self.all.discard(self)  # it is no request any more; its own pings watch it
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        if self._refused:
            self._refuse()
        else:
            self._answer(400, b'{"error": "this is no HTTP request"}')

    def _refuse(self) -> None:
        message = b'{"error": "a head has at most %d bytes and %d lines"}'
        self._answer(431, message % (MAX_HEAD, MAX_LINES))

    def _answer(self, status: int, body: bytes) -> None:
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        self.transport.close()
