"""Picture decoding in separate processes.

A process that takes too long is ended.

    python -P -m nnguide.serving.decoding

Such a process reads a length and a picture file from stdin, repeatedly, and writes a status, a
length and 28 x 28 bytes or a message. Requests take turns picture by picture, so that one of
many pictures does not make the others wait for all of them.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import nnguide
from nnguide.errors import InputError, NoDigitError
from nnguide.preprocessing import joined

PROCESSES = 2
POLL = 0.1  # seconds between two checks whether anybody still awaits the answer
MEMORY = 1 << 30  # bytes that one process may take beyond its start
READ, REFUSED, BLANK, MARK = range(4)  # statuses: a MARK is a picture too, a joined.Mark
_HEAD = struct.Struct("<BI")  # status, length
Read = np.ndarray | str  # (28, 28) uint8, or why not


class Blank(str):
    """The reason why a picture shows no digit."""


@dataclass(eq=False)
class Reading:
    """The pictures of one request."""

    contents: Sequence[bytes]
    wanted: Callable[[], bool]  # whether its answer is still awaited
    done: Callable[[list[Read]], None]
    results: list[Read] = field(default_factory=list)


class Decoders:
    """The decoding processes.

    They start when the first picture comes.
    """

    def __init__(self) -> None:
        self._waiting: deque[Reading] = deque()
        self._changed = threading.Condition()
        self._started = False

    def submit(self, reading: Reading) -> None:
        """Read the pictures of a request, at least one.

        `done` is called on another thread.
        """
        if not reading.contents:
            raise ValueError("expected at least one picture")
        with self._changed:
            if not self._started:
                self._started = True
                for _ in range(PROCESSES):
                    threading.Thread(target=self._work, name="nnguide-read", daemon=True).start()
            self._waiting.append(reading)
            self._changed.notify()

    def _work(self) -> None:
        child = _Child()
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                reading = self._waiting.popleft()
            if not reading.wanted():
                continue
            picture = child.read(reading.contents[len(reading.results)], reading.wanted)
            if picture is None:
                continue
            reading.results.append(picture)
            if len(reading.results) == len(reading.contents):
                reading.done(reading.results)
                continue
            with self._changed:
                self._waiting.append(reading)
                self._changed.notify()


class _Child:
    """One process, which is started again after it was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, content: bytes, wanted: Callable[[], bool]) -> Read | None:
        """Return the digit on a picture, or why there is none.

        None if nobody awaits it any more.
        """
        try:
            process = self._process = self._process or _start()
            answer = _exchange(process, content, wanted)
        except (OSError, EOFError):
            answer = bytes([REFUSED]) + b"the picture ends the process that reads it: it is damaged"
            self._end()
        if answer is None:
            self._end()
        if answer is None:
            return None
        if answer[0] in (REFUSED, BLANK):
            reason = answer[1:].decode("utf-8", "replace")
            return Blank(reason) if answer[0] == BLANK else reason
        levels = np.frombuffer(answer, np.uint8, 784, offset=1).reshape(28, 28)
        return levels.view(joined.Mark) if answer[0] == MARK else levels

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe
                    pipe.close()
        self._process = None


def _start() -> subprocess.Popen[bytes]:
    home = str(Path(nnguide.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,  # its other end closes when this process dies
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,  # Ctrl-C is for the server
    )


def _exchange(
    process: subprocess.Popen[bytes], content: bytes, wanted: Callable[[], bool]
) -> bytes | None:
    """Send a picture; return its status and answer.

    None once nobody awaits it.
    """
    assert process.stdin and process.stdout
    os.set_blocking(process.stdin.fileno(), False)
    waiting = memoryview(struct.pack("<I", len(content)) + content)
    answer = bytearray()
    while True:
        reads, writes, _ = select.select(
            [process.stdout], [process.stdin] if waiting else [], [], POLL
        )
        if writes:
            waiting = waiting[os.write(process.stdin.fileno(), waiting[: 1 << 16]) :]
        if reads:
            received = os.read(process.stdout.fileno(), 1 << 16)
            if not received:
                raise EOFError
            answer += received
            if len(answer) >= _HEAD.size:
                status, length = _HEAD.unpack_from(answer)
                if len(answer) == _HEAD.size + length:
                    return bytes([status]) + bytes(answer[_HEAD.size :])
        elif not wanted():
            return None


def main() -> None:
    """Answer requests until stdin ends."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    from nnguide.preprocessing.pictures import read

    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while head := stdin.read(4):
        content = stdin.read(struct.unpack("<I", head)[0])
        try:
            levels = read(content)
            status = MARK if joined.is_mark(levels) else READ
            answer = levels.tobytes()
        except InputError as error:
            status = BLANK if isinstance(error, NoDigitError) else REFUSED
            answer = str(error).encode()
        except MemoryError:
            status = REFUSED
            answer = b"the picture takes more memory than there is. Give a smaller copy."
        stdout.write(_HEAD.pack(status, len(answer)) + answer)
        stdout.flush()


if __name__ == "__main__":
    main()
