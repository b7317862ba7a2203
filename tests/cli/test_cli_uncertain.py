"""`nnguide data uncertain`: what to label next."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from nnguide import runs
from nnguide.runs import Run


def drawn(slant: int = 0) -> bytes:
    """A picture file of a seven."""
    picture = Image.new("L", (280, 280), 255)
    line = [(80, 50), (200, 50), (140 - slant, 240)]
    ImageDraw.Draw(picture).line(line, fill=0, width=20, joint="curve")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_the_least_sure_come_first(nnguide, trained, tmp_path):
    texts = ["win a prize now", "see you at six", "call me", "free entry", "ok", "lunch at two?"]
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    run = trained("spam")
    ended = nnguide("data", "uncertain", run.folder, tmp_path / "texts.txt", "--count", "3")
    rows = [line.split("\t") for line in ended.out.splitlines()]
    answers = run.predict(texts)
    margins = sorted(abs(answer.probability - run.threshold) for answer in answers)
    assert ended.status == 0
    assert [float(row[0]) for row in rows] == pytest.approx(margins[:3], abs=2e-6)


def test_uncertain_pictures_and_bad_ones(nnguide, tmp_path):
    for name, content in (("a.png", drawn()), ("b.png", drawn(60)), ("c.png", b"no picture")):
        (tmp_path / name).write_bytes(content)
    ended = nnguide("data", "uncertain", runs.shipped("digits"), tmp_path)
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert ended.status == 4
    assert {Path(row[3]).name for row in rows} == {"a.png", "b.png"}
    assert float(rows[0][0]) <= float(rows[1][0])
    assert "c.png" in ended.err
    answers = Run.open(runs.shipped("digits")).predict([drawn(), drawn(60)])
    expected = []
    for answer in answers:
        first, second = sorted(answer.probabilities.values())[:-3:-1]
        expected.append(first - second)
    assert sorted(float(row[0]) for row in rows) == pytest.approx(sorted(expected), abs=2e-6)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert nnguide("data", "uncertain", runs.shipped("digits"), empty).status == 4
