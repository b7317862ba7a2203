"""Every page: one layout and style, whatever is shown is text, and a file loads nothing."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pytest

from nnguide import pages
from nnguide.explain.explanation import Explanation
from nnguide.explain.features import Word
from nnguide.explain.page import METHODS, fragment, page

EVIL = '<script>alert("x")</script><img src=http://example.org/x onerror=y>\x07'
CHECKS = {"sum": 1.0, "difference": 1.0, "gap": 0.0, "complete": True, "steps": None, "fit": None}
CHECKS |= {f"{name}{end}": 0.5 for name in ("deletion", "insertion") for end in ("", "_random")}


def explanation(text: str = "win a prize", **changes: object) -> Explanation:
    made = Explanation(
        method="integrated",
        task="spam",
        kind="texts",
        input=text,
        label="ham",
        target="spam",
        probability=0.25,
        score=-1.0986,
        baseline="no words",
        baseline_score=-2.0,
        weights=[Word("win", 0, 3, 0.75), Word("a", 4, 5, -0.5)],
        checks=CHECKS,
        labels=("ham", "spam"),
    )
    return dataclasses.replace(made, **changes)


def picture() -> Explanation:
    weights = np.zeros((28, 28))
    weights[3, 4] = 1.0
    return explanation(
        "seven.png",
        task="digits",
        kind="pictures",
        label="7",
        target="7",
        weights=weights,
        picture=np.full((28, 28), 200.0),
        labels=tuple("0123456789"),
    )


class Tags(HTMLParser):
    """The elements of a page, all of which end, and its words."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(content)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words += data


@pytest.mark.parametrize("made", [explanation(), picture()], ids=["text", "picture"])
def test_a_page_names_its_run_and_says_how_to_read_it(made):
    found = Tags(page([[made]], "Why the network answered as it did", "runs/mine"))
    words = " ".join(found.words.split())
    for part in ("runs/mine", made.task, "How to read this", "log-odds", METHODS[made.method]):
        assert part in words
    for part in (made.baseline, made.label, made.input, f"probability of {made.target} 25.00 %"):
        assert part in words
    assert not [tag for tag, _ in found.elements if tag in ("script", "link", "iframe", "form")]
    for tag, attributes in found.elements:
        if tag == "img":
            assert attributes["src"].startswith("data:image/png;base64,") and attributes["alt"]


def test_what_is_shown_is_text():
    made = explanation(EVIL, label=EVIL, weights=[Word("script", 1, 7, 1.0)])
    for content in (page([[made]], EVIL, EVIL), fragment(made)):
        found = Tags(content)
        assert not [tag for tag, _ in found.elements if tag in ("script", "img")]
        assert "\x07" not in content and "\ufffd" in content
        assert 'alert("x")' in found.words


def test_a_fragment_brings_its_styles_along():
    found = Tags(fragment(explanation()))
    assert found.elements[0][0] == "figure"
    assert not [a for _, a in found.elements if "class" in a or "id" in a]


def test_every_page_has_one_style_for_light_dark_phone_and_paper():
    style = pages.STYLE.read_text("utf-8")
    for part in ("prefers-color-scheme: dark", "max-width: 36rem", "@media print"):
        assert part in style
    assert "url(" not in style and "@import" not in style
    assert "prefers-color-scheme: dark" in page([[explanation()]], "Why", "run")
    for name in ("try.html", "interface.html"):
        served = pages.render(name)
        assert 'href="page/style.css"' in served and "<style>" not in served


def test_a_percentage_never_wraps_and_its_column_keeps_its_width():
    """Or the bars beside it would jump from 99.9 % to > 99.9 %."""
    style = pages.STYLE.read_text("utf-8")
    bars = next(line for line in style.split("}") if ".bars li {" in line)
    assert "5.5rem" in bars
    last = next(line for line in style.split("}") if ".bars li > :last-child" in line)
    assert "white-space: nowrap" in last
