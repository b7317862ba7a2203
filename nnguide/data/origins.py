"""Origins of examples in joined data sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnguide.data.catalogue import Source, find
from nnguide.data.examples import Examples
from nnguide.data.joining import key


@dataclass(frozen=True, eq=False)
class Origins:
    """Data sets that examples are from.

    Attributes:
        names: of the sets.
        of: (n,) int, the place of each example's set in `names`.
    """

    names: tuple[str, ...]
    of: np.ndarray


def origins(source: Source, examples: Examples, split_seed: int) -> Origins | None:
    """Return which joined set each training example is from.

    None for a source that is one set. A text that stands in several sets is from the first.
    """
    names = tuple(source.name.split("+"))
    if source.is_own or len(names) < 2:
        return None
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        examples_of_set = find(source.task, name, split_seed=split_seed).load("train")
        for text in examples_of_set.inputs:
            first.setdefault(key(text), place)
    return Origins(names, np.array([first[key(text)] for text in examples.inputs], int))
