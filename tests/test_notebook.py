"""What a notebook shows: a run, an explanation, a report, and a training at work."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import tiny

import nnguide
from nnguide import Run
from nnguide.doctor import Finding, Report
from nnguide.training import notebook

VOID = {"img", "br", "hr", "meta", "path", "polyline"}


class Balanced(HTMLParser):
    """Holds that every element is closed, in order, and that nothing runs or is loaded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe", "style")
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in ("src", "href") or str(value).startswith("data:")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("task", ["spam", "digits"])
def test_a_run_shows_its_card_its_figures_and_its_curves(
    task: str, trained: Callable[[str], Run]
) -> None:
    run = trained(task)
    shown = run._repr_html_()
    Balanced(shown)
    assert run.task.title in shown
    assert f"{run.metrics['val_accuracy']:.2%}" in shown
    assert "stand-in for real data" in shown
    points = re.findall(r'<polyline points="([^"]*)"', shown)
    assert len(points) == 4  # loss and accuracy, training and validation
    assert {len(line.split()) for line in points} == {run.metrics["epochs"]}
    assert "nan" not in "".join(points)


def test_a_run_without_history_is_shown_without_curves(trained: Callable[[str], Run]) -> None:
    run = Run(trained("spam").folder, dict(trained("spam").manifest))
    run.__dict__["history"] = {}
    shown = run._repr_html_()
    Balanced(shown)
    assert "<svg" not in shown


def test_names_that_look_like_html_are_text(trained: Callable[[str], Run]) -> None:
    run = trained("spam")
    odd = replace(run, manifest={**run.manifest, "dataset": "<script>alert(1)</script>"})
    Balanced(odd._repr_html_())
    report = Report(
        (Finding("a-rule", "error", "why", "<b>evidence</b>", "fix"),), (), {"b": "<i>"}
    )
    shown = report._repr_html_()
    Balanced(shown)
    assert "1 finding;" in shown
    assert "&lt;b&gt;evidence" in shown
    assert "no findings;" in Report((), ("a-rule",), {})._repr_html_()


def test_an_explanation_is_shown(trained: Callable[[str], Run]) -> None:
    found: Any = nnguide.explain(trained("spam"), "WIN <b>a</b> prize", "occlusion")
    Balanced(found._repr_html_())
    assert found._repr_html_() == found.html()


# Progress


class Display:
    """What IPython gives for an element that is drawn anew."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def update(self, html: str) -> None:
        self.drawn.append(html)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Display]]:
    """A kernel of a notebook, as far as anyone asks for it; the elements that it shows."""
    shown: list[Display] = []

    def display(html: str, display_id: bool) -> Display:
        shown.append(Display())
        shown[-1].update(html)
        return shown[-1]

    ipython: Any = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display, ipython.display.HTML = display, str
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    yield shown


def test_a_training_in_a_notebook_shows_one_element(
    kernel: list[Display], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = tiny.examples("table", 178)
    words = [*tiny.words("table"), "train.epochs=2"]
    nnguide.train("table", examples, settings=words, out=tmp_path / "run")
    [board] = kernel
    for html in board.drawn:
        Balanced(html)
    assert "training table on memory:" in board.drawn[-1]
    assert re.search(r"epoch 2/2 · loss [\d.]+ · accuracy [\d.]+ · val_loss", board.drawn[-1])
    assert 'value="1.000"' in board.drawn[-1]
    assert capsys.readouterr().out == ""
    rows = np.asarray(examples.inputs[:2])
    assert len(nnguide.load(tmp_path / "run").predict(rows)) == 2
    assert len(kernel) == 1


def test_elsewhere_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notebook.is_running()
    terminal: Any = types.ModuleType("IPython")
    terminal.get_ipython = lambda: types.SimpleNamespace(config={"TerminalIPythonApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert not notebook.is_running()
