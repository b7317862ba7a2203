"""Normalisation: what it promises about every code point that Unicode has."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.preprocessing import characters

EVERY_CODE_POINT = np.arange(0x110000, dtype=np.int32)
same_unicode = pytest.mark.skipif(
    unicodedata.unidata_version != characters.table().unicode_version,
    reason="this Python has another Unicode version than the frozen table",
)
SCRIPT = Path(__file__).resolve().parents[2] / "scripts/make_character_table"


@pytest.fixture(scope="module")
def replacements() -> list[str]:
    """What stands for each code point."""
    folded, counts = characters.fold(EVERY_CODE_POINT)
    ends = np.cumsum(counts)
    text = characters.to_text(folded)
    return [text[end - n : end] for end, n in zip(ends.tolist(), counts.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t WIN £1,500!", "dont win £ 1 , 500 !"),
        ("don't don´t don`t don＇t", "dont dont dont dont"),
        ("café cafe\u0301 ＣＡＦÉ", "cafe cafe cafe"),
        ("Straße ﬁn Ωδή", "strasse fin ωδh"),
        (
            "\u0421\u0410\u0405\u041d \u0441\u0430\u0455h fr\u0435\u0435 w\u0456n",
            "cash cash free win",
        ),
        ("\u1d04\u1d00s\u029c \u03bd\u03b9\u03c1 l\u0131nk", "cash vip link"),
        ("٠٨٠٠ 0800 ०८०० ②", "0800 0800 0800 2"),
        ("fr\u200bee fr\u00adee \ufefffr\u2060ee f\u034free", "free free free free"),
        ("a\u0085b\u2028c\x1cd\x00e\u3000f\u00a0g\u2800h", "a b c d e f g h"),
        ("\ud800x\udfff\ufffd\ue000y", "x y"),
        ("👩\u200d👧❤\ufe0f", "👩 👧 ❤"),
        ("한국어 한국어", unicodedata.normalize("NFKD", "한국어 한국어")),
        ("\u202eevil\u202c", "evil"),
        ("", ""),
        (" \t\n", ""),
    ],
)
def test_examples(text, expected):
    assert characters.normalise(text) == expected


def test_replacements_stand_for_themselves(replacements):
    normal = " ".join(" ".join(text.split()) for text in set(replacements))
    assert characters.normalise(normal).split() == normal.split()


@same_unicode
def test_nothing_is_left_that_could_part_words_or_is_a_digit_but_0_to_9(replacements):
    for character in set("".join(replacements)) - {" "}:
        category = unicodedata.category(character)
        assert not character.isspace(), hex(ord(character))
        assert category not in ("Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"), hex(ord(character))
        assert category != "Cn" or 0x1F000 <= ord(character) < 0x1FB00, hex(ord(character))
        assert category != "Nd" or character in "0123456789", hex(ord(character))


@same_unicode
def test_letters_of_one_canonical_form_read_alike(replacements):
    for code_point, text in enumerate(replacements):
        decomposed = unicodedata.normalize("NFD", chr(code_point))
        if decomposed != chr(code_point) and chr(code_point) not in "`´\u1fef\u1ffd":
            parts = "".join(replacements[ord(part)] for part in decomposed)
            assert parts.split() == text.split(), hex(code_point)


@same_unicode
def test_marks_and_symbols_are_words_of_their_own(replacements):
    for code_point, text in enumerate(replacements):
        for place, character in enumerate(text):
            if unicodedata.category(character)[0] in "PS":
                assert text[place - 1 : place + 2] == f" {character} ", hex(code_point)


def test_no_replacement_is_longer_than_unicode_makes_it(replacements):
    assert max(map(len, replacements)) <= 18


@same_unicode
def test_the_table_is_what_the_script_makes():
    loader = importlib.machinery.SourceFileLoader("make_character_table", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    script = importlib.util.module_from_spec(spec)
    loader.exec_module(script)
    for name, array in script.build().items():
        np.testing.assert_array_equal(array, getattr(characters.table(), name), err_msg=name)


def test_the_hash_is_frozen():
    # Models in the wild carry it: a new table needs models trained anew.
    assert characters.table_sha256() == (
        "5bc9895b92dde5aaae04690401f0c500bcda14cf9673b0fc7dc36b2c70aa959b"
    )


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters()))
def test_any_text(text):
    normal = characters.normalise(text)
    assert characters.normalise(normal) == normal
    assert normal == " ".join(normal.split())
    normal.encode()
    assert characters.normalise(characters.clean(text)) == normal
    characters.clean(text).encode()
