"""A raw mail comes out as its subject and its text; hostile mail fails cleanly and soon."""

import base64
import string
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnguide.data import mail
from nnguide.data.mail.html_text import render
from nnguide.data.mail.message import MAX_BYTES, MAX_CHARACTERS, message_text
from nnguide.errors import InputError

HEADER = b"Received: from a.example by b.example\nFrom: x@example.org\nX-Mailer: Trap 1.0\n"


def test_only_subject_and_body_are_read():
    text = message_text(HEADER + b"Subject: Hello\nList-Id: <trap>\n\nGood morning\n")
    assert text == "Hello\nGood morning"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?iso-8859-1?Q?Gr=FC=DFe_an?= =?utf-8?q?_dich?=", "Grüße an dich"),
        (b"=?utf-8?q?caf=C3=A9?= today", "café today"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"two\n lines", "two lines"),
        (b"=?no-such-charset?q?abc?=", "abc"),
        (b"=?utf-8?b?a?= kept", "=?utf-8?b?a?= kept"),
    ],
)
def test_subjects_are_decoded(subject, expected):
    assert message_text(b"Subject: " + subject + b"\n\nx") == f"{expected}\nx"


@pytest.mark.parametrize(
    ("field", "body", "expected"),
    [
        (b"quoted-printable", b"caf=C3=A9 =\nau lait", "café au lait"),
        (b"base64", base64.b64encode("café".encode()), "café"),
        (b"base64", b"!!! no base64 !!!", None),
        (b"8bit", "café".encode(), "café"),
        (b"no-such-encoding", b"as it is", "as it is"),
    ],
)
def test_transfer_encodings(field, body, expected):
    raw = b"Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
    text = message_text(raw + field + b"\n\n" + body)
    assert expected is None or text == f"s\n{expected}"


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "koi8-r", "shift_jis", "utf-16"])
def test_charsets(charset):
    words = {"koi8-r": "привет", "shift_jis": "こんにちは"}.get(charset, "naïve")
    field = f"Subject: s\nContent-Type: text/plain; charset={charset}\n"
    raw = field.encode() + b"Content-Transfer-Encoding: base64\n\n"
    assert message_text(raw + base64.b64encode(words.encode(charset))) == f"s\n{words}"


@pytest.mark.parametrize(
    "charset", ["no-such", "hex", "punycode", "idna", "undefined", "", "a\x00"]
)
def test_a_charset_that_cannot_be_used_falls_back(charset):
    raw = f"Subject: s\nContent-Type: text/plain; charset={charset}\n\ncafé".encode()
    assert message_text(raw) == "s\ncafé"


NESTED = b"Content-Type: multipart/a; boundary=b%d\n\n--b%d\n"


def _multipart(kind, *parts):
    inside = b"".join(b"--b\n" + part + b"\n" for part in parts)
    return b"Subject: s\nContent-Type: multipart/%s; boundary=b\n\n%s--b--\n" % (kind, inside)


PLAIN = b"Content-Type: text/plain\n\nplain"
HTML = b"Content-Type: text/html\n\n<p>rich</p>"
EMPTY = b"Content-Type: text/plain\n\n  "
FILE = b"Content-Type: text/plain\nContent-Disposition: attachment; filename=a\n\nsecret"
IMAGE = b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo="


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (_multipart(b"alternative", PLAIN, HTML), "s\nrich"),
        (_multipart(b"alternative", HTML, PLAIN), "s\nplain"),
        (_multipart(b"alternative", EMPTY, HTML), "s\nrich"),
        (_multipart(b"mixed", PLAIN, FILE, IMAGE, HTML), "s\nplain\nrich"),
        (_multipart(b"mixed", b"Content-Type: message/rfc822\n\nSubject: in\n\nner"), "s\nin\nner"),
        (b"Subject: s\nContent-Type: multipart/mixed\n\nno boundary", "s\nno boundary"),
        (b"Subject: s\nContent-Type: application/pdf\n\n%PDF", "s"),
    ],
)
def test_multipart(raw, expected):
    assert message_text(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"just a text", "just a text"),
        (b"Note: buy milk", "Note: buy milk"),
        (b"A line\n\nSubject: no header", "A line\n\nSubject: no header"),
        ("café".encode("latin-1"), "café"),
        (b"Subject: only\r\n", "only"),
        (b"From a@example.org Mon\nSubject: mbox\n\nx", "mbox\nx"),
    ],
)
def test_what_is_a_mail_and_what_is_plain_text(raw, expected):
    assert message_text(raw) == expected


@pytest.mark.parametrize("raw", [b"", b" \r\n\n", b"\n" * 50])
def test_nothing_is_refused(raw):
    with pytest.raises(InputError, match="nothing to read"):
        message_text(raw)


def test_a_mail_may_have_no_text():
    text = message_text(b"From: a@example.org\n\n")
    assert text == ""
    assert mail.is_empty(text)
    assert not mail.is_empty("")


def test_lengths_are_limited():
    with pytest.raises(InputError, match="25 MB"):
        message_text(b"a" * (MAX_BYTES + 1))
    assert len(message_text(b"Subject: s\n\n" + b"a" * 2_000_000)) == MAX_CHARACTERS
    nested = b"".join(NESTED % (level, level) for level in range(100))
    with pytest.raises(InputError, match="60 deep"):
        message_text(b"Subject: s\n" + nested)


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: s\nContent-Type: text/plain" + b";" * 2**19 + b"\n\nbody",
        b"Subject: s\nContent-Type: text/plain; a=" + b'";' * 2**19 + b"\n\nbody",
        b"Subject: " + b"=?a?q?x" * 2**17 + b"\n\nbody",
        b"Subject: s\nContent-Type: text/html\n\n" + b"<a " * 2**18,
        b"Subject: s\nContent-Type: text/html\n\n" + b"<a x='>\"" * 2**17,
        b"Subject: s\nContent-Type: text/html\n\n" + b"<!--" * 2**18,
        b"Subject: s\nContent-Type: text/html\n\n" + b"<script>" * 2**17,
        b"Subject: s\nContent-Type: text/html\n\n<a " + b"''" * 2**18 + b'"',
        b"Subject: s\nContent-Type: text/html\n\n&#" + b"1" * 2**19,
        b"Subject: s\nContent-Type: text/html\n\nx" + b" " * 2**20,
        b"Subject: s\nContent-Type: text/plain; charset=punycode\n\n" + b"abc-" * 2**18,
        b"Subject: s\n"
        + b"".join(
            b"Content-Type: multipart/a; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(50)
        )
        + b"\n" * 2**19
        + b"x",
    ],
    ids=range(12),
)
def test_hostile_mail_takes_linear_time(raw):
    started = time.process_time()
    message_text(raw)
    assert time.process_time() - started < 30  # in quadratic time, hours


FRAGMENTS = st.sampled_from(
    [
        HEADER,
        b"Subject: ",
        b"Content-Type: multipart/mixed; boundary=b\n",
        b'Content-Type: multipart/alternative; boundary="b\n',
        b"Content-Type: message/rfc822\n",
        b"Content-Type: text/html; charset=utf-7\n",
        b"Content-Type: text/plain; charset*99999*=x; charset*=a'b'c\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: x-uuencode\n",
        b"Content-Disposition: attachment\n",
        b"begin 644 a\n#86)C\n`\nend\n",
        b"\n--b\n",
        b"\n--b--\n",
        b"\n\n",
        b"=?utf-8?b?!?=",
        b"<p title='>",
        b"<![CDATA[ <!DOCTYPE [ <!--",
        b"&#99999999; &#xd800; &nbsp",
        b"\xff\xfe\x00",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FRAGMENTS | st.binary(max_size=30), max_size=25).map(b"".join))
def test_no_mail_does_worse_than_an_input_error(raw):
    try:
        text = message_text(raw)
    except InputError:
        return
    assert text.strip() == text
    assert text or mail.is_empty(text)
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("Vi<b>ag</b>ra", "Viagra"),
        ("<a href='http://example.org'>here</a>", "here"),
        ("a<!-- <b>no</b> -->b", "ab"),
        ("<script>if (a<b) no()</script>yes", "yes"),
        ("<STYLE type='x'>p{}</STYLE >yes", "yes"),
        ("&lt;b&gt; &amp; &eacute;&nbsp;&#33;", "<b> & é !"),
        ("2 < 3 and 4 > 1", "2 < 3 and 4 > 1"),
        ("<img alt='a > b' src=x>seen", "seen"),
        ("<b title=\"it's>unclosed", ""),
        ("unclosed <b", "unclosed"),
        ("<header>kept</header>", "kept"),
        ("&#99999999999; &#xd800;", "\ufffd \ufffd"),
    ],
)
def test_html_is_reduced_to_its_text(source, expected):
    assert render(source).text == expected


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>&#;!-/'\" ab" + string.digits, max_size=60))
def test_any_html_gives_text(source):
    assert isinstance(render(source).text, str)
