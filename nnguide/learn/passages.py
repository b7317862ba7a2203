"""The guide's text as HTML.

docs/guide.md is the only place where it is written.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

import nnguide
from nnguide.errors import ConfigError
from nnguide.learn.lesson import Passage

DOCS = Path(nnguide.__file__).parent / "docs"


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as on GitHub."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


class Guide:
    """The pages of docs/, with links that work on this server."""

    def __init__(self, lessons: dict[str, str]) -> None:
        """Prepare the guide.

        `lessons` is section of the guide -> the lesson that shows it.
        """
        self._lessons = lessons
        self._markdown = MarkdownIt("commonmark").enable("table")

    @functools.cache  # noqa: B019 - one guide a process
    def page(self, name: str) -> tuple[str, Markup]:
        """Return the title and the HTML of docs/NAME.md.

        Its links are those of a page one folder below the root.
        """
        source = _read(name)
        title = source.partition("\n")[0].lstrip("# ").strip()
        return title, self._html(self._markdown.parse(source)[3:], "../", name)

    @functools.cache  # noqa: B019
    def passage(self, wanted: Passage) -> tuple[Markup, Markup]:
        """Return the HTML before the live figure and after it.

        The figure replaces the first printed output.

        Pictures are left out: the figure is there instead.
        """
        before: list[Token] = []
        after: list[Token] = []
        target = before
        for block in self._blocks(wanted):
            is_output = block[0].type == "fence" and block[0].info.startswith("text")
            if is_output and target is before:
                target = after
            elif not _is_picture(block):
                target.extend(block)
        return self._html(before, "", "guide"), self._html(after, "", "guide")

    def _blocks(self, wanted: Passage) -> list[list[Token]]:
        """Return the blocks of a passage, each a list of tokens."""
        blocks: list[list[Token]] = []
        for token in self._markdown.parse(_read("guide")):
            if token.level == 0 and token.nesting >= 0:
                blocks.append([])
            blocks[-1].append(token)
        heads = [i for i, block in enumerate(blocks) if _heading(block) is not None]
        at = next((i for i in heads if _heading(blocks[i]) == wanted.section), None)
        if at is None:
            raise ConfigError(f"docs/guide.md has no section {wanted.section}")
        end = next((i for i in heads if i > at), len(blocks))
        section = blocks[at + 1 : end]
        first = _place(section, wanted.start) if wanted.start else 0
        last = _place(section, wanted.stop) if wanted.stop else len(section)
        return section[first:last]

    def _html(self, tokens: list[Token], root: str, page: str) -> Markup:
        for token in tokens:
            if token.type == "heading_open":
                inline = tokens[tokens.index(token) + 1]
                token.attrSet("id", anchor(_text(inline)))
            for inner in token.children or []:
                if href := inner.attrGet("href"):
                    inner.attrSet("href", self._target(str(href), root, page))
                if src := inner.attrGet("src"):
                    inner.attrSet("src", f"{root}docs/{src}")
            if token.type == "fence" and token.content:
                token.info = token.info.partition(" ")[0]
        made = self._markdown.renderer.render(tokens, self._markdown.options, {})
        return Markup(
            made.replace("<pre>", '<pre tabindex="0">')
            .replace("<table>", '<div class="wide" tabindex="0"><table>')
            .replace("</table>", "</table></div>")
        )

    def _target(self, href: str, root: str, page: str) -> str:
        """Return where a link of the documentation leads here."""
        path, _, place = href.partition("#")
        if "://" in href:
            return href
        if not path or (path.endswith(".md") and not path.startswith("..")):
            name = path.removesuffix(".md") or page
            if name == "guide" and place in self._lessons:
                return f"{root}{self._lessons[place]}"
            return f"{root}docs/{name}" + (f"#{place}" if place else "")
        return f"{root}source/{path.removeprefix('../')}"


def _read(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def _text(inline: Token) -> str:
    return "".join(inner.content for inner in inline.children or [])


def _heading(block: list[Token]) -> str | None:
    """Return the anchor of a block that is a section's heading.

    None for any other block.
    """
    if block[0].type != "heading_open" or block[0].tag != "h2":
        return None
    return anchor(_text(block[1]))


def _place(section: list[list[Token]], beginning: str) -> int:
    for i, block in enumerate(section):
        if len(block) > 1 and block[1].content.startswith(beginning):
            return i
    raise ConfigError(f"the guide has no paragraph that begins with {beginning!r}")


def _is_picture(block: list[Token]) -> bool:
    children: list[Any] = block[1].children or [] if len(block) > 1 else []
    return len(children) == 1 and children[0].type == "image"
