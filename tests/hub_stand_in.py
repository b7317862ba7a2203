"""A hub of Hugging Face on this machine, as far as `push` and `pull` ask it for something."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_token_of_this_test"


class Hub(ThreadingHTTPServer):
    """Repositories in memory: OWNER/NAME -> path -> content."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.asked: list[str] = []  # files

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def revision(self, name: str) -> str:
        """The commit of a repository: a hash of all that it holds."""
        return hashlib.sha1(repr(sorted(self.repositories[name].items())).encode()).hexdigest()


class Asked(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._say({"error": "Invalid username or password."}, 401)
        hub, path = self.server, self.path.partition("?")[0]
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            hub.repositories.setdefault(name, {})
            hub.private[name] = asked.get("private") or asked.get("visibility") == "private"
            return self._say({"url": f"{hub.address}/{name}"})
        if path == "/api/validate-yaml":
            return self._say({"errors": [], "warnings": []})
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit)/main", path)
        if found is None:
            return self._say({"error": "Not Found"}, 404)
        name, what = found.groups()
        if what == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self._say({"files": files})
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                hub.repositories[name][line["value"]["path"]] = content
        commit = hub.revision(name)
        return self._say(
            {"commitUrl": f"{hub.address}/{name}/commit/{commit}", "commitOid": commit}
        )

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.server, self.path.partition("?")[0]
        found = re.match(r"(?:/api/models)?/([^/]+/[^/]+)(/.*)?$", path)
        if found is None or found[1] not in hub.repositories:
            return self._say(
                {"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"}
            )
        name, files = found[1], hub.repositories[found[1]]
        commit = hub.revision(name)
        if path.startswith("/api/"):
            if "/tree/" in path:
                return self._say(
                    [
                        {"type": "file", "path": file, "size": len(content), "oid": "0" * 40}
                        for file, content in files.items()
                    ]
                )
            siblings = [{"rfilename": file} for file in files]
            return self._say({"id": name, "modelId": name, "sha": commit, "siblings": siblings})
        _, _, file = path.partition(f"/resolve/{commit}/")
        if file not in files:
            return self._say({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        if self.command == "GET":
            hub.asked.append(file)
        tag = hashlib.sha1(files[file]).hexdigest()
        return self._send(files[file], 200, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, answer: Any, status: int = 200, more: dict[str, str] | None = None) -> None:
        headers = {"Content-Type": "application/json", **(more or {})}
        self._send(json.dumps(answer).encode(), status, headers)

    def _send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that answers."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
