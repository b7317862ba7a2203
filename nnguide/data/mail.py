"""A raw mail (RFC 822, MIME) to the text that the spam network reads.

Only the subject and the body are read. Other headers give the collection away: who sent it,
through which list and by which programme says more about where a corpus came from than about
spam, and a network that sees them learns that.

Mail is hostile input, and the `email` module takes quadratic time on some and fails in odd ways
on other malformed mail. The limits below keep the work linear, and whatever it raises comes out
as an InputError.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from typing import Any

from nnguide.data.html_text import html_to_text
from nnguide.errors import InputError

MAX_BYTES = 25 * 2**20  # a longer mail is refused: mail servers refuse it too
READ_BYTES = 2**20  # text stands in front of attachments: only the beginning is parsed
READ_LINES = 20_000
MAX_CHARACTERS = 100_000  # of the text that comes out
MAX_PARTS = 50  # mentions of a multipart or enclosed message; the corpora have at most 9
MAX_SUBJECT = 2_000  # characters

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]|(?:>?From )")
_USUAL_FIELD = re.compile(
    rb"^(?:subject|from|to|date|received|return-path|message-id|mime-version|content-type|"
    rb"delivered-to|reply-to|sender|cc|x-[a-z-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_CONTENT_TYPE = re.compile(rb"^content-type:.*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)
_CONTAINER = re.compile(rb"(?:multipart|message)/", re.IGNORECASE)
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bq]\?[^?]*\?=", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")  # white space that separates two of them
_READ_TYPES = ("text/plain", "text/html", "text/enriched", "text/richtext")
# Codecs that Python calls text encodings and no mail is written in; punycode and idna take
# quadratic time.
_NO_CHARSET = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}


def message_text(raw: bytes) -> str:
    """The subject, a line end and the decoded body of a mail.

    Quoted-printable, base64 and any charset are decoded; of alternatives the plain text is
    taken, else the HTML, reduced to its text; attachments are dropped; no other header is
    read. Bytes without a mail's header are taken as plain text.

    Returns:
        At most MAX_CHARACTERS characters, stripped, not empty, always encodable as UTF-8.
    Raises:
        InputError: longer than MAX_BYTES, no text in it, or nested beyond reason.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"expected a message of at most {MAX_BYTES // 2**20} MB; got {len(raw):,} bytes"
        )
    raw = _beginning(raw)
    text = _mail_text(raw) if _is_mail(raw) else _decode(raw, None)
    text = text.strip()[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    if not text:
        raise InputError("expected a message with a subject or a text; this one has neither")
    return text


def _beginning(raw: bytes) -> bytes:
    """The part of a mail that is read, with LF line ends."""
    raw = raw[:READ_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    return b"\n".join(raw.split(b"\n", READ_LINES)[:READ_LINES])


def _is_mail(raw: bytes) -> bool:
    """Whether `raw` begins with header fields, a usual one among them: "Note: milk" is text."""
    header = raw.split(b"\n\n", 1)[0]
    first = header.split(b"\n", 1)[0]
    return bool(_FIELD.match(first) and _USUAL_FIELD.search(header))


def _mail_text(raw: bytes) -> str:
    if len(_CONTAINER.findall(raw)) > MAX_PARTS:
        raise InputError(f"expected a mail of at most {MAX_PARTS} nested parts; this one has more")
    try:
        mail = message_from_bytes(_CONTENT_TYPE.sub(_shortened, raw))
        return "\n".join([_subject(mail), *_bodies(mail)])
    except Exception as error:  # the email module's failures on malformed mail have no limit
        raise InputError(f"this mail cannot be parsed: {type(error).__name__}: {error}") from error


def _shortened(field: re.Match[bytes]) -> bytes:
    """A Content-Type field without the thousands of semicolons that some spam has there.

    The email module parses parameters in quadratic time.
    """
    if len(field[0]) < 1_000 and field[0].count(b";") < 20:
        return field[0]
    parameters = [part for part in field[0].split(b";") if part.strip()]
    return b";".join(parameters[:20])[:5_000]


def _subject(mail: Message) -> str:
    # The stored value is ASCII with surrogates for other bytes; get() would replace those by ?.
    values = [value for name, value in mail.raw_items() if name.lower() == "subject"]
    if not values:
        return ""
    value = _decode(str(values[0])[:MAX_SUBJECT].encode("utf-8", "surrogateescape"), None)
    value = _BETWEEN_WORDS.sub("", value)
    return " ".join(_ENCODED_WORD.sub(_decoded_word, value).split())


def _decoded_word(word: re.Match[str]) -> str:
    try:
        [(content, charset)] = decode_header(word[0])
    except (HeaderParseError, ValueError):  # base64 that is none
        return word[0]
    return _decode(content, charset) if isinstance(content, bytes) else content


def _bodies(part: Message) -> Iterator[str]:
    """The texts of a mail or part, in order."""
    if part.get_content_disposition() == "attachment":
        return
    # Asked first: of a part without parts, get_payload() would decode by any charset it names.
    children: Any = part.get_payload() if part.is_multipart() else None
    if children is None:
        if (text := _text(part)).strip():
            yield text
    elif part.get_content_type() == "multipart/alternative":
        yield from _best(children)
    elif part.get_content_maintype() == "message":
        for child in children:
            yield from (_subject(child), *_bodies(child))
    else:
        for child in children:
            yield from _bodies(child)


def _best(alternatives: list[Message]) -> list[str]:
    """The texts of the plain alternative, else of the first one that has any."""
    plain_first = sorted(alternatives, key=lambda part: part.get_content_type() != "text/plain")
    for part in plain_first:
        if texts := list(_bodies(part)):
            return texts
    return []


def _text(part: Message) -> str:
    kind = part.get_content_type()
    if kind not in _READ_TYPES and part.get_content_maintype() != "multipart":
        return ""  # a multipart without parts is a mail whose boundary is missing: plain text
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    text = _decode(content, part.get_content_charset())
    return text if kind == "text/plain" else html_to_text(text)


def _decode(content: bytes, charset: str | None) -> str:
    """`content` in `charset`; where that is absent, unknown or wrong, in UTF-8 or Windows-1252."""
    name = (charset or "us-ascii").lower()
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        known = "ascii"
    if known not in ("ascii", "utf-8") and known.replace("_", "-") not in _NO_CHARSET:
        try:
            return content.decode(known, "replace")
        except (LookupError, ValueError):  # a codec that does not give text
            pass
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
