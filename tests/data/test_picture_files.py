"""A user's own pictures: class folders, IDX files and archives, whole, divided and broken."""

import contextlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from nnguide.data import npz, picture_files, picture_stream, user_data
from nnguide.errors import ConfigError, DataError, InputError


def draw(file, seed, size=(40, 40)):
    """A dark zigzag on white, different for each seed."""
    points = np.random.default_rng(seed).integers(4, 36, 10).tolist()
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).line(points, 0, 4)
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)


def fill(folder, labels=("0", "1"), count=5, suffix="png"):
    for which, label in enumerate(labels):
        for index in range(count):
            draw(folder / label / f"{index}.{suffix}", 1000 * which + index)
    return folder


def refused(path, message, split="all"):
    with pytest.raises(InputError, match=message) as caught:
        picture_files.read(path, split)
    assert str(path) in str(caught.value)
    return str(caught.value)


# Class folders


def test_class_folders_keep_their_names_in_natural_order(tmp_path):
    fill(tmp_path, ("10", "2", "b", "A", "x9", "x10"), 2)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "README.txt").write_text("about")
    (tmp_path / "2" / "Thumbs.db").write_bytes(b"no picture")
    found = picture_files.read(tmp_path, "all")
    assert found.label_names == ("2", "10", "A", "b", "x9", "x10")
    assert found.inputs.shape == (12, 28, 28)
    assert found.inputs.dtype == np.uint8
    assert found.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_pictures_stand_in_the_order_of_their_files(tmp_path, monkeypatch):
    monkeypatch.setattr("nnguide.data.class_folders.BATCH", 3)
    fill(tmp_path, count=7)
    from nnguide.preprocessing import pictures

    files = sorted((tmp_path / "0").iterdir()) + sorted((tmp_path / "1").iterdir())
    expected = np.stack([pictures.read(file) for file in files])
    np.testing.assert_array_equal(picture_files.read(tmp_path, "all").inputs, expected)


@pytest.mark.parametrize("suffix", ["png", "JPG", "jpeg", "bmp", "gif", "tif", "TIFF"])
def test_every_common_suffix_is_read(tmp_path, suffix):
    assert len(picture_files.read(fill(tmp_path, count=2, suffix=suffix), "all")) == 4


def test_without_parts_a_fifth_of_each_label_is_for_the_test(tmp_path):
    fill(tmp_path, ("a", "b", "c"), 10)
    train, test = (picture_files.read(tmp_path, split) for split in ("train", "test"))
    assert train.counts() == {"a": 8, "b": 8, "c": 8}
    assert test.counts() == {"a": 2, "b": 2, "c": 2}
    again = picture_files.read(tmp_path, "test")
    np.testing.assert_array_equal(test.inputs, again.inputs)
    other = picture_files.read(tmp_path, "test", split_seed=1)
    assert not np.array_equal(test.inputs, other.inputs)


def test_identical_pictures_stand_on_one_side(tmp_path):
    for label in ("a", "b"):
        for seed in range(4):
            for copy in range(3):
                draw(tmp_path / label / f"{seed}-{copy}.png", seed + 100 * (label == "b"))
    sides = [picture_files.read(tmp_path, split).inputs for split in ("train", "test")]
    train, test = ({picture.tobytes() for picture in side} for side in sides)
    assert train and test and not train & test


def test_parts_are_used_as_they_are(tmp_path):
    fill(tmp_path / "train", ("cat", "dog"), 3)
    fill(tmp_path / "test", ("dog",), 2)
    assert picture_files.read(tmp_path, "train").counts() == {"cat": 3, "dog": 3}
    test = picture_files.read(tmp_path, "test")
    assert test.counts() == {"cat": 0, "dog": 2}
    assert picture_files.read(tmp_path, "all").counts() == {"cat": 3, "dog": 5}


def test_reading_the_training_part_never_opens_the_test_part(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    for file in (tmp_path / "test").rglob("*.png"):
        file.write_bytes(b"broken")
    assert len(picture_files.read(tmp_path, "train")) == 10
    refused_parts = refused(tmp_path / "test", "10 of the 10 pictures")
    assert "0/0.png" in refused_parts


def test_a_part_that_is_not_there_is_refused(tmp_path):
    fill(tmp_path / "train")
    assert len(picture_files.read(tmp_path, "train")) == 10
    assert len(picture_files.read(tmp_path, "all")) == 10
    refused(tmp_path, "has a train set and no test set", "test")


def test_a_label_may_be_called_train(tmp_path):
    fill(tmp_path, ("car", "train"))
    assert picture_files.read(tmp_path, "all").label_names == ("car", "train")


def test_labels_of_the_test_part_only_are_refused(tmp_path):
    fill(tmp_path / "train", ("a", "b"), 2)
    fill(tmp_path / "test", ("a", "c"), 2)
    refused(tmp_path, "got also c", "test")


def test_all_broken_pictures_are_counted_and_the_first_named(tmp_path, caplog):
    fill(tmp_path, count=8)
    bad = [tmp_path / "0" / f"{i}.png" for i in range(6)] + [tmp_path / "1" / "7.png"]
    for index, file in enumerate(bad):
        file.write_bytes([b"", b"just text", file.read_bytes()[:60]][index % 3])
    draw(tmp_path / "1" / "8.bmp", 5)
    (tmp_path / "1" / "8.bmp").rename(tmp_path / "1" / "8.webp")  # its content tells the form
    found = picture_files.read(tmp_path, "all")
    assert found.counts() == {"0": 2, "1": 8}
    assert {one.name for one in found.left_out} == {str(b.relative_to(tmp_path)) for b in bad}
    message = caplog.text
    assert "7 of the 17 pictures" in message
    assert "0/0.png: " in message and "empty" in message
    assert "0/4.png: " in message and "0/5.png" not in message
    assert "and 2 more" in message


def test_a_form_that_is_not_read_is_never_passed_over(tmp_path):
    fill(tmp_path)
    (tmp_path / "0" / "new.jp2").write_bytes(b"\0\0\0\x18ftypjp2 ")
    (out,) = picture_files.read(tmp_path, "all").left_out
    assert out.name == "0/new.jp2" and "expected a PNG" in out.reason


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    fill(tmp_path)
    chunks = b""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100)))):
        crc = struct.pack(">I", zlib.crc32(kind + content))
        chunks += struct.pack(">I", len(content)) + kind + content + crc
    (tmp_path / "0" / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    (out,) = picture_files.read(tmp_path, "all").left_out
    assert "huge.png: expected a picture of" in str(out)


def test_broken_links_and_pipes_are_refused(tmp_path):
    fill(tmp_path)
    (tmp_path / "0" / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "1" / "pipe.png")
    found = picture_files.read(tmp_path, "all")
    assert [str(one) for one in found.left_out] == [
        "0/gone.png: it is not a regular file",
        "1/pipe.png: it is not a regular file",
    ]
    assert len(found) == 10
    os.mkfifo(tmp_path / "pipe.npz")
    refused(tmp_path / "pipe.npz", "got a pipe")


def test_folders_that_are_no_classes_are_refused(tmp_path):
    refused(tmp_path, "got 0: nothing")
    fill(tmp_path, ("only",))
    refused(tmp_path, "got 1: only")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="pictures of the label empty"):
        picture_files.read(tmp_path, "all")
    for index in range(100):
        (tmp_path / f"c{index}").mkdir()
    refused(tmp_path, "expected 2 to 100 labels.*got 102")


def test_a_name_that_cannot_be_printed_is_refused(tmp_path):
    fill(tmp_path, ("a", "b\nc"), 2)
    refused(tmp_path, "printable names")


def test_a_label_with_one_distinct_picture_cannot_be_divided(tmp_path):
    fill(tmp_path, ("a", "b"), 3)
    for index in range(3):
        draw(tmp_path / "c" / f"{index}.png", 7)
    refused(tmp_path, "at least 2 distinct examples of every label.*c has 1", "train")


def test_too_many_pictures_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(user_data, "MAX_EXAMPLES", 9)
    refused(fill(tmp_path), "at most 9 pictures")


def test_wrong_splits_and_paths_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="train, test, all; got 'validation'"):
        picture_files.read(tmp_path, "validation")
    with pytest.raises(DataError, match="no file or folder"):
        picture_files.read(tmp_path / "none", "all")
    (tmp_path / "table.csv").write_text("label,text\n")
    refused(tmp_path / "table.csv", "784 grey levels")


# IDX files


def write_idx(folder, prefix, images, labels, dot="-"):
    head = struct.pack(">IIII", 0x803, *images.shape)
    (folder / f"{prefix}-images{dot}idx3-ubyte").write_bytes(head + images.tobytes())
    head = struct.pack(">II", 0x801, len(labels))
    (folder / f"{prefix}-labels{dot}idx1-ubyte").write_bytes(head + bytes(labels))


def some_images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


@pytest.mark.parametrize("dot", ["-", "."])
def test_idx_files_are_used_as_they_are(tmp_path, dot):
    write_idx(tmp_path, "train", some_images(4), [3, 9, 10, 3], dot)
    write_idx(tmp_path, "t10k", some_images(2, 1), [10, 9], dot)
    train = picture_files.read(tmp_path, "train")
    assert train.label_names == ("3", "9", "10")
    assert train.labels.tolist() == [0, 1, 2, 0]
    assert train.labels.dtype == np.int64
    np.testing.assert_array_equal(train.inputs, some_images(4))
    assert picture_files.read(tmp_path, "test").labels.tolist() == [2, 1]
    assert len(picture_files.read(tmp_path, "all")) == 6


def test_the_idx_test_files_are_not_opened_for_training(tmp_path):
    write_idx(tmp_path, "train", some_images(4), [0, 1, 0, 1])
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"broken")
    assert len(picture_files.read(tmp_path, "train")) == 4
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"broken")
    refused(tmp_path, "expected an IDX file", "test")


def test_idx_files_that_do_not_fit_are_refused(tmp_path):
    write_idx(tmp_path, "train", some_images(4), [0, 1, 0])
    refused(tmp_path, "got 4 pictures and 3 labels", "train")
    write_idx(tmp_path, "train", some_images(2), [5, 5])
    refused(tmp_path, "2 to 100 different labels.*got 1: 5", "train")
    write_idx(tmp_path, "train", some_images(2), [5, 100])
    refused(tmp_path, "each in 0..99", "train")
    write_idx(tmp_path, "train", some_images(2), [0, 1])
    write_idx(tmp_path, "t10k", some_images(2), [0, 7])
    refused(tmp_path, "got also 7", "test")
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    refused(tmp_path, "expected train-labels-idx1-ubyte", "train")


# Archives


def archive(folder, **arrays):
    np.savez_compressed(folder / "data.npz", **arrays)
    return folder / "data.npz"


IMAGES = some_images(10)
LABELS = np.arange(10) % 2


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        IMAGES[..., None],
        IMAGES.reshape(10, 784),
        IMAGES.astype(np.int64),
        IMAGES.astype(">f4"),
        IMAGES.astype(np.float64) / 255,
        IMAGES.astype(np.float32) / 255,
        np.asfortranarray(IMAGES),
    ],
    ids=["uint8", "channel", "flat", "int64", "float 0..255", "float64", "float32", "fortran"],
)
def test_every_allowed_array_gives_the_same_pictures(tmp_path, images):
    path = archive(tmp_path, x=images, y=LABELS.astype(np.uint8))
    found = picture_files.read(path, "all")
    np.testing.assert_array_equal(found.inputs, IMAGES)
    assert found.label_names == ("0", "1")
    assert len(picture_files.read(path, "test")) == 2
    assert len(picture_files.read(path, "train")) == 8


def test_an_archive_with_parts_opens_only_the_part_asked_for(tmp_path):
    bad = np.full((2, 28, 28), np.nan)
    path = archive(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=bad, y_test=LABELS[:2])
    assert len(picture_files.read(path, "train")) == 10
    refused(path, "x_test.0.: .*got NaN or infinity", "test")
    path = archive(tmp_path, x_test=IMAGES[:2], y_test=[1, 1], x_train=bad, y_train=[0, 1])
    assert picture_files.read(path, "test").counts() == {"0": 0, "1": 2}
    path = archive(tmp_path, x_train=IMAGES, y_train=LABELS)
    refused(path, "no test set", "test")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.astype(float) - 300, "0..255, .*; got values from -300"),
        (IMAGES.astype(float) * 2, "0..255, .*; got values from 0 to 5"),
        (np.full((10, 28, 28), np.inf), "NaN or infinity"),
        (np.full((10, 28, 28), np.nan, np.float16), "NaN or infinity"),
        (np.zeros((10, 32, 32), np.uint8), "class folders"),
        (np.zeros((10, 28, 28, 3), np.uint8), "28, 28, 1"),
        (np.zeros(10), "28, 28, 1"),
        (np.zeros((0, 28, 28)), "1 to 2,000,000 rows"),
        (np.uint8(3), "rows"),
        (np.zeros((10, 28, 28), bool), "got the type bool"),
        (np.zeros((10, 28, 28), complex), "got the type complex128"),
        (np.full((10, 28, 28), "a"), "got the type <U1"),
        (IMAGES.astype(object), "got Python objects"),
        (IMAGES[:9], "got 9 pictures and 10 labels"),
    ],
)
def test_wrong_pictures_in_an_archive_are_refused(tmp_path, images, message):
    refused(archive(tmp_path, x=images, y=LABELS), message)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(10), "one integer in 0..99 per picture.*float64 of shape"),
        (LABELS.astype(float), "float64 of shape"),
        (LABELS.astype(object), "Python objects"),
        (LABELS - 1, "got -1 to 0"),
        (LABELS * 100, "got 0 to 100"),
        (LABELS * 0, "2 to 100 different labels.*got 1: 0"),
    ],
)
def test_wrong_labels_in_an_archive_are_refused(tmp_path, labels, message):
    refused(archive(tmp_path, x=IMAGES, y=labels), message)


def test_an_archive_of_other_arrays_is_refused(tmp_path):
    refused(archive(tmp_path, a=IMAGES, y=LABELS), "x is missing, found: a, y")
    refused(archive(tmp_path, x_train=IMAGES), "y_train is missing", "train")
    refused(archive(tmp_path), "x and y are missing, found: nothing")


def test_an_array_that_announces_too_much_takes_no_memory(tmp_path):
    import zipfile

    for shape, message in (
        ("(1000000, 28, 28)", "784,000,000 bytes, as its header announces"),
        ("(1999999, 28, 28, 1)", "as its header announces"),
        ("(3000000, 784)", "1 to 2,000,000 rows"),
        (f"({10**30}, 784)", "1 to 2,000,000 rows"),
        (f"(10, {10**30})", "at most 4 GiB"),
    ):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
        content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
        path = archive(tmp_path, y=LABELS)
        with zipfile.ZipFile(path, "a") as opened:
            opened.writestr("x.npy", content)
        refused(path, message)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"")
    refused(path, "as np.savez writes")
    np.save(tmp_path / "one.npy", IMAGES)
    (tmp_path / "one.npy").rename(path)
    refused(path, "as np.savez writes")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_gives_arrays_or_an_input_error(tmp_path_factory, data):
    stored = io.BytesIO()
    save = data.draw(st.sampled_from([np.savez, np.savez_compressed]))
    save(stored, x=np.zeros((4, 28, 28), np.uint8), y=np.arange(4))
    content = bytearray(stored.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        # headers lie at the ends, and between: most places are pixels
        place = data.draw(st.integers(0, 300) | st.integers(-700, -1))
        content[place % len(content)] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) - 30]))])
    with contextlib.suppress(InputError):
        assert picture_files.read(path, "all").inputs.shape == (4, 28, 28)


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=300))
def test_random_bytes_give_an_input_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "random.npz"
    path.write_bytes(content)
    with pytest.raises(InputError):
        picture_files.read(path, "all")


def test_large_arrays_are_brought_to_bytes_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "BLOCK", 3)
    found = picture_files.read(archive(tmp_path, x=IMAGES / 255, y=LABELS), "all")
    np.testing.assert_array_equal(found.inputs, IMAGES)


# Dark on white


def seven(shift=0):
    """A seven, dark on white, (28, 28) uint8."""
    picture = Image.new("L", (28, 28), 255)
    line = [(8 + shift, 6), (19 + shift, 7), (12 + shift, 22)]
    ImageDraw.Draw(picture).line(line, 0, 3)
    return np.asarray(picture)


@pytest.mark.parametrize("form", ["npz", "idx", "csv"])
def test_arrays_that_are_dark_on_white_are_read_as_their_picture_files(tmp_path, form):
    images = np.stack([seven(), 255 - seven(1), seven(2), np.full((28, 28), 255, np.uint8)])
    folder = tmp_path / "files"
    for place, levels in enumerate(images):
        file = folder / str(place % 2) / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(file)
    by_file = picture_files.read(folder, "all")
    if form == "npz":
        path = archive(tmp_path, x=images, y=[0, 1, 0, 1])
    elif form == "idx":
        path = tmp_path
        write_idx(path, "train", images, [0, 1, 0, 1])
    else:
        path = tmp_path / "table.csv"
        rows = [
            f"{place % 2}," + ",".join(map(str, row.ravel())) for place, row in enumerate(images)
        ]
        path.write_text("\n".join(rows))
    read = picture_files.read(path, "train" if form == "idx" else "all")
    assert read.labels.tolist() == [0, 1, 0]
    assert len(read.left_out) == 1
    assert "no digit was seen" in read.left_out[0].reason
    np.testing.assert_array_equal(read.inputs[[0, 2]], by_file.inputs[:2])
    np.testing.assert_array_equal(read.inputs[1], images[1])  # white on black stays
    rows = [row.labelled for row in picture_stream.each(path, None, None, 0)]
    streamed = [row[1] for row in rows if not isinstance(row, InputError)]
    np.testing.assert_array_equal(streamed, read.inputs)
