"""Keys of settings: dotted, nested and the nearest known ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

ENOUGH = 0.6  # likeness in [0, 1] from which a setting is offered
TIE = 0.01  # how far below the best another one is as good
MOST = 2


def unknown_setting(key: str, settings: Iterable[str]) -> str:
    """Return the error message for an unknown setting."""
    settings = list(settings)
    if near := nearest(key, settings):
        return f"unknown setting {key!r}. Did you mean {' or '.join(near)}?"
    groups = dict.fromkeys(setting.partition(".")[0] for setting in settings)
    return f"unknown setting {key!r}. Known: {', '.join(groups)}."


def nested(key: str, value: Any) -> dict[str, Any]:
    """Return a setting with a dotted key as a nested mapping."""
    for name in reversed(key.strip().split(".")):
        value = {name: value}
    return dict(value)


def dotted(key: str, value: Any) -> str:
    """Return the dotted key of a nested mapping.

    It goes as deep as each mapping has one key alone.
    """
    while isinstance(value, Mapping) and len(value) == 1:
        [(inner, value)] = value.items()
        key = f"{key}.{inner}"
    return key


def nearest(key: str, settings: Iterable[str]) -> list[str]:
    """Return the settings most like `key`, the best first.

    The list is empty where none is like it. Keys are compared word by word, the last ones counting
    most, so that a wrong or missing group hides no setting: optimizr.rate is most like
    train.learning_rate.
    """
    likenesses = [(_likeness(key.lower(), setting), setting) for setting in settings]
    likenesses.sort(key=lambda pair: -pair[0])
    best = likenesses[0][0] if likenesses else 0.0
    return [name for likeness, name in likenesses if likeness >= max(ENOUGH, best - TIE)][:MOST]


def _likeness(key: str, setting: str) -> float:
    *groups, last = key.split(".")
    *known_groups, known = setting.split(".")
    if last in (known, "".join(word[0] for word in known.split("_"))):
        end = 1.0
    else:
        end = max(_ratio(last, known), 0.9 * _by_word(last, known))
    if not groups:
        return end
    start = max(_by_word(" ".join(groups), setting), _ratio(groups[-1], ".".join(known_groups)))
    return (start + 2 * end) / 3


def _by_word(key: str, setting: str) -> float:
    """Return how alike the words of two keys are, 0-1.

    Each word of `key` is compared with the word of the setting that is most like it.
    """
    words, known = (re.findall(r"[^._ -]+", name) for name in (key, setting))
    return sum(max(_ratio(word, other) for other in known) for word in words) / max(len(words), 1)


def _ratio(a: str, b: str) -> float:
    import difflib

    return difflib.SequenceMatcher(None, a, b).ratio()
