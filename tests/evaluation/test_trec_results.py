"""With feedback the network that comes with nnguide is no worse than bogofilter, on each corpus."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from nnguide import runs
from nnguide.evaluation import trec
from nnguide.feedback.learner import Learner

sys.path.append(str(Path(__file__).parents[1] / "data"))
import mails as made

SCRIPT = Path(__file__).parents[2] / "scripts" / "trec_results"

needs_bogofilter = pytest.mark.skipif(
    not shutil.which("bogofilter"), reason="bogofilter is not installed"
)


@pytest.fixture(scope="module")
def trec_results():
    loader = importlib.machinery.SourceFileLoader("trec_results", str(SCRIPT))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("trec_results", loader)
    )
    loader.exec_module(module)
    return module


@needs_bogofilter
def test_bogofilter_judges_before_it_learns(trec_results, tmp_path):
    mails = [(n % 2, made.plain(n, made.SPAM if n % 2 else made.HAM)) for n in range(12)]
    judged = trec_results.bogofilter(trec_results.write(mails, tmp_path))
    assert judged.labels.tolist() == [0, 1] * 6
    assert judged.scores[0] == pytest.approx(0.52)
    assert (judged.scores[10:] > 0.5).tolist() == [False, True]
    assert trec.lines(tmp_path / "index")[1] == (1, tmp_path / "inmail.1")


@needs_bogofilter
@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["spamassassin", *(f"enron_spam/{n}" for n in (2, 4, 5, 6))])
def test_the_network_with_feedback_is_no_worse_than_bogofilter(trec_results, tmp_path, corpus):
    mails = trec_results.unseen(corpus, trec_results.raw(corpus))
    index = trec_results.write(mails, tmp_path)
    run = runs.load("spam", ["mail"])
    ours = trec.judge(run, index, 0, Learner(run.threshold))
    areas = [
        trec.figures(one.scores, one.labels, 0.5)["one_minus_roc_auc"]
        for one in (ours, trec_results.bogofilter(index))
    ]
    assert areas[0] <= areas[1]


def test_the_table_takes_the_place_of_the_one_before(trec_results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Results\n\nbefore\n")
    trec_results.put(page, trec_results.section(["| first |"], None))
    page.write_text(page.read_text() + "\nafter\n")
    trec_results.put(page, trec_results.section(["| second |"], 100))
    text = page.read_text()
    assert "before" in text and "after" in text and "second" in text and "first" not in text
    assert text.count(trec_results.BEGIN) == 1
