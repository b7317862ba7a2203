"""Text normalisation by one frozen table of Unicode code points.

Compatibility forms, case and diacritics go (Ｆ, F, f and f̀ are all f); letters of other scripts
that look Latin become so (Cyrillic а is a); digits of all scripts become 0 to 9; punctuation,
symbols and emoji become words of their own; apostrophes and invisible characters vanish; controls,
white space and whatever is no character part words. The table is `characters.npz`, written once by
scripts/make_character_table, so that no library's idea of `lower()` matters:
nnguide.preprocessing.text_ops reads the same arrays in TensorFlow operations.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ConfigError

SPACE = 0x20
ZERO, NINE = 0x30, 0x39  # all digits that are left after folding lie between
APOSTROPHES = (0x27, 0x60, 0xB4, 0x2018, 0x2019)  # they part words in the plain form
PHONE = 0x260E  # ☎, as which a telephone number is read
FEWEST_DIGITS, MOST_DIGITS = 7, 14  # of a telephone number
JOINTS = (0x28, 0x29, 0x2D, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212)  # ( ) and dashes
CURRENCIES = (0x24, 0xA3, 0xA5, 0x20AC, 0x20B9)  # $ £ ¥ € ₹
BLOCK = 256  # code points to a block of the table
_ZEROS = re.compile(rb"0{2,}")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class Table:
    """Table of what replaces each code point.

    It is looked up in two steps, since most blocks are alike:

    number = entries[BLOCK * pages[c // BLOCK] + c % BLOCK]: 0 leaves c as it is, any other stands
    for points[starts[number] : starts[number] + lengths[number]].

    Attributes:
        pages: (4352,) int32, the block that holds each run of 256 code points.
        entries: (blocks * 256,) int32, the number of each code point's replacement.
        starts, lengths: (replacements,) int32; lengths[0] is 1.
        points: (total length,) int32, the code points of all replacements.
        unicode_version: of the database that the table was made from.
    """

    pages: np.ndarray
    entries: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    points: np.ndarray
    unicode_version: str


@functools.cache
def table() -> Table:
    """Return the table in the package, read once."""
    with np.load(Path(__file__).with_name("characters.npz"), allow_pickle=False) as file:
        arrays = {
            name: file[name].astype(np.int32)
            for name in ("pages", "entries", "starts", "lengths", "points")
        }
        return Table(**arrays, unicode_version=str(file["unicode_version"]))


@functools.cache
def table_sha256() -> str:
    """Return the SHA-256 of the table's content.

    Texts get the same ids only under the same table.
    """
    arrays = table()
    digest = hashlib.sha256()
    for array in (arrays.pages, arrays.entries, arrays.starts, arrays.lengths, arrays.points):
        digest.update(array.astype("<i4").tobytes())
    return digest.hexdigest()


def code_points(text: str) -> np.ndarray:
    """Return the code points of `text`, (len(text),) int32.

    A lone surrogate is one too.
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<i4")


def to_text(points: np.ndarray) -> str:
    """Return the text of (n,) int32 `points`."""
    return points.astype("<i4").tobytes().decode("utf-32-le", "surrogatepass")


def fold(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace every code point by its entry in the table.

    Args:
        points: (n,) int32 in [0, 0x10FFFF].
    Returns:
        The code points that stand there now, (m,) int32, spaces not yet collapsed; and how many
        of them each of the given ones became, (n,) int32.
    """
    of = table()
    number = of.entries[of.pages[points >> 8] * BLOCK + (points & 0xFF)]
    counts = of.lengths[number]
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    place = np.repeat(of.starts[number], counts) + step
    changed = np.repeat(number, counts) != 0
    return np.where(changed, of.points[place], np.repeat(points, counts)), counts


@functools.cache
def plain_ascii() -> np.ndarray:
    """Return what replaces the 128 ASCII code points, (128,) int32.

    It is for the plain form.
    """
    plain = "abcdefghijklmnopqrstuvwxyz!?$%"
    return np.array([c if chr(c) in plain else SPACE for c in range(128)], np.int32)


def fold_plain(points: np.ndarray, numbers: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Fold code points to the plain form.

    It has letters and ! ? $ % alone; digits and other marks separate words. Text as it was written
    and text whose tokens were set apart by blanks have the same words in this form, and no year or
    number is among them. Result as of `fold`.

    Args:
        points: (n,) int32, as of `fold`.
        numbers: whether digits are read: one 0 for those that follow each other, however many.
    """
    parted = np.where(np.isin(points, APOSTROPHES), np.int32(SPACE), points)
    folded, counts = fold(parted)
    plain = np.where(folded < 128, plain_ascii()[np.minimum(folded, 127)], folded)
    if not numbers:
        return plain, counts
    digit = (folded >= ZERO) & (folded <= NINE)
    kept = ~digit
    kept[1:] |= ~digit[:-1]
    kept[:1] = True
    source = np.repeat(np.arange(len(counts)), counts)[kept]
    return np.where(digit, np.int32(ZERO), plain)[kept], np.bincount(source, minlength=len(counts))


@dataclass(frozen=True)
class Ascii:
    """Folding of ASCII text by bytes.

    Most text is ASCII; this takes a tenth of the time of `fold`.

    Attributes:
        table: what stands for each byte, of those that become one character.
        dropped: the bytes that vanish.
        framed: those that become words of their own.
    """

    table: bytes
    dropped: bytes
    framed: tuple[bytes, ...]

    def words(self, text: str, numbers: bool) -> bytes:
        """Return the folded words of an ASCII `text`, separated by spaces."""
        folded = text.encode("ascii").translate(self.table, self.dropped)
        for mark in self.framed:
            if mark in folded:
                folded = folded.replace(mark, b" " + mark + b" ")
        if numbers:
            folded = _ZEROS.sub(b"0", folded)
        return b" ".join(folded.split())


@functools.cache
def ascii_folding(plain: bool, numbers: bool) -> Ascii:
    """Return the folding of ASCII text by bytes.

    It comes from what `fold` or `fold_plain` makes of each character.
    """
    table, dropped, framed = bytearray(range(256)), b"", []
    apart = np.full(256, SPACE, np.int32)  # a space after each, or digits would become one
    apart[::2] = np.arange(128)
    folded, counts = fold_to(apart, plain, numbers)
    ends = np.cumsum(counts)
    for code in range(128):
        became = bytes(folded[ends[2 * code] - counts[2 * code] : ends[2 * code]].tolist())
        if not became:
            dropped += bytes([code])
        elif not became.strip(b" "):
            table[code] = SPACE
        elif len(became) == 1:
            table[code] = became[0]
        else:
            assert became == b" %c " % code
            framed.append(bytes([code]))
    return Ascii(bytes(table), dropped, tuple(framed))


def fold_to(points: np.ndarray, plain: bool, numbers: bool) -> tuple[np.ndarray, np.ndarray]:
    """Call `fold_plain` for the plain form, else `fold`."""
    return fold_plain(points, numbers) if plain else fold(points)


def check_form(plain: bool, numbers: bool, phones: bool) -> None:
    """Raise a ConfigError unless texts can be read so, as `framed` does."""
    if numbers and not plain:
        raise ConfigError(
            "tokens.numbers is of the plain form; other text has its numbers. "
            "Set tokens.plain too: tokens.plain=true"
        )
    if phones and plain:
        raise ConfigError(
            "tokens.phones needs the digits, which the plain form has not. "
            "Set one of the two alone: tokens.phones=true"
        )


def framed(
    texts: Sequence[str], plain: bool = False, numbers: bool = False, phones: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Normalise texts and join them, with spaces around each.

    An empty one is a single space.

    Args:
        texts: (n,) str.
        plain, numbers: as of `fold_plain`.
        phones: whether a telephone number becomes one character; not for the plain form.

    Returns:
        Their code points, (m,) int32, and how many of them each text has, (n,) int64.
    """
    points, lengths = _framed(texts, plain, numbers)
    if not phones or not len(lengths):
        return points, lengths
    first = np.cumsum(lengths) - lengths
    points, kept = marked(points, *telephones(points, first))
    return points[kept], np.add.reduceat(kept, first, dtype=np.int64)


def telephones(points: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where telephone numbers begin, and where they end.

    One has 7 to 14 digits: in one group, or in several with nothing but blanks, dashes and
    parentheses between them, each a word of its own. Where such a row of groups has more digits,
    each group of 7 to 14 is a telephone number. What follows the sign of a currency is a price.

    Args:
        points: (m,) int32, folded, with a space or more around each text.
        first: (n,) int64, where each text begins.

    Returns:
        (numbers,) int64 each, rising; the end is behind the last digit.
    """
    digit = (points >= ZERO) & (points <= NINE)
    edges = np.flatnonzero(np.diff(digit, prepend=False))
    starts, ends = edges[::2], edges[1::2]  # of groups of digits
    part = (points != SPACE) & ~digit & ~_is_one_of(points, JOINTS)
    part[first] = True  # texts are apart
    passed = np.cumsum(part)
    place = np.where(points != SPACE, np.arange(len(points)), 0)
    place[first] = first
    before = points[np.maximum.accumulate(place)[starts - 1]]  # the character before a group
    price = _is_one_of(before, CURRENCIES)  # never joined to another group
    alone = (points[starts - 1] == SPACE) & (points[ends] == SPACE) & ~price
    joined = np.zeros(len(starts), bool)  # to the group before
    joined[1:] = alone[1:] & alone[:-1] & (passed[starts[1:]] == passed[starts[:-1]])
    total = _totals(joined, ends - starts)
    joined &= total <= MOST_DIGITS
    total = _totals(joined, ends - starts)
    number = (total >= FEWEST_DIGITS) & (total <= MOST_DIGITS) & ~price
    return starts[number & ~joined], ends[number & ~np.append(joined[1:], False)]


def marked(
    points: np.ndarray, begins: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put ☎ in the place of telephone numbers, as one word.

    Args:
        points, begins, ends: as of `telephones`.

    Returns:
        The code points, (m,) int32, and which of them stay, (m,) bool.
    """
    steps = np.zeros(len(points), int)
    steps[begins + 3] = 1  # behind a blank, ☎ and a blank
    steps[ends] = -1
    kept = np.cumsum(steps) == 0
    kept[begins] = points[begins - 1] != SPACE  # where it follows a letter
    kept[begins + 2] = points[ends] != SPACE
    points = points.copy()
    points[begins], points[begins + 1], points[begins + 2] = SPACE, PHONE, SPACE
    return points, kept


def _totals(joined: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return for each group the digits of all that it is joined with, (groups,) int."""
    row = np.cumsum(~joined) - 1
    return np.bincount(row, lengths).astype(int)[row] if len(row) else lengths


def _is_one_of(points: np.ndarray, chosen: tuple[int, ...]) -> np.ndarray:
    """Do as np.isin does, which imports all of numpy.ma where a text has no digits."""
    return (points[:, None] == np.array(chosen, points.dtype)).any(axis=1)


def _framed(texts: Sequence[str], plain: bool, numbers: bool) -> tuple[np.ndarray, np.ndarray]:
    if all(map(str.isascii, texts)):
        return _framed_ascii(texts, plain, numbers)
    raw_lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 2
    folded, counts = fold_to(code_points(f" {'  '.join(texts)} "), plain, numbers)
    ends = np.cumsum(counts)[np.cumsum(raw_lengths) - 1]
    space = folded == SPACE
    kept = ~space
    kept[1:] |= ~space[:-1]  # a space stays after a word
    kept[np.append(0, ends[:-1])] = True  # and at the start of a text
    return folded[kept], np.diff(np.cumsum(kept)[ends - 1], prepend=0)


def _framed_ascii(
    texts: Sequence[str], plain: bool, numbers: bool
) -> tuple[np.ndarray, np.ndarray]:
    words = ascii_folding(plain, numbers).words
    pieces = [b" %b " % folded if (folded := words(text, numbers)) else b" " for text in texts]
    points = np.frombuffer(b"".join(pieces), np.uint8).astype(np.int32)
    return points, np.fromiter(map(len, pieces), np.int64, len(pieces))


def shaped(points: np.ndarray) -> np.ndarray:
    """Return `points` with 0 for every digit.

    A number's shape is more useful as a word than its digits.
    """
    return np.where((points >= ZERO) & (points <= NINE), np.int32(ZERO), points)


def normalise(text: str, plain: bool = False, numbers: bool = False, phones: bool = False) -> str:
    """Return `text` as a network reads it.

    It has folded words with one space between them.
    """
    if phones:
        return to_text(framed([text], plain, numbers, phones)[0]).strip(" ")
    if text.isascii():
        return ascii_folding(plain, numbers).words(text, numbers).decode("ascii")
    folded, _ = fold_to(code_points(text), plain, numbers)
    return " ".join(filter(None, to_text(folded).split(" ")))


def clean(text: str) -> str:
    """Return `text` with lone surrogates replaced by U+FFFD.

    It can then be written as UTF-8. Both characters separate words, so the cleaned text
    has the same words.
    """
    return _SURROGATE.sub("\ufffd", text)
