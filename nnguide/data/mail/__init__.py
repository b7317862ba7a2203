"""Mail: from any file that holds it to texts for networks.

    from nnguide.data import mail
    texts = [text for name, text in mail.texts("inbox.mbox") if isinstance(text, mail.MailText)]

Read the files in this order:

    mailboxes.py   a file, mbox, Maildir, MH or a tree of them to single mails
    foreign.py     what a file is that holds no mail
    message.py     one mail to what the person sees who gets it
    headers.py, boundaries.py, transfer.py, charsets.py, html_text.py, css.py, tnef.py
                   how that is written
    seen.py        characters as they are seen
    text.py        what a network reads of it, and what the answer means
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nnguide.data.mail.text import MailText, is_empty, outputs

if TYPE_CHECKING:
    from nnguide.data.mail.mailboxes import Named
    from nnguide.errors import InputError

__all__ = ["MailText", "is_empty", "outputs", "texts", "texts_in"]


def texts(path: Path | str) -> Iterator[tuple[str, MailText | InputError]]:
    """Yield each mail's name, and its text or its error.

    The mails are those in a file or folder.
    """
    from nnguide.data.mail.mailboxes import mails

    return _read(mails(path))


def texts_in(stream: IO[bytes], name: str) -> Iterator[tuple[str, MailText | InputError]]:
    """Yield the same for a stream with one mail or an mbox."""
    from nnguide.data.mail.mailboxes import mails_in

    return _read(mails_in(stream, name))


def _read(named: Named) -> Iterator[tuple[str, MailText | InputError]]:
    from nnguide.data.mail.message import read_mail
    from nnguide.errors import InputError

    for name, raw in named:
        if isinstance(raw, InputError):
            yield name, raw
            continue
        try:
            yield name, read_mail(raw).text
        except InputError as error:
            yield name, error
