"""Text of an HTML mail as a reader sees it.

What is hidden in it is kept apart. The parser is selectolax's Lexbor, which builds the tree a
browser builds. Mail is hostile input: the tree's depth and size are bounded before it sees any,
since that algorithm takes quadratic time on elements nested without end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from nnguide.data.mail import css
from nnguide.data.mail.seen import turned_round

MAX_SOURCE = 500_000  # characters that are parsed, superfluous tags left out
MAX_TAGS = 30_000
MAX_DEPTH = 400
MAX_FORMATTING = (
    10  # b, font and the like that are open at once: browsers reopen each in each block
)
MAX_SHEET = 100_000  # characters of all style sheets
MAX_RULES = 500  # of them that are applied
MAX_RULED = 20_000  # elements that they are applied to, all rules together
MAX_COMPARED = 5_000_000  # tags times rules
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

_PSEUDO = re.compile(r":(?!not\(|first-|last-|nth-|only-|root|empty)")
_TELLING = re.compile(
    r"display|visibility|font|opacity|overflow|indent|margin|position|transform|clip|color|"
    r"background|mso-hide|\\",
    re.IGNORECASE,
)
_Declared = tuple[dict[str, str], dict[str, str]]  # what is not !important, and what is
_Ruled = dict[int, _Declared]  # by an element's mem_id
_NOTHING: _Declared = ({}, {})

_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n\s*")


@dataclass(frozen=True)
class Rendered:
    """Content that an HTML source shows.

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
    """Style that elements inherit; None is an unknown colour."""

    hidden: bool = False
    visible: bool = True
    tiny: bool = False
    colour: css.Colour | None = (0, 0, 0)
    set_colour: bool = False  # by the mail: the default black on a black page is left alone
    background: css.Colour | None = (255, 255, 255)

    @property
    def is_seen(self) -> bool:
        return not (self.hidden or self.tiny) and self.visible and not _is_invisible(self)


@dataclass
class _Page:
    """Texts that are gathered while walking through the tree."""

    shown: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    pictures: int = 0

    def space(self, kind: str) -> None:
        self.shown.append(kind)
        self.hidden.append(kind)


def render(source: str) -> Rendered:
    """Return what a reader sees of `source`; broken HTML never fails."""
    from selectolax.lexbor import LexborHTMLParser

    source = _bounded(source)[:MAX_SOURCE]
    tree = LexborHTMLParser(source)
    page = _Page()
    if tree.root is not None:
        most = min(MAX_RULES, MAX_COMPARED // (1 + source.count("<")))
        _walk(tree.root, _by_rules(tree, most), page)
    return Rendered(
        _collapsed(page.shown), _collapsed(page.hidden), tuple(page.links), page.pictures
    )


def _collapsed(pieces: list[str]) -> str:
    return _LINES.sub("\n", _SPACES.sub(" ", "".join(pieces))).strip()


def _bounded(source: str) -> str:
    """Return `source` without the tags beyond the limits.

    The text between them stays.
    """
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


def _walk(root: Any, ruled: _Ruled, page: _Page) -> None:
    """Gather the texts under `root`, in order, without recursion."""
    # (an element and the style around it) or (None and what ends an element)
    stack: list[tuple[Any, _Style, str | int]] = [(root, _Style(), "")]
    while stack:
        node, style, after = stack.pop()
        if node is None:
            if isinstance(after, str):
                page.space(after)
            else:
                page.shown[after:] = [turned_round("".join(page.shown[after:]))]
            continue
        tag = node.tag
        if tag == "-text":
            text = node.text_content or ""
            (page.shown if style.is_seen else page.hidden).append(text)
            continue
        if tag in _NOT_SHOWN or tag.startswith(("-", "!")):
            continue
        attributes = node.attributes
        style = _style(tag, attributes, style, ruled.get(node.mem_id, _NOTHING))
        if tag == "img":
            page.pictures += not style.hidden and style.visible
        elif tag == "bdo" and (attributes.get("dir") or "").lower() == "rtl":
            stack.append((None, style, len(page.shown)))
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


def _style(tag: str, attributes: Any, around: _Style, ruled: _Declared) -> _Style:
    """Return the style of an element.

    It comes from its attributes, the rules for it and the element around it.
    """
    if not attributes and ruled is _NOTHING:
        return around
    declared = {"display": "none"} if "hidden" in attributes else {}
    if tag == "font" and attributes.get("size"):
        declared["font-size"] = "medium"
    declared |= ruled[0] | css.declarations(attributes.get("style") or "") | ruled[1]
    hidden = around.hidden or css.hides(declared)
    visible = css.is_visible(declared, around.visible)
    tiny = css.is_tiny(declared, around.tiny)
    colour, set_colour, background = around.colour, around.set_colour, around.background
    text_attribute = attributes.get("text") if tag == "body" else attributes.get("color")
    if tag == "a" and "href" in attributes:
        colour, set_colour = None, False  # links have a colour of their own
    color = declared.get("color") or text_attribute
    if color and color not in ("inherit", "unset"):
        colour, set_colour = css.colour(color), True
    behind = declared.get("background-color") or attributes.get("bgcolor")
    if "background" in attributes or declared.get("background-image", "none") != "none":
        background = None
    elif behind and behind not in ("inherit", "none", "initial", "unset"):
        background = css.colour(behind)
        if background == css.CLEAR:
            background = around.background
    return _Style(hidden, visible, tiny, colour, set_colour, background)


def _is_invisible(style: _Style) -> bool:
    """Return whether text has nearly the colour of its background.

    No reader sees it then.
    """
    if not style.set_colour or style.colour is None:
        return False
    if style.colour == css.CLEAR:
        return True
    if style.background is None:
        return False
    return max(abs(a - b) for a, b in zip(style.colour, style.background, strict=True)) < 16


def _by_rules(tree: Any, most: int) -> _Ruled:
    """Return what a page's own rules declare of its elements.

    Only the first `most` rules that decide what is seen are read.
    """
    sheets = [node.text() or "" for node in tree.css("style")[:20]]
    sheet = css.without_comments("\n".join(sheets))[:MAX_SHEET]
    telling = []
    for selector, body in css.rules(sheet.replace("<!--", "").replace("-->", "")):
        if len(selector) > 200 or _PSEUDO.search(selector) or not _TELLING.search(body):
            continue
        telling.append((css.specificity(selector), selector, css.by_importance(body)))
        if len(telling) == most:
            break
    ruled: _Ruled = {}
    left = MAX_RULED
    for _, selector, declared in sorted(telling, key=lambda rule: rule[0]):
        try:
            nodes = tree.css(selector)[:left]
        except Exception:  # a selector that the parser does not know
            continue
        left -= len(nodes)
        for node in nodes:
            normal, important = ruled.setdefault(node.mem_id, ({}, {}))
            normal.update(declared[0])
            important.update(declared[1])
    return ruled
