"""The page: whole, safe and self-contained."""

from __future__ import annotations

import dataclasses
import itertools
import re
from html.parser import HTMLParser

import pytest

from nnguide.audit import write
from nnguide.audit.confusion import EXAMPLES
from nnguide.audit.page import page
from nnguide.evaluation.report import percent
from nnguide.pages import plots

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """What is in a page: elements, text, and whether every element ends."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(content)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module", params=["digits", "spam"])
def made(request, audited) -> tuple[dict, str]:
    found = audited(request.param)
    return found.report, page(found)


def test_nothing_is_loaded_from_elsewhere(made):
    found = Page(made[1])
    assert not found.all("script", "link", "iframe", "object", "embed", "base", "form")
    for _, attributes in found.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "action", "background"):
            if attributes.get(name):
                assert attributes[name].startswith(("#", "data:image/png;base64,"))
    style = made[1].split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    (policy,) = [m["content"] for m in found.all("meta") if m.get("http-equiv")]
    assert policy.startswith("default-src 'none'")


def test_the_contents_lead_to_every_section_and_headings_are_in_order(made):
    found = Page(made[1])
    ids = [a["id"] for _, a in found.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    sections = [a["id"] for a in found.all("section")]
    contents = [a["href"] for a in found.all("a") if not a["href"].startswith("#mistake-")]
    assert contents == [f"#{name}" for name in sections]
    levels = [int(tag[1]) for tag, _ in found.elements if tag in ("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_picture_has_words_and_every_table_a_caption(made):
    found = Page(made[1])
    assert all(image["alt"] for image in found.all("img"))
    tables = [a for a in found.all("table") if a.get("class") != "sign"]
    assert len(found.all("caption")) == len(tables)


def test_all_that_was_found_is_on_the_page(made):
    report, content = made
    shown = Page(content).text
    sections = {a["id"] for a in Page(content).all("section")}
    wanted = "attention model data training figures confusion calibration slices mistakes"
    wanted += " robustness duplicates use settings sign"
    wanted += " thresholds words" if "words" in report else ""
    assert sections == set(wanted.split())
    for part in (
        *report["model"]["files"].values(),
        report["model"]["manifest_sha256"],
        *report["model"]["limits"],
        *report["data"]["measured_on"]["flaws"],
        *(sentence.split("%")[0] for sentence in report["attention"]),
        *(row["slice"] for row in report["slices"]),
        *(row["change"] for row in report["robustness"]),
        "Date and signature",
    ):
        assert " ".join(part.split()) in shown
    assert "prefers-color-scheme: dark" in content and "@media print" in content


def test_what_a_message_holds_is_text_and_nothing_else(audited):
    made = audited("spam")
    evil = "<script>alert(1)</script><img src=http://example.org/x>\x07\u202e" + "a" * 20
    report = {**made.report, "model": {**made.report["model"], "run": evil}}
    row = {**report["mistakes"][0], "text": evil, "words": [{"start": 1, "end": 9, "weight": 1.0}]}
    report["mistakes"] = [row]
    report["duplicates"] = {**report["duplicates"], "same": 1, "examples": [evil]}
    flip = {"word": evil, "n": 3, "spam_share": 0.5, "push": 1.0, "turned": 1}
    report["words"] = {**report["words"], "flips": [flip]}
    report["attention"] = [evil]
    content = page(dataclasses.replace(made, report=report))
    found = Page(content)
    assert not found.all("script")
    assert all(image["src"].startswith("data:") for image in found.all("img"))
    assert "\x07" not in content and "\u202e" not in content
    assert "<script>alert(1)</script>" in found.text


def test_a_page_without_mistakes_history_or_overlap(audited):
    made = audited("spam")
    report = {**made.report, "mistakes": []}
    report["training"] = {**report["training"], "history": {}, "best_epoch": None}
    report["duplicates"] = {**report["duplicates"], "not_known": "the data is gone"}
    found = Page(page(dataclasses.replace(made, report=report)))
    for sentence in ("There were no mistakes.", "has no learning curves", "the data is gone"):
        assert sentence in found.text


def test_it_is_written_whole(audited, tmp_path):
    target = tmp_path / "new" / "report.html"
    write(audited("digits"), target)
    assert target.read_text("utf-8").endswith("</html>\n")
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]


def test_a_click_on_a_mistake_of_the_matrix_shows_its_examples(made):
    report, content = made
    found = Page(content)
    counts = report["headline"]["confusion"]
    k = len(counts)
    wanted = {f"mistake-{i}-{j}" for i in range(k) for j in range(k) if i != j and counts[i][j]}
    opened = [a["id"] for a in found.all("div") if a.get("class") == "opened"]
    links = [a["href"] for a in found.all("a") if a["href"].startswith("#mistake-")]
    assert set(opened) == wanted and len(opened) == len(wanted)
    assert links == [f"#{name}" for name in opened]
    for i, row in enumerate(counts):
        for j, n in enumerate(row):
            if i != j and n:
                part = content.split(f'id="mistake-{i}-{j}"')[1].split("</ul>")[0]
                assert part.count("<li>") == min(n, EXAMPLES)


def test_the_plots_are_drawn_in_the_colours_of_the_page(made):
    report, content = made
    drawn = content.split("<main>")[1]
    parts = re.split(r'<div class="plot"[^>]*>\n<p[^>]*><strong[^>]*>', drawn)
    titles = [part.split("</strong>")[0] for part in parts]
    spam = (
        ["spam caught", "ham blocked", "spam caught: ROC", "precision"]
        if "thresholds" in report
        else []
    )
    for title, begin in zip(titles[1:], ["loss", "accuracy", "fraction right", *spam], strict=True):
        assert title.startswith(begin)
    assert f"best epoch, {report['training']['best_epoch']}" in drawn
    assert "nan" not in " ".join(drawn.split("<svg ")[1:]).replace("nance", "")
    for row in report["calibration"]:
        assert f"of {row['n']:,} (95 %" in drawn
    if spam:
        assert percent(report["headline"]["spam_caught"], 2).replace(" ", "\u00a0") in drawn


@pytest.mark.parametrize(
    "values", [[0.5], [0.5, 0.5], [0.0, 1.0], [1e-9, 3e-9], [2.3, 0.01, float("inf")], [1e6, 5]]
)
@pytest.mark.parametrize("key", ["loss", "accuracy"])
def test_learning_curves_stay_in_their_axes(key, values):
    (plot,) = plots.learning({key: values, f"val_{key}": values}, 1)
    for x, y in [point for line in plot.lines for point in line.points]:
        assert -1e-9 <= x <= 1 + 1e-9 and -1e-9 <= y <= 1 + 1e-9
    places = [place for place, _ in plot.y_ticks]
    assert places[0] == 0 and places[-1] == 1 and 2 <= len(places) <= 7
    assert len({text for _, text in plot.y_ticks}) == len(places)
