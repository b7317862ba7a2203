"""A person's picture: every format and mode reads alike, limits hold, MNIST's form comes out."""

from __future__ import annotations

import gzip
import io
import struct
import time
import tracemalloc
import warnings
import zlib
from pathlib import Path

import handwriting
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from nnguide import logs
from nnguide.errors import InputError
from nnguide.files import data_dir
from nnguide.preprocessing import mnist_form, pictures


def written(label: int = 5, size: tuple[int, int] = (160, 120), height: float = 80) -> np.ndarray:
    """Black on white, as 8-bit levels (height, width)."""
    found, _ = handwriting.ink(np.random.default_rng(label), label, size, height, "felt")
    return np.rint((1 - found) * 255).astype(np.uint8)


def saved(picture: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference, 0-255."""
    return float(np.abs(one.astype(float) - other).mean())


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The least difference when `one` may move by a pixel, since a centre may be rounded so."""
    ways = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(difference(np.roll(one, way, (0, 1)), other) for way in ways)


def mnist_images() -> np.ndarray:
    """The test images of MNIST, (10000, 28, 28) uint8."""
    packed = (data_dir() or Path()) / "mnist" / "t10k-images-idx3-ubyte.gz"
    with gzip.open(packed) if packed.exists() else packed.with_suffix("").open("rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)


LEVELS = written()
GREY = Image.fromarray(LEVELS)
COVER = np.dstack([np.zeros_like(LEVELS)] * 3 + [255 - LEVELS])  # black ink on nothing
SAVED = {
    "grey png": saved(GREY, "PNG"),
    "colour png": saved(GREY.convert("RGB"), "PNG"),
    "palette png": saved(GREY.convert("RGB").quantize(64), "PNG"),
    "two tones png": saved(GREY.convert("1", dither=Image.Dither.NONE), "PNG"),
    "16-bit png": saved(Image.fromarray(LEVELS.astype(np.uint16) * 257), "PNG"),
    "opaque rgba png": saved(GREY.convert("RGBA"), "PNG"),
    "opaque la png": saved(GREY.convert("LA"), "PNG"),
    "black ink on nothing": saved(Image.fromarray(COVER), "PNG"),
    "white ink on nothing": saved(Image.fromarray(COVER | np.uint8([255, 255, 255, 0])), "PNG"),
    "jpeg": saved(GREY.convert("RGB"), "JPEG", quality=90),
    "grey jpeg": saved(GREY, "JPEG", quality=90),
    "cmyk jpeg": saved(GREY.convert("RGB").convert("CMYK"), "JPEG", quality=90),
    "bmp": saved(GREY.convert("RGB"), "BMP"),
    "two tones bmp": saved(GREY.convert("1", dither=Image.Dither.NONE), "BMP"),
    "gif": saved(GREY, "GIF"),
    "gif of two frames": saved(GREY, "GIF", save_all=True, append_images=[GREY.rotate(90)]),
    "tiff": saved(GREY.convert("RGB"), "TIFF"),
    "16-bit tiff": saved(Image.fromarray(LEVELS.astype(np.uint16) * 257), "TIFF"),
    "float tiff": saved(Image.fromarray(LEVELS.astype(np.float32) / 255), "TIFF"),
    "compressed tiff": saved(GREY, "TIFF", compression="tiff_lzw"),
    "cmyk tiff": saved(GREY.convert("RGB").convert("CMYK"), "TIFF"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAVED)
def test_every_format_and_mode_reads_to_the_same_digit(kind):
    seen = pictures.decode(SAVED[kind])
    assert seen.dtype == np.float32 and seen.shape == LEVELS.shape
    white_on_black = 1 - seen if kind == "white ink on nothing" else seen
    assert np.abs(white_on_black - LEVELS / 255).mean() < 0.02
    assert difference(pictures.read(SAVED[kind]), pictures.read(SAVED["grey png"])) < 6


def test_the_content_tells_the_format_and_not_the_name(tmp_path):
    file = tmp_path / "five.txt"
    file.write_bytes(SAVED["jpeg"])
    np.testing.assert_array_equal(pictures.read(file), pictures.read(SAVED["jpeg"]))


def test_a_photo_that_lies_on_its_side_is_turned_as_its_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    lying = GREY.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    turned = pictures.decode(saved(lying, "JPEG", quality=95, exif=exif))
    assert turned.shape == LEVELS.shape
    assert np.abs(turned - LEVELS / 255).mean() < 0.02


@pytest.mark.parametrize("form", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_several_pages_the_first_is_read_and_that_is_said(form):
    lines: list[str] = []
    alone, blank = saved(GREY, "PNG"), Image.new("L", GREY.size, 255)
    with logs.shown_by(lines.append):
        one = pictures.read(saved(GREY, form))
        assert not lines
        several = pictures.read(saved(GREY, form, save_all=True, append_images=[blank]))
    assert difference(several, pictures.read(alone)) < 6
    assert difference(several, one) < 6
    assert lines == ["the picture: only the first of its pages or frames is read"]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_large_picture_is_reduced_while_it_is_read(form):
    large = GREY.resize((4000, 3000))
    seen = pictures.decode(saved(large, form))
    assert max(seen.shape) <= 3000
    read = mnist_form.normalise(seen)
    assert difference(read, pictures.read(SAVED["grey png"])) < 8


def png_header(width: int, height: int) -> bytes:
    """A PNG of zeros that claims a size: some bytes for any number of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [10_000, 40_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(side):
    data = png_header(side, side)
    pictures.decode(SAVED["grey png"])  # imports Pillow
    tracemalloc.start()
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=rf"40,000,000 pixels; got {side:,} x {side:,}"):
            pictures.decode(data)
    assert time.process_time() - begin < 10
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


BAD = {
    "empty": (b"", "the file is empty"),
    "text": (b"this is no picture", "PNG, JPEG, BMP, GIF, TIFF, WebP or HEIF"),
    "webp": (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a whole WEBP picture"),
    "short header": (SAVED["grey png"][:20], "damaged or cut short"),
    "cut png": (SAVED["grey png"][:-300], "damaged or cut short"),
    "cut jpeg": (SAVED["jpeg"][: len(SAVED["jpeg"]) // 2], "damaged or cut short"),
    "cut bmp": (SAVED["bmp"][:2000], "damaged or cut short"),
    "cut gif": (SAVED["gif"][:-400], "damaged or cut short"),
    "cut tiff": (SAVED["tiff"][: len(SAVED["tiff"]) // 2], "damaged or cut short"),
    "no pixels": (png_header(0, 5), "damaged or cut short|1 to 40,000,000 pixels"),
    "blank": (saved(Image.new("L", (50, 40), 200), "PNG"), "no digit was seen"),
    "transparent": (saved(Image.new("RGBA", (50, 40)), "PNG"), "no digit was seen"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_picture_of_a_digit_is_refused_with_a_message(kind, tmp_path):
    data, message = BAD[kind]
    file = tmp_path / "five.png"
    file.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        pictures.read(file)
    assert str(file) in str(caught.value)


def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="No such file"):
        pictures.read(tmp_path / "missing.png")
    with pytest.raises(InputError, match=r"[Dd]irectory"):
        pictures.read(tmp_path)
    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="at most 0 MB"):
        pictures.read(SAVED["bmp"])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((28, 28), np.uint8), "Divide 8-bit levels by 255"),
        (np.zeros((28, 28, 3)), r"shape \(28, 28, 3\)"),
        (np.zeros((0, 28)), r"shape \(0, 28\)"),
        (np.full((28, 28), 255.0), "values from 255 to 255"),
        (np.full((28, 28), np.nan), "not finite"),
        ([[0.0]], "got list"),
    ],
)
def test_an_array_that_is_no_grey_picture_is_refused(array, message):
    with pytest.raises(InputError, match=message):
        mnist_form.normalise(array)


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements=st.floats(0, 1),
    )
)
def test_any_grey_array_gives_a_picture_or_an_input_error(grey):
    try:
        found = mnist_form.normalise(grey)
    except InputError:
        return
    assert found.shape == (28, 28) and found.dtype == np.uint8 and found.max() > 0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(SAVED)), st.data())
def test_damaged_bytes_give_a_picture_or_an_input_error(kind, data):
    content = bytearray(SAVED[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = pictures.read(bytes(content))
        except InputError:
            return
    assert found.shape == (28, 28) and found.dtype == np.uint8


# MNIST's form


@pytest.mark.parametrize("label", range(10))
def test_the_result_is_in_mnists_form_and_passes_again_unchanged(label):
    found = mnist_form.normalise(written(label) / 255)
    assert mnist_form.is_normal(found)
    np.testing.assert_array_equal(mnist_form.normalise(found / 255), found)
    np.testing.assert_array_equal(mnist_form.normalise(1 - found / 255), found)


@pytest.mark.parametrize("label", range(10))
def test_dark_on_light_and_light_on_dark_are_the_same(label):
    grey = written(label) / 255
    for contrast in (1.0, 0.4):
        faint = 0.3 + contrast * (grey - 0.3)
        found = mnist_form.normalise(faint)
        assert difference(found, mnist_form.normalise(1 - faint)) < 4
        assert difference(found, mnist_form.normalise(grey)) < 4


@pytest.mark.parametrize("label", range(10))
def test_place_and_size_of_the_drawing_hardly_matter(label):
    grey = written(label, (100, 100), 80) / 255
    found = mnist_form.normalise(grey)
    moved = np.pad(grey, ((20, 150), (90, 10)), constant_values=1)
    larger = np.asarray(Image.fromarray(grey.astype(np.float32)).resize((700, 700))).clip(0, 1)
    assert difference(found, mnist_form.normalise(moved)) < 6
    # the centre may be rounded to the next pixel, which moves the whole digit by one
    assert difference(found, mnist_form.normalise(larger)) < 12


@pytest.mark.parametrize("pen", handwriting.PENS)
def test_every_pen_comes_out_as_wide_as_mnists(pen):
    for label in (2, 4, 7):
        found, _ = handwriting.ink(np.random.default_rng(3), label, (300, 300), 200, pen)
        width = mnist_form.stroke_width(mnist_form.normalise(1 - found) / 255)
        assert 1.8 < width < 4.5


@pytest.mark.parametrize("pen", ["felt", "marker"])
@pytest.mark.parametrize("label", range(10))
def test_a_digit_that_fills_its_picture_is_read_as_with_a_margin(label, pen):
    found, _ = handwriting.ink(np.random.default_rng(label), label, (120, 120), 72, pen)
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    cropped = found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    whole = mnist_form.normalise(1 - found)
    for scale in (1, 4):
        large = np.kron(cropped, np.ones((scale, scale), np.float32))
        for grey in (1 - large, large, 0.9 - 0.6 * large):
            assert apart(mnist_form.normalise(grey), whole) < 8


@given(
    st.sampled_from([(28, 28), (60, 60), (120, 90), (140, 200), (300, 300)]),
    st.floats(0, 180),
    st.floats(2.6, 6.5),
    st.floats(0, 1),
    st.sampled_from(["waves", "bars", "thin bars"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_stripes_are_no_digit(size, across, count, phase, kind, light):
    """Whatever way they run and however broad they are; at least two dark, two light ones."""
    rows, columns = np.indices(size)
    angle = np.radians(across)
    place = (columns - size[1] / 2) * np.cos(angle) + (rows - size[0] / 2) * np.sin(angle)
    wave = np.sin((place * count / min(size) + phase) * 2 * np.pi)
    grey = {
        "waves": 0.5 + 0.4 * wave,
        "bars": 0.5 + 0.4 * np.sign(wave),
        "thin bars": np.where(wave > 0.5, 0.2, 0.9),
    }[kind]
    with pytest.raises(InputError, match="digit"):
        mnist_form.normalise(1 - grey if light else grey)


def test_one_stroke_from_edge_to_edge_is_no_stripes():
    for width in (5, 9, 14):
        grey = np.full((60, 60), 0.9)
        grey[:, 30 - width // 2 : 30 + width // 2] = 0.1
        assert mnist_form.normalise(grey).any()


@pytest.mark.data
@pytest.mark.skipif(data_dir() is None, reason="NNGUIDE_DATA_DIR is not set")
def test_digits_of_mnist_cut_to_their_ink_come_out_as_they_were():
    """Apart from widths of strokes and rounding: nearer to themselves than to any other digit."""
    images = mnist_images()[:100]
    lost = 0
    for number, image in enumerate(images):
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        cropped = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        try:
            read = mnist_form.normalise(1 - cropped / 255).astype(float)
        except InputError:
            lost += 1
            continue
        lost += int(np.argmin([apart(read, known) for known in images]) != number)
    assert lost <= 3


@pytest.mark.parametrize("count", [25, pytest.param(60, marks=pytest.mark.slow)])
def test_a_digit_that_touches_lines_borders_and_shadows_stays_whole(count):
    """The nearest plain drawing has the right label for nearly every drawing on any paper."""
    plain, labels = [], []
    random = np.random.default_rng(1)
    for number in range(200):
        found, _ = handwriting.ink(random, number % 10, (120, 120), 90, "felt")
        plain.append(mnist_form.normalise(1 - found))
        labels.append(number % 10)
    known = np.array(plain, float).reshape(200, -1)

    wrong = []
    for picture, label, description in handwriting.drawings(seed=2, count=count):
        found = pictures.read(saved(picture, "PNG")).astype(float).ravel()
        nearest = labels[int(((known - found) ** 2).sum(1).argmin())]
        if nearest != label:
            wrong.append(f"{description}: read as {nearest}")
    assert len(wrong) <= 0.05 * count, wrong


def test_the_hand_draws_the_same_for_the_same_seed():
    one, other = (list(handwriting.drawings(seed=3, count=12)) for _ in range(2))
    for (picture, label, description), (again, same, name) in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(again))
        assert (label, description) == (same, name)


@pytest.mark.data
@pytest.mark.skipif(data_dir() is None, reason="NNGUIDE_DATA_DIR is not set")
@pytest.mark.parametrize("inverted", [False, True])
def test_every_test_image_of_mnist_passes_unchanged(inverted):
    for image in mnist_images():
        grey = image / 255
        np.testing.assert_array_equal(mnist_form.normalise(1 - grey if inverted else grey), image)
