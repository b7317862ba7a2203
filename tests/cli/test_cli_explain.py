"""nnguide explain as a person uses it."""

from __future__ import annotations

import importlib.util
import json

import json_schema
import pytest
from PIL import Image

from nnguide.explain import METHODS, installed

QUICK = ("gradient", "integrated", "smoothgrad", "occlusion")


@pytest.fixture
def picture(alone):
    drawn = Image.new("L", (28, 28), 255)
    drawn.paste(0, (12, 4, 16, 24))
    drawn.save(alone / "one.png")
    return "one.png"


@pytest.fixture
def no_extra(monkeypatch):
    real = importlib.util.find_spec
    missing = ("lime", "shap")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name in missing else real(name)
    )


def test_a_message_in_words_and_bars(nnguide, trained):
    ended = nnguide("explain", trained("spam").folder, "WIN a free prize", "see you at six")
    assert ended.status == 0
    assert ended.out.count("P(spam) = ") == 2
    assert "integrated, for spam: score " in ended.out
    assert ended.out.count("weights sum to ") == 2
    assert "\x1b" not in ended.out  # no colours where it is no terminal
    assert "run: " in ended.err


def test_a_picture_as_a_map_in_characters(nnguide, trained, picture):
    ended = nnguide("explain", trained("digits").folder, picture, "--method", "occlusion")
    assert ended.status == 0
    assert "# + for " in ended.out
    assert "deletion area " in ended.out


def test_methods_side_by_side_in_every_kind_of_file(nnguide, trained, picture, no_extra, alone):
    for task, given in (("digits", picture), ("spam", "<b>WIN</b> & more")):
        for suffix in ("png", "html", "json"):
            words = (trained(task).folder, given, "--compare", "--out", f"x.{suffix}")
            ended = nnguide("explain", *words)
            assert ended.status == 0, ended.err
            assert "left out: lime, shap" in ended.err
        page = (alone / "x.html").read_text("utf-8")
        assert all(f"{method}, for" in page for method in QUICK)
        assert "http" not in page.replace("http-equiv", "")
        assert "<b>WIN" not in page
        found = json.loads((alone / "x.json").read_text("utf-8"))["explanations"]
        assert [one["method"] for one in found] == list(QUICK)
        assert Image.open(alone / "x.png").size[0] > 400


def test_json_is_as_its_page_says_and_the_same_each_time(nnguide, trained, picture):
    for task, given, part in (("digits", picture, "map"), ("spam", "hello you", "words")):
        words = ("explain", trained(task).folder, given, "--method", "smoothgrad", "--json")
        first, again = (nnguide(*words, "--seed", 3) for _ in range(2))
        assert first.out == again.out
        found = json.loads(first.out)
        json_schema.check(found, "answered")
        assert [key for key in ("map", "words") if found[key]] == [part]


@pytest.mark.slow
def test_a_table_by_its_columns(nnguide, alone):
    rows = [f"{i % 7},{i % 5 + 10 * (i % 2)},{'ab'[i % 2]}" for i in range(40)]
    (alone / "t.csv").write_text("\n".join(["x,y,kind", *rows]), encoding="utf-8")
    made = nnguide("blueprint", "train", "--data", "t.csv", "--epochs", 30, "--out", "run")
    assert made.status == 0, made.err
    ended = nnguide("explain", "run", "3,12", "1,x", "--json")
    assert ended.status == 4
    good, bad = (
        json.loads(line) for line in sorted(ended.out.splitlines(), key=lambda x: "error" in x)
    )
    json_schema.check(good, "answered")
    json_schema.check(bad, "failed")
    assert [feature["name"] for feature in good["features"]] == ["x", "y"]
    for method in filter(installed, METHODS):
        ended = nnguide("explain", "run", "3,12", "--method", method, "--json")
        explained = json.loads(ended.out)
        json_schema.check(explained, "answered")
        if method in ("integrated", "shap"):
            assert explained["checks"]["complete"], (method, explained["checks"])
    assert nnguide("explain", "run", "3,12", "--out", "x.html", "--compare").status == 0


def test_wrong_use_ends_with_2(nnguide, trained, picture):
    run = trained("digits").folder
    for words in (
        (),
        (picture, "--method", "magic"),
        (picture, "--target", "eleven"),
        (picture, "--out", "x.txt"),
        (picture, "--compare", "--method", "lime"),
        (picture, "--seed", "-1"),
    ):
        ended = nnguide("explain", run, *words)
        assert (ended.status, ended.out) == (2, ""), words


def test_other_mistakes(nnguide, trained, picture, no_extra, alone):
    run = trained("digits").folder
    (alone / "bad.png").write_text("no picture")
    ended = nnguide("explain", run, "bad.png", picture, "nowhere.png")
    assert ended.status == 4
    assert "bad.png: " in ended.err
    assert "\tone.png" in ended.out
    assert nnguide("explain", "nowhere", picture).status == 5
    for method in ("lime", "shap"):
        ended = nnguide("explain", run, picture, "--method", method)
        assert ended.status == 6
        assert "nnguide[explain]" in ended.err
    (alone / "file").write_text("")
    assert nnguide("explain", run, picture, "--out", "file/x.html").status == 9
