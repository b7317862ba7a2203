"""Forms of files that hold no mail, by their first bytes."""

from __future__ import annotations

BEGINNING = 4_096  # bytes that are looked at

_MAGIC = (  # (the first bytes, what it is, what to do)
    (b"\x1f\x8b", "compressed by gzip", "Unpack it first: gunzip"),
    (b"BZh", "compressed by bzip2", "Unpack it first: bunzip2"),
    (b"\xfd7zXZ", "compressed by xz", "Unpack it first: unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "Unpack it first: unzstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "Unpack it first: unlz4"),
    (b"PK\x03\x04", "a zip archive", "Unpack it first: unzip"),
    (b"Rar!", "a RAR archive", "Unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an Outlook or Office file", "Save the mail as .eml, or as an mbox"),
    (b"!BDN", "an Outlook folder", "Export its mails as .eml, or as an mbox"),
    (b"\xcf\xad\x12\xfe", "an Outlook Express folder", "Export its mails as .eml, or as an mbox"),
    (b"\x78\x9f\x3e\x22", "a winmail.dat, a part of a mail", "Give the mail that it came in"),
    (b"BEGIN:VCALENDAR", "a calendar", ""),
    (b"BEGIN:VCARD", "an address book", ""),
    (b"HTTP/1.", "what a web server sent", ""),
    (b"\x89PNG", "a picture", ""),
    (b"\xff\xd8\xff", "a picture", ""),
    (b"GIF8", "a picture", ""),
    (b"BM", "a picture", ""),
    (b"II*\0", "a picture", ""),
    (b"MM\0*", "a picture", ""),
    (b"RIFF", "a picture or a sound", ""),
    (b"%PDF", "a PDF", ""),
    (b"{\\rtf", "a rich text document", ""),
    (b"SQLite format 3", "a database", ""),
    (b"\x7fELF", "a program", ""),
    (b"MZ", "a program", ""),
    (b"// <!-- <mdb:mork", "an index of Thunderbird", ""),
    (b"\xff\xfe", "text in UTF-16", "Save it in UTF-8: iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "Save it in UTF-8: iconv -f UTF-16 -t UTF-8"),
)


def foreign(beginning: bytes) -> str:
    """Return why `beginning` is not that of mail or text.

    "" where it may be one.
    """
    if why := kind_of_file(beginning):
        return why
    if _is_binary(beginning):
        return "it is neither a mail nor a text: it has bytes that occur in neither"
    return ""


def kind_of_file(beginning: bytes) -> str:
    """Return what a file is that only may hold mail in it.

    "" where its first bytes do not show that.
    """
    for magic, what, advice in _MAGIC:
        # Two letters may begin a text too.
        if beginning.startswith(magic) and (len(magic) > 2 or _is_binary(beginning)):
            return f"it is {what}, not a mail. {advice}".strip()
    if beginning[257:262] == b"ustar":
        return "it is a tar archive, not a mail. Unpack it first: tar xf"
    return ""


def _is_binary(beginning: bytes) -> bool:
    """Return whether bytes hold what no text holds.

    That is NUL, or many control characters.
    """
    looked_at = beginning[:BEGINNING]
    controls = sum(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in looked_at)
    return b"\0\0" in looked_at or 20 * controls > len(looked_at)
