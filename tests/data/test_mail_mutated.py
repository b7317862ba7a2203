"""Mail in any state of damage is read or refused: soon, without a crash, never by guessing."""

from __future__ import annotations

import base64
import contextlib
import random
import time
from collections.abc import Iterator

import mails as made
import pytest

from nnguide.data import mail
from nnguide.data.mail.message import MAX_CHARACTERS, read_mail
from nnguide.errors import InputError

HTML = b"Content-Type: text/html; charset=utf-8\n\n"
SEEDS = [
    made.plain(1),
    made.plain(2, made.HAM, **{"Content-Type": "text/plain; charset=koi8-r"}),
    b"Subject: =?utf-8?B?R3LDvMOfZQ==?= =?iso-8859-1?Q?=FC?=\nX-Mailer: x\n\n" + b"caf\xe9 " * 9,
    made.multipart("alternative", made.spam_part(), made.spam_part("text/html")),
    made.multipart("mixed", made.spam_part(), b"Content-Type: message/rfc822\n\n" + made.plain(3)),
    made.multipart("digest", *(b"\n" + made.plain(n) for n in range(4))),
    made.multipart(
        "related",
        HTML + b"<style>.a{display:none}</style><table bgcolor=#fff><tr><td class=a><font color="
        b"white style='font-size:0'>x</font><td><a href='http://x'>y</a><img src=a></table>",
        b"Content-Type: image/png; name*0*=utf-8''%C3; name*1*=%A4\nContent-Disposition: inline; "
        b'filename="a.png"\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=',
    ),
    made.HEAD
    + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
    + made.in_base64(),
    made.HEAD
    + b"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>=C3=BC",
    made.multipart(
        "mixed",
        b"Content-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(b"\x78\x9f\x3e\x22\1\0\1\x0c\x80\2\0\2\0\0\0hi\0\0"),
        b"Content-Type: text/calendar\n\nBEGIN:VEVENT\nSUMMARY:x\\, y\nEND:VEVENT",
        b"Content-Type: text/plain\n\nbegin 644 a\n#86)C\n`\nend\n",
    ),
]
PIECES = [
    *b"\n|\r\n|\n\n|--x\n|--x--\n|\0|\xff\xfe|=?utf-8?b?|?=|From |{display:none}|&#x|<title>".split(
        b"|"
    ),
    *b"<!--|-->|<div>|<table><tr>|</b>|<b a=1>|<style>|<![CDATA[".split(b"|"),
    b"\n\nFrom a@b Mon Feb  3 10:00:00 2025\n",
    b"Content-Type: multipart/mixed; boundary=x\n",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Type: text/html; charset=utf-7\n",
    b"Content-Type: text/plain; charset*99999*=x; charset*=a'b'c\n",
    b"Content-Transfer-Encoding: x-uuencode\n",
    b"Content-Transfer-Encoding: base64\n\n",
    b"Content-Disposition: attachment\n",
    b'boundary="',
    b";" * 3_000,
    b"<font color=white>" * 2_000,
    b"<table>" * 2_000,
    b"A" * 10_000,
    b"\n" * 5_000,
]


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """Mails with one to eight faults: bytes changed, cut, doubled, moved, or pieces put in."""
    chance = random.Random(seed)
    for _ in range(count):
        raw = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 8)):
            start = chance.randrange(len(raw) + 1)
            end = min(len(raw), start + chance.choice((1, 3, 20, 200)))
            kind = chance.randrange(6)
            if kind == 0 and start < len(raw):
                raw[start] = chance.randrange(256)
            elif kind == 1:
                del raw[start:end]
            elif kind == 2:
                raw[start:start] = raw[start:end] * chance.choice((1, 2, 50))
            elif kind == 3:
                raw[start:start] = chance.choice(PIECES)
            elif kind == 4:
                other = chance.choice(SEEDS)
                raw[start:] = other[chance.randrange(len(other)) :]
            else:
                raw = raw.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b" \n")))
        yield bytes(raw)


@pytest.mark.parametrize("count", [500, pytest.param(20_000, marks=pytest.mark.slow)])
def test_mutated_mail_is_read_or_refused(count):
    for number, raw in enumerate(mutated(count, seed=count)):
        started = time.thread_time()
        try:
            text = read_mail(raw).text
        except InputError as error:
            assert str(error)
            continue
        finally:
            assert time.thread_time() - started < 2, number
        for one in (text, *text.alternatives):
            assert len(one) <= MAX_CHARACTERS
            one.encode()
        assert text.strip() or mail.is_empty(text)


@pytest.mark.parametrize(
    "source",
    [
        b"<div>" * 100_000 + b"seen",
        b"<div>" * 50_000 + b"</p>" * 50_000 + b"seen",
        b"".join(b"<b a=%d>" % n for n in range(60_000)) + b"seen",
        b"".join(b"<p><b a=%d></p>" % n for n in range(40_000)) + b"seen",
        b"<a href=x>" * 50_000 + b"seen",
        b"<p " + b" ".join(b"a%d=1" % n for n in range(60_000)) + b">seen",
        b"<table>" * 70_000 + b"seen",
        b"<table><b>x<tr>" * 30_000 + b"seen",
        b"<style>" + b".a,.b .c>d{display:none}" * 20_000 + b"</style>seen",
        b"<style>" + b"@media x{" * 50_000 + b"</style>seen",
        b"<style>" + b"p,i{color:red}" * 7_000 + b"</style>" + b"<p><i>x" * 14_000 + b"seen",
        b"<style>"
        + b"p:not(i,b),i{color:red}" * 4_000
        + b"</style>"
        + b"<p><i>x" * 9_000
        + b"seen",
        b"<style>" + b"," * 90_000 + b"{color:red}</style>seen",
        b"<style>" + b"(," * 50_000 + b"{color:red}</style>seen",
        b"<style>p{" + b"background:url(x) " * 5_000 + b"}</style><p>seen",
        b"<bdo dir=rtl>" * 10_000 + b"</bdo>" * 10_000 + b"seen",
        b"<p style='" + b"color:red;" * 40_000 + b"'>seen",
        (b"<p style='" + b"a" * 1_900 + b"'>seen") * 240,
        b"<style>" + b"/*" * 40_000 + b"</style>seen",
        b"&#" * 200_000 + b" seen",
        b"<" * 400_000 + b" seen",
    ],
    ids=range(21),
)
def test_hostile_html_takes_little_time_and_loses_no_text(source):
    started = time.thread_time()
    found = read_mail(b"Subject: s\nContent-Type: text/html\n\n" + source)
    assert time.thread_time() - started < 2
    assert "seen" in found.body


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: s\n\n" + b"begin 644 a\n" * 80_000,
        b"Subject: s\n\n" + b"---" * 300_000,
        b"Subject: s\n\n" + b"--- a\n" * 150_000,
        b"Subject: s\n" + b"x y\n" * 250_000,
        b"Subject: s\n" + b" folded\n" * 120_000 + b"\nx",
        b"Subject: s\n" + (b"x y\n" * 40 + b"To: a\n") * 30_000 + b"\nx",
        b"Subject: s\n" + b"To: a\n" * 1_000_000,
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 200_000,
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--xx\n" * 1_000_000,
        b"Subject: s\nContent-Type: text/plain; charset=shift_jis\n\n" + b"\x81" * 10**6,
        b"Subject: s\n\n" + b"\xd0" * 10**6,
        b"Subject: s\nContent-Transfer-Encoding: base64\n\n" + b"A=" * 500_000,
        b"Subject: s\nContent-Transfer-Encoding: base64\n\n"
        + (b"!" + b"\xff" * 70 + b"\n") * 14_000,
        b"Subject: s\nContent-Transfer-Encoding: base64\n\n!" + b"A" * 10**6,
        b"Subject: s\nContent-Transfer-Encoding: base64\n\n" + (b"!" + b"/" * 70 + b"\n") * 14_000,
        b"Subject: s\nContent-Transfer-Encoding: quoted-printable\n\n" + b"= " * 500_000,
        b"Subject: s\n\n" + b"\xe2\x80\xae" * 300_000,
        b"Subject: " + b"=?utf-8?q?a?" * 100_000 + b"\n\nx",
        b"Subject: s\nContent-Type: text/calendar\n\n" + b"BEGIN:VALARM\n" * 80_000,
        b"Subject: s\nContent-Transfer-Encoding: quoted-printable\n\n" + b"=" * 10**6,
        b"Subject: " + b"=?utf-8?q?a?=" * 100_000 + b"\n\nx",
        b"Subject: s\nContent-Type: text/calendar\n\n" + b"SUMMARY;" * 100_000,
    ],
    ids=range(22),
)
def test_hostile_structure_takes_little_time(raw):
    started = time.thread_time()
    with contextlib.suppress(InputError):
        read_mail(raw)
    assert time.thread_time() - started < 2
