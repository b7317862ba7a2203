"""The blocks of plain data that make up an audit page.

pages/audit.html shows them.

Text is text: the template escapes it, so nothing here knows HTML.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nnguide.pages.plots import Plot

Block = dict[str, Any]
Inline = str | dict[str, str]  # text, or a piece that stands out


def code(text: str) -> Inline:
    """Return a name or a command that readers can copy."""
    return {"kind": "code", "text": text}


def mark(text: str, side: str) -> Inline:
    """Return words that speak "for" an answer or "against" it."""
    return {"kind": "mark", "text": text, "side": side}


def paragraph(*pieces: Inline) -> Block:
    return {"kind": "paragraph", "pieces": [_tied(piece) for piece in pieces]}


def heading(text: str) -> Block:
    return {"kind": "heading", "text": text}


def listed(items: Iterable[Inline], name: str = "") -> Block:
    """Return a list block.

    Nothing is shown of an empty list.
    """
    return {"kind": "list", "items": [_tied(item) for item in items], "name": name}


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    marked: Iterable[int] = (),
    words: Iterable[int] = (),
) -> Block:
    """Return a table block.

    Args:
        caption: what it holds.
        head: the names of the columns; none for a table of names and values.
        rows: cells, text or pieces; the first of each row heads it.
        marked: numbers of the rows that stand out.
        words: numbers of the columns that hold words; the others are aligned as numbers.
    """
    return {
        "kind": "table",
        "caption": caption,
        "head": list(head),
        "rows": [[_tied(cell) for cell in row] for row in rows],
        "marked": set(marked),
        "words": {0, *words},
    }


def pairs(caption: str, rows: Iterable[tuple[str, Any]]) -> Block:
    """Return a table of names and values."""
    return table(caption, (), rows)


def chart(path: Path, alt: str, caption: str) -> Block:
    """Return a PNG chart with its caption."""
    png = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"kind": "chart", "png": png, "alt": alt, "caption": _tied(caption)}


def plots(drawn: Iterable[Plot], alt: str, caption: str) -> Block:
    """Return plots with one caption.

    They stand side by side where there is room.
    """
    return {"kind": "plots", "plots": list(drawn), "alt": alt, "caption": _tied(caption)}


def section(name: str, title: str, *blocks: Block | None) -> Block:
    """Return a section: its id, its title and its blocks."""
    return {"name": name, "title": title, "blocks": [block for block in blocks if block]}


def _tied(value: Any) -> Any:
    """Return text with a no-break space before each %."""
    return re.sub(r"(?<=\d) %", "\u00a0%", value) if isinstance(value, str) else value
