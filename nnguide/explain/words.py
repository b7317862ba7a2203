"""The words of a text that its token ids come from."""

from __future__ import annotations

import numpy as np

from nnguide.explain.features import Word, Words
from nnguide.preprocessing.pieces import Piece, pieces
from nnguide.preprocessing.tokens import Tokeniser


def read(tokeniser: Tokeniser, text: str) -> tuple[Words, np.ndarray]:
    """Return the words of a text that a network reads.

    Tokens that share characters of the text (½ reads 1 ⁄ 2) are one word. What comes after the
    tokeniser's limits is not read, and left out.

    Returns:
        The words, and for each token of the text the word it belongs to, (tokens,) int; -1 for
        one that is not read.
    """
    words: list[Word] = []
    owner = []
    letters = 0
    for number, piece in enumerate(_pieces(tokeniser, text)):
        if number >= tokeniser.max_words and (
            letters >= tokeniser.max_chars or not tokeniser.grams
        ):
            owner.append(-1)
            continue
        letters += len(piece.token)
        if words and piece.start < words[-1].end:
            joined, start, end, _ = words[-1]
            if piece.token not in joined:
                joined += piece.token
            words[-1] = Word(joined, start, max(end, piece.end))
        else:
            words.append(Word(piece.token, piece.start, piece.end))
        owner.append(len(words) - 1)
    return Words(text, words), np.array(owner, int)


def shares(tokeniser: Tokeniser, text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a text's ids and their division among its words.

    A word's id is the word's, and so is the one that it has besides where it opens the text; a
    pair's is half the one's and half the other's; an n-gram's goes to the words whose letters it
    spans, by their number. An id that occurs several times is shared equally among its places.

    Returns:
        ids (t,) int64, rising and distinct, as the network takes them; shares (t, words), whose
        rows sum to 1.
    """
    whole, owner = read(tokeniser, text)
    tokens = [piece.token for piece in _pieces(tokeniser, text)]
    count = min(len(tokens), tokeniser.max_words)
    letters = np.repeat(np.arange(len(tokens)), [len(token) for token in tokens])
    letters = letters[: tokeniser.max_chars]  # the token that each letter is of

    blocks = [np.eye(count, len(tokens))]  # (occurrences, tokens), in the order of `occurrences`
    if tokeniser.pairs:
        before = np.eye(count, len(tokens), -1)
        before[:1, :1] = 1  # the first word has no other before it
        blocks.append((blocks[0] + before) / 2)
    if tokeniser.opening:
        blocks.append(blocks[0][: tokeniser.opening_words])
    for n in tokeniser.grams:
        grams = max(len(letters) - n + 1, 0)
        block = np.zeros((grams, len(tokens)))
        for place in range(n):
            np.add.at(block, (np.arange(grams), letters[place : place + grams]), 1 / n)
        blocks.append(block)
    token_ids = np.concatenate([ids for _, ids in tokeniser.occurrences([text[: tokeniser.reach]])])
    ids, where = np.unique(token_ids, return_inverse=True)

    of_token = np.zeros((len(ids), len(tokens)))
    np.add.at(of_token, where, np.concatenate(blocks))
    of_token /= np.bincount(where, minlength=len(ids))[:, None]
    of_word = np.zeros((len(ids), len(whole.words)))
    for token, word in enumerate(owner):
        if word >= 0:
            of_word[:, word] += of_token[:, token]
    return ids, of_word


def _pieces(tokeniser: Tokeniser, text: str) -> list[Piece]:
    return pieces(text[: tokeniser.reach], *tokeniser.form)
