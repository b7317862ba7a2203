"""Digits that touch are said to be several wherever a picture is read; letters are `none`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from strange_pictures import as_png, touching

from nnguide import explain, runs
from nnguide.cli import main
from nnguide.data import hands
from nnguide.errors import InputError
from nnguide.inference.decision import Decision
from nnguide.preprocessing import joined, mnist_form, pictures
from nnguide.runs import Run
from nnguide.serving import decoding
from nnguide.serving.servable import MARKS, RunServable, label_of
from nnguide.serving.signatures import DEFAULT

SEVERAL = "expected one digit"
STROKES = {  # letters in a unit square, each a list of lines
    "A": [[(0.1, 1), (0.5, 0), (0.9, 1)], [(0.28, 0.62), (0.72, 0.62)]],
    "H": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.9, 1)], [(0.1, 0.5), (0.9, 0.5)]],
    "K": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.1, 0.55), (0.9, 1)]],
    "M": [[(0.05, 1), (0.15, 0), (0.5, 0.7), (0.85, 0), (0.95, 1)]],
    "N": [[(0.1, 1), (0.1, 0), (0.9, 1), (0.9, 0)]],
    "W": [[(0.02, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (0.98, 0)]],
    "X": [[(0.1, 0), (0.9, 1)], [(0.9, 0), (0.1, 1)]],
    "E": [[(0.9, 0), (0.1, 0), (0.1, 1), (0.9, 1)], [(0.1, 0.5), (0.7, 0.5)]],
}


def letter(name: str) -> Image.Image:
    picture = Image.new("L", (160, 180), 250)
    for line in STROKES[name]:
        corners = [(30 + 100 * x, 30 + 120 * y) for x, y in line]
        ImageDraw.Draw(picture).line(corners, fill=10, width=12, joint="curve")
    return picture


@pytest.fixture(scope="module")
def run() -> Run:
    return runs.load("digits")


def is_sure(run: Run, picture: Image.Image) -> bool:
    """Whether the network alone takes a picture of one mark for a digit."""
    try:
        levels = pictures.read(as_png(picture))
    except InputError:
        return False
    return not run.decision.refused(run.outputs(np.asarray(levels, np.float32)[None]))[0]


@pytest.fixture(scope="module")
def pairs(run: Run) -> list[Image.Image]:
    """Pairs that touch and that the network alone would read as one digit."""
    return [picture for picture in map(touching, range(24)) if is_sure(run, picture)]


@pytest.fixture(scope="module")
def pair(pairs: list[Image.Image]) -> Image.Image:
    return pairs[0]


def test_pairs_that_touch_are_not_read_as_one_digit(run, pairs):
    assert len(pairs) >= 3
    answers = run.predict([*pairs, letter("A")])
    read = [answer for answer in answers[:-1] if not isinstance(answer, InputError)]
    assert len(read) <= max(0.1 * len(pairs), 1)
    assert all(SEVERAL in str(error) for error in answers.errors.values())


@pytest.mark.slow
def test_of_many_pairs_few_are(run):
    made = [picture for picture in map(touching, range(400)) if is_sure(run, picture)]
    read = [answer for answer in run.predict(made) if not isinstance(answer, InputError)]
    assert len(read) <= 0.03 * len(made)


def test_letters_are_none_and_no_error(run):
    answers = run.predict([letter(name) for name in STROKES])
    assert answers.errors == {}
    assert answers.labels.count("none") >= len(STROKES) - 2


def test_a_digit_alone_is_read(run):
    drawn = hands.drawn(200, 3).inputs
    marks = [levels.view(joined.Mark) for levels in drawn]
    assert run.decision.several(run.outputs(drawn.astype(np.float32)), marks).sum() <= 1


def test_only_a_sure_answer_that_is_a_digit_is_asked():
    levels = mnist_form.normalise(np.asarray(touching(0), np.float32) / 255)
    assert joined.surely(levels[None])[0]
    mark, ten = levels.view(joined.Mark), tuple("0123456789")
    sure, unsure = (np.full((1, 10), (1 - top) / 9, np.float32) for top in (0.9, 0.4))
    sure[0, 3], unsure[0, 3] = 0.9, 0.4
    refusing = Decision(ten, refuse_below=0.5)
    assert refusing.several(sure, [mark])[0]
    assert not refusing.several(unsure, [mark])[0]  # it is `none`
    assert not Decision(ten).several(sure, [mark])[0]  # of a run that never says none
    assert not refusing.always().several(sure, [mark])[0]
    assert not refusing.several(sure, [levels])[0]  # it came in MNIST's form
    assert not Decision(("a", *ten[1:]), refuse_below=0.5).several(sure, [mark])[0]
    assert refusing.several(sure[:0], []).shape == (0,)
    assert not Decision(("ham", "spam"), 0.5).several(sure[:, :1], [mark])[0]


def test_a_picture_of_28_by_28_pixels_is_one_digit(pair, run):
    small = pair.resize((28, 28))
    levels = pictures.read(as_png(pair))
    assert isinstance(levels, joined.Mark)
    for form in (np.asarray(small), as_png(small), np.asarray(levels), np.asarray(levels)[None]):
        for answer in run.task.kind.each(form):
            assert not joined.is_mark(answer)
    assert not joined.is_mark(levels[4:]) and not joined.is_mark(levels[None])
    assert run.predict(np.asarray(levels)).errors == {}


def status(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


def test_the_library_says_so_of_every_form_of_a_picture(run, pair, tmp_path):
    path = tmp_path / "two.png"
    pair.save(path)
    colour = np.asarray(pair.convert("RGB"))
    forms: list[Any] = [path, str(path), as_png(pair), pair, np.asarray(pair), colour, [path]]
    forms += [{"image": [str(path)]}, pictures.read(path)]
    for form in forms:
        with pytest.raises(InputError, match=SEVERAL):
            run.predict(form)
        assert run.predict(form, reject=False).errors == {}
    with pytest.raises(InputError, match=SEVERAL):
        run.predict(path, "keras")
    several = run.predict([letter("A"), path])
    assert several.labels == ["none", None] and SEVERAL in str(several.errors[1])
    assert len(run.predict_many(path)) == 2


def test_the_commands_say_so(pair, tmp_path, capfd):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "two.png"
    pair.save(path)
    letter("A").save(folder / "letter.png")
    assert status("predict", "digits", path) == 4
    assert SEVERAL in capfd.readouterr().err
    assert status("predict", "digits", folder, "--json") == 4
    first, second = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert first["label"] == "none" and SEVERAL in second["error"] and "label" not in second
    assert status("predict", "digits", path, "--no-reject") == 0
    assert status("predict", "digits", path, "--many") == 0
    out = tmp_path / "out.csv"
    assert status("predict", "digits", "--dataset", folder, "--out", out) == 4
    assert SEVERAL in out.read_text()
    capfd.readouterr()


def test_an_explanation_says_so(run, pair, tmp_path, capfd):
    with pytest.raises(InputError, match=f"picture 2 of 2: {SEVERAL}"):
        explain.explain_all(run, [letter("A"), pair], "occlusion")
    path, other = tmp_path / "two.png", tmp_path / "letter.png"
    pair.save(path)
    letter("A").save(other)
    words = ("explain", "digits", other, path, "--method", "occlusion", "--json")
    assert status(*words) == 4
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line.get("label") for line in told if "error" not in line] == ["none"]
    assert [SEVERAL in line["error"] for line in told if "error" in line] == [True]


def test_a_server_says_so(run, pair):
    child = decoding._Child()
    try:
        seen = child.read(as_png(pair), lambda: True)
        small = child.read(as_png(pair.resize((28, 28))), lambda: True)
    finally:
        child._end()
    assert joined.is_mark(seen) and not joined.is_mark(small)
    servable = RunServable(run.folder)
    levels = servable.prepare(DEFAULT, {"image": np.stack([np.asarray(seen)])})
    with pytest.raises(InputError, match=SEVERAL):
        servable.run("serve_bytes", {**levels, MARKS: np.array([True])})
    assert servable.run("serve_bytes", {**levels, MARKS: np.array([False])})["label"][0] != "none"
    assert servable.run(DEFAULT, levels)["label"][0] != "none"  # what is in MNIST's form is one
    with pytest.raises(InputError, match=SEVERAL):
        label_of(servable, seen)
    assert label_of(servable, np.asarray(seen)) in run.labels


def test_a_networks_front_says_so(run, pair, tmp_path):
    from nnguide.inference.front import Front
    from nnguide.models.light_form import SETTINGS

    light = json.loads((run.folder / SETTINGS).read_text())
    settings = {
        "labels": list(run.labels),
        "threshold": None,
        "refuse_below": run.decision.refuse_below,
        "preprocessing": light["preprocessing"],
    }
    (tmp_path / "preprocessing.json").write_text(json.dumps(settings))
    front, path = Front(tmp_path), tmp_path / "two.png"
    pair.save(path)
    with pytest.raises(InputError, match=f"picture 2 of 2: {SEVERAL}"):
        front.outputs([letter("A"), path], run.light.network)
    levels = np.asarray(pictures.read(path), np.float32)[None]
    assert front.answers(front.outputs(levels, run.light.network))[0][0] in run.labels
