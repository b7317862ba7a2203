"""Pieces of HTML. Whatever comes from data or a user is escaped here, once."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NewType

Html = NewType("Html", str)  # markup; any other string is text

# what the page may load: nothing from outside, pictures and style from itself
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def text(value: Any) -> Html:
    """Any value as escaped text; characters that cannot be shown become U+FFFD."""
    shown = "".join(
        letter if letter.isprintable() or letter == "\n" else " " if letter.isspace() else "\ufffd"
        for letter in str(value)
    )
    return Html(html.escape(re.sub(r"(?<=\d) %", "\u00a0%", shown)))  # on one line


def joined(*blocks: str) -> Html:
    """Markup after markup."""
    return Html("\n".join(blocks))


def tag(name: str, content: Html, **attributes: str) -> Html:
    """An element; `class_` is its class."""
    told = "".join(
        f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items()
    )
    return Html(f"<{name}{told}>{content}</{name}>")


def paragraph(content: str) -> Html:
    """A paragraph of text."""
    return tag("p", text(content))


def listed(items: Iterable[str]) -> Html:
    """A list of texts; nothing if there are none."""
    rows = [tag("li", text(item)) for item in items]
    return tag("ul", joined(*rows)) if rows else Html("")


def cell(value: Any, numeric: bool) -> Html:
    """A cell of a table: markup as it is, anything else as text."""
    content = value[0] if isinstance(value, tuple) else text(value)
    return tag("td", content, **({"class_": "number"} if numeric else {}))


def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Any]],
    marked: Iterable[int] = (),
    words: Iterable[int] = (),
) -> Html:
    """A table.

    Args:
        caption: what it holds.
        head: the names of the columns; none for a table of names and values.
        rows: cells, text or (markup,); the first of each row heads it.
        marked: numbers of the rows that stand out.
        words: numbers of the columns that hold words; the others are aligned as numbers.
    """
    chosen, plain = set(marked), {0, *words}
    body = []
    for number, row in enumerate(rows):
        first = tag("th", row[0][0] if isinstance(row[0], tuple) else text(row[0]), scope="row")
        others = (cell(v, bool(head) and place not in plain) for place, v in enumerate(row[1:], 1))
        line = Html(first + "".join(others))
        body.append(tag("tr", line, **({"class_": "marked"} if number in chosen else {})))
    top = Html(
        "".join(
            tag("th", text(name), scope="col", class_="word" if place in plain else "number")
            for place, name in enumerate(head)
        )
    )
    whole = joined(
        tag("caption", text(caption)),
        tag("thead", tag("tr", top)) if head else "",
        tag("tbody", joined(*body)),
    )
    return tag("div", tag("table", whole), class_="wide")


def pairs(caption: str, rows: Sequence[tuple[str, Any]]) -> Html:
    """A table of names and values."""
    return table(caption, (), rows)


def code(content: str) -> Html:
    return tag("code", text(content))


def picture(png: str, alt: str, **attributes: str) -> Html:
    """An image held in the page: `png` is a PNG file in base64."""
    told = "".join(
        f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items()
    )
    return Html(f'<img src="data:image/png;base64,{png}" alt="{html.escape(alt)}"{told}>')


def chart(path: Path, alt: str, caption: str) -> Html:
    """A drawn figure with its caption."""
    png = base64.b64encode(path.read_bytes()).decode("ascii")
    content = joined(picture(png, alt), tag("figcaption", text(caption)))
    return tag("figure", content, class_="chart")


def section(name: str, title: str, *blocks: str) -> tuple[str, str, Html]:
    """A section for `document`: its id, its title, its content."""
    return name, title, tag("section", joined(tag("h2", text(title)), *blocks), id=name)


def document(
    title: str, top: Sequence[Html], sections: Sequence[tuple[str, str, Html]], foot: Html
) -> str:
    """The whole page, self-contained, with its table of contents."""
    style = resources.files(__package__).joinpath("style.css").read_text("utf-8")
    contents = [
        tag("li", Html(f'<a href="#{name}">{text(heading)}</a>')) for name, heading, _ in sections
    ]
    nav = tag(
        "nav",
        joined(tag("h2", text("Contents"), id="contents"), tag("ol", joined(*contents))),
        aria_labelledby="contents",
    ).replace("aria_labelledby", "aria-labelledby")
    return joined(
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        tag("title", text(title)),
        f"<style>\n{style}</style>",
        "</head>",
        "<body>",
        tag("header", joined(tag("h1", text(title)), *top)),
        nav,
        tag("main", joined(*(content for _, _, content in sections))),
        tag("footer", foot),
        "</body>",
        "</html>\n",
    )
