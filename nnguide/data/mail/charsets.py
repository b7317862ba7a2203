"""Decoding of a mail's bytes, by the named or real charset.

Mail names charsets that do not exist, names none, or names another than it is written in.
"""

from __future__ import annotations

import codecs
import re

# Names that mean a larger set in practice, as browsers and mail programs read them.
_LARGER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
}
_OTHER_NAMES = {
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac_roman",
    "x-macintosh": "mac_roman",
    "ks_c_5601": "cp949",
    "unicode-1-1-utf-7": "utf-7",
    "x-utf-8": "utf-8",
    "cp-850": "cp850",
}
# Codecs that Python calls text encodings and no mail is written in; punycode and idna take
# quadratic time.
_NO_CHARSET = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs"}
_EAST_ASIAN = ("cp949", "gb18030", "cp932", "big5hkscs", "euc_jp")
_MULTIBYTE = {*_EAST_ASIAN, "euc_jis_2004", "iso2022_jp_ext", "utf-7", "hz"}

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_UTF8 = re.compile(  # the sequences of two to four bytes
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HANGUL = frozenset(  # the syllables in daily use, of KS X 1001
    bytes((lead, trail)).decode("euc_kr")
    for lead in range(0xB0, 0xC9)
    for trail in range(0xA1, 0xFF)
)
_GUESSED_FROM = 4_096  # bytes that are looked at to guess a charset


def decode(content: bytes, declared: str | None = None) -> str:
    """Decode `content` to text; it never fails.

    A declared charset counts unless the bytes contradict it: what is valid UTF-8 is UTF-8,
    whatever single-byte charset is named. Where none, an unknown or ASCII is named, UTF-8 with
    a few broken characters is UTF-8; else the charset is guessed.
    """
    if content.startswith(codecs.BOM_UTF8):
        content, declared = content[3:], "utf-8"
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        declared = "utf-16"
    charset = codec_name(declared)
    eight_bit = _NOT_ASCII.search(content) is not None
    # Four characters that chance to be UTF-8 in an East Asian charset: one in a thousand.
    if charset is None or (
        eight_bit and (charset not in _MULTIBYTE or len(_UTF8.findall(content)) > 3)
    ):
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            pass
    if charset in (None, "utf-8") or (charset == "cp1252" and "ascii" in str(declared).lower()):
        return _guessed(content)
    try:
        return content.decode(charset)
    except (LookupError, ValueError, UnicodeError):
        pass
    if eight_bit and _mostly_utf8(content):
        return content.decode("utf-8", "replace")
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError, UnicodeError):  # a codec that gives no text
        return _guessed(content)


def codec_name(declared: str | None) -> str | None:
    """Return the codec of a charset's name.

    None where the name is of no use.
    """
    name = (declared or "").strip("\"' \t").lower()
    name = _OTHER_NAMES.get(name.partition("-19")[0] if "5601" in name else name, name)
    if not name or "\0" in name:
        return None
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    if known.replace("_", "-") in _NO_CHARSET:
        return None
    return _LARGER.get(known, known)


def _mostly_utf8(content: bytes) -> bool:
    """Return whether nearly all bytes beyond ASCII are UTF-8 sequences."""
    beyond = len(_NOT_ASCII.findall(content))
    in_sequences = sum(map(len, _UTF8.findall(content)))
    return in_sequences > 0 and beyond - in_sequences <= max(1, beyond // 10)


def _guessed(content: bytes) -> str:
    """Decode bytes in the charset that reads most like writing.

    UTF-8 with a few broken characters comes first.
    """
    if _mostly_utf8(content):
        return content.decode("utf-8", "replace")
    lines = content[: 16 * _GUESSED_FROM].split(b"\n")
    sample = b" ".join(line for line in lines if _NOT_ASCII.search(line))
    sample = sample[:_GUESSED_FROM]
    best, charset = 0.5, "cp1252"
    for candidate in (*_EAST_ASIAN, "cp1251", "koi8-r"):
        score = _plausible(sample, candidate)
        if score > best:
            best, charset = score, candidate
    return content.decode(charset, "replace")


def _plausible(sample: bytes, charset: str) -> float:
    """Return how much `sample` looks like writing in `charset`, 0-1."""
    text = sample.decode(charset, "replace")
    # The sample may end amid a character.
    beyond = [character for character in text[:-1] if character > "\x7f"]
    if len(beyond) < 3 or "\ufffd" in text[:-2]:
        return 0.0
    if charset in _EAST_ASIAN:
        # Latin text with an accent here and there decodes too, as rare characters.
        usual = sum(_is_usual(character, charset) for character in beyond) / len(beyond)
        if charset == "cp949":
            return usual if usual > 0.95 else 0.0
        return 0.98 * usual
    words = re.findall("[^\\W\\d_]+", text)
    cyrillic = [word for word in words if all("\u0400" <= c <= "\u04ff" for c in word)]
    letters = sum(map(len, cyrillic))
    if letters < max(3, 0.8 * len(beyond)):
        return 0.0
    # In the wrong one of the two, capitals and small letters change places.
    usual = sum(len(word) for word in cyrillic if word[1:].islower() or word.isupper())
    small = sum(c.islower() for word in cyrillic for c in word)
    return 0.6 * usual / letters + 0.39 * small / letters


def _is_usual(character: str, charset: str) -> bool:
    """Return whether a character is common in a charset's language.

    The charset is an East Asian one.
    """
    point = ord(character)
    if 0xAC00 <= point <= 0xD7A3:
        return charset == "cp949" and character in _HANGUL
    if 0x3041 <= point <= 0x30FF:  # kana
        return charset in ("cp932", "euc_jp")
    if 0x3000 <= point <= 0x303F or 0xFF01 <= point <= 0xFF5E:  # marks, full width
        return True
    if not 0x4E00 <= point <= 0x9FFF or charset == "cp949":
        return False
    if charset in ("cp932", "euc_jp"):
        return True
    try:  # the first level of each standard holds the characters in daily use
        lead = character.encode("gb2312" if charset == "gb18030" else "big5")[0]
    except UnicodeEncodeError:
        return False
    return lead <= 0xD7 if charset == "gb18030" else 0xA4 <= lead <= 0xC6
