"""What a page can draw: plain dictionaries, which the scripts in static/ make visible.

A figure has a kind, a title and `alt`, the same in words. A number that has a name is the variable
of that name in the lesson's Python; the page shows six digits of it and keeps all of them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Figure = dict[str, Any]


def formula(title: str, rows: Iterable[Sequence[str]], numbers: dict[str, Any], alt: str) -> Figure:
    """Lines of mathematics, each a chain of equal expressions.

    In an expression {name} stands for that number and {name[1,0]} for an entry of an array; a/b is
    a fraction, e^(z) a power, and spaces separate.
    """
    formulas = [[_expression(text, numbers) for text in row] for row in rows]
    return {"kind": "formula", "title": title, "rows": formulas, "alt": alt}


def _expression(text: str, numbers: dict[str, Any]) -> list[Any]:
    terms: list[Any] = []
    for i, term in enumerate(re.split(r"\{(.*?)\}", text)):
        if i % 2:
            terms.append(named(numbers, term))
        elif term:
            terms.append(term)
    return terms


def named(numbers: dict[str, Any], reference: str) -> dict[str, Any]:
    """A number with its name: "z", or "W[1,0]" for an entry of an array."""
    name, _, place = reference.rstrip("]").partition("[")
    value = numbers[name]
    if place:
        value = np.asarray(value)[tuple(int(i) for i in place.split(","))]
    return {"name": reference, "value": finite(value)}


def finite(value: Any) -> float | None:
    """A number for the page; None is one that is not finite."""
    return float(value) if np.isfinite(value) else None


def chart(title: str, alt: str, x: Figure, y: Figure, **layers: Any) -> Figure:
    """A plane with two axes.

    Args:
        x, y: from `axis`.
        layers: lines, points, marks, path, heat, and `drag`: the controls {"x": name, "y": name}
            that the pointer moves.
    """
    return {"kind": "chart", "title": title, "alt": alt, "x": x, "y": y, **layers}


def axis(label: str, low: float, high: float, log: bool = False) -> Figure:
    return {"label": label, "low": low, "high": high, "log": log}


def line(
    label: str, x: Any, y: Any, name: str = "", style: int = 0, dashed: bool = False
) -> Figure:
    """A curve; `name` is that of its y. Values that are not finite leave a gap."""
    return {
        "label": label,
        "x": [finite(v) for v in np.ravel(x)],
        "y": [finite(v) for v in np.ravel(y)],
        "name": name,
        "style": style,
        "dashed": dashed,
    }


def point(x: Any, y: Any, label: str = "", kind: str = "dot") -> Figure:
    """A point; its kind is dot, or class0 and class1 of a data set."""
    return {"x": finite(x), "y": finite(y), "label": label, "kind": kind}


def classes(X: Any, y: Any) -> list[Figure]:
    """The points of two classes."""
    return [point(a, b, kind=f"class{int(k)}") for (a, b), k in zip(X, y, strict=True)]


def heat(values: Any, name: str = "", scale: str = "probability", **more: Any) -> Figure:
    """Colours of a plane, (rows from low y to high, columns), drawn in float32.

    Scales: probability (0 to 1, the line at 0.5 drawn), signed (around 0), loss (logarithmic).
    """
    grid = np.asarray(values, "<f4")
    return {"shape": list(grid.shape), "values": _packed(grid), "name": name, "scale": scale} | more


def _packed(grid: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(grid, "<f4").tobytes()).decode()


def network(title: str, alt: str, layers: Any, edges: Any, **more: Any) -> Figure:
    """Nodes in layers and the edges between them.

    Args:
        layers: lists of {"label", "number", "error"}; number and error from `named`.
        edges: lists of {"from": [layer, unit], "to": …, "weight", "on", "choose"}.
    """
    return {"kind": "network", "title": title, "alt": alt, "layers": layers, "edges": edges} | more


def bars(title: str, alt: str, rows: Any, low: float, high: float, log: bool = False) -> Figure:
    """Bars from 0, or from `low` where the scale is logarithmic.

    Args:
        rows: lists of {"label", "number", "on"}; number from `named`.
    """
    return {
        "kind": "bars",
        "title": title,
        "alt": alt,
        "rows": rows,
        "low": low,
        "high": high,
        "log": log,
    }


def picture(
    caption: str, values: Any, scale: str = "grey", numbers: bool = False, **more: Any
) -> Figure:
    """Pixels (rows, columns).

    Scales: grey (0 black to `high` white), ink (0 paper to `high` ink), signed (around 0).
    With `numbers` each pixel is a cell that shows its number; `marked` is [row, column, rows,
    columns] of a frame around some.
    """
    grid = np.asarray(values, float)
    largest = float(np.abs(grid).max()) if grid.size else 1.0
    return {
        "caption": caption,
        "shape": list(grid.shape),
        "values": _packed(grid),
        "scale": scale,
        "high": largest or 1.0,
        "numbers": numbers,
    } | more


def pictures(title: str, alt: str, shown: list[Figure], size: str = "medium") -> Figure:
    """A row of pictures, each small, medium or large."""
    return {"kind": "pictures", "title": title, "alt": alt, "pictures": shown, "size": size}


def table(title: str, alt: str, header: Sequence[str], rows: Any) -> Figure:
    """A table; a cell is text, or a number from `named`."""
    return {"kind": "table", "title": title, "alt": alt, "header": list(header), "rows": rows}


def note(text: str, mark: bool = False) -> Figure:
    """A sentence about what is seen; a marked one announces something."""
    return {"kind": "note", "title": "", "alt": text, "text": text, "mark": mark}


def short(value: Any) -> str:
    """A number in a sentence: four digits."""
    return f"{float(value) + 0.0:.4g}".replace("-", "−")
