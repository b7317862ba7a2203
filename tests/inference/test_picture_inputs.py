"""Pictures in Python: files, images and arrays of the same picture are read alike, each alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import case
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

from nnguide.errors import InputError
from nnguide.inference import picture_inputs, validation
from nnguide.runs import load
from nnguide.tasks import kinds


def written(dark: int = 0, light: int = 255, size: int = 90) -> Image.Image:
    """A seven."""
    picture = Image.new("L", (size, size), light)
    line = [(0.3 * size, 0.2 * size), (0.7 * size, 0.2 * size), (0.45 * size, 0.8 * size)]
    ImageDraw.Draw(picture).line(line, fill=dark, width=size // 12, joint="curve")
    return picture


def as_file(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


MNIST_FORM = validation.pictures(as_file(written()))[0]


@pytest.mark.parametrize("light", [0, 255], ids=["light on dark", "dark on light"])
@pytest.mark.parametrize("size", [28, 90])
def test_the_same_picture_is_read_alike_however_it_comes(
    tmp_path: Path, light: int, size: int
) -> None:
    picture = written(255 - light, light, size)
    path = tmp_path / "seven.png"
    path.write_bytes(as_file(picture))
    by_path = validation.pictures(path)
    forms: list[Any] = [str(path), path.read_bytes(), picture, picture.convert("RGB")]
    forms += [Image.open(path), path.open("rb"), [path], [picture]]
    if size != 28 or light:  # white on black in 28 by 28 is what the network takes, as it is
        forms += [np.asarray(picture), np.asarray(picture).tolist(), [np.asarray(picture)]]
        forms += [np.asarray(picture).astype(float), np.asarray(picture.convert("RGB"))]
    for raw in forms:
        np.testing.assert_array_equal(validation.pictures(raw), by_path)


def test_pictures_of_several_sizes_and_kinds_may_come_together() -> None:
    found = validation.pictures(
        [written(), np.asarray(written(size=60)), as_file(written()), MNIST_FORM]
    )
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[3], MNIST_FORM)


def test_mnists_form_stays_as_it_is() -> None:
    np.testing.assert_array_equal(validation.pictures(MNIST_FORM[None])[0], MNIST_FORM)


@pytest.mark.parametrize("scale", [1 / 255, 0.5 / 255])
@pytest.mark.parametrize("kind", [float, int])
def test_levels_of_another_scale_are_refused_picture_by_picture(scale: float, kind: type) -> None:
    small = np.ceil(MNIST_FORM * scale) if kind is int else MNIST_FORM * scale
    batch = np.stack([MNIST_FORM, small.astype(kind), MNIST_FORM])
    found = picture_inputs.read_each(batch)
    assert [isinstance(one, InputError) for one in found] == [False, True, False]
    assert "Multiply them by 255" in str(found[1])


ARBITRARY = st.one_of(
    st.none(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.binary(max_size=40),
    arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(max_dims=4, max_side=5)),
    arrays.arrays(np.uint8, (28, 28)),
    arrays.arrays(np.float32, (28, 28), elements=st.floats(width=32)),
    arrays.arrays(np.uint8, st.tuples(st.integers(12, 30), st.integers(12, 30))),
)


@settings(max_examples=60, deadline=None)
@given(ARBITRARY, st.integers(0, 2))
def test_one_arbitrary_picture_costs_none_of_its_neighbours(odd: Any, place: int) -> None:
    batch = [written(), written(size=60)]
    good = picture_inputs.read_each(batch)
    batch.insert(place, odd)
    found = picture_inputs.read_each(batch)
    assert len(found) == 3
    assert isinstance(found[place], InputError) or found[place].shape == (28, 28)
    for mine, its in zip(good, found[:place] + found[place + 1 :], strict=True):
        np.testing.assert_array_equal(mine, its)


class Table:
    """What a DataFrame is to those who ask for its columns."""

    def __init__(self, **columns: list[Any]) -> None:
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def to_numpy(self) -> np.ndarray:
        return np.array(list(self._columns.values())).T


def test_a_table_gives_its_texts_and_never_its_columns_names() -> None:
    texts = ["see you", "win"]
    for table in (Table(text=texts), Table(label=["ham", "spam"], body=texts), Table(Text=texts)):
        assert validation.texts(table).tolist() == texts
    for table in (Table(a=texts, b=texts), Table(n=[1, 2])):
        with pytest.raises(InputError, match="expected a table with a column text"):
            validation.texts(table)
    assert validation.texts({"text": texts}).tolist() == texts
    for odd in ({"text": "see you"}, {}, set(texts), {"text": None}):
        with pytest.raises(InputError, match="expected a text or several"):
            validation.texts(odd)


def test_a_data_frame_is_such_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"label": ["ham"], "text": ["see you"]})
    assert validation.texts(frame).tolist() == ["see you"]
    assert validation.texts(frame["text"]).tolist() == ["see you"]
    pixels = pandas.DataFrame(MNIST_FORM.reshape(1, -1))
    np.testing.assert_array_equal(kinds.get("pictures").check(pixels)[0], MNIST_FORM)


def test_a_batch_is_answered_but_for_what_is_none(caplog: pytest.LogCaptureFixture) -> None:
    run = load("digits")
    blank = np.full((40, 40), 200, np.uint8)
    given = [written(), blank, written(size=60)]
    assert [one.label for one in run.predict(given)][1] == "none"
    first, second, third = run.predict(given, reject=False)
    assert first.label == third.label == run.predict(written())[0].label
    assert isinstance(second, InputError)
    assert "input 2 of 3" in caplog.text
    with pytest.raises(InputError, match="no digit"):
        run.predict(blank, reject=False)
    texts = load("spam").predict(["see you", 3, "win"])
    assert [isinstance(one, InputError) for one in texts] == [False, True, False]


def test_the_cases() -> None:
    by_path = load("digits").predict(case("pictures/f16-dark-on-white-28-2.png"))
    image = Image.open(case("pictures/f16-dark-on-white-28-2.png"))
    assert load("digits").predict(image) == by_path
    assert load("digits").predict(np.asarray(image)) == by_path
    assert by_path[0].label == "2"
    with np.load(case("f04-binary01.npz")) as file:
        found = picture_inputs.read_each(file["x"])
    assert all(isinstance(one, InputError) for one in found)
