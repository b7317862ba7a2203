"""Suggestions for an option that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

ALSO_CALLED = {  # by other tools
    "--batch": "--batch-size",
    "--device": "--strategy",
    "--data": "--dataset",
    "--input": "--file",
    "--name": "--out",
    "--output": "--out",
    "--save": "--out",
    "--dtype": "--precision",
    "--random-state": "--seed",
    "--overwrite": "--force",
    "--n-trials": "--trials",
    "--early-stopping": "--patience",
    "--weight-decay": "--l2",
}


def option(typed: str, known: Iterable[str]) -> str | None:
    """Return the known option that is nearest to `typed`.

    It is found by another name, initials, start or spelling.
    """
    options = [name for name in known if name.startswith("--")]
    name = "--" + typed.lstrip("-").replace("_", "-").lower()
    if name in options:
        return name
    if ALSO_CALLED.get(name) in options:
        return ALSO_CALLED[name]
    word = name[2:]
    for candidate in options:
        words = candidate[2:].split("-")
        if len(words) > 1 and word == "".join(initial_of[0] for initial_of in words):
            return candidate
    for candidate in options:
        if len(word) > 1 and candidate[2:].startswith(word):
            return candidate
    for candidate in options:
        if len(word) > 2 and word in candidate[2:].split("-"):
            return candidate
    near = difflib.get_close_matches(name, options, 1, 0.6)
    return near[0] if near else None
