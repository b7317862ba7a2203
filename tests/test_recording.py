"""docs/figures/terminal.svg: commands that really ran, as a small picture that moves."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "figures" / "terminal.svg"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    pytest.importorskip("pyte", reason="needs the extra docs")
    return runpy.run_path(str(ROOT / "scripts" / "record"))


def test_the_picture_is_small_short_and_says_what_it_shows(script: dict[str, Any]) -> None:
    text = PICTURE.read_text("utf-8")
    svg = ElementTree.fromstring(text)
    assert PICTURE.stat().st_size < 2_000_000
    (seconds,) = re.findall(r"animation:play ([\d.]+)s", text)
    assert 15 <= float(seconds) <= 25
    assert svg.findtext(f"{SVG}title") == "A terminal: " + "; ".join(script["COMMANDS"])
    shown = [line.text or "" for line in svg.iter(f"{SVG}text")]
    for command in script["COMMANDS"]:
        assert any(command in line for line in shown), command
    assert any("docs/digit.png" in line and line[0].isdigit() for line in shown)  # an answer
    assert not re.search(r"/(?:home|root|tmp|Users|work)/", text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "docs/figures/terminal.svg" in (ROOT / "README.md").read_text("utf-8")


def test_a_command_runs_in_a_terminal_and_its_screens_are_kept(
    script: dict[str, Any], tmp_path: Path
) -> None:
    commands = (r"test -t 1 && printf '10 %%\r20 %%\033[31m red <&>\033[0m\n'; sleep 1", "pwd")
    frames, seconds = script["record"](commands, tmp_path)
    assert [begin for begin, _ in frames] == sorted({begin for begin, _ in frames})
    assert seconds < 60 * script["KEY"] + 2 * script["READING"] + 5  # the sleep is cut
    lines = ["".join(text for text, _, _ in row) for row in frames[-1][1]]
    assert lines[1] == "20 % red <&>"
    assert str(tmp_path) in lines
    assert ("red <&>", script["COLOURS"]["red"]) in [
        (text.strip(), colour) for text, colour, _ in frames[-1][1][1]
    ]
    svg = ElementTree.fromstring(script["picture"](frames, seconds, commands))
    assert "red <&>" in [line.text for line in svg.iter(f"{SVG}text")]
    assert len(svg.findall(f".//{SVG}g[@class='reel']/{SVG}g")) == len(frames)


def test_a_command_that_fails_is_not_recorded(script: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="false ended with 1"):
        script["record"](("false",), tmp_path)
