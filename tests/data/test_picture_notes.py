"""What reading a folder of pictures leaves out is noted: colour, and size."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from nnguide.data import class_folders
from nnguide.data.examples import Examples


def draw(path: Path, ink: tuple[int, ...], mode: str = "RGB", side: int = 60) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new(mode, (side, side), (255,) * len(ink))
    picture_draw = ImageDraw.Draw(picture)
    picture_draw.line([(side // 3, side // 6), (side // 2, side * 5 // 6)], ink, side // 10)
    picture.save(path)


def read(folder: Path) -> Examples:
    return class_folders.read(folder)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_colour_and_size_are_noted(suffix: str, tmp_path: Path) -> None:
    draw(tmp_path / "a" / f"grey.{suffix}", (0, 0, 0))
    draw(tmp_path / "a" / f"red.{suffix}", (200, 0, 0), side=80)
    draw(tmp_path / "b" / f"blue.{suffix}", (0, 0, 200))
    examples = read(tmp_path)
    assert examples.notes == (
        "2 of 3 pictures in colour were read as grey",
        "3 of 3 pictures, up to 80×80 pixels, were reduced to 28×28",
    )
    assert examples.take(examples.labels == 0).notes == examples.notes


def test_nothing_is_noted_where_nothing_is_lost(tmp_path: Path) -> None:
    draw(tmp_path / "a" / "1.png", (0,), "L", side=28)
    draw(tmp_path / "b" / "1.png", (0,), "L", side=28)
    assert read(tmp_path).notes == ()
