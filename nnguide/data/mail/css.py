"""CSS that decides whether text is seen: hiding declarations, colours."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator

MAX_STYLE = 2_000  # characters of a style attribute or rule

_NUMBER = re.compile(r"-?\d*\.?\d+")
_UNIT = re.compile(r"[a-z]+|%")
_PIXELS = {  # a unit's, on a page some 600 wide
    "em": 16, "rem": 16, "ex": 8, "ch": 8, "%": 0.16, "pt": 4 / 3, "pc": 16, "in": 96, "cm": 38,
    "mm": 3.8, "vw": 6, "vh": 8, "vmin": 6, "vmax": 8,
}  # fmt: skip
_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^)]*)\)")
_FONT_SIZE = re.compile(r"(?:^|\s)(\d*\.?\d+(?:[a-z]+|%)|0)(?=[\s/]|$)")
_WORDS = re.compile(r"[^\s()]*\([^)]*\)|[^\s()]+")
_ESCAPED = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|([^\n]))")
_KEYWORDS = {
    "display": re.compile(
        r"none|[a-z-]*(?:block|inline|table|flex|grid|item|contents|run-in)[a-z -]*"
    ),
    "visibility": re.compile(r"visible|hidden|collapse|inherit|unset|initial"),
}
_COMMA = re.compile(r",(?![^(]*\))")
_ANY_SCREEN = re.compile(r"@media\s*(?:only\s+)?(?:screen|all)?", re.IGNORECASE)

_NAMED = dict(
    re.findall(
        r"(\w+) (\w{6})",
        """
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc
bisque ffe4c4 black 000000 blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a
burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00 chocolate d2691e coral ff7f50
cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b darkcyan
008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki
bdb76b darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred
8b0000 darksalmon e9967a darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f
darkslategrey 2f4f4f darkturquoise 00ced1 darkviolet 9400d3 deeppink ff1493 deepskyblue
00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222 floralwhite fffaf0
forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod
daa520 gray 808080 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0 hotpink
ff69b4 indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa
lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6 lightcoral f08080
lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey
d3d3d3 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa
lightslategray 778899 lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime
00ff00 limegreen 32cd32 linen faf0e6 magenta ff00ff maroon 800000 mediumaquamarine 66cdaa
mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db mediumseagreen 3cb371
mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred
c71585 midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite
ffdead navy 000080 oldlace fdf5e6 olive 808000 olivedrab 6b8e23 orange ffa500 orangered
ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98 paleturquoise afeeee
palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd
powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue
4169e1 saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee
sienna a0522d silver c0c0c0 skyblue 87ceeb slateblue 6a5acd slategray 708090 slategrey
708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c teal 008080 thistle d8bfd8
tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5
yellow ffff00 yellowgreen 9acd32
""",
    )
)

Colour = tuple[int, int, int]
CLEAR = (-1, -1, -1)  # what is behind is seen


def hides(declared: dict[str, str]) -> bool:
    """Return whether CSS declarations hide an element and its content."""
    if not declared:
        return False
    if declared.get("display") == "none" or declared.get("mso-hide") == "all":
        return True
    opacity = _size(declared.get("opacity", ""))
    if opacity is not None and opacity < 0.05:
        return True
    clipped = declared.get("overflow", "").startswith("hidden")
    for name in ("height", "max-height", "width", "max-width") if clipped else ():
        size = _size(declared.get(name, ""))
        if size is not None and size <= (0 if declared[name].endswith("%") else 1):
            return True
    return _is_off_page(declared) or _is_cut_away(declared)


def _is_off_page(declared: dict[str, str]) -> bool:
    values = [declared.get(name, "") for name in ("text-indent", "margin-left", "margin-top")]
    margins = declared.get("margin", "").split()  # top, right, bottom, left
    values += margins[:1] + (margins[3:4] or margins[1:2])
    if declared.get("position", "static") != "static":
        values += [declared.get(name, "") for name in ("left", "right", "top", "bottom")]
    if "translate" in (moved := declared.get("transform", "")):
        values += re.split(r"[(,)]", moved)
    sizes = (_size(value.strip()) for value in values)
    return any(size is not None and not -500 < size < 5_000 for size in sizes)


def _is_cut_away(declared: dict[str, str]) -> bool:
    if re.search(r"scale[xy]?\(0*\.?0*[,)]", declared.get("transform", "")):
        return True
    if declared.get("position") in ("absolute", "fixed"):
        edges = re.findall(r"-?[\d.]+", declared.get("clip", ""))
        if "rect" in declared.get("clip", "") and edges and len(set(edges)) == 1:
            return True
    inset = re.match(r"inset\((\d+)%\)", declared.get("clip-path", ""))
    return inset is not None and int(inset[1]) >= 50


def is_visible(declared: dict[str, str], around: bool) -> bool:
    """Return whether an element is visible.

    A visible one may be in a hidden one.
    """
    visibility = declared.get("visibility", "")
    return around if visibility in ("", "inherit", "unset") else visibility == "visible"


def is_tiny(declared: dict[str, str], around: bool) -> bool:
    """Return whether an element's text is too small to be seen.

    An element in it may set another size.
    """
    value = declared.get("font-size", "")
    size = _size(value)
    if size is None:  # a word such as medium, but for those that refer to what is around
        return around and value in ("", "inherit", "unset", "larger", "smaller")
    if value.endswith(("em", "%", "ex", "ch")) and not value.endswith("rem"):
        return around or size < 2
    return size < 2


def _size(value: str) -> float | None:
    """Return a CSS length in pixels.

    It is exact enough to see whether it is nothing.
    """
    number = _NUMBER.match(value)
    if number is None:
        return None
    unit = _UNIT.match(value, number.end())
    return float(number[0]) * _PIXELS.get(unit[0] if unit else "", 1)


def declarations(style: str) -> dict[str, str]:
    """Return the declarations of a style attribute, by property.

    They are in lower case; what is !important wins.
    """
    normal, important = by_importance(style)
    return normal | important


def by_importance(style: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the normal and the !important declarations of a style."""
    made: tuple[dict[str, str], dict[str, str]] = ({}, {})
    if not style:
        return made
    style = _ESCAPED.sub(_unescaped, style[:MAX_STYLE])
    for declaration in without_comments(style).lower().split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        important = value.endswith("!important")
        value = value.removesuffix("!important").rstrip()
        known = _KEYWORDS.get(name)
        if not value or (known is not None and not known.fullmatch(value)):
            continue  # as browsers do
        declared = made[important]
        declared[name] = value
        if name == "font" and (size := _FONT_SIZE.search(value)):
            declared["font-size"] = size[1]
        elif name == "background":
            words = _WORDS.findall(value)
            colours = [word for word in words if colour(word) is not None]
            declared["background-color"] = colours[0] if colours else "transparent"
            images = [word for word in words if "(" in word and word not in colours]
            declared["background-image"] = images[0] if images else "none"
    return made


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        code = int(escape[1], 16)
        return chr(code) if code < 0xD800 else ""
    return escape[2]


def colour(value: str) -> Colour | None:
    """Parse a colour of HTML or CSS.

    It is CLEAR where nothing is seen of it, None where it is not understood.
    """
    value = value.strip().lower()
    if value == "transparent":
        return CLEAR
    value = _NAMED.get(value, value)
    if function := _FUNCTION.match(value):
        fields = [field for field in re.split(r"[\s,/]+", function[2].strip()) if field]
        numbers = [number for field in fields if (number := _NUMBER.match(field))]
        if len(numbers) < 3 or len(numbers) < len(fields):
            return None
        levels = [float(number[0]) for number in numbers]
        if len(levels) > 3 and levels[3] * (0.01 if fields[3].endswith("%") else 1) < 0.05:
            return CLEAR
        if function[1] == "hsl":
            rgb = colorsys.hls_to_rgb(levels[0] / 360, levels[2] / 100, levels[1] / 100)
            levels = [255 * level for level in rgb]
        elif fields[0].endswith("%"):
            levels = [2.55 * level for level in levels]
        red, green, blue = (min(max(int(level), 0), 255) for level in levels[:3])
        return red, green, blue
    digits = value.removeprefix("#")
    if re.fullmatch(r"[0-9a-f]{3,4}", digits):
        digits = "".join(2 * digit for digit in digits)
    if not re.fullmatch(r"[0-9a-f]{6}(?:[0-9a-f]{2})?", digits):
        return None
    if len(digits) > 6 and int(digits[6:], 16) < 12:
        return CLEAR
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield (selector, declarations) of each rule of a style sheet.

    Only rules that hold on a screen of any size are yielded.
    """
    for rule in _without_at_rules(sheet).split("}"):
        selectors, _, body = rule.partition("{")
        nested = "(" in selectors
        for selector in _COMMA.split(selectors[:200]) if nested else selectors.split(","):
            if selector.strip() and body.strip():
                yield selector.strip(), body


def specificity(selector: str) -> tuple[int, int, int]:
    """Return the specificity of a selector: ids, classes, tags."""
    ids, classes = selector.count("#"), len(re.findall(r"[.\[:]", selector))
    return ids, classes, len(re.findall(r"(?:^|[\s>+~(])[a-z]", selector.lower()))


def _without_at_rules(sheet: str) -> str:
    """Remove the rules that hold for some screens only.

    `@media screen` holds for all.
    """
    kept, depth, start, skipped, opened = [], 0, 0, False, False
    for mark in re.finditer(r"@[\w-]+[^{};]*|[{};]", sheet):
        piece = mark[0]
        if piece.startswith("@") and depth == 0 and not skipped:
            kept.append(sheet[start : mark.start()])
            skipped, start = True, mark.end()
            opened = _ANY_SCREEN.fullmatch(piece.strip()) is not None
        elif piece == "{":
            depth += 1
            if opened and depth == 1:
                start = mark.end()
        elif piece == "}":
            depth = max(depth - 1, 0)
            if opened and depth == 0:
                kept.append(sheet[start : mark.start()])
        if skipped and depth == 0 and piece in "};":
            skipped, opened, start = False, False, mark.end()
    if not skipped:
        kept.append(sheet[start:])
    return "".join(kept)


def without_comments(sheet: str) -> str:
    """Remove the comments from a style sheet or declarations.

    A comment that is not closed goes to the end.
    """
    kept, place = [], 0
    while (start := sheet.find("/*", place)) >= 0:
        kept.append(sheet[place:start])
        end = sheet.find("*/", start + 2)
        if end < 0:
            return "".join(kept)
        place = end + 2
    return "".join(kept) + sheet[place:]
