"""Characters as a reader sees them.

Those of no width are left out, and text that is reversed is read in its right order.
"""

from __future__ import annotations

import re

_ESCAPED_FROM = re.compile(r"^>+(?=From )", re.MULTILINE)  # as mailboxes escape it
_UNSEEN = re.compile(  # controls, joiners, marks of direction, tags, selectors
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e0fff]"
)
_OVERRIDDEN = re.compile("\u202e([^\u202c\u202d\u202e\n]*)")  # from right to left
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")  # scripts that are written so anyway


def seen(text: str) -> str:
    """Return text without characters of no width, encodable as UTF-8."""
    text = without_escapes(text)
    if "\u202e" in text:
        text = _OVERRIDDEN.sub(lambda match: turned_round(match[1]), text)
    return _UNSEEN.sub("", text).encode("utf-8", "replace").decode("utf-8")


def turned_round(text: str) -> str:
    """Return text set from right to left as it is seen."""
    return text if _RIGHT_TO_LEFT.search(text) else text[::-1]


def without_escapes(text: str) -> str:
    """Return text without NUL and without escapes before From.

    Mailboxes write such escapes.
    """
    return _ESCAPED_FROM.sub("", text.replace("\0", ""))
