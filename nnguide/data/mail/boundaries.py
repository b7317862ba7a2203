"""Boundaries between the parts of a mail.

They are found too where the mail names another boundary than it has.
"""

from __future__ import annotations

import re

MAX_PARTS = 1_000
MAX_MARKS = 100_000  # places that look like a boundary

_STRAY_BOUNDARY = re.compile(  # a line that stands before a part's header, more than dashes
    rb"^--(?=[^\n]{0,200}[^\s-])([^\n]{1,200}?)[ \t]*\n(?=content-[a-z-]+[ \t]*:)",
    re.IGNORECASE | re.MULTILINE,
)


def divided(
    raw: bytes, start: int, end: int, boundary: str, container: bool
) -> list[tuple[int, int]]:
    """Return the places of the parts in raw[start:end].

    [] where there are no boundaries. Where the declared boundary does not occur, the one that
    stands before a part's header is taken.

    Args:
        raw: a mail with LF line ends.
        boundary: as it is declared, "" where none is.
        container: a multipart is declared; else only a part's header shows that it is one.
    """
    if boundary and container:
        for charset in ("latin-1", "utf-8"):
            if parts := _between(raw, start, end, boundary.encode(charset, "replace")):
                return parts
    stray = _STRAY_BOUNDARY.search(raw, start, end)
    return _between(raw, start, end, stray[1]) if stray else []


def _between(raw: bytes, start: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
    """Return the places between boundary lines, up to the closing one."""
    mark = b"--" + boundary
    parts: list[tuple[int, int]] = []
    opened, place = -1, start
    for _ in range(MAX_MARKS):
        mark_at = raw.find(mark, place, end)
        if mark_at < 0:
            break
        after = raw.find(b"\n", mark_at, end)
        after = end if after < 0 else after
        place = mark_at + 1
        rest = raw[mark_at + len(mark) : min(after, mark_at + len(mark) + 100)].strip()
        if (mark_at > start and raw[mark_at - 1 : mark_at] != b"\n") or rest not in (b"", b"--"):
            continue
        if opened >= 0:
            parts.append((opened, max(opened, mark_at - 1)))
        opened, place = after + 1, after
        if rest == b"--" or len(parts) > MAX_PARTS + 1:  # so many are refused
            return parts
    if opened >= 0 and opened < end:
        parts.append((opened, end))
    return parts
