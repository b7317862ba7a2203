"""Real mails through each form of a mailbox and back: the same texts, the same probabilities."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import mails as made
import pytest

from nnguide import runs
from nnguide.data import mail, spamassassin
from nnguide.data.mail.message import read_mail
from nnguide.errors import InputError

OFFICIAL = Path(os.environ.get("NNGUIDE_DATA_DIR", "")) / "spamassassin"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not OFFICIAL.is_dir(), reason="spamassassin is not in NNGUIDE_DATA_DIR"),
]


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.slow)])
def test_real_mails_through_each_form(tmp_path, count):
    every = [raw for _, _, raw in spamassassin.mails(spamassassin.archives(OFFICIAL))]
    chosen = every[:: len(every) // count][:count]
    wanted = [read_mail(raw).text for raw in chosen]
    bare = [_without_from_line(raw) for raw in chosen]

    forms = {
        "mboxo": made.as_mbox(tmp_path / "mboxo", bare),
        "mboxrd": made.as_mbox(tmp_path / "mboxrd", bare, "mboxrd"),
        "crlf": made.as_mbox(tmp_path / "crlf", bare, "crlf"),
        "stdlib": made.as_stdlib_mbox(tmp_path / "stdlib", bare),
        "maildir": made.as_maildir(tmp_path / "maildir", bare),
        "mh": made.as_mh(tmp_path / "mh", bare),
        "eml": made.as_files(tmp_path / "eml", bare),
        "as they are": made.as_files(tmp_path / "as they are", chosen),
    }
    found = {name: [text for _, text in mail.texts(path)] for name, path in forms.items()}
    with (tmp_path / "mboxo").open("rb") as stream:
        found["-"] = [text for _, text in mail.texts_in(stream, "-")]
    found["one by one"] = [
        text for raw in chosen for _, text in mail.texts_in(io.BytesIO(raw), "-")
    ]
    for name, texts in found.items():
        assert not [text for text in texts if isinstance(text, InputError)], name
        assert [unquoted(t) for t in texts] == [unquoted(t) for t in wanted], name
        assert [t.alternatives for t in texts] == [t.alternatives for t in wanted], name

    run = runs.load(runs.shipped("spam"))
    first = [answer.probability for answer in run.predict(wanted)]
    for name, texts in found.items():
        told = [answer.probability for answer in run.predict(texts)]
        assert told == pytest.approx(first, abs=1e-4), name


def unquoted(text: str) -> str:
    """`text` without marks before From: mboxo and mboxrd disagree on how many a mail had."""
    return re.sub(r">+From ", "From ", text)


def _without_from_line(raw: bytes) -> bytes:
    return raw.partition(b"\n")[2] if raw.startswith(b"From ") else raw
