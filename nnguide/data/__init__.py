"""Data sets by name or path: `find("digits", "mnist").load("train")` gives Examples."""

from __future__ import annotations

from nnguide.data.catalogue import (
    Source,
    find,
    hold,
    info,
    kinds_of,
    known_kinds,
    names,
    of,
    prepare,
    state,
)

__all__ = [
    "Source",
    "find",
    "hold",
    "info",
    "kinds_of",
    "known_kinds",
    "names",
    "of",
    "prepare",
    "state",
]
