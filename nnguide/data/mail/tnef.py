"""Reader of winmail.dat, Outlook's wrapping of text and files (MS-OXTNEF)."""

from __future__ import annotations

from nnguide.data.mail.charsets import decode

SIGNATURE = b"\x78\x9f\x3e\x22"
_BODY = 0x0002800C
_ATTACHMENT_TITLE = 0x00018010
_MAX_ATTRIBUTES = 1_000


def read(content: bytes) -> tuple[str, list[str]]:
    """Return the plain text and the names of the attachments.

    The text is "" where there is none.
    """
    text = ""
    names: list[str] = []
    place = 6  # the signature and a key
    if not content.startswith(SIGNATURE):
        return text, names
    for _ in range(_MAX_ATTRIBUTES):
        head = content[place : place + 9]  # level, attribute, length
        if len(head) < 9:
            break
        attribute, length = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:], "little")
        value = content[place + 9 : place + 9 + length]
        if attribute == _BODY:
            text = decode(value.rstrip(b"\0"))
        elif attribute == _ATTACHMENT_TITLE:
            names.append(decode(value.partition(b"\0")[0]))
        place += 9 + length + 2  # and a checksum
    return text, names
