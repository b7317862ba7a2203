"""The words that a filter names are those without which the answer would change most."""

from __future__ import annotations

import numpy as np

from nnguide.serving.filtering import reasons
from nnguide.serving.filtering.reasons import WordScores


def network(texts):
    """Spam by prize and cash, ham by lunch."""
    weights = {"prize": 3, "cash": 1, "lunch": -2}
    sums = [sum(weights.get(w.strip(".,").lower(), 0) for w in str(t).split()) for t in texts]
    return (1 / (1 + np.exp(-np.array(sums, float))))[:, None].astype(np.float32)


def test_the_words_that_weighed_most_come_first():
    text = "A prize. The cash, a Prize and lunch"
    assert reasons.words(WordScores(network), text, True) == ["prize", "cash"]
    assert reasons.words(WordScores(network), text, False) == ["lunch"]
    assert (
        reasons.words(WordScores(network), "", True)
        == reasons.words(WordScores(network), "... !", True)
        == []
    )


def test_a_long_text_costs_a_bounded_number_of_answers():
    asked = []

    def counting(texts):
        asked.append((len(texts), sum(map(len, texts))))
        return network(texts)

    reasons.words(WordScores(counting), " ".join(f"w{n}" for n in range(100_000)), True)
    assert len(asked) == 2
    assert sum(count for count, _ in asked) <= reasons.DISTINCT + reasons.TRIED + 1
    assert sum(letters for _, letters in asked) <= reasons.REACH * (reasons.TRIED + 2)


def test_a_word_is_judged_once_and_no_more_are_kept_than_said(monkeypatch):
    monkeypatch.setattr(reasons, "KNOWN", 30)
    asked = []

    def counting(texts):
        asked.extend(map(str, texts))
        return network(texts)

    scores = WordScores(counting)
    for n in range(40):
        some = ["prize", "lunch", *(f"w{n}.{k}" for k in range(9))]
        expected = [reasons._log_odds(network, [word])[0] for word in some]
        assert scores(some).tolist() == expected
        assert len(scores._known) <= 30
    assert asked.count("prize") == 1


def test_a_network_that_is_sure_beyond_what_a_probability_shows_still_has_words() -> None:
    """Take any one word away, and it is as sure: then those count that say most alone."""

    def sure(rows: np.ndarray) -> np.ndarray:
        score = [40.0 * len({"prize", "cash", "win"} & set(row.split())) for row in rows]
        return (1 / (1 + np.exp(-np.array(score, np.float32))))[:, None]

    assert reasons.words(WordScores(sure), "win prize at lunch cash", True) == [
        "win",
        "prize",
        "cash",
    ]
