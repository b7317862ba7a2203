"""One mail as its reader sees it: RFC 5322 and MIME.

It need not be well formed. Only the subject and the text are for the network. Other headers give
the collection away: who sent a mail, through which list and by which programme says more about
where a corpus came from than about spam, and a network that sees them learns that.

Mail is hostile input: sizes, depth and parts are bounded, and the work is linear in the length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from nnguide.data.mail import tnef
from nnguide.data.mail.boundaries import MAX_PARTS, divided
from nnguide.data.mail.charsets import decode
from nnguide.data.mail.foreign import foreign, kind_of_file
from nnguide.data.mail.headers import (
    MAX_NAME,
    Header,
    Kind,
    decode_words,
    kind_of,
    read_header,
)
from nnguide.data.mail.seen import seen, without_escapes
from nnguide.data.mail.text import MailText
from nnguide.data.mail.transfer import undo, without_encoded
from nnguide.errors import InputError

MAX_BYTES = 25 * 2**20  # a longer mail is refused: mail servers refuse it too
MAX_CHARACTERS = 100_000  # of the text that comes out
MAX_SOURCE = 1_000_000  # characters that are rendered, all parts together
MAX_PART = 1_500_000  # bytes of one part's encoded text
MAX_DEPTH = 60
MAX_READINGS = 4  # of alternatives that disagree

_HTML = ("text/html", "application/xhtml+xml", "text/enriched", "text/richtext")
_NOT_SHOWN = (  # text to programs
    "text/css",
    "text/x-amp-html",
    "text/rfc822-headers",
    "text/x-vcard",
    "text/vcard",
    "text/directory",
    "message/delivery-status",
    "message/disposition-notification",
    "message/feedback-report",
    "message/partial",
    "message/external-body",
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_CALENDAR = re.compile(r"(BEGIN|END|SUMMARY|LOCATION|DESCRIPTION)(?:;[^:]*)?:(.*)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]{2,}")


@dataclass(frozen=True)
class Mail:
    """One mail.

    Attributes:
        subject: decoded, on one line.
        body: the text that a reader sees.
        alternatives: other bodies that it offers and that disagree with this one.
        hidden: text in its HTML that no reader sees.
        attachments: their names, "" for one without; not read.
        links: the addresses that links in its HTML lead to.
        pictures: how many its HTML shows.
        parts: how many parts it has; 1 if it is not divided.
        html_only: the body is from HTML, and there is no plain text.
        message_id: as it is in the header, without < and >.
    """

    subject: str
    body: str
    alternatives: tuple[str, ...]
    hidden: str
    attachments: tuple[str, ...]
    links: tuple[str, ...]
    pictures: int
    parts: int
    html_only: bool
    message_id: str

    @property
    def text(self) -> MailText:
        """Text that a network reads.

        It has at most MAX_CHARACTERS and is always encodable as UTF-8.
        """
        others = [_joined(self.subject, other) for other in self.alternatives]
        return MailText.of(_joined(self.subject, self.body), tuple(others), self.message_id)


def _joined(subject: str, body: str) -> str:
    return f"{subject}\n{body}".strip()[:MAX_CHARACTERS]


def read_mail(raw: bytes) -> Mail:
    """Read one mail.

    Raises:
        InputError: it is not a mail, longer than MAX_BYTES, or nested beyond reason.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"expected a message of at most {MAX_BYTES // 2**20} MB; got {len(raw):,} bytes"
        )
    raw = _with_line_feeds(raw)
    header = read_header(raw, 0, len(raw))
    if not _is_header(raw, header):
        raise InputError(
            "it is not a mail: it does not begin with a header, such as Subject: or From:. "
            "For messages, one a line, use --file."
        )
    return _Reader().mail(raw, header)


def is_mail(beginning: bytes, fields: int = 1) -> bool:
    """Return whether `beginning` has a mail's header.

    The header has at least `fields` usual fields; "Note: milk" is a text.
    """
    raw = _with_line_feeds(beginning)
    return _is_header(raw, read_header(raw, 0, len(raw)), fields)


def _is_header(raw: bytes, header: Header, fields: int = 1) -> bool:
    enough = header.usual >= (fields if header.clean else max(fields, 2))
    return enough and not kind_of_file(raw)


def message_text(raw: bytes) -> str:
    """Return the text of a mail or of a plain file.

    Returns:
        A MailText for a mail, which may be empty; else a str that is not.
    Raises:
        InputError: as of read_mail, or neither a mail nor text.
    """
    if len(raw) <= MAX_BYTES and not is_mail(raw[:MAX_PART]):
        if other := foreign(raw):
            raise InputError(other)
        text = seen(decode(raw[:MAX_PART])).strip()[:MAX_CHARACTERS]
        if not text:
            raise InputError("expected a message; got nothing to read")
        return text
    return read_mail(raw).text


def _with_line_feeds(raw: bytes) -> bytes:
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in raw:
        raw = raw.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return raw.lstrip(b"\n")


@dataclass
class _Reading:
    """Text of a part as shown, and possible other texts."""

    shown: str = ""
    others: list[str] = field(default_factory=list)


class _Reader:
    """Reader of the parts of one mail."""

    def __init__(self) -> None:
        self.parts = 0
        self.characters = 0
        self.attachments: list[str] = []
        self.hidden: list[str] = []
        self.links: list[str] = []
        self.pictures = 0
        self.html = self.plain = 0
        self.wrapped = ""  # text in winmail.dat

    def mail(self, raw: bytes, header: Header) -> Mail:
        reading = self._part(raw, header, len(raw), 0, "text/plain")
        body = reading.shown or seen(self.wrapped).strip()
        others = [text for text in reading.others if text and text != body][:MAX_READINGS]
        return Mail(
            subject=seen(decode_words(header.first("subject"))),
            body=body,
            alternatives=tuple(others),
            hidden=seen("\n".join(self.hidden)),
            attachments=tuple(self.attachments),
            links=tuple(self.links),
            pictures=self.pictures,
            parts=max(self.parts, 1),
            html_only=self.html > 0 and not self.plain,
            message_id=_message_id(header),
        )

    def _part(self, raw: bytes, header: Header, end: int, depth: int, default: str) -> _Reading:
        if depth > MAX_DEPTH or self.parts > MAX_PARTS:
            raise InputError(
                f"expected a mail of at most {MAX_PARTS:,} parts, {MAX_DEPTH} deep; "
                "this one has more"
            )
        kind = kind_of(header)
        type_ = kind.type or default
        container = type_.startswith("multipart/")
        if container or (depth == 0 and kind.type in ("", "text/plain") and not kind.encoding):
            parts = divided(raw, header.end, end, kind.boundary, container)
            if parts:
                return self._several(raw, parts, type_, depth)
            type_ = "text/plain" if container else type_  # its boundary is missing
        self.parts += 1
        if depth and (kind.disposition == "attachment" or not _is_read(type_)):
            return self._attachment(raw, header, end, kind, type_)
        if type_ in ("message/rfc822", "message/global", "message/news"):
            return self._enclosed(raw, header, end, kind, depth)
        if _is_read(type_):
            return self._text(raw[header.end : min(end, header.end + MAX_PART)], kind, type_)
        return self._attachment(raw, header, end, kind, type_)

    def _several(
        self, raw: bytes, places: list[tuple[int, int]], type_: str, depth: int
    ) -> _Reading:
        readings: list[_Reading] = []
        calendar = _Reading()
        default = "message/rfc822" if type_ == "multipart/digest" else "text/plain"
        for start, end in places:
            header = read_header(raw, start, end)
            html, plain = self.html, self.plain
            reading = self._part(raw, header, end, depth + 1, default)
            if type_ == "multipart/related" and readings and readings[0].shown:
                self.html, self.plain = html, plain  # what the first one may refer to
                continue
            if header.first("content-type").lower().startswith(b"text/calendar"):
                calendar = reading
            elif reading.shown:
                readings.append(reading)
        if calendar.shown and (type_ != "multipart/alternative" or not readings):
            readings.append(calendar)
        if type_ == "multipart/alternative":
            return _best(readings)
        if type_ in ("multipart/signed",) and readings:
            return readings[0]
        return _in_sequence(readings)

    def _enclosed(self, raw: bytes, header: Header, end: int, kind: Kind, depth: int) -> _Reading:
        """Return the subject and text of a mail in a mail."""
        if kind.encoding in ("base64", "quoted-printable"):
            raw = _with_line_feeds(undo(raw[header.end : end], kind.encoding))
            inner, end = read_header(raw, 0, len(raw)), len(raw)
        else:
            inner = read_header(raw, header.end, end)
        reading = self._part(raw, inner, end, depth + 1, "text/plain")
        subject = seen(decode_words(inner.first("subject")))
        return _Reading(
            f"{subject}\n{reading.shown}".strip(),
            [f"{subject}\n{other}".strip() for other in reading.others],
        )

    def _text(self, content: bytes, kind: Kind, type_: str) -> _Reading:
        content = undo(content, kind.encoding)
        left = MAX_SOURCE - self.characters
        charset = kind.charset
        if not charset and type_ in _HTML and (meta := _META_CHARSET.search(content[:4096])):
            charset = meta[1].decode("ascii")
        text = decode(content, charset)[:left]
        if not text.strip():
            return _Reading()
        self.characters += len(text)
        if type_ in _HTML:
            from nnguide.data.mail.html_text import render

            page = render(without_escapes(text))
            self.links += page.links
            self.pictures += page.pictures
            if page.hidden:
                self.hidden.append(page.hidden)
            self.html += 1
            return _Reading(seen(page.text).strip())
        if type_ == "text/calendar":
            return _Reading(seen(_event(text)))
        self.plain += 1
        text, files = without_encoded(text)
        self.attachments += [seen(name)[:MAX_NAME] for name in files]
        return _Reading(seen(text).strip())

    def _attachment(self, raw: bytes, header: Header, end: int, kind: Kind, type_: str) -> _Reading:
        if type_ in _NOT_SHOWN and kind.disposition != "attachment":
            return _Reading()
        self.attachments.append(seen(kind.name))
        if type_ in ("application/ms-tnef", "application/vnd.ms-tnef"):
            self.wrapped, names = tnef.read(undo(raw[header.end : end], kind.encoding))
            self.attachments += [seen(name)[:MAX_NAME] for name in names]
        return _Reading()


def _is_read(type_: str) -> bool:
    if type_ in (*_NOT_SHOWN, "text/rtf"):
        return False
    return type_.startswith("text/") or type_ in (
        *_HTML,
        "message/rfc822",
        "message/global",
        "message/news",
    )


def _best(readings: list[_Reading]) -> _Reading:
    """Return the last alternative, which mail programs show.

    Those that disagree with it are kept beside it.
    """
    if not readings:
        return _Reading()
    shown = readings[-1]
    others = list(shown.others)
    for reading in readings[:-1]:
        others += [
            text for text in (reading.shown, *reading.others) if _disagree(text, shown.shown)
        ]
    return _Reading(shown.shown, others[:MAX_READINGS])


def _disagree(first: str, other: str) -> bool:
    """Return whether two texts have few words in common.

    Less than half of the words of the shorter one are in the other.
    """
    words, others = (set(_WORD.findall(text[:20_000].lower())) for text in (first, other))
    least = min(len(words), len(others))
    return least > 0 and 2 * len(words & others) < least


def _in_sequence(readings: list[_Reading]) -> _Reading:
    """Return texts one after another as one reading.

    A text that may replace one of them makes a reading of its own.
    """
    shown = [reading.shown for reading in readings]
    join: Callable[[list[str]], str] = "\n".join
    others = [
        join([*shown[:place], other, *shown[place + 1 :]])
        for place, reading in enumerate(readings)
        for other in reading.others
    ]
    return _Reading(join(shown), others[:MAX_READINGS])


def _event(text: str) -> str:
    """Return the title, place and description of an invitation.

    Those of an alarm are not shown.
    """
    lines = []
    alarm = False
    for line in text.replace("\n ", "").replace("\n\t", "").split("\n"):
        if not (match := _CALENDAR.match(line)):
            continue
        name, value = match[1].upper(), match[2].strip()
        if name in ("BEGIN", "END"):
            alarm = name == "BEGIN" and value.upper() == "VALARM"
        elif value and not alarm:
            lines.append(value)
    made = "\n".join(lines)
    return made.replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";")


def _message_id(header: Header) -> str:
    value = decode_words(header.first("message-id"))
    return seen(value.strip().removeprefix("<").removesuffix(">"))[:MAX_NAME]
