"""A run that answers mail, and a server of it in a process of its own; no TensorFlow in either."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "data")]

from started import Started  # noqa: E402

from nnguide import runs  # noqa: E402


def run_of_mail(folder: Path, *kinds: str) -> Path:
    """The network that comes with nnguide, as if it had learned from `kinds`."""
    shutil.copytree(runs.shipped("spam"), folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["learned_from"] = list(kinds)
    path.write_text(json.dumps(manifest), "utf-8")
    return folder


class Server:
    """`nnguide filterd` in a process of its own."""

    def __init__(self, run: Path, place: Path, *words: object) -> None:
        self.path = place / "s"
        self.feedback = place / "feedback"
        self.started = Started(
            *("filterd", "--run", run, "--port", 0, "--socket", self.path, *words),
            place=place,
            NNGUIDE_FEEDBACK=str(self.feedback),
        )
        self.started.wait_for("ready at 127.0.0.1:")
        self.process = self.started.process
        assert self.process.poll() is None, self.started.text
        self.port = int(self.started.text.split("ready at 127.0.0.1:")[1].split()[0])

    def connect(self, unix: bool = False) -> socket.socket:
        client = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        client.settimeout(300)
        client.connect(str(self.path) if unix else ("127.0.0.1", self.port))
        return client

    def ask(self, request: bytes, unix: bool = False, ends: bool = True) -> bytes:
        """What is answered to these bytes; `ends` closes the client's side, as spamc does."""
        with self.connect(unix) as client:
            client.sendall(request)
            if ends:
                client.shutdown(socket.SHUT_WR)
            return everything(client)

    def ends(self, number: int) -> int:
        self.process.send_signal(number)
        return self.started.ends()


def everything(client: socket.socket) -> bytes:
    pieces = []
    while piece := client.recv(2**16):
        pieces.append(piece)
    return b"".join(pieces)
