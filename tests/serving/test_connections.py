"""No connection takes memory, time or places without end, and others are answered meanwhile."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from numpy_models import HalfPlus, Start
from test_process import Server

from nnguide import runs
from nnguide.errors import ConfigError
from nnguide.serving import connections
from nnguide.serving.bounds import Bounds
from nnguide.serving.same_origin import origin

HEAD = b"POST /v1/models/spam:predict HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server(runs.shipped("spam"))
    yield started
    started.process.kill()
    started.process.wait()
    started.process.stderr.close()


def megabytes(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) // 1024


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=300)


def answers(server: Server) -> bool:
    found = server.ask("/v1/models/spam:predict", {"instances": ["see you"]})
    return len(found["predictions"]) == 1


def poured(server: Server, first: bytes, block: bytes, most: int) -> tuple[int, bytes]:
    """How many bytes were taken before the server ended the connection, and what it said."""
    sent, said = 0, b""
    with connect(server) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(first)
            while sent < most:
                connection.sendall(block)
                sent += len(block)
        with contextlib.suppress(OSError):
            said = connection.recv(1000)
    return sent, said


ENDLESS = {
    "a header": (HEAD + b"X: ", b"x" * 65536),
    "an address": (b"GET /", b"x" * 65536),
    "lines": (HEAD, b"X-Line: x\r\n" * 1000),
    "a name": (HEAD, b"x" * 65536),
    "a trailer": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x" * 65536),
    "an extension": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536),
    "requests": (b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_ended(server: Server, what: str):
    before = megabytes(server)
    first, block = ENDLESS[what]
    sent, _ = poured(server, first, block, 200 << 20)
    assert sent < 50 << 20  # the rest of what was sent lies in the system's buffers
    assert megabytes(server) - before < 30
    assert answers(server)


def test_a_long_head_is_431(server: Server):
    for lines in (b"X: " + b"x" * 100_000, b"X: x\r\n" * 150):
        with connect(server) as connection:
            connection.sendall(HEAD + lines + b"\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 431 ")
    with connect(server) as connection:
        connection.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 90 + b"\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("count", [600, pytest.param(1000, marks=pytest.mark.slow)])
def test_silent_connections_lock_nobody_out(server: Server, count: int):
    before = megabytes(server)
    with contextlib.ExitStack() as held:
        for number in range(count):
            silent = held.enter_context(connect(server))
            if number % 2:
                silent.sendall(HEAD + b"X: half a")
        began = time.monotonic()
        assert answers(server)
        assert time.monotonic() - began < 60
    assert megabytes(server) - before < 60


def test_a_silent_connection_is_ended_in_time(server: Server):
    began = time.monotonic()
    with connect(server) as silent, connect(server) as half:
        half.sendall(HEAD + b"X: ")
        for connection in (silent, half):
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
    assert time.monotonic() - began < connections.HEAD_SECONDS + 120
    assert answers(server)


BAD = (b"{bad}", b"", b"[" * 3000, b'{"instances": 5}', b'{"inputs": [[true]]}', b"\xff" * 50)


def kept(server: Server) -> http.client.HTTPConnection:
    """A connection that makes no other one when the server ends it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    connection.connect()
    connection.auto_open = 0
    return connection


def status(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("POST", "/v1/models/spam:predict", body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_every_malformed_body_is_answered_also_after_a_pause(server: Server, count: int):
    """A client may stand still for longer than uvicorn's own keep-alive of 5 s."""
    eight = [kept(server) for _ in range(8)]
    found = []
    for number in range(count):
        if number == count // 2:
            time.sleep(6)
        found.append(status(eight[number % 8], BAD[number % len(BAD)]))
    assert found == [400] * count
    for connection in eight:
        connection.close()


def test_a_connection_that_asks_no_more_is_ended_and_one_that_asks_is_not():
    server = Server(runs.shipped("spam"), "--idle", "2.5")
    try:
        idle, busy = kept(server), kept(server)
        assert status(idle, BAD[0]) == 400
        ended = time.monotonic() + 120
        idle.sock.settimeout(0.5)
        said = None
        while said != b"":
            assert status(busy, BAD[0]) == 400
            assert time.monotonic() < ended
            with contextlib.suppress(TimeoutError):
                said = idle.sock.recv(1)
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stderr.close()


def test_what_was_silent_longest_makes_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)

    class Pretended:
        is_at_work = False
        ended = False

        def end(self) -> None:
            self.ended = True
            every.discard(self)

    every = connections.Connections(Bounds())
    old, silent, new = Pretended(), Pretended(), Pretended()
    every.add(old)
    every.add(silent)
    every.spoke(old)
    every.add(new)
    assert (old.ended, silent.ended, new.ended) == (False, True, False)


def test_what_is_no_http_is_400_in_json(server: Server):
    with connect(server) as connection:
        connection.sendall(b"hello\r\n\r\n")
        answer = connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.endswith(b'{"error": "this is no HTTP request"}')


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8501", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8501", 200),
        ("192.168.1.7", 200),
        ("models.localhost", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("localhost@evil.example", 421),
    ],
)
def test_the_server_answers_to_its_own_names_alone(start: Start, host: str, status: int):
    half = start(half=HalfPlus())
    assert half.client.get("/v1/models/half", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("http://localhost", 200),
        ("http://localhost:80", 200),
        ("http://localhost:9", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_pages_of_others_may_not_post(start: Start, page: str, status: int):
    half = start(half=HalfPlus())
    found = half.client.post(
        "/v1/models/half:predict", json={"instances": [1.0]}, headers={"Origin": page}
    )
    assert found.status_code == status
    assert "access-control-allow-origin" not in found.headers


def test_a_page_that_was_allowed_may_ask(start: Start):
    from starlette.testclient import TestClient

    from nnguide.serving import app

    serving = start(half=HalfPlus()).serving
    allowed = app.create(
        *(serving.models, serving.bounds, serving.metrics, serving.decoders),
        *(["box"], ["https://example.org"]),
    )
    client = TestClient(allowed, base_url="http://box")
    asked = {"Origin": "https://example.org"}
    found = client.post("/v1/models/half:predict", json={"instances": [1.0]}, headers=asked)
    assert found.status_code == 200
    assert found.headers["access-control-allow-origin"] == "https://example.org"
    asked |= {"Access-Control-Request-Method": "POST"}
    assert client.options("/v1/models/half:predict", headers=asked).status_code == 200
    for word in ("example.org", "https://", "https://example.org/path", "*"):
        with pytest.raises(ConfigError, match="--cors-origin"):
            origin(word)
