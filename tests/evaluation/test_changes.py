"""What each mild change does to inputs, and what `robustness` says that it costs."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import data, logs, tasks
from nnguide.data.examples import Examples
from nnguide.evaluation import changes
from nnguide.preprocessing.characters import normalise

TEXTS = ("Free entry: WIN cash now!", "ok", "", "see you at the station tomorrow, 7 pm")


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return tiny.examples("digits", 40).inputs


def texts(*given: str) -> np.ndarray:
    found = np.empty(len(given), object)
    found[:] = given
    return found


def of(change, *given: str, seed: int = 0) -> list[str]:
    return list(change(texts(*given), seed))


@pytest.mark.parametrize("change", changes.OF_PICTURES, ids=lambda change: change.name)
def test_a_picture_stays_a_picture_and_the_same_seed_gives_the_same(change, pictures):
    kept = pictures.copy()
    changed = change.apply(pictures, 3)
    np.testing.assert_array_equal(changed, change.apply(pictures, 3))
    np.testing.assert_array_equal(pictures, kept)
    assert len(changed) == len(pictures)
    assert len(change.apply(pictures[:0], 3)) == 0
    if change.drawn:
        assert changed.dtype == np.float32
        assert changed.min() >= 0 and changed.max() <= 1
    else:
        assert changed.dtype == np.uint8 and changed.shape == pictures.shape
        assert not np.array_equal(changed, pictures)


def test_a_shift_is_of_three_pixels(pictures):
    dot = np.zeros((64, 28, 28), np.uint8)
    dot[:, 14, 14] = 255
    moved = np.argwhere(changes.shift(dot, 0))[:, 1:] - 14
    assert len(moved) == 64
    assert set(np.unique(moved)) == {-3, 0, 3}
    assert np.abs(moved).max(axis=1).tolist() == [3] * 64


def test_a_turn_is_of_fifteen_degrees():
    bar = np.zeros((20, 28, 28), np.uint8)
    bar[:, 4:24, 13:15] = 255
    for turned in changes.rotate(bar, 0):
        y, x = np.indices((28, 28)) - 13.5
        weight = turned / turned.sum()
        angle = np.degrees(
            0.5 * np.arctan2(2 * (weight * x * y).sum(), (weight * (y * y - x * x)).sum())
        )
        assert abs(abs(angle) - 15) < 1


def test_strokes_become_a_pixel_wider_and_narrower():
    bar = np.zeros((1, 28, 28), np.uint8)
    bar[0, :, 10:14] = 255
    assert np.count_nonzero(changes.thicken(bar, 0)[0, 14]) == 5
    assert np.count_nonzero(changes.thin(bar, 0)[0, 14]) == 3


def test_noise_has_its_deviation_and_half_contrast_its_half():
    grey = np.full((10, 28, 28), 128, np.uint8)
    assert changes.noise(grey, 0).std() == pytest.approx(25.5, rel=0.05)
    assert (changes.fade(grey, 0) == 64).all()


def test_drawn_pictures_are_dark_on_light(pictures):
    for drawn in (changes.invert(pictures, 0), changes.pale(pictures, 0)):
        corner = drawn[:, 0, 0]
        assert (drawn.min(axis=(1, 2)) < corner - 0.25).all()


@pytest.mark.parametrize("change", changes.OF_TEXTS, ids=lambda change: change.name)
@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4), st.integers(0, 5))
def test_a_text_stays_a_text_and_the_same_seed_gives_the_same(change, given_texts, seed):
    changed = of(change.apply, *given_texts, seed=seed)
    assert changed == of(change.apply, *given_texts, seed=seed)
    assert [type(text) for text in changed] == [str] * len(given_texts)


def test_words_are_split_once_and_spelt_out_wholly():
    (split,) = of(changes.split_words, "the station")
    assert re.fullmatch(r"the s[taion ]+n", split) and split.count(" ") == 2
    assert of(changes.spell_out, "the free 4567 prize!") == ["the f r e e 4567 p r i z e!"]


def test_what_is_hidden_is_invisible_and_goes_with_the_normalisation():
    (hidden,) = of(changes.hide, "free entry to all")
    added = [letter for letter in hidden if letter not in "free entry to all"]
    assert len(added) == 2 and {unicodedata.category(letter) for letter in added} == {"Cf"}
    assert normalise(hidden) == "free entry to all"


def test_every_look_alike_is_a_letter_of_another_script():
    for letter, other in changes.LOOK_ALIKE.items():
        names = unicodedata.name(chr(letter)), unicodedata.name(chr(other))
        assert names[0].startswith("LATIN") and names[1].startswith(("CYRILLIC", "GREEK"))
        assert ("SMALL" in names[0]) is ("SMALL" in names[1])


def test_half_of_the_letters_become_others():
    (changed,) = of(changes.resemble, "a" * 1000)
    assert 400 < changed.count("a") < 600
    (changed,) = of(changes.leet, "aeiost" * 200)
    assert set(changed) == set("aeiost431057") and 500 < sum(map(str.isdigit, changed)) < 700


def test_thirty_words_are_appended():
    for text, changed in zip(TEXTS, of(changes.append, *TEXTS), strict=True):
        assert changed.startswith(text + " ")
        appended = changed[len(text) :].split()
        assert len(appended) == 30 and set(appended) <= set(changes.INNOCENT)


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_a_row_for_each_change(trained, task):
    run = trained(task)
    told: list[str] = []
    examples = data.find(task, tiny.built_in(task)).load("test")
    with logs.shown_by(told.append):
        rows = changes.robustness(run, examples, seed=1, limit=60)

    assert [row["change"] for row in rows] == [change.name for change in run.task.kind.changes()]
    assert len(told) == len(rows)
    assert len({row["before"] for row in rows}) == 1
    for row in rows:
        assert row["n"] == 60 and row["refused"] == 0
        assert row["lost"] == row["before"] - row["after"]
        assert row["met"] is (row["lost"] < changes.aim(run.task).most)
        assert ("blocked_ham_before" in row) is (task == "spam")
    assert rows == changes.robustness(run, examples, seed=1, limit=60)


def test_a_network_that_sees_only_the_change_loses_all():
    """A made-up network whose answer is known: it reads a text as spam if it has no digit."""

    class Literal:
        task = tasks.get("spam")
        threshold = 0.5

        def outputs(self, given):
            return np.array([[float(not re.search(r"\d", text))] for text in given])

    examples = Examples(
        texts("free cash", "a prize", "call 7"), np.array([1, 1, 0]), ("ham", "spam")
    )
    rows = {row["change"]: row for row in changes.robustness(Literal(), examples)}
    assert rows["upper case"]["lost"] == 0 and rows["upper case"]["met"]
    assert rows["digits for letters"]["after"] < 1 and not rows["digits for letters"]["met"]
    assert rows["digits for letters"]["blocked_ham_after"] == 0


def test_a_picture_without_a_digit_seen_counts_as_wrong(trained):
    run = trained("digits")
    blank = Examples(np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.int64), run.labels)
    rows = {row["change"]: row for row in changes.robustness(run, blank)}
    drawn = rows["inversion, as a picture"]
    assert (drawn["refused"], drawn["after"]) == (3, 0)


def test_without_spam_nothing_is_said_of_it(trained):
    examples = Examples(texts("hello", "see you"), np.zeros(2, np.int64), ("ham", "spam"))
    for row in changes.robustness(trained("spam"), examples):
        assert row["before"] is None and row["lost"] is None and row["met"] is None
