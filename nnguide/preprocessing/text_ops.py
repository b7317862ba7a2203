"""From text to token ids in TensorFlow operations.

They are part of the graph of a model. The steps and names are those of
nnguide.preprocessing.tokens, on the same arrays and in the same integer arithmetic: ids are equal.
Tables and vocabulary are constants of the graph: no lookup resource and no asset file has to
survive saving.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nnguide.preprocessing import characters
from nnguide.preprocessing.characters import (
    BLOCK,
    FEWEST_DIGITS,
    MOST_DIGITS,
    NINE,
    SPACE,
    ZERO,
)
from nnguide.preprocessing.tokens import (
    FIRST_WORD,
    GRAM_BASE,
    LONGEST_WORD,
    MODULUS,
    UNKNOWN,
    WORD_HASHES,
    Tokeniser,
    word_powers,
)


def ids(texts: Any, of: Tokeniser, pad: int | None = None) -> tf.Tensor:
    """Return the ids of texts, (batch, width) int32.

    `of` gives the ids; rows end in zeros.

    Args:
        texts: (batch,) or (batch, 1) string in UTF-8; invalid bytes part words.
        of: already adapted.
        pad: the width; longer rows are cut. None is the width of the batch's longest row.
    """
    texts = tf.reshape(tf.convert_to_tensor(texts, tf.string), [-1])
    framed = normalise(texts, of.reach, *of.form)
    rows = _distinct([*_word_ids(framed, of), *_gram_ids(framed, of)], framed.nrows(), of.size)
    padded = tf.cast(rows.to_tensor(shape=[None, pad]), tf.int32)
    if pad is not None:
        return padded
    return tf.pad(padded, [[0, 0], [0, tf.maximum(1 - tf.shape(padded)[1], 0)]])


def _distinct(pieces: list[tuple[tf.Tensor, tf.Tensor]], rows: tf.Tensor, size: int) -> Any:
    """Return each row's ids without repetition, rising.

    They are (rows, None) int64, from rows and ids as they occur.
    """
    both = tf.sort(tf.concat([row * size + ids for row, ids in pieces], axis=0))
    both = tf.boolean_mask(both, tf.concat([[True], both[1:] > both[:-1]], axis=0)[: tf.size(both)])
    return tf.RaggedTensor.from_value_rowids(both % size, both // size, rows, validate=False)


def _word_ids(framed: tf.RaggedTensor, of: Tokeniser) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Return row and id of words, pairs and opening words.

    They are int64, for each row's first `max_words` words.
    """
    points = shaped(framed.values)
    space = points == SPACE
    begins = tf.concat([[False], space[:-1] & ~space[1:]], axis=0)
    word = tf.boolean_mask(tf.cumsum(tf.cast(begins, tf.int64)) - 1, ~space)
    starts = tf.reshape(tf.where(begins), [-1])
    letters = tf.boolean_mask(points, ~space)
    places = tf.boolean_mask(tf.range(tf.size(points, tf.int64)), ~space)
    position = places - tf.gather(starts, word)
    lengths = tf.math.unsorted_segment_sum(tf.ones_like(places), word, tf.size(starts))

    keys = tf.zeros_like(starts)
    for (modulus, _), powers in zip(WORD_HASHES, word_powers(), strict=True):
        factor = tf.gather(powers, tf.minimum(position, LONGEST_WORD - 1))
        terms = tf.cast(letters, tf.int64) * factor % modulus
        sums = tf.math.unsorted_segment_sum(terms, word, tf.size(starts))
        keys = keys * 2**31 + sums % modulus

    row = tf.gather(framed.value_rowids(), starts)
    first = tf.searchsorted(row, row, out_type=tf.int64)  # of its row's words
    index = tf.range(tf.size(row, tf.int64)) - first
    read = index < of.max_words
    pieces = [_look_up(keys, lengths, of)]
    if of.pairs:
        before = tf.where(index > 0, tf.roll(keys, 1, 0), 0) % MODULUS
        hashes = (before * GRAM_BASE + keys) % MODULUS
        pieces.append(of.first_pair + hashes % of.pairs)
    ids = [(tf.boolean_mask(row, read), tf.boolean_mask(ids, read)) for ids in pieces]
    if of.opening:
        early = index < of.opening_words
        opening = of.first_opening + tf.boolean_mask(keys, early) % MODULUS % of.opening
        ids.append((tf.boolean_mask(row, early), opening))
    return ids


def _look_up(keys: tf.Tensor, lengths: tf.Tensor, of: Tokeniser) -> tf.Tensor:
    """Return the ids of words by their keys, (words,) int64."""
    known_words = len(of.vocabulary)
    if not known_words:
        return tf.fill(tf.shape(keys), tf.constant(UNKNOWN, tf.int64))
    sorted_keys = tf.constant(of.sorted_keys)
    place = tf.minimum(tf.searchsorted(sorted_keys, keys), known_words - 1)
    known = (tf.gather(sorted_keys, place) == keys) & (lengths <= LONGEST_WORD)
    ids = FIRST_WORD + tf.gather(tf.constant(of.key_order, tf.int64), place)
    return tf.where(known, ids, UNKNOWN)


def _gram_ids(framed: tf.RaggedTensor, of: Tokeniser) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Return row and id of character n-grams, for each n.

    They are int64, for each row's first `max_chars` letters.
    """
    if not of.grams:
        return []
    cut = tf.ragged.boolean_mask(framed, framed != SPACE)[:, : of.max_chars]
    points, row = tf.cast(cut.values, tf.int64), cut.value_rowids()
    left = tf.gather(cut.row_limits(), row) - tf.range(tf.size(points, tf.int64))
    following = tf.pad(points, [[0, max(of.grams)]])
    hashes = tf.ones_like(points)
    pieces = []
    for n in range(1, max(of.grams) + 1):
        character = following[n - 1 : n - 1 + tf.size(points)]
        hashes = (hashes * GRAM_BASE + character) % MODULUS
        if n in of.grams:
            whole = left >= n  # the row's letters from here on
            ids = of.first_gram + hashes % of.buckets
            pieces.append((tf.boolean_mask(row, whole), tf.boolean_mask(ids, whole)))
    return pieces


def normalise(
    texts: tf.Tensor, reach: int, plain: bool = False, numbers: bool = False, phones: bool = False
) -> tf.RaggedTensor:
    """Normalise texts, with spaces around each.

    An empty one is a single space.

    Args:
        texts: (batch,) string in UTF-8; invalid bytes count as U+FFFD, which parts words.
        reach: characters of each text that are read.
        plain: whether the plain form of the text is read.
        numbers: whether that has its numbers.
        phones: whether a telephone number becomes one character.
    Returns:
        (batch, None) int32 code points, as nnguide.preprocessing.tokens has them.
    """
    raw = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")[:, :reach]
    space = tf.fill([tf.size(texts), 1], SPACE)
    raw = tf.concat([space, raw, space], axis=1)
    folded, counts = fold_plain(raw.values, numbers) if plain else fold(raw.values)
    row = tf.repeat(raw.value_rowids(), counts)

    is_space = folded == SPACE
    after_space = tf.concat([[False], is_space[:-1] & (row[1:] == row[:-1])], axis=0)
    kept = ~(is_space & after_space)
    framed, row = tf.boolean_mask(folded, kept), tf.boolean_mask(row, kept)
    if phones:
        framed, kept = marked(framed, *telephones(framed, row))
        framed, row = tf.boolean_mask(framed, kept), tf.boolean_mask(row, kept)
    return tf.RaggedTensor.from_value_rowids(framed, row, raw.nrows(), validate=False)


def telephones(points: tf.Tensor, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where telephone numbers begin, and where they end.

    Args:
        points: (m,) int32, folded, with a space or more around each text.
        row: (m,) int64, the text that each is of, rising.

    Returns:
        (numbers,) int64 each, rising; the end is behind the last digit.
    """
    digit = (points >= ZERO) & (points <= NINE)
    here = digit[1:] & ~digit[:-1]
    starts = tf.reshape(tf.where(here), [-1]) + 1  # of groups of digits; a space is before each
    ends = tf.reshape(tf.where(digit[:-1] & ~digit[1:]), [-1]) + 1
    first = tf.concat([[True], row[1:] != row[:-1]], axis=0)[: tf.size(row)]
    part = ((points != SPACE) & ~digit & ~_is_one_of(points, characters.JOINTS)) | first
    passed = tf.cumsum(tf.cast(part, tf.int64))
    place = tf.where((points != SPACE) | first, tf.range(tf.size(points)), 0)
    before = tf.gather(points, tf.gather(_running_maximum(place), starts - 1))
    price = _is_one_of(before, characters.CURRENCIES)
    bare = (tf.gather(points, starts - 1) == SPACE) & (tf.gather(points, ends) == SPACE)
    alone, since = bare & ~price, tf.gather(passed, starts)
    joined = alone[1:] & alone[:-1] & (since[1:] == since[:-1])
    joined = tf.concat([[False], joined], axis=0)[: tf.size(starts)]
    joined &= _totals(joined, ends - starts) <= MOST_DIGITS
    total = _totals(joined, ends - starts)
    number = (total >= FEWEST_DIGITS) & (total <= MOST_DIGITS) & ~price
    last = number & ~tf.concat([joined[1:], [False]], axis=0)[: tf.size(starts)]
    return tf.boolean_mask(starts, number & ~joined), tf.boolean_mask(ends, last)


def marked(points: tf.Tensor, begins: tf.Tensor, ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Put ☎ in the place of telephone numbers, as one word.

    Args:
        points, begins, ends: as of `telephones`.

    Returns:
        The code points, (m,) int32, and which of them stay, (m,) bool.
    """

    def at(places: tf.Tensor) -> tf.Tensor:
        counts = tf.scatter_nd(
            places[:, None], tf.ones_like(places, tf.int32), tf.shape(points, tf.int64)
        )
        return counts == 1

    inside = tf.cumsum(tf.cast(at(begins + 3), tf.int32) - tf.cast(at(ends), tf.int32))
    touches_before = tf.boolean_mask(begins, tf.gather(points, begins - 1) != SPACE)
    touches_after = tf.boolean_mask(begins + 2, tf.gather(points, ends) != SPACE)
    blank = at(begins) | at(begins + 2)
    kept = (inside == 0) & ~blank | at(touches_before) | at(touches_after)
    points = tf.where(at(begins + 1), characters.PHONE, points)
    return tf.where(blank, SPACE, points), kept


def _totals(joined: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Return for each group the digits of all that it is joined with, (groups,) int64."""
    row = tf.cumsum(tf.cast(~joined, tf.int64)) - 1
    return tf.gather(tf.math.unsorted_segment_sum(lengths, row, tf.size(row)), row)


def _is_one_of(points: tf.Tensor, chosen: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(points[:, None] == tf.constant(chosen, points.dtype), axis=1)


def _running_maximum(values: tf.Tensor) -> tf.Tensor:
    """Return the greatest of each value and all before it.

    The values are 0 or their own place, so that the last one above 0 is the greatest.
    """
    above = tf.reshape(tf.where(values > 0), [-1])
    count = tf.cumsum(tf.cast(values > 0, tf.int64))
    return tf.gather(tf.concat([tf.zeros([1], tf.int64), above], axis=0), count)


def shaped(points: tf.Tensor) -> tf.Tensor:
    """Return `points` with 0 for every digit."""
    return tf.where((points >= ZERO) & (points <= NINE), ZERO, points)


def fold(points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Replace every code point by its entry in the table.

    Args:
        points: (n,) int32 in [0, 0x10FFFF].
    Returns:
        The code points that stand there now, (m,) int32; how many each became, (n,) int32.
    """
    of = characters.table()
    page = tf.gather(of.pages, points // BLOCK)
    number = tf.gather(of.entries, page * BLOCK + points % BLOCK)
    counts = tf.gather(of.lengths, number)
    step = tf.range(tf.reduce_sum(counts)) - tf.repeat(tf.cumsum(counts, exclusive=True), counts)
    place = tf.repeat(tf.gather(of.starts, number), counts) + step
    changed = tf.repeat(number, counts) != 0
    return tf.where(changed, tf.gather(of.points, place), tf.repeat(points, counts)), counts


def fold_plain(points: tf.Tensor, numbers: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
    """Fold code points to the plain form.

    It has letters and ! ? $ % alone, and with `numbers` a 0 for each number.
    """
    for apostrophe in characters.APOSTROPHES:
        points = tf.where(points == apostrophe, SPACE, points)
    folded, counts = fold(points)
    plain = tf.gather(characters.plain_ascii(), tf.minimum(folded, 127))
    plain = tf.where(folded < 128, plain, folded)
    if not numbers:
        return plain, counts
    digit = (folded >= ZERO) & (folded <= NINE)
    kept = ~(digit & tf.concat([[False], digit[:-1]], axis=0)[: tf.size(digit)])
    source = tf.repeat(tf.range(tf.size(counts)), counts)
    counts = tf.math.unsorted_segment_sum(tf.cast(kept, counts.dtype), source, tf.size(counts))
    return tf.boolean_mask(tf.where(digit, ZERO, plain), kept), counts
