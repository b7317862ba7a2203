"""A client that costs little beside the server it measures: prepared bytes, kept connections."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


def request(path: str, body: bytes, *headers: str) -> bytes:
    """The bytes of a POST."""
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Heard:
    """What came back.

    Attributes:
        seconds: of each answer, from its request's first byte.
        statuses: how many answers had each status; 0 counts connections lost without one.
        elapsed: seconds in which all this happened.
        cpu: seconds that the server computed in them.
        first_bad: the start of the first answer above 499, to be looked at.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    elapsed: float = 0.0
    cpu: float = 0.0
    first_bad: bytes = b""

    def quantile(self, share: float) -> float:
        """Milliseconds within which that share of the answers came."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0

    def __add__(self, other: Heard) -> Heard:
        return Heard(
            self.seconds + other.seconds,
            self.statuses + other.statuses,
            self.elapsed + other.elapsed,
            self.cpu + other.cpu,
            self.first_bad or other.first_bad,
        )

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed


class _Connection(asyncio.Protocol):
    """Sends the next request when the last one was answered."""

    def __init__(self, requests: Iterator[bytes], heard: Heard, ended: asyncio.Event) -> None:
        self._requests, self._heard, self._ended = requests, heard, ended
        self._got = b""
        self._sent = 0.0
        self._awaits = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        assert self._transport
        following = next(self._requests, None)
        self._sent = time.perf_counter()
        self._awaits = following is not None
        if following:
            self._transport.write(following)
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._got[:end].lower()
        at = head.find(b"content-length: ")
        length = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._got) < end + 4 + length:
            return
        status = int(head[9:12])
        self._awaits = False
        self._heard.seconds.append(time.perf_counter() - self._sent)
        self._heard.statuses[status] += 1
        if status >= 500 and not self._heard.first_bad:
            self._heard.first_bad = self._got[:500]
        self._got = b""
        if b"connection: close" not in head:
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if self._awaits:
            self._heard.statuses[0] += 1
        self._ended.set()


async def _client(port: int, requests: Iterator[bytes], heard: Heard, until: float) -> None:
    """One client: a connection, and another one when the server has closed it."""
    going = True

    def limited() -> Iterator[bytes]:
        nonlocal going
        while time.perf_counter() < until:
            following = next(requests, None)
            if following is None:
                break
            yield following
        going = False

    source = limited()
    while going:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        make = lambda ended=ended: _Connection(source, heard, ended)  # noqa: E731
        await loop.create_connection(make, "127.0.0.1", port)
        await ended.wait()


def ask(port: int, requests: list[Iterator[bytes]], seconds: float) -> Heard:
    """Send each client's requests for `seconds`, or until they end.

    Raises:
        TimeoutError: an answer did not come within a minute after that.
    """
    heard = Heard()

    async def together() -> None:
        until = time.perf_counter() + seconds
        async with asyncio.timeout(seconds + 60):
            await asyncio.gather(*(_client(port, one, heard, until) for one in requests))

    began = time.perf_counter()
    asyncio.run(together())
    heard.elapsed = time.perf_counter() - began
    return heard
