"""`nnguide` in a process of its own, whose lines can be waited for."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Started:
    """A command under way; stdout and stderr go to a log."""

    def __init__(self, *words: object, place: Path, **variables: str) -> None:
        """Start `nnguide WORDS` in the folder `place`, with more environment variables."""
        self.log = place / f"{random.randrange(10**9)}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nnguide", *map(str, words)],
                cwd=place,
                env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
                stdout=log,
                stderr=log,
            )

    @property
    def text(self) -> str:
        return self.log.read_text("utf-8")

    def wait_for(self, words: str) -> None:
        """Until the process has said `words`, a line that must come, or ended."""
        self.wait_until(lambda: words in self.text)

    def wait_until(self, so: Callable[[], object]) -> None:
        """Until `so()` holds, or the process ended; for what no line must say."""
        while not so() and self.process.poll() is None:
            time.sleep(0.02)

    def ends(self) -> int:
        return self.process.wait(timeout=1800)


def addresses(count: int) -> tuple[str, ...]:
    """Free ports of this machine."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)
