"""Whatever holds mail gives the same mails, one by one; what holds none is named."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import mails as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data import mail, text_files
from nnguide.data.mail import mailboxes
from nnguide.data.mail.message import MAX_BYTES, read_mail
from nnguide.errors import InputError

MAILS = made.several(23)
TEXTS = [read_mail(raw).text for raw in MAILS]

STYLES = ("mboxo", "mboxrd", "crlf", "no last newline", "takeout", "thunderbird")


def texts(path: Path) -> list[str]:
    found = list(mail.texts(path))
    assert not [text for _, text in found if isinstance(text, InputError)]
    return [text for _, text in found]


@pytest.mark.parametrize("style", STYLES)
def test_an_mbox_in_each_style_is_its_mails(tmp_path, style):
    path = made.as_mbox(tmp_path / "box", MAILS, style)
    found = list(mail.texts(path))
    assert [text for _, text in found] == TEXTS
    assert [name for name, _ in found] == [f"{path}#{n}" for n in range(1, len(MAILS) + 1)]
    assert [text.message_id for _, text in found] == [f"{n}@example.com" for n in range(23)]


def test_each_form_of_a_mailbox_is_its_mails(tmp_path):
    assert texts(made.as_stdlib_mbox(tmp_path / "box", MAILS)) == TEXTS
    assert texts(made.as_maildir(tmp_path / "maildir", MAILS)) == TEXTS
    assert texts(made.as_mh(tmp_path / "mh", MAILS)) == TEXTS
    assert texts(made.as_files(tmp_path / "files", MAILS)) == TEXTS
    assert texts(tmp_path) == TEXTS * 4  # box, files, maildir, mh
    stream = io.BytesIO((tmp_path / "box").read_bytes())
    assert [text for _, text in mail.texts_in(stream, "-")] == TEXTS


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_one_mail_goes_by_the_name_of_its_file(tmp_path, end):
    for name, before in (("a.eml", b""), ("b", b"From - Mon Feb  3 10:00:00 2025\n")):
        (tmp_path / name).write_bytes((before + MAILS[1]).replace(b"\n", end))
        assert list(mail.texts(tmp_path / name)) == [(str(tmp_path / name), TEXTS[1])]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_file_of_apple_mail_is_its_mail(tmp_path, end):
    raw = MAILS[1].replace(b"\n", end)
    plist = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<plist><dict><key>flags</key></dict></plist>\n'
    )
    (tmp_path / "1.emlx").write_bytes(b"%-10d\n%s%s" % (len(raw), raw, plist))
    assert texts(tmp_path) == [TEXTS[1]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"BEGIN:VCALENDAR\nX-WR-CALNAME:Work\nBEGIN:VEVENT\nSUMMARY:Win\n", "a calendar"),
        (b"BEGIN:VCARD\nVERSION:3.0\nX-SOCIAL:x\n", "an address book"),
        (b"HTTP/1.1 200 OK\nDate: x\nContent-Type: text/html\n\n<p>x</p>", "a web server"),
        (b"\xcf\xad\x12\xfe" + bytes(99), "an Outlook Express folder"),
        (b"\x78\x9f\x3e\x22\1\0\1", "winmail.dat"),
    ],
)
def test_what_only_looks_like_mail_is_named(tmp_path, content, said):
    (tmp_path / "file").write_bytes(content)
    [(_, error)] = mail.texts(tmp_path / "file")
    assert isinstance(error, InputError)
    assert said in str(error)


@pytest.mark.parametrize("pack", ["zip", "tar"])
def test_an_archive_is_no_mail_though_one_stands_in_it_readable(tmp_path, pack):
    if pack == "zip":
        with zipfile.ZipFile(tmp_path / "file", "w") as archive:
            archive.writestr("a.eml", MAILS[1])
    else:
        (tmp_path / "a.eml").write_bytes(MAILS[1])
        with tarfile.open(tmp_path / "file", "w") as archive:
            archive.add(tmp_path / "a.eml", "a.eml")
    [(_, error)] = mail.texts(tmp_path / "file")
    assert isinstance(error, InputError)
    assert f"{pack} archive" in str(error)


def test_sentences_that_begin_with_from_part_no_mails(tmp_path):
    body = (
        "Hello\n\nFrom Monday on we meet at 10:30 in the hall.\n\nFrom: the desk of Paul\n\n"
        "From my point of view\nNote: this is fine.\n\nFrom what I hear, Mon is at 10:00.\nbye\n"
    )
    (tmp_path / "box").write_bytes(
        b"From a@example.com Mon Feb  3 10:00:00 2025\n" + made.plain(1, body)
    )
    assert len(list(mail.texts(tmp_path / "box"))) == 1


NOT_MAIL = {
    "picture.png": (b"\x89PNG\r\n\x1a\n" + bytes(40), "a picture"),
    "photo.jpg": (b"\xff\xd8\xff\xe0" + bytes(40), "a picture"),
    "mail.eml.gz": (gzip.compress(MAILS[0]), "gunzip"),
    "store.sqlite": (b"SQLite format 3\0" + bytes(90), "a database"),
    "Inbox.msf": (b'// <!-- <mdb:mork:z v="1.4"/> -->\n', "an index of Thunderbird"),
    "saved.msg": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), "Outlook"),
    "utf16.eml": (MAILS[0].decode().encode("utf-16"), "iconv"),
    "index.bin": (bytes(range(256)), "neither a mail nor a text"),
    "empty": (b"", "empty"),
    "readme.txt": (b"Just a text, no mail.\n", "not begin with a header"),
    "archive.tar": (b"a".ljust(257, b"\0") + b"ustar\0", "tar"),
}


def test_what_holds_no_mail_is_named_and_the_rest_read(tmp_path):
    for name, (content, _) in NOT_MAIL.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "good.eml").write_bytes(MAILS[0])
    (tmp_path / "loop").symlink_to(tmp_path)
    found = dict(mail.texts(tmp_path))
    assert found.pop(str(tmp_path / "good.eml")) == TEXTS[0]
    assert set(found) == {str(tmp_path / name) for name in (*NOT_MAIL, "gone", "pipe")}
    for name, (_, reason) in NOT_MAIL.items():
        assert reason in str(found[str(tmp_path / name)])
    [(_, error)] = mail.texts(tmp_path / "nowhere")
    assert "no such file" in str(error)
    (tmp_path / "bare").mkdir()
    [(_, error)] = mail.texts(tmp_path / "bare")
    assert "holds no mail" in str(error)


def test_a_file_of_a_maildir_is_one_mail_whatever_it_begins_with(tmp_path):
    line = b"From anna@example.com  Mon Apr  9 10:00:00 2007\n"
    made.as_maildir(tmp_path / "maildir", [line + MAILS[0] + b"\n" + line + MAILS[1]])
    [(name, text)] = mail.texts(tmp_path / "maildir")
    assert "#" not in name and str(text).startswith(str(TEXTS[0])[:10])


def test_a_file_beside_the_servers_own_in_a_maildir_is_named(tmp_path):
    made.as_maildir(tmp_path / "maildir", MAILS[:3])
    (tmp_path / "maildir" / "cur" / "thumb.png").write_bytes(NOT_MAIL["picture.png"][0])
    bad = [name for name, text in mail.texts(tmp_path) if isinstance(text, InputError)]
    assert bad == [str(tmp_path / "maildir" / "cur" / "thumb.png")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(MAILS), min_size=2, max_size=9),
    st.integers(2_100, 9_000),
    st.sampled_from(STYLES),
)
def test_mails_are_parted_wherever_the_pieces_end(tmp_path_factory, chosen, chunk, style):
    path = made.as_mbox(tmp_path_factory.mktemp("box") / "box", chosen, style)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mailboxes, "CHUNK", chunk)
        assert texts(path) == [read_mail(raw).text for raw in chosen]


def test_a_mail_that_is_too_long_costs_the_others_nothing(tmp_path):
    long = made.plain(1, "x" * 70 + "\n" * 1) + (b"y" * 71 + b"\n") * (MAX_BYTES // 72 + 1)
    path = made.as_mbox(tmp_path / "box", [MAILS[0], long, MAILS[1]])
    (_, first), (name, error), (_, last) = mail.texts(path)
    assert (first, last) == (TEXTS[0], TEXTS[1])
    assert name.endswith("#2")
    assert "at most 25 MB" in str(error)


MEMORY = """
import sys
from pathlib import Path
from nnguide.data.mail import mailboxes
count = sum(1 for _ in mailboxes.mails(sys.argv[1]))
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(count, int(peak.split()[1]) // 1024)
"""


def test_an_mbox_is_read_in_bounded_memory(tmp_path):
    one = made.plain(1, "\n".join([made.HAM] * 60_000))  # 6 MB
    with (tmp_path / "box").open("wb") as box:
        for number in range(20):
            box.write(
                (made.FROM_LINE % ("a@example.com", number % 60)).encode() + b"\n" + one + b"\n"
            )
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "box"], capture_output=True, text=True, check=True
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == 20
    assert megabytes < 100  # the file has 120


def test_class_folders_may_hold_any_form(tmp_path, caplog):
    made.as_mbox(_made(tmp_path / "a" / "ham") / "box", MAILS)
    made.as_maildir(tmp_path / "a" / "spam", MAILS[:4])
    (tmp_path / "a" / "spam" / "cur" / "text").write_text("a message without a header")
    found = text_files.read(tmp_path / "a", "all")
    assert found.counts() == {"ham": 23, "spam": 5}
    assert list(found.inputs[:23]) == TEXTS
    (tmp_path / "b").mkdir()
    made.as_mbox(tmp_path / "b" / "ham.mbox", MAILS[:3])
    made.as_mbox(tmp_path / "b" / "spam.mbox", MAILS[3:])
    assert text_files.read(tmp_path / "b", "all").counts() == {"ham": 3, "spam": 20}
    (tmp_path / "a" / "ham" / "x.png").write_bytes(NOT_MAIL["picture.png"][0])
    assert len(text_files.read(tmp_path / "a", "all")) == 28
    assert "1 of the 29 messages" in caplog.text
    assert "ham/x.png: it is a picture" in caplog.text


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
