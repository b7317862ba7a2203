"""Slices hold what their names say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from nnguide import tasks
from nnguide.audit import slices
from nnguide.data.examples import Examples


class Spam:
    """A run that needs no network: the outputs are given."""

    task = tasks.get("spam")
    threshold = 0.5


class Digits:
    task = tasks.get("digits")
    threshold = None


def of_texts(*texts: str) -> dict[str, list[str]]:
    """by -> the slice that each text is in."""
    given = np.empty(len(texts), object)
    given[:] = texts
    examples = Examples(given, np.zeros(len(texts), np.int64), ("ham", "spam"))
    found: dict[str, list[str]] = {}
    for by, name, chosen in slices.of_texts(examples):
        where = found.setdefault(by, [""] * len(texts))
        for place in np.flatnonzero(chosen):
            assert where[place] == "", f"two slices by {by}"
            where[place] = name
    assert all(name for where in found.values() for name in where)
    return found


def test_texts_go_where_they_belong():
    found = of_texts("WIN £100 at www.example.org", "see you at six", "Grüße aus Köln 7", "")
    assert found["link"] == ["yes", "no", "no", "no"]
    assert found["number"] == ["yes", "no", "yes", "no"]
    assert found["currency"] == ["yes", "no", "no", "no"]
    assert found["letters beyond English"] == ["no", "no", "yes", "no"]
    assert found["more capitals than small letters"] == ["no", "no", "no", "no"]
    assert set(found["length"]) == {"below 40 characters"}
    found = of_texts("CALL NOW", "a" * 40, "a" * 100, "a" * 160, "a" * 1000)
    assert found["more capitals than small letters"][0] == "yes"
    assert found["length"][1:] == [
        "40 to 100 characters",
        "100 to 160 characters",
        "160 to 1,000 characters",
        "from 1,000 characters",
    ]


@pytest.mark.parametrize("degrees", [-25, -15, -5, 5, 15, 25])
def test_a_slant_is_measured(degrees):
    bar = np.zeros((28, 28), np.float32)
    bar[4:24, 12:16] = 255
    shear = np.array([[1, 0], [np.tan(np.radians(degrees)), 1]])  # rows to columns
    centre = np.array([13.5, 13.5])
    leaning = ndimage.affine_transform(bar, shear, centre - shear @ centre, order=1)
    (found,) = slices.slants(leaning[None])
    assert found == pytest.approx(degrees, abs=1.5)


def test_widths_and_pictures_without_ink():
    bars = np.zeros((3, 28, 28), np.uint8)
    for bar, width in zip(bars, (2, 4, 0), strict=True):
        bar[4:24, 10 : 10 + width] = 255
    thin, thick, _ = slices.stroke_widths(bars)
    assert thin == pytest.approx(2, abs=0.4) and thick == pytest.approx(4, abs=0.6)
    assert slices.slants(bars)[2] == 0


def test_figures_are_of_the_slice_alone():
    texts = np.empty(80, object)
    texts[:] = ["call 1"] * 40 + ["hello"] * 40
    labels = np.array(([0, 1] * 20) * 2)
    outputs = np.where(np.arange(80) < 40, 0.9, labels * 0.8)[
        :, None
    ]  # numbers are all called spam
    rows = {
        (row["by"], row["slice"]): row
        for row in slices.slices(Spam(), Examples(texts, labels, ("ham", "spam")), outputs)
    }
    numbers, others = rows["number", "yes"], rows["number", "no"]
    assert (numbers["n"], numbers["n_ham"], numbers["n_spam"]) == (40, 20, 20)
    assert numbers["blocked_ham"] == 1 and others["blocked_ham"] == 0
    assert numbers["blocked_ham_low"] < 1 <= numbers["blocked_ham_high"]
    assert numbers["small"] and not rows["link", "no"]["small"]
    empty = rows["link", "yes"]
    assert empty["n"] == 0 and empty["small"] and empty["accuracy"] is None


def test_a_clearly_worse_slice_is_found_and_a_small_one_is_not():
    pictures = np.zeros((600, 28, 28), np.uint8)
    pictures[:, 4:24, 12:15] = 255
    labels = np.array([0] * 500 + [1] * 80 + [2] * 20)
    outputs = np.eye(3)[np.where(labels == 0, 0, 0)]  # 1 and 2 are never named
    examples = Examples(pictures, labels, ("a", "b", "c"))
    rows = slices.slices(Digits(), examples, outputs)
    whole = slices.figures_of(outputs, examples, None)
    worse = slices.worse(rows, whole)
    assert [row["slice"] for row in worse] == ["b"]
    assert worse[0]["value"] == 0 and worse[0]["n"] == 80
