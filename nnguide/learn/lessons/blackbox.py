"""Lesson: black boxes, explained in four ways.

Guess which word made the answer, hide words, and compare the explanations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nnguide.blueprints import attributions, by_hand
from nnguide.blueprints.activations import sigmoid
from nnguide.explain import explain_all, layers
from nnguide.learn import figures as f
from nnguide.learn.controls import Saved, Slider, Text
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

MOST = attributions.MOST_PARTS


def word(token: int) -> str:
    """Return the word of a token's id in the NumPy network."""
    return "(unknown words)" if token == 1 else str(by_hand.spam().tokeniser.vocabulary[token - 2])


class Asked(NamedTuple):
    """A message whose words can be hidden.

    Attributes:
        names: its words, the first ten.
        answer: which of them are there, (n, words) of 0 and 1, to z (n,); other words stay.
        gradient: the slope of z for each.
    """

    names: list[str]
    answer: attributions.Answer
    gradient: np.ndarray


def by_hand_asked(text: str) -> Asked:
    """Return a message in the network by hand."""
    trained = by_hand.spam()
    network = trained.network
    X = by_hand.presence(trained.tokeniser, [text])
    words = np.flatnonzero(X[0])[:10]  # so many parts are explained, at most

    def answer(there: np.ndarray) -> np.ndarray:
        masked = np.repeat(X, len(there), axis=0)
        masked[:, words] = there
        return network.forward(masked)[:, 0]

    network.forward(X)
    first, last = network.layers
    gradient = (first.W @ network.g.back(last.W[:, 0], first.a[0]))[words]  # ∂z/∂x, x = 1
    return Asked([word(int(token)) for token in words], answer, gradient)


def run_asked(text: str, run: str, guess: int) -> Asked:
    """Return a message in a saved network.

    The gradient takes Keras, so it is computed only when it is asked for.
    """
    opened = layers.opened(run)
    checked = opened.run.check([text])[0]
    spam = len(opened.run.labels) - 1
    score, words = opened.score(checked, spam), opened.words(checked)
    names = words[:10]

    def answer(there: np.ndarray) -> np.ndarray:
        masks = np.ones((len(there), len(words)), bool)
        masks[:, : len(names)] = there > 0
        return score(masks)

    gradient = np.zeros(len(names))
    if guess:
        explanation = explain_all(opened.subject, [text], "gradient", opened.run.labels[spam])[0]
        gradient = np.array([word.weight for word in explanation.weights[:10]])
    return Asked(names, answer, gradient)


def numbers(text: str, hidden: str, run: str, guess: int) -> Numbers:
    asked = by_hand_asked(text) if run == "by hand" else run_asked(text, run, guess)
    answer, gradient, words = asked.answer, asked.gradient, len(asked.names)
    hiding = attributions.hiding(answer, words)
    shapley = attributions.shapley(answer, words)
    lime = attributions.lime(answer, words)

    z = answer(np.ones((1, words))).item()
    z_none = answer(np.zeros((1, words))).item()
    gap = shapley.sum() - (z - z_none)  # 0, as Shapley values sum to what the words add
    chosen = [int(number) - 1 for number in hidden.split() if number.isdigit()]
    mine = np.ones((1, words))
    mine[0, [k for k in chosen if 0 <= k < words]] = 0
    z_mine = answer(mine).item()
    probability = sigmoid(np.array(z)).item()
    probability_mine = sigmoid(np.array(z_mine)).item()
    return dict(
        asked=asked,
        hiding=hiding,
        shapley=shapley,
        lime=lime,
        gradient=gradient,
        z=z,
        z_none=z_none,
        gap=gap,
        z_mine=z_mine,
        probability=probability,
        probability_mine=probability_mine,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    names = numbers["asked"].names
    hidden = [int(number) for number in state["hidden"].split() if number.isdigit()]
    sentence = (
        f"With all words the probability of spam is {f.short(numbers['probability'])}; without "
        f"those you hid it is {f.short(numbers['probability_mine'])}."
    )
    shown = [
        {
            "text": f" {k + 1} {name} ",
            "weight": 0.0,
            "toggle": k + 1,
            "off": k + 1 in hidden,
        }
        for k, name in enumerate(names)
    ]
    methods = ("shapley", "lime", "hiding", "gradient")
    guess = state["guess"]
    drawn: list[f.Figure] = [
        {
            "kind": "words",
            "title": "Choose words to hide them",
            "alt": sentence,
            "words": shown,
            "to": "hidden",
        },
        f.table(
            "What your hiding does",
            sentence,
            ["", "z", "probability of spam"],
            [
                ["all words", f.named(numbers, "z"), f.named(numbers, "probability")],
                ["without those", f.named(numbers, "z_mine"), f.named(numbers, "probability_mine")],
            ],
        ),
    ]
    if not names:
        return [*drawn, f.note("The message has no word that the network knows: write another.")]
    if not 1 <= guess <= len(names):
        return [
            *drawn,
            f.note(
                "Which word matters most for the answer? Set your guess to its number, and four "
                "explanations answer."
            ),
        ]
    best = [int(np.abs(numbers[method]).argmax()) + 1 for method in methods]
    agree = sum(answer == guess for answer in best)
    verdict = (
        f"You said “{names[guess - 1]}”. {agree} of the four explanations name the same word first."
    )
    rows = [
        [f"{k + 1} {name}", *(f.named(numbers, f"{method}[{k}]") for method in methods)]
        for k, name in enumerate(names)
    ]
    return [
        *drawn,
        f.note(verdict, mark=True),
        f.table(
            "Each word's contribution to z, by four methods",
            verdict,
            ["word", "SHAP (exact)", "LIME", "hiding", "gradient"],
            rows,
        ),
        f.formula(
            "SHAP's shares sum to what the words add",
            [("Σ φ − (z − z₀)", "{gap}"), ("z", "{z}"), ("z₀", "{z_none}")],
            numbers,
            "The sum of the contributions less what the words add is 0, up to rounding.",
        ),
        f.note(
            "They ask different questions and may disagree: hiding takes one word at a time, SHAP "
            "every order of them, LIME fits a line, and the gradient looks at a tiny change."
        ),
    ]


LESSON = Lesson(
    name="blackbox",
    title="Black boxes",
    summary="Guess which word made the answer; then SHAP, LIME, hiding and gradients say theirs.",
    passage=Passage("14-black-boxes"),
    controls=(
        Text("text", "Message", "You won a free prize, call me at home tonight", 400),
        Text("hidden", "Hidden words, by number", "", 40),
        Slider("guess", "Your guess: the word's number", 0, MOST, 1, 0, whole=True),
        Saved("run", "Network", "texts", "by hand, that of the lesson on words"),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [attributions.shapley, attributions.lime, attributions.hiding],
    question=Question(
        "“Urgent! You have won a guaranteed cash prize, claim now” is spam with 0.93. You hide the "
        "word that weighs most. What is left of the probability?",
        ("About half of it", "Nearly all of it", "Next to nothing"),
        {"text": "Urgent! You have won a guaranteed cash prize, claim now", "hidden": "8"},
        lambda numbers: 1 if numbers["probability_mine"] > 0.85 * numbers["probability"] else 0,
        "The other words still say the same. Hiding one word at a time makes each look harmless, "
        "which is why SHAP asks for every subset of them.",
    ),
    exactness="At most ten words are explained, with all their subsets. The network by hand is "
    "that of the lesson on words, in float64. A saved run is float32, and z ends at ±16.6; its "
    "gradient is that of the embedding times the vector, by Keras, which takes seconds to start.",
    exercises=("gradient_check",),
)
