"""nnguide predict: answers in order, bad inputs beside good ones, streams that never end."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from nnguide.cli.predict import one_line
from nnguide.errors import InputError
from nnguide.inference import sources


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def drawn(path: Path) -> Path:
    """A picture of a one: a thick stroke, dark on light."""
    picture = Image.new("L", (60, 80), 255)
    ImageDraw.Draw(picture).line([(30, 10), (30, 70)], fill=0, width=8)
    picture.save(path)
    return path


@pytest.fixture
def pictures(alone: Path) -> Path:
    """A folder `scans` of good pictures, and bad ones beside it."""
    (alone / "scans" / "more").mkdir(parents=True)
    (alone / "bare").mkdir()
    good = drawn(alone / "scans" / "b.png").read_bytes()
    drawn(alone / "scans" / "a.gif")
    drawn(alone / "scans" / "more" / "c.JPG")
    (alone / "scans" / ".hidden.png").write_bytes(b"not seen")
    (alone / "scans" / "notes.txt").write_text("not seen")
    (alone / "empty.png").touch()
    (alone / "cut.png").write_bytes(good[: len(good) // 2])
    (alone / "text.png").write_text("this is a text")
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    (alone / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    Image.new("L", (50, 50), 200).save(alone / "blank.png")
    return alone


BAD = {
    "empty.png": "empty",
    "cut.png": "cut short",
    "text.png": "recognized by its content",
    "huge.png": "40,000 x 40,000",
    "blank.png": "no digit",
    "nowhere.png": "No such file",
    "bare": "no image files",
    "x" * 300 + ".png": "too long",
}


def test_pictures_and_folders_are_answered_in_order(nnguide, trained, pictures):
    ended = nnguide("predict", trained("digits").folder, "scans", "scans/b.png")
    assert ended.status == 0
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[2] for row in rows] == [
        "scans/a.gif",
        "scans/b.png",
        "scans/more/c.JPG",
        "scans/b.png",
    ]
    assert all(row[0] in "0123456789" and 0.1 <= float(row[1]) <= 1 for row in rows)
    assert all(len(row[1]) == 8 for row in rows)
    assert ended.err.splitlines() == [
        f"run: {trained('digits').folder}",
        "scans: left out, not pictures: notes.txt (1)",
    ]


def test_bad_pictures_are_reported_and_the_others_answered(nnguide, trained, pictures):
    ended = nnguide("predict", trained("digits").folder, *BAD, "scans/b.png")
    assert ended.status == 4
    assert ended.out.endswith("\tscans/b.png\n")
    assert ended.out.count("\n") == 1
    for (name, reason), line in zip(BAD.items(), ended.err.splitlines()[1:], strict=True):
        assert line.startswith(f"nnguide: {name}: ")
        assert line.count(name) == 1
        assert reason in line


def test_json_is_one_object_a_line(nnguide, trained, pictures):
    run = trained("digits")
    ended = nnguide("predict", run.folder, "scans/b.png", "empty.png", "--json")
    assert ended.status == 4
    good, bad = map(json.loads, ended.out.splitlines())
    assert list(good["probabilities"]) == list(run.labels)
    assert good["probability"] == max(good["probabilities"].values())
    assert sum(good["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert bad == {
        "schema": 1,
        "command": "predict",
        "input": "empty.png",
        "error": "expected a PNG, JPEG, BMP, GIF, TIFF, WebP or HEIF picture; the file is empty",
    }


def test_messages_are_answered_in_order_by_one_threshold(nnguide, trained):
    run = trained("spam").folder
    messages = ["WIN a free prize now, call 555-0100", "see you at six", "free", "ok"]
    ended = nnguide("predict", run, *messages)
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[2] for row in rows] == messages
    ended = nnguide("predict", run, *messages, "--json")
    exact = [json.loads(line) for line in ended.out.splitlines()]
    middle = exact[2]["probability"]
    at = nnguide("predict", run, *messages, "--threshold", repr(middle), "--json").out.splitlines()
    for before, after, row in zip(exact, map(json.loads, at), rows, strict=True):
        assert "probabilities" not in before
        assert after["probability"] == before["probability"]
        assert after["label"] == ("spam" if before["probability"] > middle else "ham")
        assert row[1] == f"{before['probability']:.6f}"


def test_every_way_to_hand_over_messages_gives_the_same_answer(nnguide, trained, alone):
    run = trained("spam").folder
    (alone / "lines.txt").write_bytes(b"win a prize\r\n\n  \nsee you")
    (alone / "box").mkdir()
    (alone / "box" / "1.eml").write_text("From: a@example.org\nSubject: win\n\na prize\n")
    (alone / "box" / ".hidden").write_text("not seen")
    (alone / "one.eml").write_text("Subject: win\n\na prize")
    ended = nnguide(
        *("predict", run, "win a prize", "-", "--file", "lines.txt", "--mail", "one.eml"),
        stdin=b"see you\n\xe2\x98\x95 coffee",
    )
    answers = [line.split("\t") for line in ended.out.splitlines()]
    names = ["win a prize", "see you", "☕ coffee", "win a prize", "see you", "one.eml"]
    assert [row[2] for row in answers] == names
    assert answers[0] == answers[3]
    assert answers[1] == answers[4]
    assert answers[5][:2] == answers[0][:2]
    assert nnguide("predict", run, "--mail", "box").out.endswith("\tbox/1.eml\n")


def test_bad_messages_are_reported_and_the_others_answered(nnguide, trained, alone):
    lines = [
        b"in\xffvalid",
        b"x" * 5_000_000,
        b"y" * 1_000_001,
        b"good",
        b"\0\x01\x1b[31m\xc2\x85\xe2\x80\xa8",
    ]
    (alone / "lines.txt").write_bytes(b"\n".join(lines))
    ended = nnguide("predict", trained("spam").folder, "", "--file", "lines.txt", "--json")
    answers = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.status == 4
    assert [one["input"] for one in answers] == [
        "",
        "lines.txt, line 1",
        "lines.txt, line 2",
        "lines.txt, line 3",
        "good",
        lines[4].decode(),
    ]
    reasons = ["empty", "UTF-8", "4,000,000 bytes", "1,000,000 characters"]
    for one, reason in zip(answers, reasons, strict=False):
        assert reason in one["error"]
    assert "error" not in answers[4]
    assert "error" not in answers[5]


def test_bad_mails_are_reported_and_the_others_answered(nnguide, trained, alone):
    (alone / "box").mkdir()
    (alone / "box" / "a-long").write_bytes(b"Subject: long\n\n" + b"win a prize " * 450_000)
    (alone / "box" / "b-empty").touch()
    (alone / "box" / "c-odd").write_bytes(b"Subject: =?utf-8?q?\xff\nContent-Type: ;;\0\n\n\0\x01")
    (alone / "box" / "d-headers").write_text("From: a@example.org\nX: y\n\n")
    ended = nnguide("predict", trained("spam").folder, "--mail", "box")
    assert ended.status == 4
    (alone / "box" / "e-text").write_text("no header")
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[2] for row in rows] == ["box/a-long", "box/c-odd", "box/d-headers"]
    assert rows[2][:2] == ["ham", "0.500000"]
    assert "nnguide: box/b-empty: it is empty" in ended.err
    assert "box/d-headers: it has neither subject nor text, so ham is a guess" in ended.err
    ended = nnguide("predict", trained("spam").folder, "--mail", "box/d-headers", "--json")
    assert (ended.status, json.loads(ended.out)["guess"]) == (0, True)
    ended = nnguide("predict", trained("spam").folder, "--mail", "box/e-text")
    assert (ended.status, ended.out) == (4, "")
    assert "does not begin with a header" in ended.err


def test_a_name_that_is_not_utf8_is_shown_and_kept(nnguide, trained, alone):
    name = os.fsdecode(b"caf\xe9.png")
    drawn(alone / "one.png").rename(alone / name)
    run = trained("digits").folder
    assert nnguide("predict", run, name).out.endswith("\tcaf\\udce9.png\n")
    assert json.loads(nnguide("predict", run, name, "--json").out)["input"] == name
    message = os.fsdecode(b"caf\xe9")
    assert "expected UTF-8" in nnguide("predict", trained("spam").folder, message).err


@pytest.mark.parametrize(
    "task, words, status, reason",
    [
        ("digits", [], 2, "expected image files"),
        ("spam", [], 2, "expected messages"),
        ("digits", ["--file", "x"], 2, "are for spam"),
        ("digits", ["--threshold", "0.5", "x.png"], 2, "are for spam"),
        ("spam", ["--threshold", "1.5", "hello"], 2, "[0, 1]"),
        ("spam", ["--threshold", "nan", "hello"], 2, "[0, 1]"),
        ("spam", ["--file", "nowhere"], 4, "No such file"),
        ("spam", ["--mail", "nowhere"], 4, "no such file"),
        ("spam", ["-"], 4, "got none"),
    ],
)
def test_wrong_use(nnguide, trained, task, words, status, reason):
    ended = nnguide("predict", trained(task).folder, *words)
    assert (ended.status, ended.out) == (status, "")
    assert reason in ended.err


def test_an_argument_that_begins_with_a_minus_goes_after_two(nnguide, trained):
    ended = nnguide("predict", trained("spam").folder, "--", "-50 % today", "--json")
    assert [line.split("\t")[2] for line in ended.out.splitlines()] == ["-50 % today", "--json"]


@given(st.text())
def test_an_input_is_shown_on_one_line_and_can_be_told_from_any_other(text):
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert "\t" not in shown
    shown.encode()
    plain = shown.encode("latin-1", "backslashreplace").decode("unicode_escape")
    assert plain == text


def test_a_stream_is_cut_into_lines_whatever_pieces_it_comes_in(monkeypatch):
    class Stream:
        """Gives a few bytes at a time, and has more at once."""

        def __init__(self, content: bytes, size: int) -> None:
            self.content, self.size = content, size

        def read1(self, _: int) -> bytes:
            piece, self.content = self.content[: self.size], self.content[self.size :]
            return piece

        def fileno(self) -> int:
            raise OSError

    content = b"one\n\nthree\r\n" + b"4" * 99 + b"\nlast"
    for size in (1, 2, 7, 1000):
        stream: Any = Stream(content, size)
        lines = list(sources._split(stream, 50, stream.read1(0)))
        assert lines[:3] == [b"one", b"", b"three\r"]
        assert 50 < len(lines[3]) <= 50 + 2 + size
        assert lines[4:] == [b"last"]


@pytest.mark.parametrize(
    "task, raw, reason",
    [
        ("digits", np.full((2, 28, 28), np.nan), "NaN"),
        ("digits", np.full((28, 28), np.inf), "infinity"),
        ("digits", np.zeros((2, 27, 28)), "no digit"),
        ("digits", np.zeros((0,)), "shape"),
        ("digits", np.full((1, 28, 28), 256.0), "256"),
        ("digits", np.full((1, 28, 28), -1), "-1"),
        ("digits", np.full((1, 28, 28), 0.5), "Multiply"),
        ("digits", [["a"]], "expected pictures"),
        ("digits", None, "expected pictures"),
        ("spam", b"bytes", "bytes"),
        ("spam", [4, 3], "int"),
        ("spam", "x" * 5_000_000, "5,000,000"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_the_python_api_refuses(trained, task, raw, reason):
    with pytest.raises(InputError, match=r".") as caught:
        trained(task).predict(raw)
    assert reason in str(caught.value)
