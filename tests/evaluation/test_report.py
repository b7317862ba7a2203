"""The terminal text tells what the metrics found, and never a NaN or a control character."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.evaluation import metrics, report, thresholds

DIGITS = [str(digit) for digit in range(10)]


@pytest.fixture
def spam_found():
    labels = np.r_[np.zeros(90, int), np.ones(10, int)]
    probabilities = np.r_[np.full(89, 0.1), 0.9, np.full(8, 0.95), 0.2, 0.3]
    return metrics.spam_metrics(probabilities, labels, 0.5)


def test_the_spam_report_has_the_headline_figures(spam_found):
    text = report.lines(
        {"task": "spam", "dataset": "sms_spam", "split": "test", **spam_found}, ["ham", "spam"]
    )
    assert text.startswith("spam, sms_spam, test, 100 examples\n")
    assert "accuracy               97.0 % (95 % interval 91.5 to 99.0 %)" in text
    assert "spam caught (SC)       80.0 % (95 % interval 49.0 to 94.3 %)" in text
    assert "ham blocked (BH)       1.1 % (95 % interval 0.2 to 6.0 %)" in text
    assert "MCC                    0.8270" in text
    assert text.endswith("      ham  spam\nham    89     1\nspam    2     8")


def test_a_stand_in_is_named(spam_found):
    told = {"dataset": "spam_sample", "dataset_is_fallback": True, **spam_found}
    assert "built in, a stand-in for real data" in report.lines(told, ["ham", "spam"])


def test_the_digits_report_has_a_row_a_class_and_an_aligned_matrix():
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 3000)
    probabilities = np.full((3000, 10), 0.02)
    predicted = np.where(random.random(3000) < 0.98, labels, (labels + 1) % 10)
    probabilities[np.arange(3000), predicted] = 0.82
    found = metrics.digits_metrics(probabilities, labels, DIGITS)
    text = report.lines(found, DIGITS)
    assert f"{100 * found['accuracy']:.2f} % (95 % interval " in text
    matrix = text.split("predicted labels\n")[1].splitlines()
    assert len(matrix) == 11
    assert len({len(line) for line in matrix}) == 1
    assert sum(line.startswith(tuple(DIGITS)) for line in text.splitlines()[1:]) == 20


def test_many_labels_are_told_by_their_most_frequent_mistakes():
    k = 60
    labels = np.arange(k).repeat(3)
    probabilities = np.eye(k)[labels]
    probabilities[:2] = np.eye(k)[7]
    text = report.lines(
        metrics.digits_metrics(probabilities, labels, [f"c{i}" for i in range(k)]),
        [f"c{i}" for i in range(k)],
    )
    assert text.endswith("true  predicted  times\nc0           c7      2")
    assert "rows: true labels" not in text


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), max_size=20),
    st.lists(st.text(max_size=40), min_size=2, max_size=2),
)
def test_any_answers_and_any_names_give_printable_text(answers, names):
    scores = np.array([score for score, _ in answers])
    labels = np.array([label for _, label in answers], int)
    for found in (
        metrics.spam_metrics(scores, labels, 0.5),
        metrics.digits_metrics(np.stack([1 - scores, scores], 1), labels, names),
    ):
        text = report.lines(found, names)
        assert all(line.isprintable() for line in text.split("\n"))
        assert "nan" not in text.replace(names[0], "").replace(names[1], "").lower()


def test_the_threshold_table_marks_the_chosen_row():
    labels = np.r_[np.zeros(50, int), np.ones(50, int)]
    scores = np.linspace(0, 1, 100)
    rows = thresholds.threshold_table(scores, labels, [0.3, 0.5, 0.99999999])
    head, *body = str(report.threshold_grid(rows, chosen=0.5)).splitlines()
    assert head.split() == ["threshold", "spam", "caught", "ham", "blocked", "MCC", "accuracy"]
    assert body[0].split()[:2] == ["0.3000", "100.00"]
    assert body[1].endswith("<- chosen") and not body[0].endswith("chosen")
    assert body[2].startswith("0.99999999 ")


def test_without_examples_the_text_says_undefined():
    found = metrics.spam_metrics(np.zeros(0), np.zeros(0, int), 0.5)
    text = report.lines(found, ["ham", "spam"])
    assert "accuracy               undefined\n" in text
