"""Mails made for the tests, in the forms that mail programs and servers keep them in."""

from __future__ import annotations

import base64
import io
import mailbox
import tarfile
from pathlib import Path

HAM = (
    "Hi Anna, are we still meeting for lunch tomorrow at one? I will bring the book you asked "
    "for. See you then."
)
SPAM = (
    "WINNER! You have won a 1000 pound cash prize. Call 09061700000 now to claim your FREE award. "
    "Reply STOP to end."
)
HEAD = b"From: a@example.com\nTo: b@example.com\nMIME-Version: 1.0\n"
FROM_LINE = "From %s Mon Feb  3 10:%02d:00 2025"


def plain(number: int, text: str = SPAM, **fields: str) -> bytes:
    """A plain mail with LF line ends."""
    lines = {
        "From": "a@example.com",
        "Subject": f"note {number}",
        "Message-ID": f"<{number}@example.com>",
        **fields,
    }
    header = "".join(f"{name}: {value}\n" for name, value in lines.items())
    return f"{header}\n{text}\n".encode()


def several(count: int) -> list[bytes]:
    """Mails, ham and spam in turn; some with what mailboxes have to escape."""
    bodies = (HAM, SPAM, f"{HAM}\n\nFrom here on it is short.\n>From there too.", "", "Füße: 5 €")
    return [plain(number, bodies[number % len(bodies)]) for number in range(count)]


def spam_part(kind: str = "text/plain") -> bytes:
    body = f"<html><body><p>{SPAM}</p></body></html>" if kind == "text/html" else SPAM
    return f"Content-Type: {kind}; charset=utf-8\n\n{body}".encode()


def multipart(kind: str, *parts: bytes, boundary: bytes = b"x", declared: bytes = b"") -> bytes:
    head = HEAD + b"Subject: Offer\nContent-Type: multipart/%s; boundary=%s\n\n" % (
        kind.encode(),
        declared or boundary,
    )
    return (
        head + b"".join(b"--%s\n%s\n" % (boundary, part) for part in parts) + b"--%s--\n" % boundary
    )


def in_base64(text: str = SPAM) -> bytes:
    return base64.encodebytes(text.encode())


def as_mbox(path: Path, mails: list[bytes], style: str = "mboxo") -> Path:
    """Write an mbox: mboxo, mboxrd, crlf, no last newline, takeout or thunderbird."""
    pieces = []
    for number, raw in enumerate(mails):
        lines = raw.split(b"\n")
        for place, line in enumerate(lines):
            bare = line.lstrip(b">") if style == "mboxrd" else line
            if bare.startswith(b"From "):
                lines[place] = b">" + line
        line = (FROM_LINE % (f"p{number}@example.com", number % 60)).encode()
        if style == "takeout":
            line = b"From 17%013d@xxx Mon Feb 03 10:%02d:00 +0000 2025" % (number, number % 60)
        elif style == "thunderbird":
            line = b"From - Mon Feb  3 10:%02d:00 2025" % (number % 60)
        pieces.append(line + b"\n" + b"\n".join(lines).rstrip(b"\n") + b"\n\n")
    content = b"".join(pieces)
    if style == "no last newline":
        content = content.rstrip(b"\n")
    if style == "crlf":
        content = content.replace(b"\n", b"\r\n")
    path.write_bytes(content)
    return path


def as_stdlib_mbox(path: Path, mails: list[bytes]) -> Path:
    box = mailbox.mbox(path)
    for raw in mails:
        box.add(raw)
    box.close()
    return path


def as_maildir(path: Path, mails: list[bytes]) -> Path:
    """A Maildir with a subfolder, and with the files of Dovecot and Courier in it."""
    for folder in (path, path / ".Archive"):
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
    places = (path / "cur", path / "new", path / ".Archive" / "cur")
    for number, raw in enumerate(mails):
        name = f"{1_700_000_000 + number}.M{number}P1.host:2,S"
        (places[number * 3 // len(mails)] / name).write_bytes(raw)
    (path / "tmp" / "half.written").write_bytes(plain(99))
    for name in (
        "dovecot-uidlist",
        "dovecot.index",
        "dovecot.index.cache",
        "dovecot.index.log",
        "dovecot-keywords",
        "dovecot-uidvalidity.5e2f",
        "maildirsize",
        "subscriptions",
        "courierimapuiddb",
        "courierimapsubscribed",
    ):
        (path / name).write_bytes(b"\0\1\2 index of the server")
    (path / ".Archive" / "maildirfolder").touch()
    return path


def as_mh(path: Path, mails: list[bytes]) -> Path:
    path.mkdir()
    for number, raw in enumerate(mails, start=1):
        (path / str(number)).write_bytes(raw)
    (path / ".mh_sequences").write_text("unseen: 1-3\n")
    (path / ",2").write_bytes(plain(98))
    return path


def as_files(path: Path, mails: list[bytes]) -> Path:
    path.mkdir()
    for number, raw in enumerate(mails):
        (path / f"{number}.eml").write_bytes(raw)
    return path


def as_enron(folder: Path, number: int, mails: list[tuple[str, str]]) -> None:
    """An archive in the form of Enron-Spam: (label, text) of each mail."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / f"enron{number}.tar.gz", "w:gz") as archive:
        for place, (label, text) in enumerate(mails):
            member = tarfile.TarInfo(f"enron{number}/{label}/{place:04}.{label}.txt")
            raw = f"Subject: {text}\r\nbody of {text}\r\n".encode()
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
        member = tarfile.TarInfo(f"enron{number}/Summary.txt")
        archive.addfile(member, io.BytesIO(b""))
