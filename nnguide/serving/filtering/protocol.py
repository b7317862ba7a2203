"""Requests and responses of SpamAssassin's spamd protocol, as bytes.

No connection is needed.

    PROCESS SPAMC/1.5\r\n                       SPAMD/1.1 0 EX_OK\r\n
    Content-length: 812\r\n                     Spam: True ; 0.998412 / 0.500000\r\n
    User: anna\r\n                              Content-length: 935\r\n
    \r\n                                        \r\n
    …the mail…                                  …the mail with headers…

Source: the file spamd/PROTOCOL of Apache SpamAssassin. Where a client's version is below 1.3, the
response has no Content-length, but to PROCESS.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field

from nnguide.data.mail.message import MAX_BYTES
from nnguide.feedback.corrections import FORGET
from nnguide.serving.filtering import envelope
from nnguide.serving.filtering.judge import Verdict

MAX_LINE = 8_192  # bytes of a line of a request's head
MAX_LINES = 64  # of a head

# The statuses, those of sysexits.h
OK = 0
USAGE = 64
BAD_MAIL = 65
UNAVAILABLE = 69
SOFTWARE = 70
TRY_AGAIN = 75
PROTOCOL = 76
TIMEOUT = 79
_NAMES = {
    USAGE: "EX_USAGE",
    BAD_MAIL: "EX_DATAERR",
    UNAVAILABLE: "EX_UNAVAILABLE",
    SOFTWARE: "EX_SOFTWARE",
    TRY_AGAIN: "EX_TEMPFAIL",
    PROTOCOL: "EX_PROTOCOL",
    TIMEOUT: "EX_TIMEOUT",
}

# Those that answer with the words that weighed most, and those that need the verdict alone.
WITH_WORDS = ("SYMBOLS", "REPORT", "REPORT_IFSPAM", "PROCESS", "HEADERS")
COMMANDS = ("PING", "CHECK", "TELL", *WITH_WORDS)

_FIRST = re.compile(rb"([A-Z_]{1,20}) SPAMC/(\d{1,3})\.(\d{1,3})")
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:[ \t]*([\t -~\x80-\xff]*)")
_NUMBER = re.compile(r"\d{1,15}")


class RequestError(Exception):
    """A request that cannot be answered; it knows its response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def response(self) -> bytes:
        """Response to the client, on one line.

        It is the status, its name and the message.
        """
        text = re.sub(r"[^ -~]+", " ", str(self))[:400]
        return b"SPAMD/1.1 %d %s %s\r\n\r\n" % (
            self.status,
            _NAMES[self.status].encode("ascii"),
            text.encode("ascii"),
        )


@dataclass(frozen=True)
class Request:
    """The head of a request.

    Attributes:
        version: of the client's protocol.
        fields: lower-case name -> value.
    """

    command: str
    version: tuple[int, int]
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int | None:
        """Length of the body in bytes.

        None where it continues to the connection's end.
        """
        return int(self.fields["content-length"]) if "content-length" in self.fields else None

    def body(self, content: bytes) -> bytes:
        """Return the mail in a body, unpacked if it is compressed.

        Raises:
            RequestError: it cannot be unpacked, or is longer than MAX_BYTES.
        """
        if "compress" in self.fields:
            unpacking = zlib.decompressobj()
            try:
                content = unpacking.decompress(content, MAX_BYTES + 1)
            except zlib.error as error:
                raise RequestError(
                    PROTOCOL, f"the body is not compressed by zlib: {error}"
                ) from None
            if len(content) <= MAX_BYTES and (not unpacking.eof or unpacking.unused_data):
                raise RequestError(PROTOCOL, "the compressed body is cut short, or more follows")
        if len(content) > MAX_BYTES:
            raise too_long()
        return content


def too_long() -> RequestError:
    """Return the error for a mail longer than MAX_BYTES."""
    return RequestError(BAD_MAIL, f"expected a mail of at most {MAX_BYTES // 2**20} MB")


def first_line(line: bytes) -> Request:
    """Return the request that a first line begins.

    Raises:
        RequestError: it is no request of a known command.
    """
    match = _FIRST.fullmatch(line.rstrip(b"\r\n"))
    if not match or match[1].decode("ascii") not in COMMANDS:
        raise RequestError(
            PROTOCOL, f"expected a command ({', '.join(COMMANDS)}) and SPAMC/VERSION"
        )
    return Request(match[1].decode("ascii"), (int(match[2]), int(match[3])))


def add_field(request: Request, line: bytes) -> None:
    """Add a line of the head to the request.

    Raises:
        RequestError: it is no field, contradicts another, or has no value that can be used.
    """
    match = _FIELD.fullmatch(line.rstrip(b"\r\n"))
    if not match:
        raise RequestError(PROTOCOL, "bad header line: expected NAME: VALUE")
    name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1").strip()
    if request.fields.get(name, value) != value:
        raise RequestError(PROTOCOL, f"{name} is given twice, and differs")
    if len(request.fields) >= MAX_LINES:
        raise RequestError(PROTOCOL, f"expected at most {MAX_LINES} header lines")
    if name == "content-length" and not _NUMBER.fullmatch(value):
        raise RequestError(PROTOCOL, "Content-length is a number of bytes")
    if name == "compress" and value.lower() != "zlib":
        raise RequestError(PROTOCOL, "Compress is zlib")
    request.fields[name] = value


def check(request: Request, learns: bool) -> None:
    """Raise an error for a request that no mail can satisfy.

    Args:
        learns: whether the server takes TELL.
    Raises:
        RequestError: a TELL that is not taken or says nothing, or a body that is too long.
    """
    if request.command == "TELL":
        if request.fields.get("message-class", "spam").lower() not in ("spam", "ham"):
            raise RequestError(USAGE, "Message-class is spam or ham")
        places = _places(request, "set") | _places(request, "remove")
        if not places or places - {"local", "remote"}:
            raise RequestError(USAGE, "TELL takes Set or Remove, each local, remote or both")
        if "local" in _places(request, "set") and (
            "local" in _places(request, "remove") or "message-class" not in request.fields
        ):
            raise RequestError(USAGE, "Set: local takes a Message-class and no Remove: local")
        if not learns:
            raise RequestError(
                UNAVAILABLE, "TELL: this server does not learn; start it with --allow-tell"
            )
    if request.length is not None and request.length > MAX_BYTES:
        raise too_long()


def label_of(request: Request) -> str | None:
    """Return the label that a TELL gives its mail.

    It is spam, ham or forget; None where it is for other databases.
    """
    if "local" in _places(request, "set"):
        return request.fields["message-class"].lower()
    return FORGET if "local" in _places(request, "remove") else None


def _places(request: Request, name: str) -> set[str]:
    words = request.fields.get(name, "").lower().split(",")
    return {word.strip() for word in words} - {""}


def tell_response(label: str | None, changed: bool) -> bytes:
    """Return the response to a TELL.

    It says what was done, if anything was.
    """
    did = b""
    if changed:
        did = b"DidRemove: local\r\n" if label == FORGET else b"DidSet: local\r\n"
    return b"SPAMD/1.1 %d EX_OK\r\n%sContent-length: 0\r\n\r\n" % (OK, did)


def pong() -> bytes:
    """Return the response to PING."""
    return b"SPAMD/1.5 0 PONG\r\n"


def response(request: Request, mail: bytes, verdict: Verdict) -> bytes:
    """Return the response to a request whose mail was judged."""
    body = _body(request.command, mail, verdict)
    if request.command == "REPORT_IFSPAM":
        word = "Yes" if verdict.is_spam else "No"
    else:
        word = "True" if verdict.is_spam else "False"
    head = f"SPAMD/1.1 {OK} EX_OK\r\n"
    if request.version >= (1, 3) or request.command != "PROCESS":
        head += f"Spam: {word} ; {verdict.probability:.6f} / {verdict.threshold:.6f}\r\n"
    if request.version >= (1, 3) or request.command == "PROCESS":
        head += f"Content-length: {len(body)}\r\n"
    return head.encode("ascii") + b"\r\n" + body


def _body(command: str, mail: bytes, verdict: Verdict) -> bytes:
    if command == "PROCESS":
        return envelope.marked(mail, verdict)
    if command == "HEADERS":
        return envelope.header_of(envelope.marked(mail, verdict))
    if command == "SYMBOLS":
        return ",".join(verdict.words).encode("utf-8", "replace")
    if command == "REPORT" or (command == "REPORT_IFSPAM" and verdict.is_spam):
        return _report(verdict).encode("utf-8", "replace")
    return b""


def _report(verdict: Verdict) -> str:
    return (
        f"nnguide: {verdict.label}\r\n"
        f"probability of spam: {verdict.probability:.6f} (threshold {verdict.threshold:.6f})\r\n"
        f"words that weighed most: {verdict.reason}\r\n"
    )
