"""`nnguide serve` in a process of its own, on loopback."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Server:
    """A server that is ready.

    Attributes:
        seconds: from the command to the moment in which it accepted connections.
    """

    process: subprocess.Popen[str]
    port: int
    seconds: float

    @property
    def cpu(self) -> float:
        """Seconds that the process has computed, on all cores: what other work disturbs least."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def megabytes(self) -> float:
        """Memory of the process that is not shared out to the disk (resident)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1000 if found else 0.0


@contextlib.contextmanager
def serving(*words: object) -> Iterator[Server]:
    """A server for these arguments; it is drained at the end and must end with 0."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "nnguide", "serve", "--port", "0", *map(str, words)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.match(r"ready at http://127.0.0.1:(\d+)", line):
            break
    else:
        raise SystemExit(f"nnguide serve did not start:\n{''.join(said)}")
    rest = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    rest.start()
    try:
        yield Server(process, int(found[1]), time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(300)
        rest.join(5)
        if status:
            print("".join(said), file=sys.stderr)
            raise SystemExit(f"the server ended with {status}")
