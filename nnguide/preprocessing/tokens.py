"""From text to token ids in NumPy.

Words are found in a vocabulary, the other kinds of tokens by hashing.
nnguide.preprocessing.text_ops does the same steps, under the same names, in TensorFlow operations;
the two give equal ids. A batch is one array of code points, so no step loops over texts.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError, InputError, RunError
from . import characters
from .characters import SPACE

UNKNOWN = 1
FIRST_WORD = 2
LONGEST_WORD = 64  # characters; a longer word is never in a vocabulary

# A hash is a polynomial in the characters. Remainders stay below 2**31 and products below 2**62,
# so int64 never overflows and NumPy and TensorFlow agree. A word's key is two hashes in one
# number: among 8,000 words, one in 10**14 unknown ones is taken for a known one.
MODULUS = 2**31 - 1
WORD_HASHES = ((MODULUS, 1_103_515_245), (2**31 - 19, 1_566_083_941))  # (modulus, base)
GRAM_BASE = 1_812_433_253 % MODULUS
MOST_COUNTED = 4_000_000  # different words; when there are more, the rarer half is forgotten
_CHUNK = 1 << 18  # characters worked on at once


class Tokeniser:
    """Tokeniser that turns each text into its set of tokens.

    The set is a row of distinct ids, rising. 0 is padding, 1 an unknown word; then come the
    vocabulary's words, the buckets that pairs are hashed into, each word with the one before it,
    those of the opening: its first words once more, as such; and the buckets of the character
    n-grams. These run over the normalised text without its spaces, so that spaces put into words,
    or taken from between them, change none of them. In all others every digit counts as 0, the
    shape of a number; n-grams tell digits apart: a code to call, a price. In the plain form all
    read letters and ! ? $ % alone, so a text whose tokens were set apart reads the same; with
    `numbers` they also read one 0 for each number. With `phones` each telephone number is the one
    word ☎, whatever its digits: those of a text to be judged are new.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        pairs: int = 4096,
        grams: Sequence[int] = (3, 4, 5),
        buckets: int = 8192,
        max_words: int = 128,
        max_chars: int = 512,
        plain: bool = False,
        numbers: bool = False,
        phones: bool = False,
        opening: int = 0,
        opening_words: int = 16,
    ) -> None:
        """Make a tokeniser of known words.

        Args:
            vocabulary: distinct normalised words; the first has id 2.
            pairs: how many ids all pairs of words share; 0 is no pairs.
            grams: lengths of the character n-grams, from 1 to 8.
            buckets: how many ids all n-grams share; 0 is no n-grams.
            max_words: words of a text that are read.
            max_chars: characters of the normalised text, spaces left out, whose n-grams are read.
            plain: whether the plain form of the text is read.
            numbers: whether that has its numbers.
            phones: whether a telephone number is one word; not in the plain form.
            opening: how many ids the words that a text opens with share; 0 is none.
            opening_words: how many words of a text those are.
        Raises:
            ConfigError: one of them is out of range, or a word is not one normalised word.
        """
        for name, value, least in (
            ("pairs", pairs, 0),
            ("buckets", buckets, 0),
            ("max_words", max_words, 1),
            ("max_chars", max_chars, 1),
            ("opening", opening, 0),
            ("opening_words", opening_words, 1),
        ):
            if type(value) is not int or not least <= value <= 2**24:
                raise ConfigError(
                    f"tokens.{name} is a whole number in [{least}, {2**24:,}]; got {value!r}"
                )
        if not all(type(n) is int and 1 <= n <= 8 for n in grams):
            raise ConfigError(
                f"tokens.grams are lengths of character n-grams from 1 to 8; got {grams!r}. "
                "For 3- to 5-grams write 3,4,5."
            )
        for name, value in (("plain", plain), ("numbers", numbers), ("phones", phones)):
            if type(value) is not bool:
                raise ConfigError(f"tokens.{name} is true or false; got {value!r}")
        characters.check_form(plain, numbers, phones)
        self.vocabulary = tuple(vocabulary)
        self.plain = plain
        self.numbers = numbers
        self.phones = phones
        self.pairs = pairs
        self.opening = opening
        self.opening_words = min(opening_words, max_words)
        self.grams = tuple(sorted(set(grams))) if buckets else ()
        self.buckets = buckets if grams else 0
        self.max_words = max_words
        self.max_chars = max_chars
        # Characters of the raw text that are read at all: a bound on what a hostile text costs.
        self.reach = 32 * (max_words + max_chars)

        keys = _vocabulary_keys(self.vocabulary)
        self.key_order = np.argsort(keys)  # (words,): place in the vocabulary, by rising key
        self.sorted_keys = keys[self.key_order]  # (words,) int64

    @classmethod
    def adapt(
        cls, texts: Sequence[str], *, words: int = 8000, min_count: int = 1, **settings: Any
    ) -> Tokeniser:
        """Return a tokeniser of the most frequent words of `texts`.

        Args:
            texts: (n,) str, the training set only.
            words: most words to keep; equally frequent ones in lexical order.
            min_count: how often a word occurs at least.
            settings: pairs, grams, buckets and so on, as for `Tokeniser`.
        """
        bare = cls((), **settings)
        counts: Counter[str] = Counter()
        for chunk in _chunks(texts, bare.reach):
            shapes = characters.shaped(characters.framed(chunk, *bare.form)[0])
            counts.update(characters.to_text(shapes).split())
            if len(counts) > MOST_COUNTED:
                counts = Counter(dict(counts.most_common(MOST_COUNTED // 2)))
        frequent = [w for w, n in counts.items() if n >= min_count and len(w) <= LONGEST_WORD]
        frequent.sort(key=lambda word: (-counts[word], word))
        return cls(frequent[:words], **settings)

    @property
    def form(self) -> tuple[bool, bool, bool]:
        """Which form of a text is read: `plain`, `numbers` and `phones`."""
        return self.plain, self.numbers, self.phones

    @property
    def size(self) -> int:
        """Number of different ids, which is an embedding's number of rows."""
        return self.first_gram + self.buckets

    @property
    def first_pair(self) -> int:
        """First id of pairs of words."""
        return FIRST_WORD + len(self.vocabulary)

    @property
    def first_opening(self) -> int:
        """First id of words that a text opens with."""
        return self.first_pair + self.pairs

    @property
    def first_gram(self) -> int:
        """First id of character n-grams; lower ids are of words."""
        return self.first_opening + self.opening

    @property
    def length(self) -> int:
        """Greatest number of ids that a text can have."""
        words = self.max_words * (2 if self.pairs else 1)
        words += self.opening_words if self.opening else 0
        return words + sum(max(self.max_chars - n + 1, 0) for n in self.grams)

    def __call__(self, texts: Sequence[str], pad: int | None = None) -> np.ndarray:
        """Return the ids of `texts`, (n, width) int32; rows end in zeros.

        Args:
            texts: (n,) str.
            pad: the width; longer rows are cut. None is the longest row's width, at least 1.
        """
        ids, lengths = self.ragged(texts)
        width = pad if pad is not None else max(1, int(lengths.max(initial=0)))
        rows = np.zeros((len(texts), width), np.int32)
        column = _position_in_row(lengths)
        rows[np.arange(width) < lengths[:, None]] = ids[column < width]
        return rows

    def ragged(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return all ids (total,) int32, and row lengths (n,)."""
        chunks = [self._ids(chunk) for chunk in _chunks(texts, self.reach)]
        if not chunks:
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        return np.concatenate([ids for ids, _ in chunks]), np.concatenate([n for _, n in chunks])

    def to_dict(self) -> dict[str, Any]:
        """Return all that `from_dict` needs, as JSON values."""
        return {
            "vocabulary": list(self.vocabulary),
            "pairs": self.pairs,
            "grams": list(self.grams),
            "buckets": self.buckets,
            "max_words": self.max_words,
            "max_chars": self.max_chars,
            "plain": self.plain,
            "numbers": self.numbers,
            "phones": self.phones,
            "opening": self.opening,
            "opening_words": self.opening_words,
            "characters": characters.table_sha256(),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Tokeniser:
        """Return the tokeniser that `to_dict` described.

        Raises:
            RunError: the description is incomplete, or made with another character table.
        """
        settings = dict(value)
        made_with = settings.pop("characters", None)
        if made_with != characters.table_sha256():
            raise RunError(
                f"this model's text was normalised by the character table {made_with}, and this "
                f"nnguide has {characters.table_sha256()}. Use the nnguide that trained the "
                "model, or train again."
            )
        try:
            return cls(settings.pop("vocabulary"), **settings)
        except (KeyError, TypeError, ConfigError) as error:
            raise RunError(f"the tokeniser's description is damaged: {error}") from error

    def names(self, text: str) -> list[str]:
        """Return what each id of a text's row stands for.

        It is a word, a+pair, an ^opening or an [ngr]. Where tokens of the text share an id, the
        first of them names it.
        """
        whole = characters.normalise(text[: self.reach], *self.form)
        shapes = _shapes(whole).split()[: self.max_words]
        letters = whole.replace(" ", "")[: self.max_chars]
        spelled = [*shapes]
        if self.pairs:
            spelled += [f"{a}+{b}" for a, b in zip(["", *shapes], shapes, strict=False)]
        if self.opening:
            spelled += [f"^{word}" for word in shapes[: self.opening_words]]
        for n in self.grams:
            spelled += [f"[{letters[i : i + n]}]" for i in range(len(letters) - n + 1)]
        ids = np.concatenate([ids for _, ids in self.occurrences([text[: self.reach]])])
        named: dict[int, str] = {}
        for number, name in zip(ids.tolist(), spelled, strict=True):
            named.setdefault(number, name)
        return [named[number] for number in sorted(named)]

    def _ids(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return `ragged` for a batch that fits in memory."""
        # Each id of a row once: sorted as one number with the row's.
        both = np.sort(
            np.concatenate([row * self.size + ids for row, ids in self.occurrences(texts)])
        )
        both = both[np.diff(both, prepend=-1) > 0]
        lengths = np.bincount(both // self.size, minlength=len(texts))
        return (both % self.size).astype(np.int32), lengths

    def occurrences(self, texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return row and id (int64) of words, pairs, opening and n-grams."""
        framed, row_lengths = characters.framed(texts, *self.form)
        row = np.repeat(np.arange(len(texts)), row_lengths)

        # Words: those among the first max_words of their row.
        keys, starts, word_lengths = _word_keys(characters.shaped(framed))
        index = _position_in_row(np.bincount(row[starts], minlength=len(texts)))
        read = index < self.max_words
        pieces = [(row[starts][read], self._look_up(keys[read], word_lengths[read]))]
        if self.pairs:
            before = np.where(index > 0, np.roll(keys, 1), 0) % MODULUS
            hashes = (before * GRAM_BASE + keys) % MODULUS
            pieces.append((row[starts][read], self.first_pair + hashes[read] % self.pairs))
        if self.opening:
            early = index < self.opening_words
            hashes = keys[early] % MODULUS
            pieces.append((row[starts][early], self.first_opening + hashes % self.opening))

        if not self.grams:
            return pieces

        # N-grams: those that start and end among the first max_chars letters of their row.
        letters, row = framed[framed != SPACE], row[framed != SPACE]
        column = _position_in_row(np.bincount(row, minlength=len(texts)))
        letters, row = letters[column < self.max_chars], row[column < self.max_chars]
        left = np.cumsum(np.bincount(row, minlength=len(texts)))[row] - np.arange(len(row))
        for n, hashes in self._gram_hashes(letters):
            whole = left >= n  # the row's letters from here on
            pieces.append((row[whole], self.first_gram + hashes[whole] % self.buckets))

        return pieces

    def _look_up(self, keys: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return the ids of words by their keys, (words,) int64."""
        if not self.vocabulary:
            return np.full(len(keys), UNKNOWN)
        place = np.minimum(np.searchsorted(self.sorted_keys, keys), len(self.vocabulary) - 1)
        known = (self.sorted_keys[place] == keys) & (lengths <= LONGEST_WORD)
        return np.where(known, FIRST_WORD + self.key_order[place], UNKNOWN)

    def _gram_hashes(self, points: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each n and the hashes of its n-grams, (m,) int64."""
        following = np.append(points, np.zeros(max(self.grams, default=0), np.int32))
        hashes = np.ones(len(points), np.int64)  # the leading 1 tells one length from another
        for n in range(1, max(self.grams, default=0) + 1):
            hashes = (hashes * GRAM_BASE + following[n - 1 : n - 1 + len(points)]) % MODULUS
            if n in self.grams:
                yield n, hashes


def words(text: str, plain: bool = False, numbers: bool = False, phones: bool = False) -> list[str]:
    """Return words, shapes of numbers, single marks and symbols of `text`."""
    return _shapes(characters.normalise(text, plain, numbers, phones)).split()


def _shapes(text: str) -> str:
    return characters.to_text(characters.shaped(characters.code_points(text)))


def _chunks(texts: Sequence[str], reach: int) -> Iterator[list[str]]:
    """Yield `texts`, cut to `reach`, in lists of some _CHUNK characters."""
    if isinstance(texts, str):
        raise InputError("expected a sequence of texts; got one text. Write [text].")
    chunk: list[str] = []
    size = 0
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"expected texts (str); got {type(text).__name__} at index {number}")
        chunk.append(text[:reach])
        size += len(chunk[-1]) + 2
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _word_bounds(framed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and lengths of words in `framed`, within spaces."""
    space = framed == SPACE
    starts = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    ends = np.flatnonzero(~space[:-1] & space[1:]) + 1
    return starts, ends - starts


def _word_keys(framed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keys, starts and lengths of the words in `framed`.

    It is (m,); the keys are int64 below 2**62.
    """
    starts, lengths = _word_bounds(framed)
    if not len(starts):
        return np.zeros(0, np.int64), starts, lengths
    position = np.minimum(_position_in_row(lengths), LONGEST_WORD - 1)
    letters = framed[framed != SPACE].astype(np.int64)
    first = np.cumsum(lengths) - lengths
    keys = np.zeros(len(starts), np.int64)
    for (modulus, _), powers in zip(WORD_HASHES, word_powers(), strict=True):
        terms = letters * powers[position] % modulus
        keys = (keys << 31) + np.add.reduceat(terms, first) % modulus
    return keys, starts, lengths


@functools.cache
def word_powers() -> np.ndarray:
    """Return a character's factors in both word hashes, (2, 64) int64."""
    return np.array(
        [[pow(base, i, modulus) for i in range(LONGEST_WORD)] for modulus, base in WORD_HASHES],
        np.int64,
    )


def _vocabulary_keys(vocabulary: tuple[str, ...]) -> np.ndarray:
    """Return the keys of the checked vocabulary, (words,) int64."""
    joined = " ".join(vocabulary)
    plain = " ".join(filter(str.isascii, vocabulary))  # most, and quick to check
    other = " ".join(itertools.filterfalse(str.isascii, vocabulary))
    if tuple(joined.split()) != vocabulary or any(
        _shapes(characters.normalise(words)) != words for words in (plain, other)
    ):
        raise ConfigError("expected a vocabulary of normalised words without spaces")
    keys, _, lengths = _word_keys(characters.code_points(f" {joined} "))
    if (np.diff(np.sort(keys)) == 0).any():  # np.unique would import all of numpy.ma
        raise ConfigError("expected a vocabulary of distinct words; two have the same key")
    if (lengths > LONGEST_WORD).any():
        raise ConfigError(f"expected words of at most {LONGEST_WORD} characters")
    return keys


def _position_in_row(lengths: np.ndarray) -> np.ndarray:
    """Return 0, 1, 2, … in each row of `lengths` (n,)."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
