"""Several prepared sets of texts, joined to one.

A text that stands in several of them counts once, and where any of them has it in its test set it
is in the test set: so the test set of each stays unseen when a network learns from all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnguide.data import prepared
from nnguide.data.distinct import distinct_key
from nnguide.files import cache_dir

if TYPE_CHECKING:
    import numpy as np

    from nnguide.data.catalogue import Source
    from nnguide.data.examples import Examples


_NOT_LETTERS = re.compile(r"[\W_]+")


def prepare(sources: Sequence[Source], folders: Sequence[Path | None], split_seed: int) -> Path:
    """Return the prepared folder of the joined set.

    It is made where it is not there yet.

    Args:
        sources: what is joined, in order.
        folders: where each is prepared; None for a built-in set.
        split_seed: that divided them.
    """
    name = "+".join(source.name for source in sources)
    of = hashlib.sha256(f"{name} {split_seed}".encode())
    for folder in folders:
        of.update(b"built in" if folder is None else (folder / "meta.json").read_bytes())
    target = cache_dir() / "joined" / of.hexdigest()[:16]
    if prepared.read_meta(target) is None:
        with prepared.lock("joined"):
            if not prepared.is_intact(target):  # another process may have been quicker
                prepared.save(target, join(sources), name)
    return target


def join(sources: Sequence[Source]) -> dict[str, Examples]:
    """Return the splits "train" and "test" of the joined set."""
    tests = [source.load("test") for source in sources]
    seen: set[str] = set()
    test = _joined(tests, seen)
    return {"train": _joined([source.load("train") for source in sources], seen), "test": test}


def _joined(sets: Sequence[Examples], seen: set[str]) -> Examples:
    """Return the examples of all sets without repeated texts.

    Texts that are `seen` or in an earlier set are left out.
    """
    made: Examples | None = None
    for examples in sets:
        keys = [key(text) for text in examples.inputs]
        kept = examples.take(_places([input_key not in seen for input_key in keys]))
        made = kept if made is None else made.join(kept)
        seen.update(keys)
    assert made is not None
    return made


def _places(kept: Sequence[bool]) -> np.ndarray:
    import numpy as np

    return np.flatnonzero(np.array(kept, bool))


def key(text: str) -> str:
    """Return the letters and digits of a text.

    They are the same for a raw mail and its tokens set apart.
    """
    letters = _NOT_LETTERS.sub("", distinct_key(text))
    return letters or distinct_key(text)
