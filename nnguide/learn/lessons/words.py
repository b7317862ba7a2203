"""Lesson: the words of a message and the spam threshold.

It shows tokens, each word's push, and its neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nnguide.blueprints import by_hand
from nnguide.blueprints.network2 import NumpyNet
from nnguide.evaluation import validation_scores
from nnguide.explain import layers
from nnguide.learn import figures as f
from nnguide.learn.controls import Saved, Slider, Text
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State


class Read(NamedTuple):
    """The answer of a network to a message, and its words.

    Attributes:
        z, probability: its answer, the log-odds of spam and P(spam).
        words, pushes: its words, and what hiding each takes from z.
        heaviest, near, near_likeness: the word that pushes most, and those of like vectors.
        others, is_spam: its probabilities for messages it did not learn from, and what they are.
    """

    z: float
    probability: float
    words: list[str]
    pushes: np.ndarray
    heaviest: str
    near: list[str]
    near_likeness: np.ndarray
    others: np.ndarray
    is_spam: np.ndarray


def by_hand_read(text: str) -> Read:
    """Return a message in the network by hand.

    This network sees which words are there.
    """
    trained = by_hand.spam()
    network, tokeniser = trained.network, trained.tokeniser
    X = by_hand.presence(tokeniser, [text])
    z = network.forward(X).item()
    there = np.flatnonzero(X[0])  # the ids of its words; 1 stands for all unknown ones
    without = np.repeat(X, len(there), axis=0)
    without[np.arange(len(there)), there] = 0
    pushes = z - network.forward(without)[:, 0] if len(there) else np.zeros(0)

    rows = network.layers[0].W  # a row of each word: what it adds to the hidden sums
    heaviest = int(there[np.abs(pushes).argmax()]) if len(there) else 2
    near, near_likeness = alike(rows, heaviest, len(rows))
    others = network.predict(trained.X_validation)[:, 0]
    return Read(
        z=z,
        probability=network.predict(X).item(),
        words=[word(int(token)) for token in there],
        pushes=pushes,
        heaviest=word(heaviest),
        near=[word(int(token)) for token in near],
        near_likeness=near_likeness,
        others=others,
        is_spam=trained.y_validation == 1,
    )


def run_read(text: str, run: str) -> Read:
    """Return a message in a saved network.

    The run's light form computes it.
    """
    opened = layers.opened(run)
    checked = opened.run.check([text])[0]
    spam = len(opened.run.labels) - 1
    words = opened.words(checked)
    pushes = opened.hidden(checked, spam)

    vocabulary = list(opened.tokeniser.vocabulary)
    known = [i for i in np.argsort(-np.abs(pushes)) if words[i] in vocabulary]
    heaviest = vocabulary.index(words[known[0]]) + 2 if known else 2
    near, near_likeness = alike(opened.embedding, heaviest, len(vocabulary) + 2)
    others, labels = validation_scores.load(opened.run)
    return Read(
        z=opened.log_odds(checked, spam),
        probability=opened.run.outputs(np.array([checked], object)).item(),
        words=words,
        pushes=pushes,
        heaviest=vocabulary[heaviest - 2],
        near=[vocabulary[i - 2] for i in near],
        near_likeness=near_likeness,
        others=others,
        is_spam=labels == 1,
    )


def alike(rows: np.ndarray, word: int, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids with the most similar vectors, and the cosines.

    The vectors are compared with that of `word`.
    """
    rows = np.asarray(rows[:words], float)
    lengths = np.linalg.norm(rows, axis=1)
    likeness = rows @ rows[word] / np.maximum(lengths * lengths[word], 1e-12)
    likeness[[0, 1, word]] = -1  # padding, the unknown, and itself
    near = np.argsort(-likeness, kind="stable")[:6]
    return near, likeness[near]


def word(token: int) -> str:
    """Return the word of a token's id in the NumPy network."""
    return "(unknown words)" if token == 1 else str(by_hand.spam().tokeniser.vocabulary[token - 2])


def numbers(text: str, threshold: float, run: str) -> Numbers:
    read = by_hand_read(text) if run == "by hand" else run_read(text, run)
    z, probability, pushes = read.z, read.probability, read.pushes
    near_likeness = read.near_likeness

    spam, ham = read.others[read.is_spam], read.others[~read.is_spam]
    caught, blocked = np.mean(spam > threshold), np.mean(ham > threshold)
    thresholds = np.linspace(0, 1, 101)
    caught_curve = (spam[None] > thresholds[:, None]).mean(axis=1)
    blocked_curve = (ham[None] > thresholds[:, None]).mean(axis=1)
    return dict(
        read=read,
        z=z,
        probability=probability,
        pushes=pushes,
        near_likeness=near_likeness,
        caught=caught,
        blocked=blocked,
        caught_curve=caught_curve,
        blocked_curve=blocked_curve,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    shown = dict(state) | numbers
    label = "spam" if numbers["probability"] > state["threshold"] else "ham"
    answer = f"The probability of spam is {f.short(numbers['probability'])}: {label}."
    return [
        f.formula(
            answer,
            [("z", "{z}"), ("ŷ", "1/(1 + e^(−{z}))", "{probability}")],
            shown,
            answer,
        ),
        *_of_the_message(numbers, answer),
        _of_neighbours(numbers),
        *_of_the_threshold(state["threshold"], numbers),
    ]


def _of_the_message(numbers: Numbers, answer: str) -> list[f.Figure]:
    """Return figures of the message's words and their pushes."""
    words, pushes = numbers["read"].words, numbers["pushes"]
    coloured = [
        {"text": f" {words[i]} ", "weight": float(pushes[i])}
        for i in np.argsort(-pushes, kind="stable")
    ]
    rows = [
        [words[i], f.named(numbers, f"pushes[{i}]")]
        for i in np.argsort(-np.abs(pushes), kind="stable")[:15]
    ]
    return [
        {
            "kind": "words",
            "title": "Its words: orange pushes towards spam, blue towards ham",
            "alt": answer + " Words from the one most for spam to the one most against it.",
            "words": coloured,
        },
        f.table(
            "What each word adds to z: hide it, and so much is gone",
            answer,
            ["word", "push"],
            rows,
        ),
    ]


def _of_neighbours(numbers: Numbers) -> f.Figure:
    """Return the words most like the one that pushes most."""
    read: Read = numbers["read"]
    near = [
        {"label": name, "number": f.named(numbers, f"near_likeness[{i}]")}
        for i, name in enumerate(read.near)
    ]
    return f.bars(
        f"Words whose vectors point as that of “{read.heaviest}” does",
        "The cosine of the angle between two vectors: 1 is the same direction.",
        near,
        0,
        1,
    )


def _of_the_threshold(threshold: float, numbers: Numbers) -> list[f.Figure]:
    """Return what is caught and blocked at each threshold.

    The chosen threshold is marked.
    """
    along = np.linspace(0, 1, 101)
    trade = (
        f"Above {f.short(threshold)}, {f.short(100 * numbers['caught'])} % of the spam is caught "
        f"and {f.short(100 * numbers['blocked'])} % of the ham blocked, on messages it never saw."
    )
    return [
        f.chart(
            "The threshold is yours",
            trade,
            f.axis("threshold", 0, 1),
            f.axis("fraction", 0, 1),
            lines=[
                f.line("spam caught", along, numbers["caught_curve"], "caught_curve", 0),
                f.line("ham blocked", along, numbers["blocked_curve"], "blocked_curve", 1),
            ],
            points=[
                f.point(threshold, numbers["caught"]),
                f.point(threshold, numbers["blocked"]),
            ],
            drag={"x": "threshold"},
        ),
        f.table(
            "At this threshold",
            trade,
            ["", "fraction"],
            [
                ["spam caught", f.named(numbers, "caught")],
                ["ham blocked", f.named(numbers, "blocked")],
            ],
        ),
        f.note(trade),
    ]


LESSON = Lesson(
    name="words",
    title="Words",
    summary="Type a message: its tokens, each word's push, and a threshold that is yours.",
    passage=Passage("11-digits-and-spam-in-an-afternoon", start="**Spam.**", stop="**Serve it.**"),
    controls=(
        Text("text", "Message", "Congratulations! You have won a free prize. Call now!", 2000),
        Slider("threshold", "Threshold", 0, 1, 0.01, 0.5),
        Saved("run", "Network", "texts", "by hand, 16 hidden units"),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: (
        [by_hand.presence, NumpyNet.forward]
        if state["run"] == Saved.OWN
        else [layers.Opened.hidden, layers.Opened.log_odds, validation_scores.load]
    ),
    question=Question(
        "You take 0.99 for a threshold instead of 0.5. What happens to the two fractions?",
        ("Both fall", "More spam is caught, less ham blocked", "Both rise"),
        {"threshold": 0.99},
        lambda numbers: (
            0
            if numbers["caught"] < numbers["caught_curve"][50]
            and numbers["blocked"] <= numbers["blocked_curve"][50]
            else 1
        ),
        "A higher bar is passed by fewer messages of both kinds. It is a trade, and only you know "
        "what a lost mail costs.",
    ),
    exactness="A network by hand of 16 hidden units, which sees only which of 600 words are there; "
    "it learned from the sample that comes with nnguide, in float64. A saved run computes in "
    "float32; its fractions are of the predictions that its training kept to choose thresholds by.",
    exercises=("tokenise", "embedding", "threshold"),
)
