"""The graph that reads picture files sees what nnguide.preprocessing sees."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import handwriting
import numpy as np
import pytest
from PIL import Image

from nnguide.export import samples
from nnguide.files import data_dir
from nnguide.preprocessing import pictures

Read = Callable[[bytes], np.ndarray]


@pytest.fixture(scope="module")
def graph(tf: Any) -> Read:
    """The graph as a function: bytes of a file to (28, 28) levels."""
    from nnguide.export import tf_pictures

    read = tf.function(tf_pictures.read, input_signature=[tf.TensorSpec((), tf.string)])
    return lambda data: read(tf.constant(data))[0].numpy()


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def as_file(picture: Image.Image, form: str) -> bytes:
    if picture.mode == "RGBA":
        return saved(picture, "PNG")
    return saved(picture if form == "PNG" else picture.convert("RGB"), form)


@pytest.mark.parametrize(
    "count", [24, pytest.param(1200, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_drawings_of_every_pen_and_paper_in_every_format(graph: Read, count: int) -> None:
    other = refused = 0
    for number, (picture, _, made) in enumerate(handwriting.drawings(7, count)):
        data = as_file(picture, ("PNG", "JPEG", "BMP", "GIF")[number % 4])
        try:
            wanted = pictures.read(data).astype(float)
        except pictures.InputError:
            with pytest.raises(Exception, match=r"expected one digit|no digit was seen"):
                graph(data)
            refused += 1
            continue
        apart = np.abs(graph(data) - wanted)
        assert apart.mean() < 1, made
        other += apart.max() > 2
    assert other <= count / 500
    assert refused <= count / 200


def test_the_files_that_an_export_is_checked_on(graph: Read) -> None:
    for data, seen in samples.files(20, seed=3):
        assert np.abs(graph(data) - seen).max() <= 2


def written() -> Image.Image:
    """Black on white: a 5 that is wider than high in its frame, so that a turn is seen."""
    found, _ = handwriting.ink(np.random.default_rng(5), 5, (160, 120), 80, "felt")
    return Image.fromarray(np.rint((1 - found) * 255).astype(np.uint8))


def turned_by_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "maker"  # an entry before it
    exif[0x0112] = orientation
    return saved(written().convert("RGB"), "JPEG", quality=95, exif=exif)


GREY = written()
SPECIAL = {
    "palette": saved(GREY.convert("RGB").quantize(64), "PNG"),
    "two tones": saved(GREY.convert("1", dither=Image.Dither.NONE), "PNG"),
    "16 bit": saved(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257), "PNG"),
    "grey with opacity": saved(GREY.convert("LA"), "PNG"),
    "grey jpeg": saved(GREY, "JPEG", quality=90),
    "cmyk jpeg": saved(GREY.convert("RGB").convert("CMYK"), "JPEG", quality=90),
    "grey bmp": saved(GREY, "BMP"),
    "two frames": saved(GREY, "GIF", save_all=True, append_images=[GREY.rotate(90)]),
    "large": saved(GREY.resize((3200, 2400)), "PNG"),
    "large jpeg": saved(GREY.resize((3200, 2400)), "JPEG"),
    "one line": saved(GREY.crop((0, 60, 160, 61)), "PNG"),
    **{f"exif {n}": turned_by_exif(n) for n in range(1, 9)},
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_else_a_file_may_be(graph: Read, kind: str) -> None:
    data = SPECIAL[kind]
    try:
        wanted = pictures.read(data).astype(float)
    except pictures.InputError:
        pytest.skip("nnguide sees no digit there either")
    assert np.abs(graph(data) - wanted).mean() < 2


def test_a_bmp_with_an_empty_fourth_channel_is_opaque(graph: Read) -> None:
    data = bytearray(saved(GREY.convert("RGBA"), "BMP"))
    start = struct.unpack("<I", data[10:14])[0]
    data[start + 3 :: 4] = bytes(len(data[start + 3 :: 4]))
    wanted = pictures.read(saved(GREY.convert("RGB"), "BMP")).astype(float)
    assert np.abs(graph(bytes(data)) - wanted).mean() < 1


@pytest.mark.parametrize("inverted", [False, True])
def test_a_picture_in_mnists_form_passes_unchanged(graph: Read, inverted: bool) -> None:
    levels = pictures.read(saved(GREY, "PNG"))
    assert levels.max() >= 250
    given = 255 - levels if inverted else levels
    np.testing.assert_array_equal(graph(saved(Image.fromarray(given), "PNG")), levels)


def claiming(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


REFUSED = {
    "nothing": (b"", "PNG, JPEG, GIF or BMP"),
    "text": (b"this is no picture", "PNG, JPEG, GIF or BMP"),
    "tiff": (saved(GREY, "TIFF"), "PNG, JPEG, GIF or BMP"),
    "webp": (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "PNG, JPEG, GIF or BMP"),
    "too large a file": (b"BM" + bytes(20_000_001), "at most 20 MB"),
    "too many pixels": (claiming(40_000, 40_000), "40,000,000 pixels"),
    "cut short": (saved(GREY, "JPEG")[:300], ""),
    "only a beginning": (b"BM", ""),
    "blank": (saved(Image.new("L", (50, 40), 200), "PNG"), "no digit was seen"),
    "transparent": (saved(Image.new("RGBA", (50, 40)), "PNG"), "no digit was seen"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_digit_is_an_error(tf: Any, graph: Read, kind: str) -> None:
    data, message = REFUSED[kind]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        graph(data)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(data_dir() is None, reason="NNGUIDE_DATA_DIR is not set")
def test_the_pictures_of_mnist(graph: Read) -> None:
    from nnguide import data

    for levels in data.find("digits", "mnist").load("test").inputs[:1000]:
        small = saved(Image.fromarray(levels), "PNG")
        np.testing.assert_array_equal(graph(small), pictures.read(small))
        large = saved(Image.fromarray(255 - levels).resize((97, 97)), "PNG")
        assert np.abs(graph(large) - pictures.read(large).astype(float)).mean() < 1


@pytest.mark.parametrize("label", [0, 1, 4, 5, 7])
def test_a_digit_that_fills_its_picture(graph: Read, label: int) -> None:
    found, (left, top, right, bottom) = handwriting.ink(
        np.random.default_rng(label), label, (90, 90), 60, "marker"
    )
    levels = np.rint((1 - found[top : bottom + 1, left : right + 1]) * 255).astype(np.uint8)
    for picture in (levels, 255 - levels, np.kron(levels, np.ones((5, 5), np.uint8))):
        data = saved(Image.fromarray(picture), "PNG")
        assert np.abs(graph(data) - pictures.read(data).astype(float)).mean() < 1
