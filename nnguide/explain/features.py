"""The parts of an input, and the input without some of them.

A mask (parts,) bool says which parts stay. A part that is taken away is replaced by
the baseline: black, no word, or a feature's mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

SIDE = 28  # pixels


class Parts(Protocol):
    """The parts of one input."""

    @property
    def differs(self) -> np.ndarray:
        """Which parts are not at the baseline already, (parts,) bool."""

    def keep(self, masks: np.ndarray) -> np.ndarray:
        """Return raw inputs (n, …) with only the kept parts.

        Each has the parts that its row of `masks` (n, parts) keeps.
        """


@dataclass(frozen=True, eq=False)
class Patches:
    """A picture (28, 28) in squares of `size` pixels.

    A part that is taken away turns black.
    """

    picture: np.ndarray
    size: int = 1

    @property
    def number(self) -> np.ndarray:
        """The part that each pixel belongs to, (28, 28) int."""
        row, column = np.indices((SIDE, SIDE)) // self.size
        return row * -(-SIDE // self.size) + column

    @property
    def differs(self) -> np.ndarray:
        return np.bincount(self.number.ravel(), self.picture.ravel() != 0) > 0

    def keep(self, masks: np.ndarray) -> np.ndarray:
        return self.picture * masks[:, self.number]

    def spread(self, weights: np.ndarray) -> np.ndarray:
        """Divide each part's weight equally among its pixels, (28, 28)."""
        return (weights / np.bincount(self.number.ravel()))[self.number]


class Word(NamedTuple):
    """A word of a text, as the network reads it.

    It has a weight.
    """

    word: str
    start: int
    end: int  # text[start:end] is what it was read from
    weight: float = 0.0


@dataclass(frozen=True, eq=False)
class Words:
    """A text and the words in it that the network reads.

    A space takes the place of a word that is taken away.
    """

    text: str
    words: Sequence[Word]  # in order, without overlap

    @property
    def differs(self) -> np.ndarray:
        return np.ones(len(self.words), bool)

    def keep(self, masks: np.ndarray) -> np.ndarray:
        bounds = [0, *(edge for word in self.words for edge in (word.start, word.end))]
        gaps = [self.text[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=False)]
        texts = [self.text[word.start : word.end] for word in self.words]
        made = [
            "".join(
                gap + (word if stays else " ")
                for gap, word, stays in zip(gaps, texts, mask, strict=True)
            )
            for mask in masks
        ]
        return np.array(made, dtype=object)


@dataclass(frozen=True, eq=False)
class Features:
    """A row of numbers (features,).

    A number that is taken away turns into its `baseline`.
    """

    row: np.ndarray
    baseline: np.ndarray

    @property
    def differs(self) -> np.ndarray:
        return self.row != self.baseline

    def keep(self, masks: np.ndarray) -> np.ndarray:
        return np.where(masks, self.row, self.baseline)
