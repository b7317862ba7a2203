"""Words: tokens of a message, each word's push, its neighbours, and the threshold."""

from __future__ import annotations

import numpy as np

from nnguide.blueprints import by_hand
from nnguide.blueprints.network2 import NumpyNet
from nnguide.learn import figures as f
from nnguide.learn.controls import Slider, Text
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

NEIGHBOURS = 6


def numbers(text: str, threshold: float) -> Numbers:
    trained = by_hand.spam()
    network, tokeniser = trained.network, trained.tokeniser
    X = by_hand.presence(tokeniser, [text])
    z = network.forward(X).item()
    probability = network.predict(X).item()

    there = np.flatnonzero(X[0])  # the ids of its words; 1 stands for all unknown ones
    without = np.repeat(X, len(there), axis=0)
    without[np.arange(len(there)), there] = 0
    pushes = z - network.forward(without)[:, 0] if len(there) else np.zeros(0)

    rows = network.layers[0].W  # a row of each word: what it adds to the hidden sums
    lengths = np.linalg.norm(rows, axis=1)
    heaviest = int(there[np.abs(pushes).argmax()]) if len(there) else 2
    likeness = rows @ rows[heaviest] / np.maximum(lengths * lengths[heaviest], 1e-12)
    likeness[[0, 1, heaviest]] = -1  # padding, the unknown, and itself
    near = np.argsort(-likeness, kind="stable")[:6]
    near_likeness = likeness[near]

    others, is_spam = network.predict(trained.X_validation)[:, 0], trained.y_validation == 1
    caught = np.mean(others[is_spam] > threshold)
    blocked = np.mean(others[~is_spam] > threshold)
    thresholds = np.linspace(0, 1, 101)
    caught_curve = (others[is_spam][None] > thresholds[:, None]).mean(axis=1)
    blocked_curve = (others[~is_spam][None] > thresholds[:, None]).mean(axis=1)
    return dict(
        z=z,
        probability=probability,
        there=there,
        pushes=pushes,
        heaviest=heaviest,
        near=near,
        near_likeness=near_likeness,
        caught=caught,
        blocked=blocked,
        caught_curve=caught_curve,
        blocked_curve=blocked_curve,
    )


def word(token: int) -> str:
    """The word of a token's id."""
    return "(unknown words)" if token == 1 else str(by_hand.spam().tokeniser.vocabulary[token - 2])


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
    """The words that are there, and how each pushes."""
    pushes = numbers["pushes"]
    coloured = [
        {"text": f" {word(int(numbers['there'][i]))} ", "weight": float(pushes[i])}
        for i in np.argsort(-pushes, kind="stable")
    ]
    rows = [
        [
            word(int(numbers["there"][i])),
            f.named(numbers, f"there[{i}]"),
            f.named(numbers, f"pushes[{i}]"),
        ]
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
            ["word", "id", "push"],
            rows,
        ),
    ]


def _of_neighbours(numbers: Numbers) -> f.Figure:
    """The words most like the one that pushes most."""
    near = [
        {
            "label": word(int(numbers["near"][i])),
            "number": f.named(numbers, f"near_likeness[{i}]"),
        }
        for i in range(NEIGHBOURS)
    ]
    return f.bars(
        f"Words whose rows of weights point as that of “{word(numbers['heaviest'])}” does",
        "The cosine of the angle between two rows: 1 is the same direction.",
        near,
        0,
        1,
    )


def _of_the_threshold(threshold: float, numbers: Numbers) -> list[f.Figure]:
    """What is caught and blocked at each threshold, and at this one."""
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
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [by_hand.presence, NumpyNet.forward],
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
    exactness="A network by hand of 16 hidden units, which sees only which of 600 words are "
    "there; it learned from the sample that comes with nnguide. All numbers are float64.",
    exercises=("tokenise", "embedding", "threshold"),
)
