"""Black boxes: guess which word made the answer, hide words, and ask four explanations."""

from __future__ import annotations

import numpy as np

from nnguide.blueprints import attributions, by_hand
from nnguide.learn import figures as f
from nnguide.learn.controls import Slider, Text
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

MOST = attributions.MOST_PARTS


def numbers(text: str, hidden: str) -> Numbers:
    trained = by_hand.spam()
    network = trained.network
    X = by_hand.presence(trained.tokeniser, [text])
    words = np.flatnonzero(X[0])[:10]  # so many parts are explained, at most
    parts = len(words)

    def answer(there: np.ndarray) -> np.ndarray:
        """z of the message with some of the words only; other words stay."""
        masked = np.repeat(X, len(there), axis=0)
        masked[:, words] = there
        return network.forward(masked)[:, 0]

    hiding = attributions.hiding(answer, parts)
    shapley = attributions.shapley(answer, parts)
    lime = attributions.lime(answer, parts)
    network.forward(X)
    first, last = network.layers
    gradient = (first.W @ network.g.back(last.W[:, 0], first.a[0]))[words]  # ∂z/∂x, x = 1

    z = answer(np.ones((1, parts))).item()
    z_none = answer(np.zeros((1, parts))).item()
    gap = shapley.sum() - (z - z_none)  # 0, as Shapley values sum to what the words add
    chosen = [int(part) - 1 for part in hidden.split() if part.isdigit()]
    mine = np.ones((1, parts))
    mine[0, [k for k in chosen if 0 <= k < parts]] = 0
    z_mine = answer(mine).item()
    probability = network.g_out.value(np.array(z)).item()
    probability_mine = network.g_out.value(np.array(z_mine)).item()
    return dict(
        words=words,
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
    from nnguide.learn.lessons.words import word

    names = [word(int(token)) for token in numbers["words"]]
    hidden = [int(part) for part in state["hidden"].split() if part.isdigit()]
    said = (
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
            "alt": said,
            "words": shown,
            "to": "hidden",
        },
        f.table(
            "What your hiding does",
            said,
            ["", "z", "probability of spam"],
            [
                ["all words", f.named(numbers, "z"), f.named(numbers, "probability")],
                ["less those", f.named(numbers, "z_mine"), f.named(numbers, "probability_mine")],
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
    agree = sum(one == guess for one in best)
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
    exactness="At most ten words are explained, with all their subsets; the network is that of the "
    "lesson on words. All numbers are float64.",
    exercises=("gradient_check",),
)
