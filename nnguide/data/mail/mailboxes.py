"""Reading of mailboxes: file, mbox, Maildir, MH or a tree.

All are streams of single mails. An mbox is read piece by piece, so its size does not matter. Files
that a mail server keeps in a Maildir are skipped; any other file that holds no mail is an
InputError in its place.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from nnguide.data.mail.foreign import foreign
from nnguide.data.mail.message import MAX_BYTES, is_mail
from nnguide.errors import InputError
from nnguide.files import reading

# A mail's name, FILE or FILE#n, and its bytes; or the name of a file and why it holds no mail.
Named = Iterator[tuple[str, bytes | InputError]]

CHUNK = 2**20  # bytes of an mbox that are read together
_HEADER = 2**16  # bytes in which a mail shows that it is one
_SEPARATOR = 2_048  # bytes in which a separator line and the line after it end

_DATED = re.compile(  # From, a sender, a date in the form of C's asctime or near it
    rb"From (?:\S[^\n]{0,300}?[ \t]+)?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ \t]+(?:\d{1,2}[ \t]+)?"
    rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ \t][^\n]{0,30}?"
    rb"\d{1,2}:\d{2}(?::\d{2})?[^\n]{0,40}(?:\n|$)"
)
_UNDATED = re.compile(rb"From (?:-|\S+@\S+|[^\n]*\d{1,2}:\d{2}[^\n]*)?[ \t]*\r?(?:\n|$)")
_FIELD = re.compile(rb"[^\n]*\n(?:>?From |[!-9;-~]{1,80}[ \t]*:)")
_APPLE = re.compile(rb"\s{0,9}(\d{1,9})[ \t]*\r?\n")  # bytes of a mail, before it
_DELETED = re.compile(r"[,#]\d+")  # by MH
_SERVER_FILE = re.compile(
    r"dovecot.*|courier.*|subscriptions|maildirfolder|maildirsize|shared-maildirs|"
    r"shared-folders|uidvalidity|mailboxes\.log|sieve|.*\.(?:svbin|lock)"
)


def mails(path: Path | str) -> Named:
    """Yield each mail in a file or folder.

    They are in the order of names and of the file.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        yield str(path), InputError("no such file or folder")
        return
    if not stat.S_ISDIR(mode):
        yield from _file(path)
        return
    empty = True
    for item in _folder(path, server_files=False, above=()):
        empty = False
        yield item
    if empty:
        yield str(path), InputError("the folder holds no mail")


def one_mail(path: Path) -> bytes:
    """Return the mail that a file holds whole.

    It does not matter what the file begins with, or what looks like another mail.

    Raises:
        InputError: it cannot be read, or holds no mail.
    """
    raw = b""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
        if is_file:
            with path.open("rb") as file:
                raw = _read(file, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read: {reason}") from error
    if not is_file:
        raise InputError("it is not a regular file")
    if not raw.strip():
        raise InputError("it is empty: it holds no mail")
    if (why := foreign(raw)) and not is_mail(raw[:_HEADER]):
        raise InputError(why)
    return _without_plist(raw)


def mails_in(stream: IO[bytes], name: str) -> Named:
    """Yield each mail in a stream with one mail or an mbox."""
    beginning = _read(stream, CHUNK)
    if not beginning.strip():
        yield name, InputError("it is empty: it holds no mail")
    elif (why := foreign(beginning)) and not is_mail(beginning[:_HEADER]):
        yield name, InputError(why)
    elif is_mbox(beginning):
        number = 0
        first = b""
        for mail in _split(stream, beginning):
            number += 1
            if number == 1:
                first = mail
                continue
            if number == 2:  # a single mail goes by the file's name
                yield f"{name}#1", first
                first = b""
            yield f"{name}#{number}", mail
        if number == 1:
            yield name, first
    else:
        rest = _read(stream, max(0, MAX_BYTES + 1 - len(beginning)))
        yield name, _without_plist(beginning + rest)


def _without_plist(raw: bytes) -> bytes:
    """Return the mail in an Apple Mail file (.emlx).

    The file begins with the mail's length and ends with a property list.
    """
    size = _APPLE.match(raw)
    if size is None or not is_mail(raw[size.end() : size.end() + _HEADER]):
        return raw
    return raw[size.end() : size.end() + int(size[1])]


def is_mbox(beginning: bytes) -> bool:
    """Return whether `beginning` is that of an mbox.

    An mbox begins with a separator line, then a field.
    """
    start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")[:_SEPARATOR]
    return bool((_DATED.match(start) or _UNDATED.match(start)) and _FIELD.match(start))


def _folder(
    folder: Path, server_files: bool, above: tuple[tuple[int, int], ...], single: bool = False
) -> Named:
    """Yield the mails in a folder.

    With `single` each of its files is one, as in a Maildir.
    """
    try:
        status = folder.stat()
        entries = sorted(folder.iterdir(), key=_natural)
    except OSError as error:
        yield str(folder), InputError(f"cannot be read: {error.strerror}")
        return
    here = (status.st_dev, status.st_ino)
    if here in above:  # a link to a folder around this one
        return
    above = (*above, here)
    maildir = _is_maildir(folder)
    server_files = server_files or maildir or any(map(_is_maildir, entries))
    if maildir:
        for name in ("cur", "new"):
            if (folder / name).is_dir():
                yield from _folder(folder / name, True, above, single=True)
    for entry in entries:
        if maildir and entry.name in ("cur", "new", "tmp"):
            continue
        if server_files and _SERVER_FILE.fullmatch(entry.name):
            continue
        if entry.name.startswith("."):  # hidden, but for the folders of a Maildir
            if server_files and _is_maildir(entry):
                yield from _folder(entry, True, above)
        elif entry.is_dir():
            yield from _folder(entry, server_files, above)
        elif not entry.is_file():
            yield str(entry), InputError("it is not a regular file")
        elif not _DELETED.fullmatch(entry.name):
            yield from _single(entry) if single else _file(entry)


def _is_maildir(folder: Path) -> bool:
    """Return whether `folder` has two of the folders of a Maildir.

    A Maildir has three.
    """
    return sum((folder / name).is_dir() for name in ("cur", "new", "tmp")) >= 2


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """Return a sorting key of names in which 9 is before 10."""
    pieces = re.split(r"(\d+)", path.name)
    return [
        (piece.isdecimal(), int(piece[:18]) if piece.isdecimal() else 0, piece) for piece in pieces
    ]


def _file(path: Path) -> Named:
    try:
        with reading.opened(path) as file:
            yield from mails_in(file, str(path))
    except OSError as error:
        yield str(path), InputError(f"cannot be read: {error.strerror}")


def _single(path: Path) -> Named:
    try:
        yield str(path), one_mail(path)
    except InputError as error:
        yield str(path), error


def _read(stream: IO[bytes], size: int) -> bytes:
    """Read `size` bytes, or fewer at the end.

    A pipe gives fewer than it is asked for, and is read again.
    """
    pieces = []
    while size > 0 and (piece := stream.read(min(size, CHUNK))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _split(stream: IO[bytes], buffer: bytes) -> Iterator[bytes]:
    """Yield the mails of an mbox that begins with `buffer`.

    Of a mail that is too long only the beginning is yielded. Separators are looked for in pieces of
    some megabyte, in memory that does not grow with the file.
    """
    begin = 0  # of the mail that is being read
    kept = b""  # of one that is too long
    place = len(buffer) - len(buffer.lstrip(b"\xef\xbb\xbf\r\n"))
    ended = False
    while True:
        while (end := buffer.find(b"\nFrom ", place)) >= 0:
            if not ended and len(buffer) - end < _SEPARATOR:
                break
            place = end + 1
            if _separates(buffer, place):
                yield _joined(kept, buffer[begin:place])
                kept, begin = b"", place
        if ended:
            break
        keep_from = max(begin, (end if end >= 0 else len(buffer)) - 8)
        if len(buffer) - begin > MAX_BYTES + CHUNK:
            kept = _joined(kept, buffer[begin:keep_from])
            begin = keep_from
        place = max(place, keep_from) - begin
        piece = _read(stream, CHUNK)
        ended = not piece
        buffer, begin = buffer[begin:] + piece, 0
    yield _joined(kept, buffer[begin:])


def _joined(kept: bytes, more: bytes) -> bytes:
    """Return the beginning of a mail that may be too long.

    It is long enough to see that it is too long.
    """
    return kept + more[: max(0, MAX_BYTES + 1 - len(kept))]


def _separates(buffer: bytes, place: int) -> bool:
    """Return whether the From line at `place` begins another mail."""
    line = buffer[place : place + _SEPARATOR]
    before = buffer[max(0, place - 4) : place]
    after_blank = before.endswith((b"\n\n", b"\n\r\n", b"\r\r"))
    dated = _DATED.match(line) is not None
    if after_blank and dated:
        return True
    followed = _FIELD.match(line) is not None
    return followed and (dated or (after_blank and _UNDATED.match(line) is not None))
