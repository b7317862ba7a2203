"""What the built-in messages promise: balanced, varied, invented, learnable, not trivial."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from nnguide.data import spam_sample
from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples

DOMAIN = re.compile(r"\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b", re.IGNORECASE)
RESERVED_DOMAIN = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:example\.(?:org|com|net)|[a-z0-9-]+\.(?:example|test|invalid))",
    re.IGNORECASE,
)
# Seven digits or more with at most telephone punctuation between them: sums of money have commas.
NUMBER = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){6,}")
RESERVED_NUMBER = re.compile(
    r"(?:\+?1[\s-]?)?(?:\(?\d{3}\)?[\s-]?)?555-01\d\d"  # North America
    r"|(?:07|\+447|\+44 7)700 ?900 ?\d{3}|(?:020|\+44 20) ?7946 ?0\d{3}"  # United Kingdom
)


@pytest.fixture(scope="module")
def sample() -> Examples:
    return spam_sample.load()


def unreserved(text: str) -> list[str]:
    """Domains and telephone numbers in `text` that could be somebody's."""
    domains = [d for d in DOMAIN.findall(text) if not RESERVED_DOMAIN.fullmatch(d)]
    numbers = [n for n in NUMBER.findall(text) if not RESERVED_NUMBER.fullmatch(n)]
    return domains + numbers


def trigrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", re.sub(r"\d", "0", text).casefold())
    return set(zip(words, words[1:], words[2:], strict=False)) or {tuple(words)}


def test_it_is_large_and_exactly_balanced(sample):
    assert sample.label_names == ("ham", "spam")
    assert sample.labels.dtype == np.int64
    counts = sample.counts()
    assert counts["ham"] == counts["spam"] >= 410


def test_the_file_is_plain_lines_of_label_and_text():
    data = Path(spam_sample.__file__).with_name("spam_sample.tsv").read_bytes()
    assert data.endswith(b"\n") and b"\r" not in data
    for line in data.decode("utf-8").split("\n")[:-1]:
        label, tab, text = line.partition("\t")
        assert label in ("ham", "spam") and tab
        assert text == text.strip() and 5 <= len(text) <= 450
        assert not any(unicodedata.category(character) == "Cc" for character in text), text


def test_no_two_texts_are_the_same(sample):
    assert len({distinct_key(text) for text in sample.inputs}) == len(sample)


def test_no_two_texts_are_nearly_the_same(sample):
    sets = [trigrams(text) for text in sample.inputs]
    holders: dict[tuple[str, ...], list[int]] = {}
    for index, found in enumerate(sets):
        for trigram in found:
            holders.setdefault(trigram, []).append(index)
    pairs = {(a, b) for group in holders.values() for a in group for b in group if a < b}
    near = [
        (sample.inputs[a], sample.inputs[b])
        for a, b in pairs
        if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= 0.5
    ]
    assert not near


def test_every_domain_and_telephone_number_is_reserved(sample):
    assert [found for text in sample.inputs for found in unreserved(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "see prizes.com now",
        "see example.org.evil.net/x",
        "write to ann@mail.co.uk",
        "ring 07700 901234",
        "ring 020 7123 4567",
        "ring 555-0234",
        "ring +1 202-555-1143",
        "ring +65 9123 4567",
        "ring 98765 43210",
    ],
)
def test_the_check_knows_what_is_not_reserved(text):
    assert unreserved(text)


@pytest.mark.parametrize(
    "text",
    [
        "pay at parcel.example/fee, shop.example.com or a.b.test",
        "ring 555-0143, +1 202-555-0143, 07700 900123 or 020 7946 0958",
        "it costs 1,250,000 at 9.30 on 14 May 2026",
    ],
)
def test_the_check_lets_reserved_ones_pass(text):
    assert unreserved(text) == []


def test_words_that_sound_like_spam_stand_on_both_sides(sample):
    for word in ("free", "win", "claim", "urgent", "offer", "call", "prize", "example", "£", "$"):
        holding = [
            label
            for text, label in zip(sample.inputs, sample.labels, strict=True)
            if word in text.casefold()
        ]
        assert {0, 1} <= set(holding), word


def test_a_linear_classifier_learns_it_but_not_perfectly(sample):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline

    accuracy = cross_val_score(
        make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000)),
        sample.inputs,
        sample.labels,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).mean()
    assert 0.85 <= accuracy <= 0.995
