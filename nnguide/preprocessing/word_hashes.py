"""Hashes of a text's words and pairs, without a vocabulary."""

from __future__ import annotations

import numpy as np

from . import characters
from .tokens import GRAM_BASE, MODULUS, _word_keys


def word_hashes(text: str, most: int = 1000) -> np.ndarray:
    """Return hashes of a text's first words and of their pairs.

    The first `most` words are read; no vocabulary matters.

    Returns:
        (m,) uint32, distinct, rising: 31 bits of a hash, and one that tells pairs from words.
    """
    framed, _ = characters.framed([text[: 32 * most]])
    keys = _word_keys(characters.shaped(framed))[0][:most] % MODULUS
    before = np.append(0, keys)[: len(keys)]
    pairs = (before * GRAM_BASE + keys) % MODULUS
    both = np.sort(np.concatenate([2 * keys, 2 * pairs + 1]))
    return both[np.diff(both, prepend=-1) > 0].astype(np.uint32)
