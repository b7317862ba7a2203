"""HEIF pictures, as iPhones take them: read within limits, or said what is missing."""

from __future__ import annotations

import io
import struct

import handwriting
import numpy as np
import pytest
from PIL import Image

from nnguide.errors import ExtraError, InputError, MissingReaderError
from nnguide.preprocessing import heif, many, pictures

installed = pytest.mark.skipif(not heif.is_there(), reason="needs: pip install 'nnguide[heic]'")


def written(label: int = 5, size: tuple[int, int] = (480, 640)) -> Image.Image:
    found, _ = handwriting.ink(np.random.default_rng(label), label, size, 300, "felt")
    return handwriting.to_picture(handwriting.mixed(found, np.ones(3), np.array([0.1, 0.2, 0.6])))


def saved(picture: Image.Image, **more: object) -> bytes:
    import pillow_heif

    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=90, **more)
    return file.getvalue()


@pytest.fixture(scope="module")
def content() -> bytes:
    return saved(written())


@installed
def test_a_heif_picture_is_the_digit_that_its_png_is(content, tmp_path):
    png = io.BytesIO()
    written().save(png, "PNG")
    read, expected = pictures.read(content), pictures.read(png.getvalue())
    assert np.abs(read.astype(float) - expected).mean() < 3
    file = tmp_path / "five.heic"
    file.write_bytes(content)
    assert pictures.form(file) == (True, (480, 640))
    grey = pictures.decode(file)
    (mark,), (alone,) = pictures.read_many(file), many.find(grey, grey.shape[::-1])
    assert mark.box == alone.box


@installed
@pytest.mark.parametrize("kind", ["cut", "changed", "header alone", "of too many pixels"])
def test_what_is_no_whole_picture_is_refused(content, kind):
    damaged = {
        "cut": content[: len(content) // 2],
        "changed": content[:40] + bytes(len(content) - 40),
        "header alone": content[:12],
        "of too many pixels": content.replace(
            b"ispe" + bytes(4) + struct.pack(">II", 480, 640),
            b"ispe" + bytes(4) + struct.pack(">II", 16_000, 16_000),
        ),
    }[kind]
    with pytest.raises(InputError, match=r"damaged or cut short|at most|pixels") as caught:
        pictures.read(damaged)
    assert not isinstance(caught.value, ExtraError)


@installed
def test_a_decoder_that_works_too_long_is_ended(content, monkeypatch):
    code = "from nnguide.preprocessing import heif\nheif.SECONDS = 1\nheif._limit()\nwhile True: 1"
    monkeypatch.setattr(heif, "CHILD", ["-c", code])
    with pytest.raises(InputError, match=r"to decode. Give a smaller copy"):
        heif.decoded(content)


def test_a_missing_reader_is_named(monkeypatch):
    monkeypatch.setattr(heif, "is_there", lambda: False)
    with pytest.raises(MissingReaderError, match=r"pip install 'nnguide\[heic\]'") as caught:
        pictures.read(b"\0\0\0\x18ftypheic" + bytes(40))
    assert isinstance(caught.value, InputError) and isinstance(caught.value, ExtraError)
