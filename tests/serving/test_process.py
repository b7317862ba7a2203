"""`nnguide serve` as a process: how it starts, answers, drains and ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Words = tuple[object, ...]


class Server:
    """A server that is ready, on a port of its own."""

    def __init__(self, *words: object) -> None:
        command = [sys.executable, "-m", "nnguide", "serve", "--port", "0", *map(str, words)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        self.said = ""
        while not (found := re.search(r"ready at https?://127.0.0.1:(\d+)", self.said)):
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        self.port = int(found[1])

    def ask(self, path: str, body: object = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data, 600) as answer:
            return json.load(answer)

    def end(self, by: int) -> int:
        self.process.send_signal(by)
        return self.process.wait(600)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def started(*words: object) -> Server:
        servers.append(Server(*words))
        return servers[-1]

    yield started
    for server in servers:
        server.process.kill()
        server.process.wait()
        assert server.process.stderr
        server.process.stderr.close()


def test_runs_are_served_without_tensorflow_drained_and_ended(serve, trained):
    server = serve(f"strict={trained('spam').folder}", trained("digits").folder)

    answer = server.ask("/v1/models/strict:predict", {"instances": ["win a prize"]})
    assert set(answer["predictions"][0]) == {"label", "probability"}
    answer = server.ask("/v1/models/digits:predict", {"instances": [[[0] * 28] * 28]})
    assert len(answer["predictions"][0]["probabilities"]) == 10
    process = Path(f"/proc/{server.process.pid}")
    maps = process.joinpath("maps").read_text()
    assert "ai_edge_litert" in maps
    assert "libtensorflow" not in maps
    resident = re.search(r"VmHWM:\s+(\d+) kB", process.joinpath("status").read_text())
    assert resident
    assert int(resident[1]) < 200_000

    with socket.create_connection(("127.0.0.1", server.port)) as begun:
        body = b'{"instances": ["see you"]}'
        head = (
            "POST /v1/models/strict:predict HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(body)}"
        )
        begun.sendall(head.encode() + b"\r\n\r\n" + body[:5])
        while "nnguide_waiting_requests 1.0" not in metrics(server):
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        begun.sendall(body[5:])
        assert begun.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert server.process.wait(600) == 0


def metrics(server: Server) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        return answer.read().decode()


def test_ctrl_c_ends_with_130_and_a_port_in_use_with_2(serve, trained):
    server = serve(trained("spam").folder)
    command = [sys.executable, "-m", "nnguide", "serve", str(trained("spam").folder)]
    second = subprocess.run(
        [*command, "--port", str(server.port)], capture_output=True, text=True, timeout=600
    )
    assert second.returncode == 2
    assert second.stderr == (
        f"nnguide: port {server.port} of 127.0.0.1 is in use. Choose another with --port.\n"
    )
    assert server.ask("/readyz") == {"status": "ready", "models": ["spam"]}
    assert server.end(signal.SIGINT) == 130
