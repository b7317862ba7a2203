"""Words of a text that weighed most for a label.

It is quick enough for every mail. Each word is judged alone, all in one batch of short texts; the
few that say most for the label are then taken away from the text, one after another, and what the
score falls by is the weight. Where the network is so sure that no one of them shows, their order
alone is told. `nnguide explain` weighs every word, and takes its time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

Network = Callable[[np.ndarray], np.ndarray]  # (n,) object texts to (n, 1) probabilities of spam

REACH = 2_000  # characters of a text that are looked at
DISTINCT = 100  # words that are judged alone
TRIED = 8  # words that are taken away
SAID = 5  # words that are told
KNOWN = 20_000  # words whose log-odds alone are kept, for the next mails
LONGEST = 40  # characters of a word that are told
_WORD = re.compile(r"[^\W_]+(?:[.,'’-][^\W_]+)*")
_NEAR_ONE = 6e-8  # float32 cannot tell 1 − p from 0 below it
_SUREST = 16.6  # log-odds: what _NEAR_ONE leaves of any that are larger


class WordScores:
    """Log-odds of single words, each judged once; threads may share them.

    A word alone has the same answer, bit for bit, whatever else the network is asked beside it.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._known: dict[str, float] = {}

    def __call__(self, words: Sequence[str]) -> np.ndarray:
        """Return the log-odds of spam, (n,) float64."""
        known = self._known
        if new := [word for word in words if word not in known]:
            if len(known) + len(new) > KNOWN:
                known = {word: known[word] for word in words if word in known}
            self._known = known
            known.update(zip(new, _log_odds(self.network, new).tolist(), strict=True))
        return np.array([known[word] for word in words])


def words(scores: WordScores, text: str, is_spam: bool) -> list[str]:
    """Return the words that weighed most for the text's label.

    The most important one is first.

    Args:
        scores: of single words, by the network that judges.
        text: the text that was judged.
        is_spam: whether the words speak for spam; else for ham.
    """
    text = text[:REACH]
    places: dict[str, list[re.Match[str]]] = {}  # a word, whatever its case -> where it stands
    for match in _WORD.finditer(text):
        if len(match[0]) > 1:
            places.setdefault(match[0].casefold(), []).append(match)
    known = list(places)[:DISTINCT]
    if not known:
        return []
    sign = 1 if is_spam else -1
    alone = sign * scores([places[word][0][0] for word in known])
    order = np.argsort(-alone, kind="stable")[:TRIED]
    tried = [known[n] for n in order]
    without = [_without(text, places[word]) for word in tried]
    left = sign * _log_odds(scores.network, [text, *without])
    falls = left[0] - left[1:]
    best = [n for n in np.argsort(-falls, kind="stable")[:SAID] if falls[n] > 0]
    if not best and left[0] >= _SUREST:
        best = [n for n in range(len(order))[:SAID] if alone[order[n]] > 0]
    return [places[tried[n]][0][0][:LONGEST] for n in best]


def _log_odds(network: Network, texts: list[str]) -> np.ndarray:
    rows = np.empty(len(texts), object)
    rows[:] = texts
    p = np.clip(network(rows)[:, 0].astype(np.float64), _NEAR_ONE, 1 - _NEAR_ONE)
    return np.log(p / (1 - p))


def _without(text: str, taken: list[re.Match[str]]) -> str:
    """Return the text with a blank for each word taken."""
    kept = []
    place = 0
    for match in taken:
        kept.append(text[place : match.start()])
        place = match.end()
    return " ".join([*kept, text[place:]])
