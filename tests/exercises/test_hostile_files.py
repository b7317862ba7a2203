"""A learner's file may do anything: each gets its message, in time, and nothing stays behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nnguide.learn.exercises import process

RIGHT = "def neuron(X, w, b):\n    return X @ w + b\n"
FILES = {  # what the file does: its text, and what is said of it
    "10 GB": ("import numpy as np\nx = np.ones(10 * 2**30 // 8)\n", "too much memory"),
    "10 GB of bytes": ("x = bytearray(10 << 30)\n", "too much memory"),
    "exit": ("exit()\n", "ends the program"),
    "exit when called": ("def neuron(X, w, b):\n    exit()\n", "ends the program"),
    "hard exit": ("import os\nos._exit(3)\n", "ended the checking process (status 3)"),
    "hard exit, 0": ("import os\nos._exit(0)\n", "ended the checking process (status 0)"),
    "crash": ("import ctypes\nctypes.string_at(0)\n", "ended the checking process (signal 11)"),
    "fork": ("import os\nos.fork()\n" + RIGHT, "starts another process"),
    "quiet fork": (
        "import os\ntry:\n    os.fork()\nexcept OSError: pass\n" + RIGHT,
        "starts another process",
    ),
    "another program": ("import subprocess\nsubprocess.run(['sleep', '99'])\n", "starts another"),
    "syntax error": ("def neuron(:\n", "a syntax error in line 1"),
    "no text": ("\0", "a syntax error"),
    "recursion": ("def neuron(X, w, b):\n    return neuron(X, w, b)\n", "recursion"),
    "input": ("input()\n", "EOFError"),
    "nothing": ("", "neuron is missing"),
    "no return": ("def neuron(X, w, b):\n    X @ w + b\n", "lacks a return"),
    "a text": ("def neuron(X, w, b):\n    return [print]\n", "an array or a number is wanted"),
    "a stranger's line": (
        "import os\nfor i in range(3, 2000):\n"
        "    try: os.write(i, b'x\\n')\n    except OSError: pass\n",
        "writes where the check answers",
    ),
    "import": ("import no_such_module\n", "ModuleNotFoundError"),
    "an array too large to show": (
        "import numpy as np\ndef neuron(X, w, b):\n    return np.ones((300, 300))\n",
        "the shape is (300, 300) where (4,) belongs",
    ),
}  # fmt: skip
ENDLESS = {
    "loop": "while True:\n    pass\n",
    "prints": "while True:\n    print('x' * 1000)\n",
    "sleep": "import time\ntime.sleep(99)\n",
}


def questions(texts: dict[str, str], place: Path) -> list[dict[str, str]]:
    asked = []
    for number, text in enumerate(texts.values()):
        path = place / f"{number}.py"
        path.write_text(text, "utf-8")
        asked.append({"exercise": "neuron", "path": str(path)})
    return asked


def test_each_file_gets_its_message_and_costs_no_other(tmp_path):
    texts = {name: text for name, (text, _) in FILES.items()}
    asked = questions({**texts, "right": RIGHT}, tmp_path)
    *answers, last = process.ask(asked, 60)
    for (name, (_, said)), answer in zip(FILES.items(), answers, strict=True):
        assert answer["state"] == "wrong", name
        assert said in answer["mistake"], (name, answer)
        assert len(str(answer)) < 3000, name
    assert last["state"] == "passed"


def test_what_never_ends_is_ended(tmp_path):
    asked = questions(ENDLESS, tmp_path)
    for answer in process.ask(asked, 1):
        assert answer["mistake"] == "no end after 1 s: a loop that never ends?"
    assert process.SECONDS < 10


def test_prints_are_kept_apart_and_bounded(tmp_path):
    text = "for i in range(10_000):\n    print('x' * 100)\n" + RIGHT
    (answer,) = process.ask(questions({"prints": text}, tmp_path), 60)
    assert answer["state"] == "passed"
    assert 1000 < len(answer["printed"]) <= 2000


def test_no_process_stays_behind(tmp_path):
    text = f"""
import ctypes, os, time
child = ctypes.CDLL(None).fork()  # past Python's own fork
if not child:
    open({str(tmp_path / "child")!r}, "w").write(str(os.getpid()))
    time.sleep(99)
while not os.path.exists({str(tmp_path / "child")!r}):
    time.sleep(0.01)
{RIGHT}"""
    list(process.ask(questions({"fork": text}, tmp_path), 60))
    number = int((tmp_path / "child").read_text() or 0)
    for _ in range(500):
        try:
            os.kill(number, 0)
            if Path(f"/proc/{number}/stat").read_text().split()[2] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.01)
    pytest.fail("a process is still there")
