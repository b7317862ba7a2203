"""Tokens of a text, with the pieces that they came from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nnguide.preprocessing import characters
from nnguide.preprocessing.characters import SPACE
from nnguide.preprocessing.tokens import _word_bounds


class Piece(NamedTuple):
    """A token and the piece of text that it came from."""

    token: str
    original: str  # text[start:end]
    start: int
    end: int


def pieces(
    text: str, plain: bool = False, numbers: bool = False, phones: bool = False
) -> list[Piece]:
    """Return the tokens of `text`, each with its piece of `text`.

    A piece takes in what follows it and vanishes, an accent or a joiner. Tokens that share a
    character (½ reads 0 ⁄ 0) share a piece.
    """
    folded, counts = characters.fold_to(characters.code_points(text), plain, numbers)
    source = np.repeat(np.arange(len(counts)), counts)
    places = np.append(np.flatnonzero(counts), len(counts))
    after = np.append(places[1:], len(counts))  # where the next character that stays begins
    space = np.array([SPACE], np.int32)
    framed = np.concatenate([space, folded, space])
    begins = ends = np.zeros(0, np.int64)  # of telephone numbers
    if phones:
        begins, ends = characters.telephones(framed, np.zeros(1, np.int64))
    framed, kept = characters.marked(framed, begins, ends)
    stays = np.flatnonzero(kept)
    shapes = characters.shaped(framed[kept])
    result = []
    for begin, length in zip(*_word_bounds(shapes), strict=True):
        first, last = stays[begin], stays[begin + length - 1]
        number = np.searchsorted(begins, first, side="right") - 1
        if number >= 0 and first < ends[number]:
            first, last = begins[number], ends[number] - 1
        start, end = int(source[first - 1]), int(after[np.searchsorted(places, source[last - 1])])
        token = characters.to_text(shapes[begin : begin + length])
        result.append(Piece(token, text[start:end], start, end))
    return result
