"""Mails written to be misread are read as the person sees them who gets them."""

from __future__ import annotations

import base64
import os
import quopri
import subprocess
import sys
from pathlib import Path

import mails as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data.mail.message import read_mail
from nnguide.errors import InputError

CASES = Path(os.environ.get("NNGUIDE_CASES", Path(__file__).parents[3] / "shared" / "cases"))
BODY = made.HEAD + b"Subject: Hello\nContent-Type: text/plain; charset=utf-8\n"
BASE64 = base64.encodebytes(made.SPAM.encode())
READ = f"Hello\n{made.SPAM}"
WORDS = f"Thanks for the notes. {made.HAM} " * 5


@pytest.mark.parametrize(
    "field",
    [
        b"base64",
        b"BASE64",
        b"base64 ",
        b"\tbase64\t",
        b'"base64"',
        b"base64;",
        b"base64 (as usual)",
        b"(first) base64; x=y",
    ],
)
def test_a_transfer_encoding_is_read_however_it_is_written(field):
    raw = BODY + b"Content-Transfer-Encoding: " + field + b"\n\n" + BASE64
    assert read_mail(raw).text == READ
    field = field.replace(b"base64", b"quoted-printable").replace(b"BASE64", b"Quoted-Printable")
    raw = BODY + b"Content-Transfer-Encoding: " + field + b"\n\n"
    assert read_mail(raw + quopri.encodestring(made.SPAM.encode())).text == READ


@pytest.mark.parametrize(
    "footer", [b"", b"\n_______________\nlist mailing list\nlist@example.org\n", b"\n-- \nPaul\n"]
)
def test_a_footer_behind_base64_is_no_part_of_it(footer):
    raw = BODY + b"Content-Transfer-Encoding: base64\n\n" + BASE64 + footer
    assert read_mail(raw).text == READ


def test_base64_that_is_joined_or_cut_is_read_as_far_as_it_goes():
    head = BODY + b"Content-Transfer-Encoding: base64\n\n"
    padded = base64.b64encode(made.SPAM.encode() + b" ")
    assert padded.endswith(b"=")
    assert read_mail(head + padded + b"\n" + base64.b64encode(b"More.")).text == f"{READ} More."
    assert made.SPAM.startswith(read_mail(head + padded[:41]).body)
    assert len(read_mail(head + padded[:41]).body) == 30


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.sampled_from(["!", "\0", "\n", "#", "--", "\t", "\u00e9", "!!!\n"]),
        ),
        max_size=12,
    )
)
def test_base64_may_have_other_characters_strewn_in(strewn):
    """Mail programs leave them out, and so must a filter."""
    for text in (WORDS[:-20], WRITING["koi8-r"] * 5):
        encoded = base64.encodebytes(text.strip().encode()).decode()
        for place, character in strewn:
            place %= len(encoded) - 20  # what is short at the end is told by nothing
            encoded = encoded[:place] + character + encoded[place:]
        raw = BODY + b"Content-Transfer-Encoding: base64\n\n" + encoded.encode()
        assert read_mail(raw).body == text.strip()


@pytest.mark.parametrize("blanks", [4, 20])
def test_base64_may_be_parted_by_blanks_and_have_a_footer(blanks):
    text = WORDS.strip()
    lines = base64.encodebytes(text.encode()).decode().split("\n")
    parted = (
        " ".join(line[place : place + blanks] for place in range(0, len(line), blanks))
        for line in lines
    )
    encoded = "\n".join(parted) + "\n-- \nmailinglist 42, unsubscribe at http://example.com/\n"
    raw = BODY + b"Content-Transfer-Encoding: base64\n\n" + encoded.encode()
    assert read_mail(raw).body == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Win a ca=\nsh prize", "Win a cash prize"),
        ("Win a ca= \t \nsh prize", "Win a cash prize"),
        ("Win a ca=\r\nsh prize= ", "Win a cash prize"),
        ("caf=c3=\n=a9 =XY =3", "caf\u00e9 =XY =3"),
    ],
)
def test_quoted_printable_is_read_as_mail_programs_do(written, read):
    raw = BODY + b"Content-Transfer-Encoding: quoted-printable\n\n" + written.encode()
    assert read_mail(raw).body == read


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("=?utf-8?Q?Really??=", "Really?"),
        ("=?utf-8?Q?Win?_Yes?= now", "Win? Yes now"),
        ("=?utf-8?q?Win a prize?=", "Win a prize"),
        ("=?UTF-8*en?Q?Win?=", "Win"),
        ("=?utf-8?B?V2l!u\n IGE=?=", "Win a"),
        ("=?utf-8?B?V2luI?=", "Win"),
        ("=?utf-8?B?V2lu?==?utf-8?B?IGE=?=", "Win a"),
        ("=?utf-8?Q?open =?utf-8?Q?Win?=", "=?utf-8?Q?open Win"),
        ("=?utf-8?Q?=E2=82?=\n =?utf8?B?rCA1?=", "\u20ac 5"),
        ("=?x-none?Q?V=00i=01a?= V\0i\x02a\x7f", "Via Via"),
    ],
)
def test_encoded_words_are_read_as_mail_programs_do(subject, read):
    assert read_mail(f"Subject: {subject}\n\nx".encode()).subject == read


@pytest.mark.parametrize(
    "field",
    [
        b"text/html charset=koi8-r",
        b"text/html, charset=koi8-r",
        b"text/html (a page); charset=koi8-r",
        b'"text/html"; charset="koi8-r"',
        b"TEXT / HTML; charset = 'koi8-r'",
    ],
)
def test_a_content_type_is_read_however_it_is_written(field):
    text = WRITING["koi8-r"]
    raw = b"Subject: s\nContent-Type: " + field + b"\n\n<b>" + text.encode("koi8-r") + b"</b>"
    assert read_mail(raw).body == text


def test_characters_that_no_one_sees_are_left_out_and_text_turned_round_is_read_so():
    for body in (b"V\0i\0a\0gra", b"V\x01i\x02agra\x7f", "V\u200bi\u00adagra".encode()):
        for kind in (b"plain", b"html"):
            head = b"Subject: s\nContent-Type: text/%s; charset=utf-8\n\n" % kind
            assert read_mail(head + body + b" now").body == "Viagra now"
    turned = "Buy \u202eargaiV\u202c now"
    assert read_mail(f"Subject: s\n\n{turned}".encode()).body == "Buy Viagra now"
    html = "Subject: s\nContent-Type: text/html\n\nBuy <bdo dir=RTL>ar<b>gaiV</b></bdo> now"
    assert read_mail(html.encode()).body == "Buy Viagra now"
    assert "\u05d0\u05d1" in read_mail("Subject: s\n\n\u202e\u05d0\u05d1".encode()).body


def test_more_parts_than_are_read_are_refused():
    """Else spam would stand behind a thousand empty ones."""
    empty = b"Content-Type: text/plain\n\n"
    assert read_mail(made.multipart("mixed", *[empty] * 999, made.spam_part())).body == made.SPAM
    for count in (1_001, 10_000):
        with pytest.raises(InputError, match="1,000 parts"):
            read_mail(made.multipart("mixed", *[empty] * count, made.spam_part()))


def test_no_line_of_base64_is_read_as_words():
    for head in (BODY, BODY.replace(b"text/plain", b"multipart/mixed; boundary=none")):
        raw = head + b"\nHello\n\n" + base64.encodebytes(bytes(range(256)) * 20) + b"\nGoodbye\n"
        assert read_mail(raw).text == "Hello\nHello\n\n\nGoodbye"
    uuencoded = "begin 644 holiday.jpg\n#86)C\n`\nend\n"
    found = read_mail(BODY + f"\nLook\n{uuencoded}Bye\n".encode())
    assert (found.body.split(), found.attachments) == (["Look", "Bye"], ("holiday.jpg",))


PARTS = {
    "base64": b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(f"<p>{made.SPAM}</p>".encode()),
    "plain": made.spam_part(),
}


@pytest.mark.parametrize("declared", [b"--=_AAA", b'"--=_AAA"', b"", b"x y; z"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("kind", ["alternative", "mixed"])
def test_a_boundary_that_is_wrong_or_missing_is_found(declared, part, kind):
    raw = made.multipart(kind, part, boundary=b"--=_BBB", declared=declared or b";")
    assert read_mail(raw).text == f"Offer\n{made.SPAM}"


def test_parts_are_found_where_the_header_names_none():
    raw = made.multipart("mixed", PARTS["base64"]).replace(b"multipart/mixed", b"text/plain")
    assert read_mail(raw).body == made.SPAM


def test_the_alternative_that_is_shown_is_read_and_one_that_disagrees_kept():
    html = made.spam_part("text/html")
    only = read_mail(made.multipart("alternative", html))
    assert (only.body, only.alternatives, only.html_only) == (made.SPAM, (), True)
    for other in (made.HAM, "Your mail program does not show HTML."):
        plain = b"Content-Type: text/plain\n\n" + other.encode()
        found = read_mail(made.multipart("alternative", plain, html))
        assert (found.body, found.alternatives) == (made.SPAM, (other,))
        nested = made.multipart("alternative", plain, html, boundary=b"in").partition(b"\n\n")[2]
        part = b"Content-Type: multipart/alternative; boundary=in\n\n" + nested
        footer = b"Content-Type: text/plain\n\nfooter"
        found = read_mail(made.multipart("mixed", part, footer))
        assert found.body == f"{made.SPAM}\nfooter"
        assert found.alternatives == (f"{other}\nfooter",)
    same = read_mail(made.multipart("alternative", made.spam_part(), html))
    assert (same.body, same.alternatives, same.html_only) == (made.SPAM, (), False)


HIDDEN = [
    '<div style="display:none">{}</div>',
    '<div style="DISPLAY : NONE !important">{}</div>',
    '<span style="font-size:0">{}</span>',
    '<span style="font-size:0px;line-height:0">{}</span>',
    '<span style="font: 0px/0 arial">{}</span>',
    '<font style="font-size:1px">{}</font>',
    '<font color="white">{}</font>',
    '<font color="#fffffe">{}</font>',
    '<p style="color:rgb(255,255,255)">{}</p>',
    '<table bgcolor="#000000"><tr><td><font color="#010101">{}</font></td></tr></table>',
    '<div style="visibility:hidden"><b>{}</b></div>',
    '<div style="opacity:0">{}</div>',
    '<div style="mso-hide:all">{}</div>',
    '<div style="height:0;overflow:hidden">{}</div>',
    '<div style="max-height:0px;overflow:hidden">{}</div>',
    '<div style="position:absolute;left:-9999px">{}</div>',
    '<div style="text-indent:-5000px">{}</div>',
    "<div hidden>{}</div>",
    "<style>.p {{ display: none }}</style><div class=p>{}</div>",
    "<style>@media x {{ .q {{ color: red }} }} #i, .p {{ font-size:0 }}</style><p id=i>{}</p>",
    '<p style="font:1px arial">{}</p>',
    '<p style="font-size:.1pt">{}</p>',
    '<div style="font-size:0"><p style="font-size:2em">{}</p></div>',
    '<p style="visibility:collapse">{}</p>',
    '<p style="color:transparent">{}</p>',
    '<p style="color:rgba(0,0,0,0)">{}</p>',
    '<p style="color:#00000000">{}</p>',
    '<p style="color:hsl(0,0%,100%)">{}</p>',
    "<font color=ghostwhite>{}</font>",
    "<table bgcolor=#abcdef><td style='color:#abcdef'>{}</td></table>",
    '<div style="background:white;color:rgb(255, 255, 255)">{}</div>',
    '<p style="transform:scale(0)">{}</p>',
    '<p style="transform:translateX(-9999px)">{}</p>',
    '<p style="position:absolute;clip:rect(0 0 0 0)">{}</p>',
    '<p style="clip-path:inset(50%)">{}</p>',
    '<p style="position:absolute;right:-9999px">{}</p>',
    '<p style="position:absolute;left:-999em">{}</p>',
    '<p style="margin:-9999px 0 0">{}</p>',
    '<p style="d\\69splay:none">{}</p>',
    '<p style="display&#58;/**/none">{}</p>',
    '<p style="display:none;display:xyz">{}</p>',
    "<style>.w {{ color: #ffffff }}</style><p class=w>{}</p>",
    "<style>i {{ color: white }}</style><i>{}</i>",
    "<style>.a {{ display: none !important }}</style><p class=a style='display:block'>{}</p>",
    "<style>#i {{ display: none }} .a {{ display: block }}</style><p id=i class=a>{}</p>",
    "<style>@media screen {{ .q {{ display: none }} }}</style><p class=q>{}</p>",
    "<style>.a, .c:not(.d) {{ display: none }}</style><p class=c>{}</p>",
    "<style>[data-x] {{ display: none }}</style><p data-x=1>{}</p>",
    "<noframes>{}</noframes>",
    "<!-- {} -->",
    "<!--[if mso]>{}<![endif]-->",
    "<title>{}</title>",
    "<script>{}</script>",
    "<template>{}</template>",
]


@pytest.mark.parametrize("form", HIDDEN)
def test_hidden_text_is_kept_apart(form):
    for order in ("{1}{0}", "{0}{1}"):
        inner = order.format(f"<p>{made.SPAM}</p>", form.format(WORDS)).encode()
        found = read_mail(b"Subject: Offer\nContent-Type: text/html\n\n" + inner)
        assert found.text == f"Offer\n{made.SPAM}"
        assert found.hidden in (" ".join(WORDS.split()), "")


@pytest.mark.parametrize(
    "form",
    [
        '<div style="display:block">{}</div>',
        '<td bgcolor="black"><font color="white">{}</font></td>',
        '<table style="background:#003366"><tr><td style="color:#fff">{}</td></tr></table>',
        '<table background="sky.png"><tr><td><font color="white">{}</font></td></tr></table>',
        "<body bgcolor=black>{}</body>",
        '<span style="font-size:8px">{}</span>',
        '<span style="font-size:0.9em">{}</span>',
        "<style>@media print {{ p {{ display: none }} }}</style><p>{}</p>",
        '<font color="white"><a href="http://example.com">{}</a></font>',
        "<div><center><b><font size=1>{}</font></b></center></div>",
        '<div style="font-size:0px"><div style="font-size:13px">{}</div></div>',
        '<div style="font-size:0"><font size=3>{}</font></div>',
        '<div style="visibility:hidden"><b style="visibility:visible">{}</b></div>',
        '<div style="overflow:hidden;height:1%">{}</div>',
        '<div style="overflow:hidden;width:5%">{}</div>',
        '<p style="font-size:1.2vw">{}</p>',
        '<p style="font-size:1in">{}</p>',
        '<div style="left:-9999px">{}</div>',
        '<div style="margin:0 0 -9999px;padding-bottom:9999px">{}</div>',
        '<div hidden style="display:block">{}</div>',
        '<div style="background:no-repeat #000;color:#fff">{}</div>',
        '<div style="background:rgb(0, 0, 0) none;color:#fff">{}</div>',
        '<div style="background:linear-gradient(#000,#111);color:#fff">{}</div>',
        "<style>.d {{ background: #000 }}</style><div class=d><font color=white>{}</font></div>",
        "<style>.b {{ background: url(x.png) }}</style><div class=b style='color:#fff'>{}</div>",
        "<style>p {{ background: #fff }}</style><p style='background:#000;color:#fff'>{}</p>",
        "<style>* {{ color: #fff }} body {{ background: #000 }}</style><p>{}</p>",
        "<style>.a {{ display: none }} .b {{ display: block }}</style><p class='a b'>{}</p>",
        "<style>.a {{ display: none }}</style><p class=a style='display:block'>{}</p>",
        "<style>@media (max-width: 480px) {{ .q {{ display: none }} }}</style><p class=q>{}</p>",
        "<noscript>{}</noscript>",
        "<object>{}</object>",
    ],
)
def test_text_that_is_seen_is_read(form):
    table = form.format(made.SPAM)
    table = f"<table><tr>{table}</tr></table>" if form.startswith("<td") else table
    found = read_mail(b"Content-Type: text/html\n\n" + table.encode())
    assert (found.body, found.hidden) == (made.SPAM, "")


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("V<!-- x -->ia<b></b>gra", "Viagra"),
        ("Vi<font style='font-size:0'>zz</font>agra", "Viagra"),
        ("V&#105;&#x61;gra", "Viagra"),
        ("Vi\u200ba\u00adg\u2060ra", "Viagra"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a<br>b<p>c", "a\nb\nc"),
        ("&lt;b&gt; &euro;&nbsp;5", "<b> € 5"),
    ],
)
def test_html_as_it_is_rendered(source, seen):
    assert read_mail(b"Content-Type: text/html; charset=utf-8\n\n" + source.encode()).body == seen


WRITING = {
    "gb2312": "您好,本公司代开各类发票,价格优惠,欢迎来电咨询。",
    "big5": "您好,本公司提供各類產品,價格優惠,歡迎來電洽詢。",
    "shift_jis": "こんにちは、お得な情報をお届けします。今すぐクリックしてください",
    "iso-2022-jp": "こんにちは、お得な情報をお届けします。",
    "euc-kr": "안녕하세요 무료 대출 상담 광고입니다 지금 전화하세요",
    "koi8-r": "Поздравляем! Вы выиграли приз. Позвоните сейчас",
    "windows-1251": "Поздравляем! Вы выиграли приз. Позвоните сейчас",
    "windows-1252": "Félicitations, vous avez gagné un prix à réclamer dès aujourd’hui",
    "windows-1250": "Gratulujemy, wygrałeś nagrodę. Zadzwoń już dziś",
    "utf-8": "Grüße, 5 € – Поздравляем 您好",
}
GUESSED = (
    "gb2312",
    "big5",
    "shift_jis",
    "euc-kr",
    "koi8-r",
    "windows-1251",
    "windows-1252",
    "utf-8",
)


@pytest.mark.parametrize("charset", WRITING)
def test_each_charset_in_body_and_subject(charset):
    text = WRITING[charset]
    raw = text.encode(charset)
    word = b"=?" + charset.encode() + b"?B?" + base64.b64encode(raw) + b"?="
    head = b"Subject: " + word + b"\nContent-Type: text/plain; charset=" + charset.encode()
    assert read_mail(head + b"\n\n" + raw).text == f"{text}\n{text}"
    if charset in GUESSED:
        for declared in (b"us-ascii", b"utf-8", b"x-unknown", b"", None):
            field = b"" if declared is None else b"\nContent-Type: text/plain; charset=" + declared
            found = read_mail(b"Subject: " + raw + field + b"\n\n" + raw)
            assert (found.subject, found.body) == (text, text)


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1251", "koi8-r", "us-ascii", "gb2312"])
def test_utf8_is_utf8_whatever_is_declared(declared):
    text = WRITING["koi8-r"]
    raw = f"Subject: s\nContent-Type: text/plain; charset={declared}\n\n{text}".encode()
    assert read_mail(raw).body == text


@pytest.mark.parametrize("broken", [b"\xd1", b"\xff", b"\xe2\x82", b"\x80"])
def test_a_broken_character_costs_only_itself(broken):
    text = WRITING["koi8-r"] * 3
    raw = (
        b"Subject: s\nContent-Type: text/plain; charset=utf-8\n\n" + text.encode() + broken + b"f."
    )
    found = read_mail(raw).body
    assert found.startswith(text)
    assert found.endswith("f.")
    assert found.count("\ufffd") <= len(broken)


@pytest.mark.parametrize("cut", range(4, 18))
def test_a_subject_may_be_cut_amid_a_character(cut):
    raw = "Gewinnen Sie 1000 € jetzt, Grüße".encode()
    words = (base64.b64encode(piece).decode() for piece in (raw[:cut], raw[cut:]))
    folded = "\n ".join(f"=?UTF-8?B?{word}?=" for word in words)
    assert read_mail(f"Subject: {folded}\n\nx".encode()).subject == raw.decode()


@pytest.mark.parametrize(
    "header",
    [
        b"\xef\xbb\xbfFrom: a@example.com\nSubject: Hello\n",
        b"From: a@example.com\nthis line has no colon\nSubject: Hello\n",
        b"no colon here either\nFrom: a@example.com\nSubject: Hello\n",
        b"From a@example.com Mon Feb  3 10:00:00 2025\nSubject: Hello\n",
        b"\n\nSubject: Hello\n",
        b"Subject:\n Hello\n",
        b"subject : Hello\n",
    ],
)
def test_a_header_with_a_fault_is_a_header(header):
    field = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    assert read_mail(header + field + BASE64).text == READ


def test_the_blank_line_may_be_missing():
    raw = b"From: a@example.com\nSubject: Hello\n" + made.SPAM.encode()
    assert read_mail(raw).text == READ


def test_text_behind_a_large_attachment_is_read():
    photo = (
        b"Content-Type: image/jpeg; name=a.jpg\nContent-Disposition: attachment; filename*0*="
        b"utf-8''%C3%A4; filename*1=.jpg\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(bytes(3_000_000))
    )
    found = read_mail(made.multipart("mixed", photo, made.spam_part()))
    assert (found.text, found.attachments, found.parts) == (f"Offer\n{made.SPAM}", ("ä.jpg",), 2)


def test_a_text_about_mime_and_a_digest_are_no_deep_nests():
    text = "The type multipart/mixed holds parts. " * 100
    assert read_mail(b"Subject: How MIME works\n\n" + text.encode()).body == text.strip()
    inner = [b"\n" + made.plain(number, made.HAM) for number in range(60)]
    found = read_mail(made.multipart("digest", *inner))
    assert found.body.count("note ") == found.body.count(made.HAM) == 60


def test_invitations_nested_mails_and_winmail_dat():
    event = (
        b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nSUMMARY;LANGUAGE=en:Free pri\n ze\n"
        b"DESCRIPTION:Call now\\, or\\nlater\nDTSTART:20250203\nEND:VCALENDAR"
    )
    assert read_mail(made.multipart("mixed", event)).body == "Free prize\nCall now, or\nlater"
    alarm = b"BEGIN:VALARM\nDESCRIPTION:Reminder\nEND:VALARM\nEND:VCALENDAR"
    event = event.replace(b"SUMMARY", b"summary").replace(b"END:VCALENDAR", alarm)
    assert read_mail(made.multipart("mixed", event)).body == "Free prize\nCall now, or\nlater"
    inner = b"Content-Type: message/rfc822\n\n" + made.plain(1)
    assert read_mail(made.multipart("mixed", inner)).body == f"note 1\n{made.SPAM}"

    def attribute(number: int, value: bytes) -> bytes:
        head = b"\x01" + number.to_bytes(4, "little") + len(value).to_bytes(4, "little")
        return head + value + b"\0\0"

    wrapped = b"\x78\x9f\x3e\x22\x01\0" + attribute(0x0002800C, made.SPAM.encode() + b"\0")
    wrapped += attribute(0x00018010, b"list.doc\0")
    part = b"Content-Type: application/ms-tnef; name=winmail.dat\n"
    part += b"Content-Transfer-Encoding: base64\n\n"
    found = read_mail(made.multipart("mixed", part + base64.encodebytes(wrapped)))
    assert (found.body, found.attachments) == (made.SPAM, ("winmail.dat", "list.doc"))


# The files of shared/cases, where they are there

REFERENCES = {
    "m00-ref-spam": [
        *(f"m01-cte-{n}" for n in range(4)),
        "m02-b64-footer",
        "m11-bom",
        "m13-badheader",
    ],
    "m03-boundary-match": ["m03-boundary-mismatch"],
    "m04-alt-html-only": ["m04-alt-decoy", "m04-alt-stub"],
    "m05-hidden-ref": ["m05-hidden-0", "m05-hidden-1", "m05-hidden-first"],
}


@pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not there")
def test_the_cases_read_as_their_references(tmp_path):
    def text(path: Path) -> str:
        return str(read_mail(path.read_bytes()).text)

    for reference, others in REFERENCES.items():
        for other in others:
            assert text(CASES / f"mail/{other}.eml") == text(CASES / f"mail/{reference}.eml"), other
    assert text(CASES / "mail/m07-subj-split.eml").startswith("Gewinnen Sie 1000 € jetzt\n")
    assert "\ufffd" not in text(CASES / "mail/m08-declared-latin1-is-utf8.eml")
    large = tmp_path / "m14.eml"
    subprocess.run([sys.executable, CASES / "mail/make_m14.py", large], check=True)
    assert text(large) == text(CASES / "mail/m14-small-attachment-first.eml")
