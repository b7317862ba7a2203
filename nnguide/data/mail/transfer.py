"""Decoding of transfer encodings, and removal of encoded files from text."""

from __future__ import annotations

import binascii
import codecs
import re

_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,3}")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_SURE = 16  # digits of a line of base64 that reads as text; chance takes fewer for it too
_UTF8 = codecs.getincrementaldecoder("utf-8")
_SOFT_BREAK = re.compile(rb"=[ \t]{1,100}(?=\n|\Z)")
_ENCODED_LINE = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LONG_LINE = 60
_UU_BEGIN = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n", re.MULTILINE)


def undo(content: bytes, encoding: str) -> bytes:
    """Decode bytes; an unknown encoding leaves them as they are."""
    if encoding in ("base64", "b64"):
        return from_base64(content)
    if encoding in ("quoted-printable", "qp"):
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=", content))
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _from_uuencode(content)
    return content


def from_base64(content: bytes) -> bytes:
    """Decode base64 with other characters in it.

    A footer behind it is kept as plain text. Content without base64 stays as it is, whatever its
    header says.
    """
    lines = [line.strip() for line in content.split(b"\n")]
    clean = (place for place, line in enumerate(lines) if line and not _BASE64.fullmatch(line))
    end = next(clean, len(lines))
    for place in range(len(lines) - 1, end - 1, -1):
        if _is_base64(lines[place]):
            end = place + 1
            while end < len(lines) and _BASE64.fullmatch(lines[end]):  # the last line is short
                end += 1
            break
    return b"".join(quantums(b"".join(lines[:end]))) or content


def _is_base64(line: bytes) -> bool:
    """Return whether a line is base64.

    Other characters may be before or in it; no word of a footer is base64. A line is base64 where
    it decodes to text, wherever its groups of four begin, or ends as only base64 does.
    """
    digits = _NOT_BASE64.sub(b"", line)
    if digits.endswith(b"=") and _BASE64.fullmatch(digits) and len(line) - len(digits) <= 1:
        return True
    digits = digits.replace(b"=", b"")
    if len(digits) < _SURE:
        return False
    if len(line) >= _LONG_LINE and _BASE64.fullmatch(line) and _is_mixed(line.decode("ascii")):
        return True
    return any(_reads_as_text(b"".join(quantums(digits[skipped:]))) for skipped in range(4))


def _reads_as_text(decoded: bytes) -> bool:
    printable = sum(32 <= byte < 127 or byte in b"\t\n\r" for byte in decoded)
    if 10 * printable >= 9 * len(decoded):
        return True
    try:  # a character may be cut at either end
        text = _UTF8().decode(decoded.lstrip(bytes(range(0x80, 0xC0))))
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def quantums(text: bytes) -> list[bytes]:
    """Return the decoded pieces of joined base64.

    It may be padded in the middle, where pieces were joined. Characters that are not base64 are
    left out.
    """
    text = _NOT_BASE64.sub(b"", text)
    pieces = []
    for piece in re.split(rb"=+", text):
        whole = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
        pieces.append(binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)))
    return pieces


def _from_uuencode(content: bytes) -> bytes:
    made = []
    lines = iter(content.split(b"\n"))
    for line in lines:
        if line.startswith(b"begin "):
            break
    for line in lines:
        if line.strip() in (b"", b"`", b"end"):
            break
        try:
            made.append(binascii.a2b_uu(line))
        except binascii.Error:  # as some encoders count a line wrongly
            bytes_of_it = ((line[0] - 32) & 63) * 4 + 5
            try:
                made.append(binascii.a2b_uu(line[: bytes_of_it // 3]))
            except binascii.Error:
                break
    return b"".join(made)


def without_encoded(text: str) -> tuple[str, list[str]]:
    """Return plain text without encoded files, and their names.

    A uuencoded file has one; lines of base64 are dropped: nobody reads them.
    """
    text, names = _without_uuencoded(text)
    if len(text) < _LONG_LINE:
        return text, names
    kept: list[str] = []
    among = False  # the line before was base64
    for line in text.split("\n"):
        bare = line.strip()
        long = len(bare) >= _LONG_LINE
        if (long or among) and _ENCODED_LINE.fullmatch(bare) and (not long or _is_mixed(bare)):
            among = long  # the last line of a block is short
            continue
        among = False
        kept.append(line)
    return "\n".join(kept), names


def _without_uuencoded(text: str) -> tuple[str, list[str]]:
    kept: list[str] = []
    names: list[str] = []
    place = 0
    while begin := _UU_BEGIN.search(text, place):
        end = text.find("\nend", begin.end())
        if end < 0:
            break
        kept.append(text[place : begin.start()])
        names.append(begin[1].strip())
        place = end + len("\nend")
    return "".join(kept) + text[place:], names


def _is_mixed(line: str) -> bool:
    """Return whether a line mixes small letters, capitals and digits.

    No word does.
    """
    return (
        any(c.islower() for c in line)
        and any(c.isupper() for c in line)
        and any(c.isdigit() for c in line)
    )
