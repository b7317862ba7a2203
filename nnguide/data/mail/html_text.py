"""The text of an HTML mail as a reader sees it, and apart from it what is hidden there.

The parser is selectolax's Lexbor, which builds the tree a browser builds. Mail is hostile input:
the tree's depth and size are bounded before it sees any, since that algorithm takes quadratic
time on elements nested without end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from nnguide.data.mail import css

MAX_SOURCE = 500_000  # characters that are parsed, superfluous tags left out
MAX_TAGS = 30_000
MAX_DEPTH = 400
MAX_FORMATTING = (
    10  # b, font and the like that are open at once: browsers reopen each in each block
)
MAX_RULES = 2_000  # of style sheets
MAX_TAG = 2_000  # characters; a longer tag loses its attributes

_TAG = re.compile(
    r"""<(/?)([a-z][^\s/>]*)   # its name
        (?: (?: [^<>"'] | "[^"<]*" | '[^'<]*' )*+ >   # quoted values may hold ">"
          | [^<>]* > )         # quotes that do not match""",
    re.IGNORECASE | re.VERBOSE,
)
_VOID = set("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905
_FORMATTING = set("a b big code em font i nobr s small strike strong tt u".split())  # noqa: SIM905
_BLOCK = set(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt "  # noqa: SIM905
    "fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu "
    "nav ol option p pre section select summary table tbody tfoot thead title tr ul".split()
)
_CELL = frozenset(("td", "th"))
_NOT_SHOWN = set(
    "script style head template title noframes noembed iframe datalist".split()  # noqa: SIM905
)

_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n\s*")


@dataclass(frozen=True)
class Rendered:
    """What an HTML source shows.

    Attributes:
        text: seen by a reader; a block begins a new line, white space is collapsed.
        hidden: not displayed, of size 0, or in the colour of its background.
        links: the addresses that links lead to.
        pictures: how many there are.
    """

    text: str = ""
    hidden: str = ""
    links: tuple[str, ...] = ()
    pictures: int = 0


@dataclass(frozen=True)
class _Style:
    """What elements inherit; None is a colour that is not known."""

    hidden: bool = False
    colour: css.Colour | None = (0, 0, 0)
    set_colour: bool = False  # by the mail: the default black on a black page is left alone
    background: css.Colour | None = (255, 255, 255)


@dataclass
class _Page:
    """The texts that are gathered while walking through the tree."""

    shown: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    pictures: int = 0

    def space(self, kind: str) -> None:
        self.shown.append(kind)
        self.hidden.append(kind)


def render(source: str) -> Rendered:
    """What a reader sees of `source`. Broken HTML never fails."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_bounded(source)[:MAX_SOURCE])
    page = _Page()
    if tree.root is not None:
        _walk(tree.root, _hidden_by_rules(tree), page)
    return Rendered(
        _collapsed(page.shown), _collapsed(page.hidden), tuple(page.links), page.pictures
    )


def _collapsed(pieces: list[str]) -> str:
    return _LINES.sub("\n", _SPACES.sub(" ", "".join(pieces))).strip()


def _bounded(source: str) -> str:
    """`source` without the tags that go beyond the limits; the text between them stays."""
    depth = formatting = tags = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth, formatting, tags
        name = tag[2].lower()
        tags += 1
        if tags > MAX_TAGS:
            return " "
        if name in _VOID:
            return tag[0] if len(tag[0]) <= MAX_TAG else f"<{name}>"
        is_formatting = name in _FORMATTING
        if tag[1]:
            depth = max(depth - 1, 0)
            formatting = max(formatting - is_formatting, 0)
            return tag[0]
        if depth >= MAX_DEPTH or (is_formatting and formatting >= MAX_FORMATTING):
            return ""
        depth += 1
        formatting += is_formatting
        return tag[0] if len(tag[0]) <= MAX_TAG else f"<{name}>"

    return _TAG.sub(kept, source)


def _walk(root: Any, hidden: set[int], page: _Page) -> None:
    """Gather the texts under `root`, in order, without recursion."""
    stack: list[tuple[Any, _Style, str]] = [(root, _Style(), "")]
    while stack:
        node, style, after = stack.pop()
        if node is None:
            page.space(after)
            continue
        tag = node.tag
        if tag == "-text":
            text = node.text_content or ""
            (page.hidden if style.hidden or _is_invisible(style) else page.shown).append(text)
            continue
        if tag in _NOT_SHOWN or tag.startswith(("-", "!")):
            continue
        attributes = node.attributes
        style = _style(tag, attributes, style, node.mem_id in hidden)
        if tag == "img":
            page.pictures += not style.hidden
        elif tag == "a" and attributes.get("href") and not style.hidden:
            page.links.append(attributes["href"])
        elif tag == "input" and (attributes.get("type") or "").lower() in ("submit", "button"):
            page.shown.append(f" {attributes.get('value') or ''} ")
        around = "\n" if tag in _BLOCK else " " if tag in _CELL else ""
        if around:
            page.space(around)
            stack.append((None, style, around))
        children = []
        child = node.child
        while child is not None:
            children.append((child, style, ""))
            child = child.next
        stack.extend(reversed(children))


def _style(tag: str, attributes: Any, around: _Style, by_rule: bool) -> _Style:
    """The style of an element, from its attributes and the element around it."""
    if not attributes and not by_rule:
        return around
    declared = css.declarations(attributes.get("style") or "")
    hidden = around.hidden or by_rule or "hidden" in attributes or css.hides(declared)
    colour, set_colour, background = around.colour, around.set_colour, around.background
    text_attribute = attributes.get("text") if tag == "body" else attributes.get("color")
    if tag == "a" and "href" in attributes:
        colour, set_colour = None, False  # links have a colour of their own
    if color := declared.get("color") or text_attribute:
        colour, set_colour = css.colour(color), True
    if "background" in attributes or "background-image" in declared or "url(" in str(declared):
        background = None
    elif (
        color := (
            declared.get("background-color")
            or declared.get("background", "").partition(" ")[0]
            or attributes.get("bgcolor")
        )
    ) and color not in ("transparent", "inherit", "none", "initial"):
        background = css.colour(color)
    return _Style(hidden, colour, set_colour, background)


def _is_invisible(style: _Style) -> bool:
    """Whether text has the colour of its background, as near as no reader sees it."""
    if not style.set_colour or style.colour is None or style.background is None:
        return False
    return max(abs(a - b) for a, b in zip(style.colour, style.background, strict=True)) < 16


def _hidden_by_rules(tree: Any) -> set[int]:
    """The elements that the mail's own style sheets hide, by their mem_id."""
    hidden: set[int] = set()
    sheets = [node.text() or "" for node in tree.css("style")[:20]]
    sheet = css.without_comments("\n".join(sheets))[:100_000].replace("<!--", "").replace("-->", "")
    rules = 0
    for rule in css.without_at_rules(sheet).split("}")[:MAX_RULES]:
        selector, _, body = rule.partition("{")
        if not 0 < len(selector) <= 200 or ":" in selector or not css.hides(css.declarations(body)):
            continue
        rules += 1
        if rules > 50:
            break
        try:
            hidden.update(node.mem_id for node in tree.css(selector.strip()))
        except Exception:  # a selector that the parser does not know
            continue
    return hidden
