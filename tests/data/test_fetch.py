"""Downloads are bounded in time and length, and verified."""

import hashlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nnguide.data import download
from nnguide.data.download import AbsentError, Download

CONTENT = b"the official file"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        length = len(CONTENT) + (10 if self.path == "/short" else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(autouse=True)
def online(cache, monkeypatch):
    monkeypatch.delenv("NNGUIDE_OFFLINE")
    monkeypatch.setenv("no_proxy", "*")


def test_a_file_is_downloaded_once_and_verified(host, tmp_path):
    download.probe(f"{host}/file")
    target = download.download(Download(f"{host}/file", "name.zip", SHA256, 100), tmp_path)
    assert target == tmp_path / "name.zip"
    assert target.read_bytes() == CONTENT
    again = Download("http://127.0.0.1:1/never-asked", "name.zip", SHA256, 100)
    assert download.download(again, tmp_path) == target


@pytest.mark.parametrize(
    ("path", "sha256", "limit", "message"),
    [
        ("/file", "0" * 64, 100, "not the expected file"),
        ("/file", SHA256, 5, "longer"),
        ("/missing", None, 100, "Not Found"),
        ("/short", SHA256 + "x", 100, "not the expected file|was interrupted"),
    ],
)
def test_a_wrong_file_leaves_nothing(host, tmp_path, path, sha256, limit, message):
    with pytest.raises(AbsentError, match=message):
        download.download(Download(host + path, "name", sha256, limit), tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_a_host_that_never_answers_is_given_up_and_remembered(monkeypatch):
    monkeypatch.setattr(download, "PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        started = time.monotonic()
        with pytest.raises(AbsentError, match=r"no answer|timed out"):
            download.probe(url)
        monkeypatch.setattr(download, "_ask", lambda url: pytest.fail("it is asked again"))
        with pytest.raises(AbsentError, match="cannot be reached"):
            download.probe(url)
        assert time.monotonic() - started < 60


def test_offline_asks_nobody(monkeypatch):
    monkeypatch.setenv("NNGUIDE_OFFLINE", "1")
    with pytest.raises(AbsentError, match="NNGUIDE_OFFLINE"):
        download.probe("http://127.0.0.1:1/")
