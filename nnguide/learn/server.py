"""The live guide's uvicorn server.

It has the limits of the server of models.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from threadpoolctl import threadpool_limits

from nnguide.learn import app
from nnguide.learn.session import MOST_BYTES
from nnguide.serving.bounds import Bounds
from nnguide.serving.connections import Connections

WAITING = 8  # messages of a connection that wait, at most
PING = 20.0  # seconds between two looks whether a page is still there


def run(bound: socket.socket, ready: Callable[[], None], exercises: Path | None = None) -> None:
    """Serve until a signal ends it.

    Args:
        bound: a socket, claimed and not yet listening.
        exercises: the learner's folder; None is the one that was used last.
        ready: called when connections are accepted.
    """
    connections = Connections(Bounds())
    config = uvicorn.Config(
        app.create(exercises),
        http=connections.protocol(),
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES,
        ws_max_queue=WAITING,
        ws_ping_interval=PING,
        ws_ping_timeout=PING,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    with threadpool_limits(1):  # the matrices are small
        _Server(config, connections, ready).run(sockets=[bound])


class _Server(uvicorn.Server):
    """A uvicorn server that reports when it is ready."""

    def __init__(
        self, config: uvicorn.Config, connections: Connections, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._connections, self._ready = connections, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._watch = asyncio.create_task(self._connections.watch())
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            self._captured_signals.clear()  # the status says how it ended
