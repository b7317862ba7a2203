"""One `nnguide learn` for all tests."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """`nnguide learn` on a port of its own, which Ctrl-C ends with 130."""
    command = [sys.executable, "-m", "nnguide", "learn", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = process.stderr.readline()
        found = re.search(r"ready at (http://\S+)", said)
        assert found, said + process.stderr.read()
        yield found[1]
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.stderr.read()
        assert process.wait(600) == 130
