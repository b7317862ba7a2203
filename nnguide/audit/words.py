"""The words that drive a spam filter or flip its answers.

Each distinct word of a message is removed wherever it occurs, and the message is judged again: the
word's push is how far the log-odds of spam fall, in nats. Then the strongest words are appended to
other messages. A word that changes the answer to many of them is a shortcut: anyone who knows it
gets through, and anyone who happens to use it is blocked. Digits count as 0, as the network reads
them, so all numbers of the same length are one word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnguide.data.examples import Examples
from nnguide.evaluation import metrics
from nnguide.runs import Run

VARIANTS = 40_000  # changed messages that are judged
CHARACTERS = 40_000_000  # of all changed messages together; both bound the time
LONGEST = 1_200  # characters of a message that are used
LEAST = 3  # messages that a listed word must occur in
LISTED = 15  # words each way
TRIED = 10  # words each way that are put into other messages
OTHERS = 200  # messages of each label that they are put into
SHORTCUT = 0.10  # fraction of messages whose answer a shortcut changes
TOGETHER = 2_000  # changed messages that are held at once

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DIGIT = re.compile(r"\d")


@dataclass
class _Met:
    """What was observed of one word."""

    pushes: list[float] = field(default_factory=list)
    spam: int = 0  # messages with it that are spam
    to_ham: int = 0  # answers spam that taking it out turned to ham
    to_spam: int = 0


def words(run: Run, examples: Examples, seed: int = 0) -> dict[str, Any]:
    """Measure the effect of single words on a run's answers.

    Args:
        run: a spam run.
        examples: raw messages, 0 ham and 1 spam.
        seed: chooses the messages looked at, as many as the limits above allow.
    Returns:
        JSON-able. n: messages looked at. towards_spam and towards_ham: words by mean push,
        each with word, n (messages with it), spam_share, push, and turned (answers that change
        when it is taken out). flips: the words whose loss turns most answers. shortcuts: words
        that turn SHORTCUT of correctly judged messages when appended: word, towards, tried,
        turned, share. n_flipped: messages whose answer some one word's loss changes.
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    texts = [str(examples.inputs[place])[:LONGEST] for place in order]
    count, left, characters = 0, VARIANTS, CHARACTERS
    for text in texts:  # as many messages as the limits allow
        size = len(found_words(text))
        left, characters = left - size, characters - size * len(text)
        if count and (left < 0 or characters < 0):
            break
        count += 1
    texts, labels = texts[:count], examples.labels[order[:count]]
    met, flipped = _taken_out(run, texts, labels)
    rows = [_row(word, seen) for word, seen in met.items() if len(seen.pushes) >= LEAST]
    rows.sort(key=lambda row: (-row["push"], row["word"]))
    towards_spam = [row for row in rows if row["push"] > 0][:LISTED]
    towards_ham = [row for row in rows[::-1] if row["push"] < 0][:LISTED]
    turning = [_row(word, seen) for word, seen in met.items() if seen.to_ham + seen.to_spam]
    turning.sort(key=lambda row: (-row["turned"], row["word"]))
    return {
        "n": count,
        "n_flipped": flipped,
        "towards_spam": towards_spam,
        "towards_ham": towards_ham,
        "flips": turning[:LISTED],
        "shortcuts": _shortcuts(run, texts, labels, towards_spam, towards_ham),
    }


def found_words(text: str) -> list[str]:
    """Return the distinct words of a text in order.

    Case is folded, and digits are 0.
    """
    return list(dict.fromkeys(_folded(match) for match in _WORD.findall(text)))


def without(text: str, word: str) -> str:
    """Return `text` without any occurrence of `word`.

    `word` is one of its `found_words`.
    """
    return _WORD.sub(lambda match: "" if _folded(match[0]) == word else match[0], text)


def _folded(word: str) -> str:
    return _DIGIT.sub("0", word.casefold())


def _taken_out(run: Run, texts: list[str], labels: np.ndarray) -> tuple[dict[str, _Met], int]:
    whole = _judge(run, texts)
    called_spam = _called_spam(run, whole)
    variants = ((n, word) for n, text in enumerate(texts) for word in found_words(text))
    met: dict[str, _Met] = defaultdict(_Met)
    flipped: set[int] = set()
    for some in _together(variants):
        after = _judge(run, [without(texts[number], word) for number, word in some])
        now_spam = _called_spam(run, after)
        for (number, word), probability, now in zip(some, after, now_spam, strict=True):
            before, was, seen = float(whole[number]), called_spam[number], met[word]
            seen.pushes.append(log_odds(before) - log_odds(float(probability)))
            seen.spam += int(labels[number] == 1)
            seen.to_ham += int(was and not now)
            seen.to_spam += int(now and not was)
            if was != now:
                flipped.add(number)
    return met, len(flipped)


def _shortcuts(
    run: Run,
    texts: list[str],
    labels: np.ndarray,
    towards_spam: list[dict[str, Any]],
    towards_ham: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    spam = _called_spam(run, _judge(run, texts))
    rows = []
    for label, towards, candidates in ((0, "spam", towards_spam), (1, "ham", towards_ham)):
        right = np.flatnonzero((labels == label) & (spam == bool(label)))[:OTHERS]
        for candidate in candidates[:TRIED]:
            word = candidate["word"]
            changed = _judge(run, [f"{texts[number]} {word}" for number in right])
            after = _called_spam(run, changed)
            turned = int(np.count_nonzero(after != bool(label)))
            share = metrics.ratio(turned, len(right))
            if share is not None and share >= SHORTCUT:
                row = {"word": word, "towards": towards, "tried": len(right)}
                rows.append({**row, "turned": turned, "share": share})
    rows.sort(key=lambda row: (-row["share"], row["word"]))
    return rows


def _row(word: str, seen: _Met) -> dict[str, Any]:
    n = len(seen.pushes)
    return {
        "word": word,
        "n": n,
        "spam_share": seen.spam / n,
        "push": float(np.mean(seen.pushes)),
        "turned": seen.to_ham + seen.to_spam,
    }


def log_odds(probability: float) -> float:
    """Return log(p / (1 − p)).

    p is kept 1e-7 away from both ends.
    """
    p = min(max(probability, metrics.SMALLEST), 1 - metrics.SMALLEST)
    return float(np.log(p / (1 - p)))


def _judge(run: Run, texts: list[str]) -> np.ndarray:
    """Return P(spam) of texts, (n,)."""
    inputs = np.empty(len(texts), object)
    inputs[:] = texts
    return run.outputs(inputs)[:, 0]


def _called_spam(run: Run, probabilities: np.ndarray) -> np.ndarray:
    """Return which of P(spam), (n,), the run calls spam.

    The result is (n,) bool.
    """
    return run.decision.numbers(probabilities[:, None]) == 1


def _together(items: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    some: list[tuple[int, str]] = []
    for item in items:
        some.append(item)
        if len(some) == TOGETHER:
            yield some
            some = []
    if some:
        yield some
