"""What a network is given has been looked at: shape, range, finiteness, length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnguide.errors import InputError, NnguideError
from nnguide.inference import validation
from nnguide.tasks import kinds

GREY = np.random.default_rng(0).integers(0, 256, (3, 28, 28))


@pytest.mark.parametrize(
    "raw",
    [
        GREY,
        GREY.astype(np.uint8),
        GREY.astype(np.float64),
        GREY.astype(np.float16),
        GREY.tolist(),
        GREY[..., None],
        GREY.reshape(3, 784),
        list(GREY),
    ],
    ids=["int", "uint8", "float64", "float16", "lists", "channel", "flat", "pictures"],
)
def test_pictures_in_every_form(raw: Any) -> None:
    got = validation.pictures(raw)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, GREY)


def test_one_picture_is_a_batch_of_one() -> None:
    for raw in (GREY[0], GREY[0].reshape(784)):
        np.testing.assert_array_equal(validation.pictures(raw), GREY[:1])
    for nothing in (np.zeros((0, 28, 28)), [], ()):
        assert validation.pictures(nothing).shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.full((28, 28), np.nan), "NaN or infinity"),
        (np.full((1, 28, 28), np.inf), "NaN or infinity"),
        (np.full((28, 28), 256.0), "got values from 256 to 256"),
        (np.full((28, 28), -1), "got values from -1"),
        (GREY / 255, r"got values in \[0, 1\]. Multiply them by 255"),
        (GREY > 100, "got an array of bool"),
        (GREY.astype(complex), "complex"),
        (np.zeros((28, 27)), "no digit was seen"),
        (np.zeros((2, 28, 28, 3)), "picture 1 of 2: no digit was seen"),
        (np.zeros((2, 28, 28, 5)), r"shape \(2, 28, 28, 5\)"),
        (np.ones((2, 28, 28), int), r"got values in \[0, 1\]. Multiply them by 255"),
        (np.array([]), r"shape \(0,\)"),
        (3, r"shape \(\)"),
        (None, "object"),
        ([np.zeros((28, 28)), np.zeros((3, 3))], r"picture 2 of 2.*shape \(3, 3\)"),
        (np.array(["a"]), "got an array of <U1"),
    ],
)
def test_no_picture_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        validation.pictures(raw)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("no picture")
    for raw in (str(path), path, [path], b"no picture", tmp_path / "missing.png"):
        with pytest.raises(InputError):
            validation.pictures(raw)
    with pytest.raises(InputError, match=r"picture 1 of 2.*a.png"):
        validation.pictures([path, 5])


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(max_dims=4, max_side=4)),
        st.lists(st.one_of(st.none(), st.floats(), st.text(max_size=3)), max_size=3),
    )
)
def test_whatever_comes_is_taken_or_refused_clearly(raw: Any) -> None:
    for kind in ("pictures", "texts"):
        try:
            got = kinds.get(kind).check(raw)
        except NnguideError as error:
            assert str(error)
        else:
            assert len(got) == len(raw)


def test_texts_come_one_or_several() -> None:
    assert validation.texts("a b").tolist() == ["a b"]
    assert validation.texts(["", "b"]).tolist() == ["", "b"]
    assert validation.texts(x for x in ("a", "b")).tolist() == ["a", "b"]
    assert validation.texts([]).shape == (0,)
    assert validation.texts(np.array(["a"])).dtype == object


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=9), max_size=4))
def test_texts_can_always_be_written_as_utf8(raw: list[str]) -> None:
    for text, got in zip(raw, validation.texts(raw), strict=True):
        assert got.encode("utf-8").decode("utf-8") == got
        if not any(0xD800 <= ord(character) < 0xE000 for character in text):
            assert got == text


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert validation.text("a\ud800b") == "a\ufffdb"
    assert validation.text("a\ud83d\ude00b") == "a😀b"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"bytes", "got bytes"),
        (5, "got int"),
        (["a", None], "got none"),
        ([b"a"], "got bytes"),
        (["x" * (validation.MAX_TEXT + 1)], "at most 1,000,000 characters; got 1,000,001"),
        (np.array("a"), "got ndarray"),
    ],
)
def test_no_text_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        validation.texts(raw)
