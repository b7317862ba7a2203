"""The text that a reader of an HTML mail sees.

Regular expressions instead of `html.parser`: mail is hostile input, and that parser takes
quadratic time on unclosed tags and raises AssertionError on odd declarations. Every pattern
here stops at the next `<`, so the time is linear in the length.
"""

from __future__ import annotations

import html
import re

_HIDDEN = ("script", "style", "head")
_TAG = re.compile(
    r"""<[a-z/!?]          # a tag, an end tag, a declaration; not "2 < 3"
        (?: (?: [^<>"'] | "[^"<]*" | '[^'<]*' )*+ >   # quoted values may hold ">"
          | [^<>]* > )     # quotes that do not match""",
    re.IGNORECASE | re.VERBOSE,
)
_BREAK = re.compile(
    r"</?(?:p|div|br|hr|h[1-6]|li|ul|ol|dl|dt|dd|table|tr|td|th|center|blockquote|pre|form|"
    r"option|select|body|html|title)\b",
    re.IGNORECASE,
)
_HUGE_REFERENCE = re.compile(r"&#x?[0-9a-f]{9,}", re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n\s*")


def html_to_text(source: str) -> str:
    """Reduce HTML to its visible text: no scripts, styles, comments or tags; entities decoded.

    Links keep their words and lose their address. A block begins a new line; white space
    is collapsed. Broken HTML never fails: what is no tag stays as text.
    """
    source = _without(source, "<!--", "-->")
    for name in _HIDDEN:
        source = _without_element(source, name)
    text = _TAG.sub(lambda tag: "\n" if _BREAK.match(tag[0]) else "", source)
    text = html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def _without(source: str, start: str, end: str) -> str:
    """`source` without what stands between the marks; an unclosed start is plain text."""
    kept, position = [], 0
    while (found := source.find(start, position)) >= 0:
        close = source.find(end, found + len(start))
        if close < 0:
            break
        kept.append(source[position:found])
        position = close + len(end)
    return "".join(kept) + source[position:]


def _without_element(source: str, name: str) -> str:
    """`source` without the elements called `name`; one that is not closed is plain text."""
    starts = re.compile(rf"<{name}(?=[\s/>])", re.IGNORECASE)
    ends = re.compile(rf"</{name}\s*>", re.IGNORECASE)
    kept, position = [], 0
    while found := starts.search(source, position):
        close = ends.search(source, found.end())
        if close is None:
            break
        kept.append(source[position : found.start()])
        position = close.end()
    return "".join(kept) + source[position:]
