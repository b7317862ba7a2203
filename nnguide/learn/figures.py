"""The figures of a page as plain dictionaries.

The scripts in static/ draw them.

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
    """Return lines of mathematics, each a chain of equal expressions.

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
    """Return a number with its name.

    The name is "z", or "W[1,0]" for an entry of an array.
    """
    name, _, place = reference.rstrip("]").partition("[")
    value = numbers[name]
    if place:
        value = np.asarray(value)[tuple(int(i) for i in place.split(","))]
    return {"name": reference, "value": finite(value)}


def finite(value: Any) -> float | None:
    """Return a number for the page, or None if not finite."""
    return float(value) if np.isfinite(value) else None


def chart(title: str, alt: str, x: Figure, y: Figure, **layers: Any) -> Figure:
    """Return a plane with two axes.

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
    """Return a curve.

    `name` is that of its y. Values that are not finite leave a gap.
    """
    return {
        "label": label,
        "x": [finite(v) for v in np.ravel(x)],
        "y": [finite(v) for v in np.ravel(y)],
        "name": name,
        "style": style,
        "dashed": dashed,
    }


def point(x: Any, y: Any, label: str = "", kind: str = "dot") -> Figure:
    """Return a point.

    Its kind is dot, or class0 and class1 of a data set.
    """
    return {"x": finite(x), "y": finite(y), "label": label, "kind": kind}


def classes(X: Any, y: Any) -> list[Figure]:
    """Return the points of two classes."""
    return [point(a, b, kind=f"class{int(k)}") for (a, b), k in zip(X, y, strict=True)]


def heat(values: Any, name: str = "", scale: str = "probability", **more: Any) -> Figure:
    """Return the colours of a plane.

    `values` are (rows from low y to high, columns), drawn in float32.

    Scales: probability (0 to 1, the line at 0.5 drawn), signed (around 0), loss (logarithmic).
    """
    grid = np.asarray(values, "<f4")
    return {"shape": list(grid.shape), "values": _packed(grid), "name": name, "scale": scale} | more


def _packed(grid: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(grid, "<f4").tobytes()).decode()


def network(title: str, alt: str, layers: Any, edges: Any, **more: Any) -> Figure:
    """Return nodes in layers and the edges between them.

    Args:
        layers: lists of {"label", "number", "error"}; number and error from `named`.
        edges: lists of {"from": [layer, unit], "to": …, "weight", "on", "choose"}.
    """
    return {"kind": "network", "title": title, "alt": alt, "layers": layers, "edges": edges} | more


def bars(title: str, alt: str, rows: Any, low: float, high: float, log: bool = False) -> Figure:
    """Return bars from 0.

    They start at `low` where the scale is logarithmic.

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
    """Return a picture of pixels (rows, columns).

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
    """Return a row of pictures.

    Each is small, medium or large.
    """
    return {"kind": "pictures", "title": title, "alt": alt, "pictures": shown, "size": size}


def table(title: str, alt: str, header: Sequence[str], rows: Any) -> Figure:
    """Return a table.

    A cell is text, or a number from `named`.
    """
    return {"kind": "table", "title": title, "alt": alt, "header": list(header), "rows": rows}


def note(text: str, mark: bool = False) -> Figure:
    """Return a sentence about the figures.

    A marked one announces something.
    """
    return {"kind": "note", "title": "", "alt": text, "text": text, "mark": mark}


def short(value: Any) -> str:
    """Return a number with four digits for a sentence."""
    return f"{float(value) + 0.0:.4g}".replace("-", "−")
