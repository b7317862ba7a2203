"""What of CSS decides whether a text is seen: declarations that hide, and colours."""

from __future__ import annotations

import re

MAX_STYLE = 2_000  # characters of a style attribute or rule

_NUMBER = re.compile(r"-?\d*\.?\d+")
_RGB = re.compile(r"rgba?\(([^)]*)\)")

_NAMED = {
    "white": (255, 255, 255),
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
    "black": (0, 0, 0),
    "red": (255, 0, 0),
    "green": (0, 128, 0),
    "lime": (0, 255, 0),
    "blue": (0, 0, 255),
    "navy": (0, 0, 128),
    "yellow": (255, 255, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "silver": (192, 192, 192),
    "whitesmoke": (245, 245, 245),
    "orange": (255, 165, 0),
    "purple": (128, 0, 128),
    "maroon": (128, 0, 0),
    "aqua": (0, 255, 255),
    "cyan": (0, 255, 255),
    "teal": (0, 128, 128),
    "fuchsia": (255, 0, 255),
    "magenta": (255, 0, 255),
    "olive": (128, 128, 0),
}

Colour = tuple[int, int, int]


def hides(declared: dict[str, str]) -> bool:
    """Whether CSS declarations keep an element from being seen."""
    if not declared:
        return False
    if declared.get("display") == "none" or declared.get("visibility") in ("hidden", "collapse"):
        return True
    if declared.get("mso-hide") == "all":
        return True
    for name, least in (("font-size", 2.0), ("opacity", 0.05)):
        size = _size(declared.get(name, ""))
        if size is not None and size < least:
            return True
    clipped = declared.get("overflow", "").startswith("hidden")
    for name in ("height", "max-height", "width", "max-width"):
        size = _size(declared.get(name, ""))
        if clipped and size is not None and size <= 1:
            return True
    for name in ("left", "top", "text-indent", "margin-left"):
        size = _size(declared.get(name, ""))
        if size is not None and size <= -500:
            return True
    return False


def _size(value: str) -> float | None:
    """A CSS length in pixels, near enough to tell nothing from something."""
    number = _NUMBER.match(value)
    if number is None:
        return None
    size = float(number[0])
    unit = value[number.end() :].strip()
    if unit.startswith(("em", "rem")):
        return size * 16
    if unit.startswith("%"):
        return size * 0.16
    return size


def declarations(style: str) -> dict[str, str]:
    """Property -> value of a style attribute or rule, in lower case."""
    if not style:
        return {}
    declared = {}
    for declaration in without_comments(style[:MAX_STYLE]).lower().split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            declared[name.strip()] = value.replace("!important", "").strip()
    if "font" in declared and "font-size" not in declared:
        size = re.search(r"(?:^|\s)(0(?:\.\d+)?)(?:px|pt|em|%)?(?:[\s/]|$)", declared["font"])
        if size:
            declared["font-size"] = size[1]
    return declared


def colour(value: str) -> Colour | None:
    """A colour of HTML or CSS; None where it is not understood."""
    value = value.strip().lower()
    if value in _NAMED:
        return _NAMED[value]
    if rgb := _RGB.match(value):
        parts = [part for part in re.split(r"[\s,/]+", rgb[1].strip()) if part]
        if len(parts) >= 3:
            levels = []
            for part in parts[:3]:
                number = _NUMBER.match(part)
                if number is None:
                    return None
                level = float(number[0]) * (2.55 if part.endswith("%") else 1)
                levels.append(min(max(int(level), 0), 255))
            return levels[0], levels[1], levels[2]
        return None
    digits = value.removeprefix("#")
    if re.fullmatch(r"[0-9a-f]{3}", digits):
        digits = "".join(2 * digit for digit in digits)
    if not re.fullmatch(r"[0-9a-f]{6}(?:[0-9a-f]{2})?", digits):
        return None
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def without_at_rules(sheet: str) -> str:
    """A style sheet without what holds for some screens only: @media and its kind."""
    kept, depth, start, in_rule = [], 0, 0, False
    for mark in re.finditer(r"@[\w-]+[^{};]*|[{};]", sheet):
        piece = mark[0]
        if piece.startswith("@") and depth == 0 and not in_rule:
            kept.append(sheet[start : mark.start()])
            in_rule = True
        elif piece == "{":
            depth += 1
        elif piece == "}":
            depth = max(depth - 1, 0)
        if in_rule and depth == 0 and piece in "};":
            in_rule, start = False, mark.end()
    if not in_rule:
        kept.append(sheet[start:])
    return "".join(kept)


def without_comments(sheet: str) -> str:
    """A style sheet or declarations without comments; one that is not closed goes to the end."""
    kept, place = [], 0
    while (start := sheet.find("/*", place)) >= 0:
        kept.append(sheet[place:start])
        end = sheet.find("*/", start + 2)
        if end < 0:
            return "".join(kept)
        place = end + 2
    return "".join(kept) + sheet[place:]
