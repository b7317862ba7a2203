"""When two texts are one."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data.distinct import distinct_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Win  NOW\n", "win now"),
        ("Straße", "STRASSE"),
        ("ﬁnd", "find"),
        ("cafe\u0301", "café"),
        ("a\u00a0b\u2003c", "a b c"),
        ("ＦＲＥＥ", "free"),
    ],
)
def test_the_same_text(one, other):
    assert distinct_key(one) == distinct_key(other)


@pytest.mark.parametrize(("one", "other"), [("win 1", "win 2"), ("a b", "ab"), ("a.", "a")])
def test_another_text(one, other):
    assert distinct_key(one) != distinct_key(other)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_white_space_never_matters(text):
    assert distinct_key(f"  {text}\n") == distinct_key(text)


def test_a_run_of_combining_marks_takes_linear_time():
    started = time.process_time()
    distinct_key("a" + "\u0345\u0301" * 100_000)
    assert time.process_time() - started < 30  # in quadratic time, hours
