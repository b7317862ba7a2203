"""A mail leaves a filter byte for byte as it came, but for the headers added and removed."""

from __future__ import annotations

import email
import email.header
import email.policy
import re

from hypothesis import given
from hypothesis import strategies as st

from nnguide.serving.filtering import envelope
from nnguide.serving.filtering.judge import Verdict

VERDICT = Verdict(0.75, 0.5, True, words=("prize", "claim"))
PIECES = st.sampled_from(
    b"X-Spam-Flag: NO\n|x-sPam-status: No\r\n|X-Nnguide-Reason: a\n|X-Spam-A:\n\tb\n|X-Spam: no\n"
    b"|X-Spammer-Status: x\n|X-Spam-B : c\n|From a@b Mon Feb  3 10:00:00 2025\n|Subject: hi\n"
    b"|Subject: hi\r\n| \n|\n|\r\n|\r|\tmore\n|text|\0\xff\n|X-Spam-|X-Spam-Flag: YES|From x".split(
        b"|"
    )
)
MAILS = st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=12).map(b"".join))
FIELD = re.compile(
    rb"^x-(?:spam|nnguide)-[!-9;-~]*[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)


def removed(raw: bytes) -> bytes:
    """The mail without fields of a filter, by other means."""
    if b"\n" not in raw:
        return (
            removed(raw.replace(b"\r", b"\n")).replace(b"\n", b"\r")
            if b"\r" in raw
            else (FIELD.sub(b"", raw))
        )
    blank = re.search(rb"^\r*\n|^\r+\Z", raw, re.MULTILINE)
    end = blank.start() if blank else len(raw)
    blanks = len(raw) if (only := re.match(rb"(?:From [^\n]*\n)?(?:[ \t][^\n]*\n)+", raw)) else 0
    head, rest = raw[:end], raw[end:]
    assert blanks == 0 or only
    return FIELD.sub(b"", head) + rest


@given(MAILS)
def test_what_leaves_is_what_came_but_for_the_headers(raw):
    marked = envelope.marked(raw, VERDICT)
    added = [envelope.header_lines(VERDICT, end) for end in (b"\r\n", b"\n", b"\r")]
    [block] = [lines for lines in added if marked.count(lines) >= 1 and lines in marked][:1]
    place = marked.index(block)
    assert marked[:place] + marked[place + len(block) :] == removed(raw)
    if raw.endswith(b"\n"):
        assert envelope.marked(marked, VERDICT) == marked


def test_the_headers_come_first_after_a_from_line_and_end_as_the_mails_lines_do():
    for end in (b"\n", b"\r\n"):
        raw = end.join([b"From a@b Mon Feb  3 10:00:00 2025", b"Subject: x", b"", b"y", b""])
        lines = envelope.marked(raw, VERDICT).split(end)
        assert lines[0].startswith(b"From ")
        assert [line.partition(b":")[0] for line in lines[1:5]] == [
            b"X-Spam-Flag",
            b"X-Spam-Status",
            b"X-Nnguide-Reason",
            b"Subject",
        ]
        assert b"\n" not in b"".join(lines).replace(b"\r\n", b"")
    assert b"score=0.750000 required=0.500000" in envelope.marked(raw, VERDICT)


def test_headers_of_the_sender_are_removed_with_their_lines_and_text_is_not():
    raw = b"X-Spam-Status: No,\n score=-9\nSubject: x\nx-nnguide-reason: me\n\nX-Spam-Flag: NO\n"
    marked = envelope.marked(raw, VERDICT)
    assert marked.endswith(b"\nSubject: x\n\nX-Spam-Flag: NO\n")
    assert marked.count(b"X-Spam-Status") == 1 and b"-9" not in marked
    assert envelope.header_of(marked).endswith(b"Subject: x\n\n")


@given(st.lists(st.text(min_size=1, max_size=30), max_size=5))
def test_the_reason_is_a_header_that_mail_programs_read(words):
    verdict = Verdict(0.75, 0.5, True, words=tuple(words))
    raw = envelope.marked(b"Subject: x\n\ny\n", verdict)
    assert raw.isascii() and all(len(line) < 998 for line in raw.splitlines())
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    assert mail.keys() == ["X-Spam-Flag", "X-Spam-Status", "X-Nnguide-Reason", "Subject"]
    shown = "".join(c if c.isprintable() else " " for c in verdict.reason)
    read = str(email.header.make_header(email.header.decode_header(mail["X-Nnguide-Reason"])))
    assert read.split() == shown.encode("utf-8", "replace").decode().split()
