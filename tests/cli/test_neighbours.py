"""One bad input never costs its neighbours: they answer as alone; it is named and decides."""

from __future__ import annotations

import csv
import io
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from nnguide import data, runs
from nnguide.errors import InputError
from nnguide.runs import Run

GOOD = ["WINNER! Claim your cash prize now, call 0906", "Lunch tomorrow at one?", "see you, mum"]
QUICK = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Lines that a table of labels and texts cannot use, whatever stands beside them.
BAD_ROWS = st.one_of(
    st.sampled_from(["spam", 'ham,"open', 'ham,"a"b', "ham,a,b,c", '"']),
    st.text(st.characters(codec="ascii", exclude_characters="\r\n\0"), min_size=1).map(
        lambda text: f"label {text.replace(',', '').replace(chr(34), '')},x"
    ),
)


@pytest.fixture(scope="module")
def spam() -> Run:
    return Run.open(runs.shipped("spam"))


@pytest.fixture(scope="module")
def digits() -> Run:
    return Run.open(runs.shipped("digits"))


def picture(number: int) -> bytes:
    image = Image.new("L", (60, 80), 250)
    ImageDraw.Draw(image).line([(25 + number, 12), (32, 68)], fill=10, width=7)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


PICTURES = [picture(number) for number in range(3)]


@given(st.binary(max_size=200), st.integers(0, 3), st.booleans())
@QUICK
def test_pictures_beside_arbitrary_bytes(digits: Run, content: bytes, at: int, begins: bool):
    bad = (PICTURES[0][:60] if begins else b"") + content
    alone = digits.predict(PICTURES)
    found = digits.predict([*PICTURES[:at], bad, *PICTURES[at:]])
    assert isinstance(found[at], InputError) and list(found.errors) == [at]
    rest = [one for place, one in enumerate(found) if place != at]
    assert [one.label for one in rest] == alone.labels
    assert [one.probability for one in rest] == pytest.approx(
        [one.probability for one in alone], abs=1e-5
    )


@given(
    st.one_of(st.none(), st.integers(), st.just("x" * 1_000_001)),
    st.integers(0, 3),
)
@QUICK
def test_texts_beside_what_is_none(spam: Run, bad: object, at: int):
    alone = spam.predict(GOOD)
    found = spam.predict([*GOOD[:at], bad, *GOOD[at:]])
    assert list(found.errors) == [at]
    assert [one.label for place, one in enumerate(found) if place != at] == alone.labels


@given(BAD_ROWS, st.integers(0, 20))
@QUICK
def test_rows_of_texts_beside_a_bad_one(tmp_path: Path, bad: str, at: int):
    file = io.StringIO()
    rows = [(("ham", "spam")[n % 2], f"{GOOD[n % 3]} {n}") for n in range(20)]
    csv.writer(file, lineterminator="\n").writerows(rows)
    lines = file.getvalue().splitlines()
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["label,text", *lines[:at], bad, *lines[at:]]) + "\n")
    whole = data.find("spam", str(path)).load("train"), data.find("spam", str(path)).load("test")
    assert sorted(text for part in whole for text in part.inputs) == sorted(t for _, t in rows)
    assert {str(one.name) for part in whole for one in part.left_out} == {f"line {at + 2}"}


@given(
    st.sampled_from(["nan,1,a", "1,,a", "1,2", "1,2,a,b", "x,1,a", "1,2,", "inf,1,b", '"1,2,a']),
    st.integers(0, 20),
)
@QUICK
def test_rows_of_numbers_beside_a_bad_one(tmp_path: Path, bad: str, at: int):
    lines = [f"{n},{n % 7},{'ab'[n % 2]}" for n in range(20)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["x,y,label", *lines[:at], bad, *lines[at:]]) + "\n")
    whole = data.find("table", str(path)).load("all")
    assert sorted(whole.inputs[:, 0]) == list(range(20))
    assert [one.name for one in whole.left_out] == [f"line {at + 2}"]


@pytest.mark.parametrize(
    "bad",
    ['spam,"open', *(pytest.param(row, marks=pytest.mark.slow) for row in ("ham", "maybe,later"))],
)
def test_every_command_reads_a_table_but_for_its_bad_row(nnguide, alone, bad):
    """It is counted and named, and decides the status."""
    rows = [f"{('ham', 'spam')[n % 2]},{GOOD[1 - n % 2].replace(',', '')} {n}" for n in range(20)]
    good, mixed = alone / "good.csv", alone / "mixed.csv"
    good.write_text("\n".join(["label,text", *rows]) + "\n")
    mixed.write_text("\n".join(["label,text", *rows[:9], bad, *rows[9:]]) + "\n")
    for words in (("evaluate", "spam", "--json", "--dataset"), ("data", "info", "--json")):
        wanted, ended = nnguide(*words, good), nnguide(*words, mixed)
        assert (wanted.status, ended.status) == (0, 4), ended.err
        assert "1 of the 21 rows" in ended.err and "line 11" in ended.err
        first, second = json.loads(wanted.out), json.loads(ended.out)
        for key in ("n", "confusion", "counts"):
            assert first.get(key) == second.get(key)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 3))
@QUICK
def test_pictures_on_the_command_line_and_in_folders(digits: Run, content: bytes, at: int):
    """As `predict` and `evaluate` read them: a bad file is an error in its place."""
    import tempfile

    from nnguide.runs.streaming import predict

    with tempfile.TemporaryDirectory() as folder:
        for number, good in enumerate(PICTURES):
            Path(folder, f"{2 * number + 1}.png").write_bytes(good)
        Path(folder, f"{2 * at}.png").write_bytes(content)
        from nnguide.inference import sources

        named = sources.pictures([folder], io.BytesIO())
        found = {Path(name).name: answer for name, answer in predict(digits, named)}
    assert len(found) == 4
    assert isinstance(found.pop(f"{2 * at}.png"), InputError)
    assert [one.label for one in found.values()] == digits.predict(PICTURES).labels


def test_a_warning_names_what_the_interface_leaves_out(digits: Run, caplog):
    with caplog.at_level(logging.WARNING, "nnguide"):
        found = digits.predict([PICTURES[0], b"none", np.zeros((3, 3))])
    assert list(found.errors) == [1, 2]
    assert "input 2 of 3 is left out" in caplog.text and "input 3 of 3" in caplog.text
