"""Which inputs are answered with none: the bound holds, and where it cannot be chosen none is."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strange_pictures
import tiny
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

from nnguide import logs, runs
from nnguide.data import hands, not_digits
from nnguide.errors import ConfigError, InputError, NoDigitError
from nnguide.evaluation import refusal
from nnguide.evaluation.evaluate import refused
from nnguide.inference.decision import NONE, Decision
from nnguide.runs import Run, manifest

TEN = tuple("0123456789")


@pytest.fixture(scope="module")
def shipped() -> Run:
    return Run.open(runs.shipped("digits"))


def blank(path: Path) -> Path:
    Image.new("L", (80, 80), 210).save(path)
    return path


def letter(path: Path) -> Path:
    """A drawn A, dark on light."""
    picture = Image.new("L", (90, 90), 255)
    draw = ImageDraw.Draw(picture)
    for line in ([(20, 75), (45, 12), (70, 75)], [(30, 52), (60, 52)]):
        draw.line(line, fill=0, width=7)
    picture.save(path)
    return path


def page(path: Path, marks: int) -> Path:
    """Lines of four digits at most, all of them one."""
    sheet = Image.new("L", (80 * min(marks, 4) + 60, 90 * -(-marks // 4)), 255)
    draw = ImageDraw.Draw(sheet)
    for number in range(marks):
        left, top = 60 + number % 4 * 80, 15 + number // 4 * 90
        draw.line([(left, top), (left, top + 60)], fill=0, width=7)
    sheet.save(path)
    return path


@given(
    arrays.arrays(np.float32, st.integers(1, 300), elements=st.floats(0, 1, width=32)),
    st.floats(0.001, 1),
)
def test_no_more_than_the_wanted_fraction_lies_below_the_bound(top, most):
    assert refusal.refused(top, refusal.highest(top, most)) <= most


@given(arrays.arrays(np.float32, (20, 3), elements=st.floats(0, 1, width=32)), st.floats(0, 1))
def test_a_row_is_none_where_every_label_is_less_probable(rows, bound):
    decision = Decision(("a", "b", "c"), None, bound)
    always = decision.always()
    for answer, other, row in zip(decision.answers(rows), always.answers(rows), rows, strict=True):
        assert (answer.label == NONE) == (row.max() < np.float32(bound))
        assert other.label == ("a", "b", "c")[row.argmax()]
        assert answer.probability == other.probability == row.max()


@pytest.mark.parametrize(
    "given", [(("a", "b"), None, 1.5), (("a", NONE), None, 0.5), (("ham", "spam"), 0.5, 0.5)]
)
def test_what_cannot_be_refused_is_said(given):
    with pytest.raises(ConfigError):
        Decision(*given)


def choose(held: np.ndarray, labels: tuple[str, ...] = TEN, *more: str) -> tuple[Any, list[str]]:
    said: list[str] = []
    config = tiny.config("digits", *more)
    network = lambda images: np.full((len(images), len(labels)), 0.1)  # noqa: E731
    with logs.shown_by(said.append):
        return refusal.choose(config, labels, held, "the validation set", network), said


def test_nothing_is_refused_without_enough_examples_or_where_none_is_a_label():
    few, said = choose(np.full((50, 10), 0.1))
    assert few == {} and "100" in said[0]
    own, said = choose(np.full((500, 2), 0.5), ("one", NONE))
    assert own == {} and NONE in said[0]
    off, said = choose(np.full((500, 10), 0.1), TEN, "calibration.max_refused=0")
    assert off == {} and not said


def test_the_chosen_bound_is_told_with_what_it_refuses():
    held = np.random.default_rng(0).dirichlet(np.full(10, 0.1), 500)
    chosen, said = choose(held)
    assert 0 < chosen["refusal"]["refused"] <= 0.01
    assert f"{chosen['refuse_below']:.6f}" in said[0]
    evaluated = refused(Decision(TEN, None, chosen["refuse_below"]), held, held.argmax(1))
    assert evaluated["refused"] == pytest.approx(chosen["refusal"]["refused"])
    assert evaluated["answered_accuracy"] == 1


def test_max_refused_is_for_pictures(nnguide):
    ended = nnguide("train", "spam", "--set", "calibration.max_refused=0.1")
    assert ended.status == 2 and "calibration.max_refused is for pictures" in ended.err


def test_drawn_digits_are_answered_and_others_refused(shipped):
    digits, others = hands.drawn(400, 99), not_digits.drawn(400, 99)
    labels = [answer.label for answer in shipped.predict(digits.inputs)]
    assert labels.count(NONE) <= 12
    right = np.array(labels) == np.array(TEN)[digits.labels]
    assert right.mean() > 0.95
    refused = [answer.label for answer in shipped.predict(others)].count(NONE)
    assert refused >= 0.9 * len(others)


@pytest.mark.parametrize("engine", ["light", "keras"])
def test_a_blank_sheet_and_a_letter_are_none_to_every_engine(shipped, tmp_path, engine):
    given = [blank(tmp_path / "blank.png"), letter(tmp_path / "a.png")]
    assert [answer.label for answer in shipped.predict(given, engine)] == [NONE, NONE]
    error, old = shipped.predict(given, engine, reject=False)
    assert isinstance(error, NoDigitError)
    assert old.label in TEN


def test_the_command_line_refuses_and_can_be_told_not_to(nnguide, shipped, tmp_path):
    given = [blank(tmp_path / "blank.png"), letter(tmp_path / "a.png")]
    ended = nnguide("predict", shipped.folder, *given, "--json")
    assert ended.status == 0, ended.err
    assert [json.loads(line)["label"] for line in ended.out.splitlines()] == [NONE, NONE]
    ended = nnguide("predict", shipped.folder, *given, "--no-reject")
    assert ended.status == InputError.exit_code
    assert ended.out.split("\t")[0] in TEN and "no digit was seen" in ended.err
    for option in ("--no-reject", "--many"):
        ended = nnguide("predict", "spam", "hello", option)
        assert ended.status == 2 and "for pictures" in ended.err


def test_an_explanation_names_the_label_that_predict_names(nnguide, shipped, tmp_path):
    """Also where that is none; the score is that of the label that was nearest."""
    files = [blank(tmp_path / "blank.png"), letter(tmp_path / "a.png"), tmp_path / "7.png"]
    seven = Image.new("L", (90, 90), 255)
    ImageDraw.Draw(seven).line([(25, 15), (65, 15), (38, 78)], fill=0, width=8)
    seven.save(files[2])
    predicted = nnguide("predict", shipped.folder, *files, "--json")
    wanted = [json.loads(line) for line in predicted.out.splitlines()]
    assert [one["label"] for one in wanted] == [NONE, NONE, "7"]
    ended = nnguide("explain", shipped.folder, *files, "--method", "gradient", "--json")
    assert ended.status == 0, ended.err
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["label"] for one in found] == [one["label"] for one in wanted]
    for one, answer in zip(found, wanted, strict=True):
        most = max(answer["probabilities"], key=answer["probabilities"].get)
        assert one["target"] == most
        assert one["probability"] == pytest.approx(answer["probability"], abs=1e-4)
    ended = nnguide("explain", shipped.folder, files[1], "--method", "gradient")
    assert ended.status == 0 and ended.out.startswith(f"{NONE}\tP(")


def test_many_digits_have_a_line_each(nnguide, shipped, tmp_path):
    sheet = Image.new("L", (300, 90), 255)
    draw = ImageDraw.Draw(sheet)
    for left in (40, 130, 220):
        draw.line([(left, 15), (left, 75)], fill=0, width=7)
    sheet.save(tmp_path / "page.png")
    ended = nnguide("predict", shipped.folder, tmp_path / "page.png")
    assert ended.status == 4 and "--many" in ended.err and not ended.out
    ended = nnguide("predict", shipped.folder, tmp_path / "page.png", "--many")
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[0] for row in rows] == ["1", "1", "1"], ended.err
    assert [row[2] for row in rows] == [f"{tmp_path / 'page.png'}#{n}" for n in (1, 2, 3)]
    lefts = [int(row[3].split(",")[0]) for row in rows]
    assert np.abs(np.subtract(lefts, [36, 126, 216])).max() <= 4
    for source in (tmp_path / "page.png", sheet, (tmp_path / "page.png").read_bytes()):
        found = shipped.predict_many(source)
        assert [(answer.label, answer.line) for answer in found] == [("1", 1)] * 3


def test_a_server_and_an_export_refuse_alike(shipped, tmp_path, tf):
    from nnguide.export import saved_model
    from nnguide.serving import decoding
    from nnguide.serving.servable import RunServable

    letters = not_digits.drawn(80, 5)
    letters = letters[np.median(letters, axis=(1, 2)) == 0]  # a server turns dark on white round
    wanted = [answer.label for answer in shipped.predict(letters)]
    servable = RunServable(shipped.folder)
    given = servable.prepare("serving_default", {"image": letters.astype(np.float32)})
    assert servable.run("serving_default", given)["label"].tolist() == wanted
    exported = saved_model.Pictures(shipped)
    labels = exported.serving_default(tf.constant(letters, tf.float32))["label"].numpy()
    assert [label.decode() for label in labels] == wanted

    files = [blank(tmp_path / "blank.png").read_bytes(), letter(tmp_path / "a.png").read_bytes()]
    labels = exported.serve_bytes(tf.constant(files))["label"].numpy()
    assert labels.tolist() == [NONE.encode()] * 2
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected one digit.*touch"):
        exported.serve_bytes(tf.constant([strange_pictures.as_png(strange_pictures.touching(8))]))
    for marks in (2, 3, 12):  # of a page of digits none is chosen
        with contextlib.suppress(tf.errors.InvalidArgumentError):
            page_bytes = page(tmp_path / "page.png", marks).read_bytes()
            assert exported.serve_bytes(tf.constant([page_bytes]))["label"].numpy() == [b"none"]
    child = decoding._Child()
    try:
        assert isinstance(child.read(files[0], lambda: True), decoding.Blank)
        assert isinstance(child.read(files[1], lambda: True), np.ndarray)
    finally:
        child._end()


def test_a_run_of_before_answers_as_before(shipped, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(shipped.folder, folder)
    decision = json.loads((folder / "decision.json").read_text())
    del decision["refuse_below"], decision["refusal"]
    (folder / "decision.json").write_text(json.dumps(decision))
    config = json.loads((folder / "config.json").read_text())
    del config["calibration"]["max_refused"]
    config["augment"] = {
        key: value for key, value in config["augment"].items() if key in ("shift", "rotate")
    }
    (folder / "config.json").write_text(json.dumps(config))
    facts = ("dataset", "dataset_is_fallback", "dataset_path", "versions")
    manifest.write(folder, "digits", **{key: shipped.manifest[key] for key in facts})
    old = Run.open(folder)
    assert old.decision.refuse_below is None
    (answer,) = old.predict([letter(tmp_path / "a.png")])
    assert answer.label in TEN
    with pytest.raises(NoDigitError):
        old.predict([blank(tmp_path / "blank.png")])
