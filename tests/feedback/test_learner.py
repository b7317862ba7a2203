"""A correction turns its mail and near copies, and nothing else; taken back, it leaves nothing."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data.mail import MailText
from nnguide.feedback.learner import Features, Learner, log_odds

WORDS = [a + b + c for a in "bdfgklm" for b in "aeiou" for c in "nprst"]  # 175 of them
PROBABILITIES = st.floats(0, 1, width=32)
THRESHOLDS = st.sampled_from([0.0, 0.001, 0.5, 0.998, 0.999999])


def text(seed: int, count: int = 60) -> str:
    random = np.random.default_rng(seed)
    return " ".join(WORDS[n] for n in random.integers(0, len(WORDS), count))


@functools.cache
def features(seed: int) -> Features:
    return Features.of(text(seed))


def spam_above(learner: Learner, said: str | int, probability: float) -> bool:
    read = features(said) if isinstance(said, int) else Features.of(said)
    found = learner.probability(read, np.float32(probability))
    return bool(found > np.float32(learner.threshold))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), PROBABILITIES)), THRESHOLDS)
def test_what_was_corrected_last_has_its_label(corrections, threshold):
    learner = Learner(threshold)
    for seed, is_spam, probability in corrections:
        learner.learn(features(seed), probability, is_spam)
        assert spam_above(learner, seed, probability) == is_spam


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), PROBABILITIES), max_size=8))
def test_the_same_corrections_give_the_same_answers_bit_for_bit(corrections):
    made = []
    for _ in range(2):
        learner = Learner(0.5)
        for seed, is_spam, probability in corrections:
            learner.learn(features(seed), probability, is_spam)
        made.append([learner.probability(features(n), np.float32(0.3)) for n in range(40)])
    assert made[0] == made[1]


def test_a_text_has_its_own_label_beside_one_of_the_same_words():
    learner = Learner(0.5)
    for said, is_spam in (("win 100 pounds", True), ("win 200 pounds", False)):
        learner.learn(Features.of(said), 0.3, is_spam)
    assert spam_above(learner, "win 100 pounds", 0.3)
    assert not spam_above(learner, "win 200 pounds", 0.3)
    assert not spam_above(learner, "win 300 pounds", 0.3)  # the latest of equal ones


def test_mistakes_alone_move_nothing_but_near_copies():
    """However many: they say nothing of where the network is right."""
    learner = Learner(0.5)
    for seed in range(200):
        learner.learn(features(seed), 0.001, True)
    others = [np.float32(p) for p in np.random.default_rng(0).random(300)]
    for seed, probability in enumerate(others, 1000):
        assert learner.probability(features(seed), probability) == probability


WHOLE = (
    "Your parcel waits at the depot\nDear customer, we could not deliver your parcel yesterday "
    "since no one was at home. Pay the fee of 2 pounds on our page below within three days, or it "
    "goes back to the sender. With kind regards, the team of the parcel depot"
)
REPLY = (
    "Re: question\nI got this, is it true? Does anyone here know them, and what should one do "
    "about it? Please answer soon, I wait for a letter from my aunt in Leeds.\n> "
)


@pytest.mark.parametrize(
    "copy",
    [
        WHOLE,
        WHOLE.upper(),
        WHOLE.replace("Dear customer", "Dear Anna Smith"),
        WHOLE.replace("2 pounds", "3 pounds").replace("three", "five"),
        f"FW: {WHOLE}",
        f"{WHOLE}\n\nxqzt vbnm plok 77312",
        MailText.of("Your parcel", (WHOLE.partition("\n")[2],)),
    ],
)
def test_near_copies_turn(copy):
    learner = Learner(0.5)
    learner.learn(Features.of(WHOLE), 0.02, True)
    assert spam_above(learner, copy, 0.02)


FOOTER = (
    "\n-------\nThis list is sponsored by the makers of telephones. Get a new one here for free: "
    "http://example.com/phones\nTo leave the list, or to read what was said before, see the page "
    "http://example.com/list and follow what is written there about your address"
)


@pytest.mark.parametrize(
    "first, second",
    [
        (f"[list] Green cards\nPlay the lottery now{FOOTER}", f"Re: [list] lunch\nAt one?{FOOTER}"),
        (WHOLE, REPLY + WHOLE.replace("\n", "\n> ")),
        ("ok", "ok thanks"),
        ("fw :", "fw : calpine"),
    ],
)
def test_what_shares_a_footer_a_quotation_or_a_word_is_no_copy(first, second):
    learner = Learner(0.5)
    learner.learn(Features.of(first), 0.02, True)
    assert not spam_above(learner, second, 0.02)
    assert spam_above(learner, first, 0.02)


def test_many_answers_teach_what_the_network_does_not_know():
    """A network that is a coin, and a word that decides: after some hundred mails it is known."""
    random = np.random.default_rng(0)
    learner, wrong = Learner(0.5), []
    for seed in range(600):
        is_spam = bool(random.integers(2))
        said = f"{text(seed, 20)} {'lottery' if is_spam else 'meeting'} {text(seed + 9999, 20)}"
        probability = float(np.float32(random.uniform(0.01, 0.99)))
        wrong.append(spam_above(learner, said, probability) != is_spam)
        learner.learn(Features.of(said), probability, is_spam)
    assert np.mean(wrong[:50]) > 0.3 and np.mean(wrong[400:]) < 0.1
    assert 0 < learner.share < 1


def test_a_network_that_is_right_is_left_alone():
    learner = Learner(0.5)
    for seed in range(300):
        is_spam = bool(seed % 2)
        learner.learn(features(seed), 0.999 if is_spam else 0.001, is_spam)
    assert learner.share == 0


def test_log_odds_are_bounded():
    assert log_odds(0.5) == 0
    assert log_odds(1.0) == pytest.approx(16) and log_odds(0.0) == pytest.approx(-16)
