"""Headers that a filter adds to a mail or removes.

Every other byte stays. A mail is hostile: its sender may have written such headers. All whose names
begin with X-Spam- or X-Nnguide- are removed, with the lines that continue them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnguide.serving.filtering.judge import Verdict

_OURS = re.compile(rb"X-(?:Spam|Nnguide)-[!-9;-~]*[ \t]*:", re.IGNORECASE)
_FROM_LINE = b"From "  # that programs which deliver mail put in front of it
_CHUNK = 10  # characters of an encoded word: at most 75 bytes


def marked(raw: bytes, verdict: Verdict) -> bytes:
    """Return the mail with the verdict's headers in front.

    Earlier ones are removed. A leading From line stays the first, and so do lines that continue
    nothing: after a header of ours they would be part of it.
    """
    front, rest = _split_front(raw)
    return front + header_lines(verdict, _line_end(raw)) + without_ours(rest)


def header_of(marked_mail: bytes) -> bytes:
    """Return the header of a mail, with its final blank line."""
    place = 0
    for line in _header_lines(marked_mail):
        place += len(line)
    end = _line_end(marked_mail)
    return marked_mail[:place] + end


def without_from_line(raw: bytes) -> bytes:
    """Return the mail without a From line before its header."""
    first = next(_lines(raw), b"")
    if first.startswith(_FROM_LINE) and first.endswith((b"\n", b"\r")):
        return raw[len(first) :]
    return raw


def header_lines(verdict: Verdict, end: bytes = b"\n") -> bytes:
    """Return the headers of a verdict, with line ends."""
    status = "Yes" if verdict.is_spam else "No"
    guess = " guess=yes" if verdict.guess else ""
    fields = {
        "X-Spam-Flag": "YES" if verdict.is_spam else "NO",
        "X-Spam-Status": f"{status}, score={verdict.probability:.6f} "
        f"required={verdict.threshold:.6f}{guess}",
        "X-Nnguide-Reason": _encoded(verdict.reason, "\r\n" if end == b"\r\n" else end.decode()),
    }
    return b"".join(f"{name}: {value}".encode("ascii") + end for name, value in fields.items())


def without_ours(raw: bytes) -> bytes:
    """Remove the fields that a filter adds from a header."""
    kept = []
    place = 0
    drops = False
    for line in _header_lines(raw):
        place += len(line)
        drops = drops if line[:1] in (b" ", b"\t") else bool(_OURS.match(line))
        if not drops:
            kept.append(line)
    return b"".join(kept) + raw[place:]


def _split_front(raw: bytes) -> tuple[bytes, bytes]:
    place = len(raw) - len(without_from_line(raw))
    for line in _header_lines(raw[place:]):
        if line[:1] not in (b" ", b"\t") or not line.endswith((b"\n", b"\r")):
            break
        place += len(line)
    return raw[:place], raw[place:]


def _line_end(raw: bytes) -> bytes:
    """Return how the first line of a mail ends."""
    first = next(_lines(raw), b"")
    return next((end for end in (b"\r\n", b"\n", b"\r") if first.endswith(end)), b"\n")


def _header_lines(raw: bytes) -> Iterator[bytes]:
    """Yield the lines before the first blank one."""
    for line in _lines(raw):
        if not line.strip(b"\r\n"):
            return
        yield line


def _lines(raw: bytes) -> Iterator[bytes]:
    """Yield the lines with their ends.

    Those of an old Mac end in a carriage return.
    """
    end = b"\n" if b"\n" in raw else b"\r"
    place = 0
    while place < len(raw):
        after = raw.find(end, place) + 1 or len(raw)
        yield raw[place:after]
        place = after


def _encoded(text: str, end: str) -> str:
    """Encode text as the value of a header field.

    It is ASCII, with encoded words (RFC 2047) where it has other characters. Readers leave out the
    blanks between encoded words, so the text comes back as it was.
    """
    text = "".join(character if character.isprintable() else " " for character in text)
    if text.isascii() and "=?" not in text:
        return text
    chunks = [text[place : place + _CHUNK] for place in range(0, len(text), _CHUNK)]
    words = [base64.b64encode(chunk.encode("utf-8", "replace")).decode() for chunk in chunks]
    return f"{end} ".join(f"=?utf-8?b?{word}?=" for word in words)
