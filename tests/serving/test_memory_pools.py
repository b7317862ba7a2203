"""Threads of a server take memory from one pool, which keeps it level."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))

from started import Started

POOL = 64 * 2**20  # what glibc reserves for the pool of a thread
TRY = """
import threading, sys
from nnguide.serving import memory
if sys.argv[1] == "level":
    memory.keep_level()
ready = threading.Barrier(5)
def work():
    kept = [bytes(1000) for _ in range(1000)]
    ready.wait(60)
    ready.wait(60)
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
ready.wait(60)
print(open("/proc/self/maps").read())
"""


def pools(maps: str) -> int:
    """How many threads have a memory pool of their own: POOL bytes, of which some are in use."""
    count, before = 0, (0, 0, "")
    for line in maps.splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
        if match is None:
            continue
        area = (int(match[1], 16), int(match[2], 16), match[3])
        reserved = area[2] == "---p" and before[2] == "rw-p" and before[1] == area[0]
        count += reserved and area[1] - before[0] == POOL and before[0] % POOL == 0
        before = area
    return count


def of_process(number: int) -> str:
    return Path(f"/proc/{number}/maps").read_text()


@pytest.fixture(autouse=True)
def glibc() -> None:
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
        pytest.skip("the C library has no such pools")


def test_threads_share_one_pool():
    def maps(way: str) -> str:
        command = [sys.executable, "-c", TRY, way]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert pools(maps("level")) == 0
    assert pools(maps("as it is")) > 0


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--port", 0, "digits", "spam"),
        ("filterd", "--anyway", "--run", "spam", "--port", 0),
    ],
)
def test_a_server_has_one_pool(tmp_path, words):
    server = Started(*words, place=tmp_path)
    try:
        server.wait_for("ready at")
        assert pools(of_process(server.process.pid)) == 0
    finally:
        server.process.kill()
        server.process.wait()
