"""How many mails `nnguide filterd` filters, how long each waits, and whether its memory grows."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnguide.data import spam_sample, spamassassin
from nnguide.errors import NnguideError
from nnguide.files import data_dir

COUNT, QUICK = 100_000, 2_000  # mails in all
AT_ONCE = (1, 2, 4)  # clients
WORKERS = (1, 2)  # processes that judge
MAILS = 3_000  # different ones
WARM = 500


@dataclass(frozen=True)
class Server:
    """A running filterd."""

    process: subprocess.Popen[str]
    port: int

    def places(self) -> list[Path]:
        """Of its processes in /proc."""
        first = Path(f"/proc/{self.process.pid}")
        children = (first / "task" / str(self.process.pid) / "children").read_text().split()
        return [first, *(Path(f"/proc/{child}") for child in children)]

    def memory(self) -> float:
        """What its processes hold now, in MB."""
        held = 0
        for place in self.places():
            resident = re.search(r"VmRSS:\s+(\d+)", (place / "status").read_text())
            held += int(resident[1]) if resident else 0
        return held / 1024

    def seconds(self) -> float:
        """The processor time that they took so far."""
        ticks = 0
        for place in self.places():
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def process_mail(self, mail: bytes) -> float:
        """Have a mail marked, on a connection of its own as spamc does: the seconds it took."""
        head = b"PROCESS SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(mail)
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port), 120) as client:
            client.sendall(head + mail)
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(2**16)
            first = answer[:14]
            while answer:
                answer = client.recv(2**16)
        if first != b"SPAMD/1.1 0 EX":
            raise SystemExit(f"benchmark: filterd answered {first!r}")
        return time.perf_counter() - began


def mails() -> tuple[list[bytes], str]:
    """Mails, and what they are."""
    folder = data_dir()
    try:
        paths = spamassassin.archives(folder / "spamassassin") if folder else None
        all_of_them = [mail for _, _, mail in spamassassin.mails(paths)] if paths else []
    except NnguideError:
        all_of_them = []
    if not all_of_them:
        texts = spam_sample.load().inputs
        return [f"Subject: note\n\n{text}\n".encode() for text in texts], "built-in examples"
    random.Random(0).shuffle(all_of_them)
    size = sum(map(len, all_of_them[:MAILS])) / min(MAILS, len(all_of_them))
    return all_of_them[:MAILS], f"mails of the SpamAssassin corpus, {size:,.0f} bytes on average"


@contextmanager
def server(workers: int) -> Iterator[Server]:
    """filterd with the shipped network, without corrections."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "nnguide", "filterd", "--port", "0", "--workers", str(workers)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NNGUIDE_FEEDBACK": folder},
        )
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("ready at "):
                    yield Server(process, int(line.rsplit(":", 1)[1]))
                    break
            else:
                raise SystemExit("benchmark: filterd did not start")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def ask(running: Server, sent: list[bytes], count: int, clients: int) -> list[float]:
    """The seconds that each of `count` mails took, of so many clients at once."""
    took: list[list[float]] = [[] for _ in range(clients)]

    def send(client: int) -> None:
        for number in range(client, count, clients):
            took[client].append(running.process_mail(sent[number % len(sent)]))

    threads = [threading.Thread(target=send, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(second for each in took for second in each)


def filterd(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """PROCESS of real mail, one connection each, by one, two and four clients at once."""
    sent, what = mails()
    count = (QUICK if quick else COUNT) // (len(AT_ONCE) * len(WORKERS))
    rows = []

    def row(what: str, side: str, value: float, unit: str) -> None:
        rows.append({"what": what, "side": side, "values": [value], "unit": unit})

    for workers in WORKERS:
        with server(workers) as running:
            kind = "1 process" if workers == 1 else f"{workers} processes"
            ask(running, sent, WARM, 2)
            before = running.memory()
            for clients in AT_ONCE:
                side = f"{kind}, {clients} at once"
                say(f"{count:,} mails, {side}")
                began, busy = time.perf_counter(), running.seconds()
                took = ask(running, sent, count, clients)
                seconds = time.perf_counter() - began
                row("mails", side, len(took) / seconds, "mails/s")
                row("processor", side, 1e3 * (running.seconds() - busy) / len(took), "ms/mail")
                for name, at in (("median", 0.5), ("99 of 100", 0.99)):
                    row(f"answer, {name}", side, 1e3 * took[int(len(took) * at)], "ms")
            row("memory", f"{kind}, after {WARM:,} mails", before, "MB")
            total = WARM + count * len(AT_ONCE)
            row("memory", f"{kind}, after {total:,} mails", running.memory(), "MB")
    load = os.getloadavg()[1]
    return {
        "rows": rows,
        "notes": [
            f"{len(sent):,} different {what}; PROCESS, a connection each, shipped network",
            f"clients on the same machine; its load over 5 minutes at the end: {load:.1f}",
        ],
    }
