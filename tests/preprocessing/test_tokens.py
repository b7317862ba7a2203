"""Tokens: NumPy gives the ids that plain loops give, and TensorFlow the same again."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nnguide.errors import ConfigError, InputError, RunError
from nnguide.preprocessing import characters, tokens
from nnguide.preprocessing.pieces import pieces
from nnguide.preprocessing.tokens import Tokeniser

TEXTS = [
    "WINNER!! Claim your £1,000 prize: call 0800 123 now",
    "Ok, c u at 5 then — don't be late",
    "Straße, naïve café, Ναι, да, 한국어, प्रणाम, 你好 世界",
    "line\u0085feed\u2028par\u2029fs\x1cgs\x1dvt\x0bff\x0cnul\x00bom\ufeffzwsp\u200b",
    "👩\u200d👩\u200d👧 ❤\ufe0f ⓕⓡⓔⓔ ½ ﷺ \u202eevil\u202c",
    "a" * 70 + " " + "b" * 64 + " " + "c" * 65,
    "",
    " \t ",
]
SETTINGS = {
    "words": 60,
    "pairs": 41,
    "grams": (2, 3, 5),
    "buckets": 97,
    "max_words": 9,
    "max_chars": 40,
}
PHONES = [
    "call 0871-872 9758 now, or text STOP to 87131",
    "07123456789 2000 £1000000 , 150p 0800 1 2 3 4 5 6 7 8 9 10 11 12",
    "x07123456789y $ 5 000 000 , 12 345 – 678. ref 1234567890123456",
    "٠٧١٢٣ ٤٥٦ ٧٨٩ or 12345 6 £",
    "4567890 1",
]
PLAIN = ({"plain": True}, {"plain": True, "numbers": True, "opening": 53, "opening_words": 4})
# Text that breaks vocabularies and decoders: separators, controls, joiners, marks, expansions.
HOSTILE = (
    "\u0085\u2028\u2029\x00\x1c\x1d\x1f\u200b\u200d\u202e\ufe0f\ufeff\u0301\u0345\u0130ß½ﷺ'´!0٣"
)
texts = st.lists(
    st.text(st.one_of(st.sampled_from(HOSTILE + "ab "), st.characters(codec="utf-8")))
    | st.sampled_from(TEXTS)
    | st.builds(lambda part, n: part * n, st.text(max_size=3), st.integers(0, 400)),
    max_size=6,
)


@pytest.fixture(scope="module")
def tokeniser() -> Tokeniser:
    return Tokeniser.adapt(TEXTS, **SETTINGS)


def ids_by_hand(tokeniser: Tokeniser, text: str) -> list[int]:
    """The definition of a row, one step at a time."""
    text = text[: tokeniser.reach]
    if tokeniser.plain:
        found = plain_by_hand(text, tokeniser.numbers).split()
    else:
        found = characters.normalise(text).split()
        if tokeniser.phones:
            found = phones_by_hand(" ".join(found)).split()
    letters = "".join(found)[: tokeniser.max_chars]
    found = [re.sub("[0-9]", "0", word) for word in found]
    numbers = {word: id for id, word in enumerate(tokeniser.vocabulary, tokens.FIRST_WORD)}
    row, before = set(), 0
    first_opening = tokens.FIRST_WORD + len(numbers) + tokeniser.pairs
    for place, word in enumerate(found[: tokeniser.max_words]):
        key = key_by_hand(word)
        if tokeniser.opening and place < tokeniser.opening_words:
            row.add(first_opening + key % tokens.MODULUS % tokeniser.opening)
        pair = (before % tokens.MODULUS * tokens.GRAM_BASE + key) % tokens.MODULUS
        row.add(numbers.get(word, tokens.UNKNOWN))
        row.add(tokens.FIRST_WORD + len(numbers) + pair % tokeniser.pairs)
        before = key
    for n in tokeniser.grams:
        for start in range(len(letters) - n + 1):
            hashed = 1
            for character in letters[start : start + n]:
                hashed = (hashed * tokens.GRAM_BASE + ord(character)) % tokens.MODULUS
            row.add(first_opening + tokeniser.opening + hashed % tokeniser.buckets)
    return sorted(row)


def plain_by_hand(text: str, numbers: bool) -> str:
    """Letters and ! ? $ % of a text, and its numbers; all else that is in ASCII parts words."""
    for apostrophe in characters.APOSTROPHES:
        text = text.replace(chr(apostrophe), " ")
    text = characters.normalise(text)
    text = re.sub("[0-9]+", "0" if numbers else " ", text)
    return re.sub(r"[^a-z0!?$%\x80-\U0010ffff]", " ", text)


def phones_by_hand(text: str) -> str:
    """A folded text with ☎ for each telephone number, found group by group."""
    text = f" {text} "
    groups = [match.span() for match in re.finditer("[0-9]+", text)]

    def is_price(start: int) -> bool:
        return text[:start].rstrip(" ")[-1:] in {*map(chr, characters.CURRENCIES)}

    def is_alone(start: int, end: int) -> bool:
        return text[start - 1] == text[end] == " " and not is_price(start)

    blanks = {" ", *map(chr, characters.JOINTS)}
    rows: list[list[tuple[int, int]]] = []
    for group in groups:
        before = rows[-1][-1] if rows else (0, 0)
        between = set(text[before[1] : group[0]])
        if rows and is_alone(*group) and is_alone(*before) and between <= blanks:
            rows[-1].append(group)
        else:
            rows.append([group])
    parts = []
    for row in rows:
        parts += [row] if sum(end - start for start, end in row) <= 14 else [[g] for g in row]
    result = text
    for row in reversed(parts):
        if 7 <= sum(end - start for start, end in row) <= 14 and not is_price(row[0][0]):
            result = result[: row[0][0]] + " ☎ " + result[row[-1][1] :]
    return " ".join(result.split(" "))


def key_by_hand(word: str) -> int:
    """Two polynomials in the characters, in one number."""
    key = 0
    for modulus, base in tokens.WORD_HASHES:
        powers = [
            pow(base, min(place, tokens.LONGEST_WORD - 1), modulus) for place in range(len(word))
        ]
        key = (
            key * 2**31
            + sum(ord(c) * p % modulus for c, p in zip(word, powers, strict=True)) % modulus
        )
    return key


def padded(rows: list[list[int]]) -> np.ndarray:
    width = max([1, *map(len, rows)])
    return np.array([row + [0] * (width - len(row)) for row in rows], np.int32).reshape(-1, width)


@settings(deadline=None, max_examples=100)
@given(texts)
@example(TEXTS)
@example([])
def test_rows_are_as_defined(tokeniser, batch):
    rows = tokeniser(batch)
    np.testing.assert_array_equal(rows, padded([ids_by_hand(tokeniser, text) for text in batch]))
    assert rows.dtype == np.int32
    assert rows.max(initial=0) < tokeniser.size and rows.shape[1] <= tokeniser.length


@settings(deadline=None, max_examples=100)
@given(texts, st.sampled_from(PLAIN))
@example(TEXTS, PLAIN[1])
def test_plain_rows_are_as_defined(batch, form):
    plain = Tokeniser.adapt(TEXTS, **SETTINGS, **form)
    rows = plain(batch)
    np.testing.assert_array_equal(rows, padded([ids_by_hand(plain, text) for text in batch]))
    assert all(len(plain.names(text)) == np.count_nonzero(plain([text])) for text in batch)


NUMBERS = st.text(st.sampled_from("0123456789     --–()£x.٣"), max_size=40)


@settings(deadline=None, max_examples=200)
@given(st.lists(NUMBERS | st.sampled_from([*PHONES, *TEXTS]), max_size=5))
@example(PHONES)
@example(["12345", "678"])
@example(["£", "1234567", "- 1"])
@example([""])
def test_telephone_numbers_are_one_word_whatever_their_digits(batch):
    phones = Tokeniser.adapt([*TEXTS, *PHONES], **SETTINGS, phones=True)
    rows = phones(batch)
    np.testing.assert_array_equal(rows, padded([ids_by_hand(phones, text) for text in batch]))
    for text in batch:
        read = tokens.words(text, phones=True)
        assert [piece.token for piece in pieces(text, phones=True)] == read
        assert all(piece.original == text[piece.start : piece.end] for piece in pieces(text))
        assert len(phones.names(text)) == np.count_nonzero(phones([text]))


def test_short_codes_and_prices_keep_their_digits():
    def read(text: str) -> str:
        return " ".join(tokens.words(text, phones=True))

    assert read("Call 0871-872 9758 or 07123456789 now") == "call ☎ or ☎ now"
    assert read("text STOP to 87131, 150p") == "text stop to 00000 , 000p"
    assert read("£1000000 or € 5 000 000") == "£ 0000000 or € 0 000 000"
    assert read("+1 (888) 555-0134, (888) 555-0134") == "+ ☎ , ( ☎"
    assert read("win 2000 07123456789") == "win 0000 ☎"  # 15 digits together
    assert read("call09061743386from landline") == "call ☎ from landline"
    piece = pieces("call 0871 872-9758 now", phones=True)[1]
    assert piece == ("☎", "0871 872-9758", 5, 18)
    piece = pieces("call09061743386from", phones=True)[1]
    assert piece == ("☎", "09061743386", 4, 15)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text(st.characters(max_codepoint=127), max_size=40), min_size=1, max_size=4),
    st.sampled_from([(False, False), (True, False), (True, True)]),
)
def test_ascii_text_is_folded_as_any_other(batch, form):
    """By bytes, or as part of a batch that has other characters too."""
    framed, lengths = characters.framed(batch, *form)
    others, more = characters.framed([*batch, "\u4f60"], *form)
    assert framed.dtype == others.dtype and framed.tolist() == others[: len(framed)].tolist()
    assert lengths.tolist() == more[:-1].tolist()


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(codec="ascii"), max_size=80))
@example("I'm here: don't miss $1,000 (50% off!) at http://a.example/b?c=1")
def test_text_whose_tokens_were_set_apart_reads_the_same_in_the_plain_form(text):
    for form in PLAIN:
        split = r"[a-z\d]+|[^a-z\d\s]" if "numbers" in form else r"[a-z]+|\d+|[^a-z\d\s]"
        apart = " ".join(re.findall(split, text.lower()))
        plain = Tokeniser.adapt([text], pairs=997, buckets=997, **form)
        np.testing.assert_array_equal(plain([text]), plain([apart]))
        read = tokens.words(text, True, plain.numbers)
        assert read == tokens.words(apart, True, plain.numbers)
        assert [piece.token for piece in pieces(text, True, plain.numbers)] == read


def test_a_number_is_one_word_whatever_its_digits():
    read = "Call 0800-123 4567 by 12:30, b2b ٠٨ costs $1,000"
    assert tokens.words(read, True, True) == (
        ["call", "0", "0", "0", "by", "0", "0", "b0b", "0", "costs", "$", "0", "0"]
    )
    assert [piece.original for piece in pieces(read, True, True)][1:4] == [
        "0800",
        "123",
        "4567",
    ]


def test_the_words_of_the_opening_have_ids_of_their_own():
    known = Tokeniser(["free"], pairs=0, buckets=0, opening=50, opening_words=2)
    assert len(known(["a free b c free"])[0]) == 1 + 1 + 2  # unknown, free, two of the opening
    assert sorted(known.names("a free b c free")) == ["^a", "^free", "a", "free"]
    assert not set(known(["a free"])[0]) <= set(known(["a b free"])[0])


def test_newer_settings_are_off_unless_they_are_asked_for(tokeniser):
    described = tokeniser.to_dict()
    assert (described["plain"], described["numbers"], described["opening"]) == (False, False, 0)
    assert described["phones"] is False
    for name in ("plain", "numbers", "phones", "opening", "opening_words"):
        del described[name]  # as older models have it
    np.testing.assert_array_equal(Tokeniser.from_dict(described)(TEXTS), tokeniser(TEXTS))


def test_rows_do_not_depend_on_their_neighbours(tokeniser, monkeypatch):
    together = tokeniser(TEXTS * 3)
    monkeypatch.setattr(tokens, "_CHUNK", 1)
    np.testing.assert_array_equal(tokeniser(TEXTS * 3), together)
    for text, row in zip(TEXTS, together, strict=False):
        np.testing.assert_array_equal(tokeniser([text], pad=together.shape[1])[0], row)


def test_only_the_first_part_of_a_huge_text_is_read(tokeniser):
    start = "hello " * tokeniser.reach
    np.testing.assert_array_equal(tokeniser([start + "x"]), tokeniser([start[: tokeniser.reach]]))


def test_pad_fixes_the_width(tokeniser):
    full = tokeniser(TEXTS)
    np.testing.assert_array_equal(tokeniser(TEXTS, pad=7), full[:, :7])
    assert tokeniser(TEXTS, pad=tokeniser.length).shape == (len(TEXTS), tokeniser.length)
    np.testing.assert_array_equal(tokeniser(TEXTS, pad=199)[:, : full.shape[1]], full)


def test_adapt_takes_the_most_frequent_words():
    found = Tokeniser.adapt(["b a, a", "C c b ß", "z" * 65], words=4)
    assert found.vocabulary == ("a", "b", "c", ",")
    assert Tokeniser.adapt(["b a, a", "C c b"], min_count=2).vocabulary == ("a", "b", "c")
    assert Tokeniser.adapt([]).vocabulary == ()


def test_a_vocabulary_survives_json_and_splitting_into_lines():
    found = Tokeniser.adapt(TEXTS)
    assert "\n".join(found.vocabulary).splitlines() == list(found.vocabulary)
    again = Tokeniser.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    np.testing.assert_array_equal(again(TEXTS), found(TEXTS))


def test_words_show_the_shape_of_a_number_and_ngrams_its_digits():
    assert tokens.words("Call ٠٨712, £1.50!") == ["call", "00000", ",", "£", "0", ".", "00", "!"]
    shapes = Tokeniser(["000", "call"], buckets=0)
    np.testing.assert_array_equal(shapes(["call 871"]), shapes(["call 150"]))
    grams = Tokeniser(["000", "call"], pairs=0, grams=(3,), buckets=2**20)
    (one,), (other,) = grams(["871"]), grams(["150"])
    assert one[0] == other[0] and one[1] != other[1]


def test_without_grams_or_words():
    bare = Tokeniser(["ok"], pairs=0, buckets=0, max_words=3)
    assert bare(["ok then ok now"]).tolist() == [[1, 2]]
    assert (bare.size, bare.length) == (3, 3)
    assert Tokeniser([], pairs=0, grams=[1], buckets=2**20)(["o k k"]).shape == (1, 3)


@pytest.mark.parametrize(
    "settings",
    [
        {"grams": (0,)},
        {"grams": ("3",)},
        {"buckets": -1},
        {"pairs": -1},
        {"opening": -1},
        {"opening_words": 0},
        {"numbers": True},
        {"numbers": 1, "plain": True},
        {"phones": True, "plain": True},
        {"phones": 1},
        {"max_words": 0},
        {"max_chars": 1.5},
        {"vocabulary": ["a", "a"]},
        {"vocabulary": ["A"]},
        {"vocabulary": ["a b"]},
        {"vocabulary": [""]},
        {"vocabulary": ["z" * 65]},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError):
        Tokeniser(**{"vocabulary": [], **settings})
    with pytest.raises(RunError):
        Tokeniser.from_dict({**Tokeniser([]).to_dict(), **settings})


def test_another_character_table_is_refused(tokeniser):
    with pytest.raises(RunError, match="character table"):
        Tokeniser.from_dict({**tokeniser.to_dict(), "characters": "0" * 64})


@pytest.mark.parametrize("wrong", ["one text", [b"bytes"], ["a", None]])
def test_what_is_not_text_is_refused(tokeniser, wrong):
    with pytest.raises(InputError):
        tokeniser(wrong)


def test_spaces_within_and_between_words_change_no_ngram():
    letters = Tokeniser([], pairs=0, buckets=2**20)
    expected = letters(["free entry now"])
    np.testing.assert_array_equal(letters(["f r e e  entry now"]), expected)
    np.testing.assert_array_equal(letters(["freeentrynow"]), expected)


@pytest.mark.parametrize("text", TEXTS)
def test_every_id_has_a_name(tokeniser, text):
    assert len(tokeniser.names(text)) == np.count_nonzero(tokeniser([text]))


def test_names_say_what_an_id_stands_for():
    wide = Tokeniser(["free", "cash", ","], pairs=2**20, grams=[3], buckets=2**20)
    words = ["free", "cash", ","]
    pairs = ["+free", "free+cash", "cash+,", ",+free"]
    grams = ["[fre]", "[ree]", "[eec]", "[eca]", "[cas]", "[ash]", "[sh,]", "[h,f]", "[,fr]"]
    assert sorted(wide.names("Free cash, free")) == sorted(words + pairs + grams)


def test_pieces_name_the_original():
    text = "“Cafe\u0301” don't ½\u200dx 👩\u200d👧"
    found = pieces(text)
    assert [piece[:2] for piece in found] == [
        ("“", "“"),
        ("cafe", "Cafe\u0301"),
        ("”", "”"),
        ("dont", "don't"),
        ("0", "½\u200d"),
        ("⁄", "½\u200d"),
        ("0x", "½\u200dx"),
        ("👩", "👩\u200d"),
        ("👧", "👧"),
    ]


@settings(deadline=None, max_examples=100)
@given(st.text(st.one_of(st.sampled_from(HOSTILE + "ab "), st.characters())))
def test_pieces_are_the_words(text):
    found = pieces(text)
    assert [piece.token for piece in found] == tokens.words(text)
    for piece in found:
        assert text[piece.start : piece.end] == piece.original
        assert piece.token in "".join(tokens.words(piece.original))
    assert [p.start for p in found] == sorted(p.start for p in found)
