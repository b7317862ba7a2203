"""Header of a mail or part: its end, fields and meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from nnguide.data.mail.charsets import codec_name, decode
from nnguide.data.mail.transfer import quantums

MAX_HEADER = 2**20  # bytes; a longer one ends there
MAX_VALUE = 5_000  # bytes of a field that are read: parameters take quadratic time to parse
MAX_SUBJECT = 2_000  # characters
MAX_NAME = 200  # characters of an attachment's name or a Message-ID
_LOOK_AHEAD = 50  # lines in which a bad line may stand among the fields

_FIELD = re.compile(rb"(?!https?:|ftp:|mailto:)([!-9;-~]{1,80})[ \t]*:([^\n]*)", re.IGNORECASE)
_USUAL = re.compile(
    rb"(?:subject|from|to|date|received|return-path|message-id|mime-version|content-type|"
    rb"content-transfer-encoding|delivered-to|reply-to|sender|cc|bcc|in-reply-to|references|"
    rb"dkim-signature|authentication-results|arc-[a-z-]+|list-[a-z]+|resent-[a-z-]+|"
    rb"x-[a-z-]+)[ \t]*:",
    re.IGNORECASE,
)
_FROM_LINE = re.compile(rb">?From ")
_ENCODED_WORD = re.compile(  # some mailers leave a question mark in it
    r"=\?([^?\s]{1,60})\?([bq])\?((?:[^?=]|\?(?!=)|=(?!\?[^=]))*)\?=", re.IGNORECASE
)
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_TYPE = re.compile(rb"[\s\"']*([\w.+-]{1,80})\s{0,9}/\s{0,9}([\w.+-]{1,80})")
_CHARSET = re.compile(rb"charset\s{0,9}=[\s\"']{0,9}([\w.:-]{1,60})", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """The fields of a header that are read.

    Attributes:
        fields: lower-case name -> the unfolded values, in order.
        usual: how many fields that mail usually has were met.
        clean: its first line is a field.
        end: where the body begins.
    """

    fields: dict[str, list[bytes]] = field(default_factory=dict)
    usual: int = 0
    clean: bool = True
    end: int = 0

    def first(self, name: str) -> bytes:
        """Return the first value of a field that is not empty.

        b"" where there is none.
        """
        return next((value for value in self.fields.get(name, ()) if value.strip()), b"")


def read_header(raw: bytes, start: int, end: int) -> Header:
    """Read the header at `start` of `raw`, with LF line ends.

    A line that is no field is left out where usual fields follow it; else the body begins there,
    the blank line before it being missing.
    """
    fields: dict[str, list[bytes]] = {}
    usual, clean, place = 0, True, start
    sure = start  # up to here bad lines are known to stand among the fields
    end = min(end, start + MAX_HEADER)
    last: list[bytes] = []
    while place < end:
        after = raw.find(b"\n", place, end)
        after = end if after < 0 else after
        if after == place:
            return Header(fields, usual, clean, after + 1)
        head = raw[place : min(after, place + MAX_VALUE)]
        match = _FIELD.match(head)
        if head[:1] in b" \t":
            if not head.strip() and not _FIELD.match(raw, after + 1, end):
                return Header(fields, usual, clean, after + 1)
            if last and len(last[-1]) < MAX_VALUE:
                last[-1] += b" " + head.strip()
        elif match:
            last = fields.setdefault(match[1].decode("ascii", "replace").lower(), [])
            last.append(match[2].strip())
            usual += _USUAL.match(head) is not None
        elif not _FROM_LINE.match(head):
            if place >= sure:
                sure = _next_field(raw, after + 1, end)
            if sure < 0:
                return Header(fields, usual, clean, place)
            clean = clean and place > start
        place = after + 1
    return Header(fields, usual, clean, end)


def _next_field(raw: bytes, place: int, end: int) -> int:
    """Return the place of a usual field before the next blank line.

    -1 where there is none.
    """
    for _ in range(_LOOK_AHEAD):
        after = raw.find(b"\n", place, end)
        if after == place or place >= end:
            return -1
        if _USUAL.match(raw, place, end):
            return place
        if after < 0:
            return -1
        place = after + 1
    return -1


def decode_words(value: bytes) -> str:
    """Decode a field's encoded words and its other bytes.

    Bytes beyond ASCII are decoded in the likely charset. Neighbouring words of one charset are
    joined before they are decoded: some mailers cut amid a character.
    """
    text = decode(value[:MAX_VALUE])[:MAX_SUBJECT]
    pieces: list[str] = []
    pending, charset, place = b"", "", 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[place : word.start()]
        content = _word_content(word)
        if content is None:
            continue
        named = word[1].partition("*")[0].lower()
        named = codec_name(named) or named
        if pending and (between.strip() or named != charset):
            pieces.append(decode(pending, charset))
            pending = b""
        if between.strip() or not pieces:
            pieces.append(between)
        pending, charset, place = pending + content, named, word.end()
    if pending:
        pieces.append(decode(pending, charset))
    pieces.append(text[place:])
    return " ".join("".join(pieces).split())


def _word_content(word: re.Match[str]) -> bytes | None:
    """Return the bytes of an encoded word.

    None for base64 that is not valid.
    """
    content = word[3].encode("utf-8", "replace")
    if word[2].lower() == "q":
        return _HEX.sub(lambda match: bytes([int(match[1], 16)]), content.replace(b"_", b" "))
    decoded = b"".join(quantums(content))
    return decoded if decoded or not content else None


@dataclass(frozen=True)
class Kind:
    """Description of a body in its header.

    Attributes:
        type: such as text/html; "" where there is no Content-Type.
        encoding: transfer encoding in lower case.
        charset, boundary: "" where not given.
        disposition: inline, attachment or "".
        name: of the file, "" without one.
    """

    type: str
    encoding: str
    charset: str
    boundary: str
    disposition: str
    name: str


def kind_of(header: Header) -> Kind:
    """Return what the fields of `header` say, however malformed."""
    message = Message()
    for name in ("content-type", "content-disposition"):
        if value := header.first(name):
            message[name] = _parameters(value)
    content_type = header.first("content-type")
    return Kind(
        _type(content_type),
        _encoding(header.first("content-transfer-encoding")),
        str(_quietly(message.get_content_charset) or _charset(content_type)),
        _boundary(message, content_type),
        str(_quietly(message.get_content_disposition) or ""),
        decode_words(str(_quietly(message.get_filename) or "").encode("utf-8", "replace"))[
            :MAX_NAME
        ],
    )


def _type(value: bytes) -> str:
    """Return a content type without comment, quotes and parameters.

    They may be separated in any way.
    """
    if match := _TYPE.match(value):
        return b"/".join(match.groups()).decode("latin-1").lower()
    return "text/plain" if value else ""


def _charset(value: bytes) -> str:
    """Return the charset of a content type without its semicolon."""
    match = _CHARSET.search(value)
    return match[1].decode("latin-1") if match else ""


def _parameters(value: bytes) -> str:
    """Return a field without the thousands of semicolons of some spam."""
    fields = [field for field in value[:MAX_VALUE].split(b";") if field.strip()]
    return decode(b";".join(fields[:20]))


def _boundary(message: Message, value: bytes) -> str:
    boundary = str(_quietly(message.get_boundary) or "").strip()
    if not boundary and (match := re.search(rb"(?i)boundary\s*=\s*\"?([^\";\n]+)", value)):
        boundary = match[1].decode("latin-1").strip()
    return boundary


def _encoding(value: bytes) -> str:
    """Return a transfer encoding without comment, parameters, quotes and blanks."""
    name = re.sub(rb"\([^)]*\)", b"", value).partition(b";")[0]
    return name.strip(b" \t\"'.").decode("latin-1").lower()


def _quietly(get: Any) -> Any:
    try:
        return get()
    except Exception:  # the email module's failures on malformed parameters have no limit
        return None
