"""Key by which two texts count as the same."""

from __future__ import annotations

import unicodedata

_LONGEST_WORD = 1_000  # characters normalised at once


def distinct_key(text: str) -> str:
    """Return `text` after NFKC, casefold and collapsed white space.

    Two texts with one key are one text: they count once and never stand on both sides of a split.
    """
    if not text.isascii():
        text = " ".join(_nfkc(word) for word in text.split())
    return " ".join(text.casefold().split())


def _nfkc(word: str) -> str:
    # Sorting a run of combining marks takes quadratic time, so a run of any length would stall
    # here. No word of any language comes near the length at which one is taken in pieces.
    return "".join(
        unicodedata.normalize("NFKC", word[start : start + _LONGEST_WORD])
        for start in range(0, len(word), _LONGEST_WORD)
    )
