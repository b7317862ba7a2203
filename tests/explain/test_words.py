"""From token ids back to words, for any text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.explain import words
from nnguide.preprocessing.tokens import Tokeniser

TEXTS = [
    "win a free prize now",
    "see you at six",
    "½ price, £1,000 a-b won't",
    "call0871 (872)-9758now 1 2345678",
]
TOKENISERS = [
    Tokeniser.adapt(TEXTS, buckets=64, pairs=16),
    Tokeniser.adapt(TEXTS, buckets=64, pairs=0, max_words=3, max_chars=9),
    Tokeniser.adapt(TEXTS, grams=(), max_words=2),
    Tokeniser.adapt(TEXTS, plain=True, numbers=True, buckets=0, opening=32, opening_words=3),
    Tokeniser.adapt(TEXTS, buckets=64, phones=True),
]
ANY = st.one_of(st.text(max_size=40), st.sampled_from(TEXTS))


@pytest.mark.parametrize("tokeniser", TOKENISERS)
@settings(max_examples=60, deadline=None)
@given(text=ANY)
def test_every_id_is_shared_out_whole(tokeniser, text):
    ids, shares = words.shares(tokeniser, text)
    row = tokeniser([text])[0]
    assert ids.tolist() == row[row > 0].tolist()
    np.testing.assert_allclose(shares.sum(axis=1), np.ones(len(ids)))
    assert (shares >= 0).all()


@pytest.mark.parametrize("tokeniser", TOKENISERS)
@settings(max_examples=60, deadline=None)
@given(text=ANY)
def test_keeping_all_changes_nothing_and_keeping_none_leaves_nothing(tokeniser, text):
    found, _ = words.read(tokeniser, text)
    count = len(found.words)
    whole, empty = found.keep(np.repeat([[True], [False]], count, axis=1))
    assert tokeniser([whole]).tolist() == tokeniser([text]).tolist()
    assert not tokeniser([empty]).any()


def test_a_word_takes_its_own_id_half_of_its_pairs_and_the_grams_it_spells():
    tokeniser = Tokeniser(["win", "now"], pairs=10_007, grams=(3,), buckets=100_003)
    ids, shares = words.shares(tokeniser, "win now")
    of = dict(zip(ids.tolist(), shares.tolist(), strict=True))
    assert of[2] == [1, 0]
    assert of[3] == [0, 1]
    pairs = [row for number, row in of.items() if 4 <= number < tokeniser.first_gram]
    assert sorted(pairs) == [[0.5, 0.5], [1, 0]]
    grams = [row for number, row in of.items() if number >= tokeniser.first_gram]  # win inn nno now
    np.testing.assert_allclose(sorted(grams), [[0, 1], [1 / 3, 2 / 3], [2 / 3, 1 / 3], [1, 0]])


def test_a_word_that_occurs_twice_is_shared_equally():
    tokeniser = Tokeniser(["win"], pairs=0, buckets=0)
    ids, shares = words.shares(tokeniser, "win win")
    assert ids.tolist() == [2]
    assert shares.tolist() == [[0.5, 0.5]]
