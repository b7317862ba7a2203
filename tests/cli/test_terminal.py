"""A terminal shows drawn tables and progress; a pipe, or one that cannot draw, plain lines."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nnguide.cli import _terminal

COLOURS = re.compile(r"\x1b\[[\d;]*3[0-7]")
DRAWN = "─"
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"  # the cursor
TRAINED = """# With a Keras that is imported in no time
import sys
from types import ModuleType, SimpleNamespace
from nnguide import cli
from nnguide.cli import _progress, _terminal

class Callback:
    def set_params(self, params):
        self.params = params

keras = sys.modules["keras"] = ModuleType("keras")
keras.callbacks = SimpleNamespace(Callback=Callback)
keras.backend = SimpleNamespace(backend=lambda: "tensorflow")
sys.modules["tensorflow"] = ModuleType("tensorflow")

with _terminal.Display(quiet=False) as display:
    (callback,) = _progress.progress(display)
    callback.set_params({"epochs": 2, "steps": 50})
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in range(50):
            callback.drawn = 0.0
            callback.on_train_batch_end(batch, {"loss": 0.25})
            if batch == 20:
                cli.say("a line [bold]above[/] :smile:")
        if FAILS:
            raise KeyboardInterrupt
        callback.on_epoch_end(epoch, {"loss": 0.25, "val_accuracy": 0.5})
    callback.on_train_end()
print("the end")
"""
SEARCHED = """
from types import SimpleNamespace as Any
from nnguide import cli
from nnguide.cli._terminal import Display
from nnguide.cli._trials import Table

def row(number, state, score=None, error=""):
    return Any(number=number, state=state, score=score, seconds=1.5, epochs=2, error=error,
               ended=state != "running")

with Display(quiet=False, keep=True) as display:
    table = Table(display)
    first, second = row("00", "completed", 0.5), row("01", "failed", None, "no")
    for rows in ([row("00", "running")], [first, second]):
        table(Any(rows=rows, changed=rows[-1], planned=2, best=rows[0], left=61.0) if rows[0].score
              else Any(rows=rows, changed=rows[-1], planned=2, best=None, left=None))
        cli.say("between")
print("the end")
"""


def on_terminal(*command: str, **environment: str) -> tuple[int, str]:
    """The status of a command on a terminal of 100 columns, and what it wrote there."""
    settings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings)
    os.close(theirs)
    written = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        written += more
    os.close(ours)
    return process.wait(), written.decode().replace("\r\n", "\n")


def in_pipe(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def nnguide(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "nnguide", *words)


def test_a_table_is_drawn_on_a_terminal_and_plain_elsewhere() -> None:
    plain = in_pipe(*nnguide("data", "list"))
    status, drawn = on_terminal(*nnguide("data", "list"))
    assert status == 0 and DRAWN in drawn and "description" in drawn
    assert DRAWN not in plain and "\x1b" not in plain
    assert on_terminal(*nnguide("data", "list"), TERM="dumb") == (0, plain)
    without = on_terminal(*nnguide("data", "list"), NO_COLOR="1")[1]
    assert DRAWN in without and not COLOURS.search(without)
    name = re.compile(r"^ ?(\w+) ", re.MULTILINE)
    assert set(name.findall(plain)) <= set(name.findall(drawn))


@pytest.mark.parametrize("fails", [False, True])
def test_a_bar_is_drawn_below_the_lines_and_always_ends(fails: bool) -> None:
    program = TRAINED.replace("FAILS", str(fails))
    status, drawn = on_terminal(sys.executable, "-c", program)
    assert (status == 0) is not fails
    assert "epoch 1/2" in drawn and "steps/s" in drawn and "loss 0.2500" in drawn
    assert "a line [bold]above[/] :smile:" in drawn
    assert drawn.count(HIDDEN) == drawn.count(SHOWN) > 0
    if not fails:
        assert re.search(
            r"epoch 2/2  loss 0.2500  val_accuracy 0.5000  0:00 left\n.*the end", drawn
        )


def test_the_texts_beside_a_bar_are_whole_on_any_terminal() -> None:
    from rich.console import Console

    before, after = ["calibration fold 4 of 5", "epoch 1/2"], ["3 steps/s", "0:00 left", "loss 0.1"]
    for width in (66, 70, 80, 100, 200):
        console = Console(width=width, force_terminal=True, color_system=None)
        with console.capture() as captured:
            console.print(_terminal.bar(before, 0.5, after, width))
        (line,) = captured.get().splitlines()
        assert all(text in line for text in (*before, *after))
        assert ("━" in line) is (width >= 73)


def test_where_nothing_can_be_drawn_there_is_a_line_an_epoch() -> None:
    program = TRAINED.replace("FAILS", "False")
    status, lines = on_terminal(sys.executable, "-c", program, TERM="dumb")
    assert status == 0 and "\x1b" not in lines and "steps/s" not in lines
    assert [line.split("  ")[0] for line in lines.splitlines() if line.startswith("epoch")] == [
        "epoch 1/2",
        "epoch 2/2",
    ]


def test_the_table_of_trials_stays_and_is_a_line_a_trial_elsewhere() -> None:
    status, drawn = on_terminal(sys.executable, "-c", SEARCHED)
    assert status == 0 and DRAWN in drawn and drawn.count(HIDDEN) == drawn.count(SHOWN)
    last = drawn.rpartition("state")[2]
    assert "completed" in last and "0.50000" in last and "best" in last and "failed" in last
    assert "between" in drawn and last.endswith("the end\n")
    status, lines = on_terminal(sys.executable, "-c", SEARCHED, TERM="dumb")
    assert status == 0 and "\x1b" not in lines
    assert "trial 01 failed: no in 1.5 s; 2 of 2 done, best 0.50000 (trial 00)" in lines


def test_help_and_an_answer_need_no_rich(tmp_path: Path) -> None:
    """Not even on a terminal, where imports would be seen."""
    for words in (("--help",), ("train", "--help"), ("predict", "spam", "See you at six")):
        status, text = on_terminal(sys.executable, "-X", "importtime", "-m", "nnguide", *words)
        imported = {line.rpartition("|")[2].strip() for line in text.splitlines()}
        assert status == 0 and "nnguide.cli" in imported
        assert not {name for name in imported if name.partition(".")[0] == "rich"}


def test_blocks_have_an_empty_line_between_them(capsys: pytest.CaptureFixture[str]) -> None:
    from nnguide.evaluation.report import Grid

    _terminal.blocks(["text", Grid(("a", "b"), [("long", "1"), ("x", "10")], "title"), "end"])
    assert capsys.readouterr().out == "text\n\ntitle\na      b\nlong   1\nx     10\n\nend\n"
