"""The commands of the pages in docs/ run as they are written, or are listed with the reason.

docs/guide.md, docs/start.md and README have tests of their own, which run theirs.
"""

from __future__ import annotations

import csv
import mailbox
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import Command
from PIL import Image

from nnguide import runs
from nnguide.data import hands
from nnguide.runs import Run

DOCS = Path(__file__).parents[2] / "docs"
LINE = re.compile(r"^(?:\$ )?(nnguide .*?)(?:\s{2,}#.*)?$")

# What is not run here: the beginning of a command -> where it is, or why not.
NOT_RUN = {
    "nnguide train ": "minutes of work; tests/training trains small networks with these options",
    "nnguide tune ": "minutes of work; tests/tuning",
    "nnguide evaluate my-letters": "of a training that is not run",
    "nnguide evaluate tuned": "of a training that is not run",
    "nnguide benchmark ": "a minute of work; tests/export and scripts/benchmark",
    "nnguide doctor ": "loads TensorFlow; tests/doctor and tests/cli/test_cli_doctor.py",
    "nnguide explain ": "loads TensorFlow; tests/explain, test_readme.py and test_guide.py",
    "nnguide export ": "loads TensorFlow; tests/export and tests/cli/test_cli_export.py",
    "nnguide learn": "a server without an end; tests/learn",
    "nnguide serve": "a server without an end; tests/serving",
    "nnguide filterd": "a server without an end; tests/filtering",
    "nnguide exercise check --dir my-network --watch": "has no end; tests/exercises",
    "nnguide exercise check ": "runs what a reader wrote; tests/exercises",
    "nnguide exercise progress ": "runs what a reader wrote; tests/exercises",
    "nnguide push my-spam hf:": "asks the hub; tests/test_repository.py asks one on this machine",
    "nnguide pull hf:": "asks the hub; tests/test_repository.py asks one on this machine",
    "nnguide feedback spam --take-over": "needs a network before this one; test_cli_feedback.py",
}
# Commands that show an error, or an answer that is a status.
STATUS = {"nnguide train spam --set optimizr.rate=0.1": 2}


def commands(page: Path) -> list[str]:
    """The commands of a page, each on one line, without the comment behind it."""
    blocks = re.findall(r"```(?:sh|console|bash)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    lines = re.sub(r" *\\\n *", " ", "\n".join(blocks)).splitlines()
    return [found[1] for line in lines if (found := LINE.match(line))]


PAGES = {
    page.name: found
    for page in sorted(DOCS.glob("*.md"))
    if page.name not in ("guide.md", "start.md") and (found := commands(page))
}


def why_not(command: str) -> str:
    """Why a command is not run here; "" where it is."""
    if command in STATUS:
        return ""
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), "")


def test_nothing_is_listed_that_no_page_has() -> None:
    every = [command for found in PAGES.values() for command in found]
    for start in [*NOT_RUN, *STATUS]:
        assert any(command.startswith(start) for command in every), start


@pytest.fixture
def desk(alone: Path, trained: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages' reader has."""
    monkeypatch.setenv("HOME", str(alone))
    (alone / "docs").mkdir()
    shutil.copy(DOCS / "digit.png", alone / "docs")
    (alone / "scans").mkdir()
    for number, pixels in enumerate(hands.drawn(3, 0).inputs):
        Image.fromarray(255 - pixels).resize((84, 84)).save(alone / "scans" / f"{number}.png")
    page = np.full((100, 300), 255, np.uint8)
    for number, pixels in enumerate(hands.drawn(3, 1).inputs):
        page[20:76, 20 + 90 * number : 76 + 90 * number] = np.kron(
            255 - pixels, np.ones((2, 2), np.uint8)
        )
    Image.fromarray(page).save(alone / "page.jpg")
    Image.new("L", (60, 60), 255).save(alone / "blank.png")
    shutil.copy(alone / "scans" / "0.png", alone / "letter.png")
    shutil.copytree(trained("spam").folder, alone / "my-spam")
    shutil.copytree(runs.shipped("spam"), alone / "saved_models" / "spam")
    mails = {
        "missed.eml": "Subject: prize\n\nWIN a free prize, call now\n",
        "blocked.eml": "Subject: six\n\nSee you at six\n",
        "message.eml": "Subject: lunch\n\nShall we have lunch?\n",
    }
    for name, text in mails.items():
        (alone / name).write_text(f"From: a@example.org\n{text}")
    for made in (mailbox.mbox("inbox.mbox"), mailbox.mbox("more.mbox"), mailbox.Maildir("Maildir")):
        made.add((alone / "message.eml").read_bytes())
        made.close()
    texts = tiny.examples("spam", 40)
    with (alone / "messages.csv").open("w", newline="", encoding="utf-8") as file:
        rows = zip(np.take(texts.label_names, texts.labels), texts.inputs, strict=True)
        csv.writer(file).writerows([("label", "text"), *rows])
    return alone


@pytest.mark.parametrize("page", [name for name in PAGES if not all(map(why_not, PAGES[name]))])
def test_the_commands_of_a_page_run(page: str, desk: Path, nnguide: Command) -> None:
    for command in PAGES[page]:
        if why_not(command):
            continue
        words, given, out = shlex.split(command)[1:], b"", None
        for sign in ("<", ">"):
            if sign in words:
                place = words.index(sign)
                name = desk / words[place + 1]
                given, out = (name.read_bytes(), out) if sign == "<" else (given, name)
                del words[place : place + 2]
        words = [str(Path(word).expanduser()) if word[:1] == "~" else word for word in words]
        ended = nnguide(*words, stdin=given)
        assert ended.status == STATUS.get(command, 0), (command, ended)
        if out is not None:
            out.write_text(ended.out)
            assert out.stat().st_size > 20, command
