"""IDX files: what is written reads back; what is broken is refused before memory is taken."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data import idx
from nnguide.errors import InputError


def images_file(images):
    return struct.pack(">IIII", 0x803, *images.shape) + images.tobytes()


def labels_file(labels):
    return struct.pack(">II", 0x801, len(labels)) + bytes(labels)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_written_reads_back_packed_or_not_whatever_the_name(tmp_path, images, pack):
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(pack(images_file(images)))
    np.testing.assert_array_equal(idx.read_images(file), images)
    file.write_bytes(pack(labels_file([3, 0, 99])))
    assert idx.read_labels(file).tolist() == [3, 0, 99]


def broken(images):
    whole = images_file(images)
    return {
        "empty": (b"", "expected an IDX file of pictures"),
        "labels": (labels_file([1, 2]), "0x00000803"),
        "header cut": (whole[:9], "9 bytes of header"),
        "cut": (whole[:-1], "announces 2,352 bytes of pictures; got 2,351"),
        "too long": (whole + b"x", "got more"),
        "none": (struct.pack(">IIII", 0x803, 0, 28, 28), "says 0"),
        "a bomb's header": (struct.pack(">IIII", 0x803, 2**32 - 1, 28, 28), "says 4,294,967,295"),
        "another size": (struct.pack(">IIII", 0x803, 1, 32, 32), "class folders"),
        "a large size": (struct.pack(">IIII", 0x803, 1, 2**31, 2**31), "2,147,483,648x"),
        "gzip cut": (gzip.compress(whole)[:-20], "gzip data is damaged"),
        "gzip damaged": (gzip.compress(whole)[:40] + b"\0" * 40, "gzip data is damaged"),
        "gzip's name only": (b"\x1f\x8b", "gzip data is damaged"),
    }


@pytest.mark.parametrize("case", broken(np.zeros((1, 28, 28), np.uint8)))
def test_a_broken_file_is_refused(tmp_path, images, case):
    content, message = broken(images)[case]
    file = tmp_path / "images"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        idx.read_images(file)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        idx.read_labels(tmp_path / "none")


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200), packed=st.booleans())
def test_random_bytes_give_labels_or_an_input_error(tmp_path_factory, content, packed):
    file = tmp_path_factory.getbasetemp() / "random-idx"
    file.write_bytes(gzip.compress(content) if packed else content)
    for read in (idx.read_images, idx.read_labels):
        with pytest.raises(InputError):
            read(file)
