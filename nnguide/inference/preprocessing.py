"""From raw inputs to a network's inputs, in NumPy.

These are the NumPy versions of the preprocessing layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ..errors import RunError
from ..preprocessing.tokens import Tokeniser
from . import validation

TOGETHER = 128  # pictures or rows that go through the network at once
IDS = 2**15  # token ids that do, with their padding: what bounds the memory
TEXTS = 1024  # texts that are tokenised at once
STEP = 64  # widths are its multiples, so that the network seldom has to change its shape


class Front(Protocol):
    """Preprocessing that comes before a network."""

    def read(self, raw: Any) -> Sequence[Any]:
        """Return each raw input, or the InputError that it is."""

    def stacked(self, read: Sequence[Any]) -> np.ndarray:
        """Return what was read as one batch; raise its first InputError."""

    def __call__(self, inputs: np.ndarray, /) -> Iterator[tuple[Any, np.ndarray]]:
        """Cut stacked `inputs` into batches.

        Each comes with the positions of its examples in `inputs`.
        """


class Pixels:
    """Normalization of grey pictures, as in nnguide.preprocessing.images."""

    def __init__(self, mean: float, std: float) -> None:
        self.mean = np.float32(mean)
        self.std = np.float32(std)

    def read(self, raw: Any) -> Sequence[Any]:
        from . import picture_inputs

        return picture_inputs.read_each(raw)

    def stacked(self, read: Sequence[Any]) -> np.ndarray:
        from . import picture_inputs

        return picture_inputs.checked(read)

    def __call__(self, pictures: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield batches (k, height, width, 1) float32.

        They are made of (n, height, width) grey levels 0-255.
        """
        for start in range(0, len(pictures), TOGETHER):
            places = slice(start, start + TOGETHER)
            grey = pictures[places].astype(np.float32)
            yield places, ((grey - self.mean) / self.std)[..., None]


class Columns:
    """Normalization of rows of numbers, as in nnguide.preprocessing.columns."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        self.mean = np.array(mean, np.float32)
        self.std = np.array(std, np.float32)

    def read(self, raw: Any) -> Sequence[Any]:
        return list(validation.numbers(raw, len(self.mean)))

    def stacked(self, read: Sequence[Any]) -> np.ndarray:
        return np.reshape(read, (-1, len(self.mean)))

    def __call__(self, rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield batches (k, features) float32 of (n, features) numbers."""
        for start in range(0, len(rows), TOGETHER):
            places = slice(start, start + TOGETHER)
            yield places, (rows[places].astype(np.float32) - self.mean) / self.std


class Tokens:
    """Tokenization of texts to rows of ids.

    Texts of similar length share a batch, so there is little padding.
    """

    def __init__(self, tokeniser: Tokeniser) -> None:
        self.tokeniser = tokeniser

    def read(self, raw: Any) -> Sequence[Any]:
        return list(validation.texts(raw))

    def stacked(self, read: Sequence[Any]) -> np.ndarray:
        return validation.texts(read)

    def __call__(self, texts: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield batches (k, width) int32 of (n,) object texts.

        Rows end in zeros.
        """
        for start in range(0, len(texts), TEXTS):
            ids, lengths = self.tokeniser.ragged(list(texts[start : start + TEXTS]))
            for places in _alike(lengths):
                yield start + places, _padded(ids, lengths, places)


def _alike(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield positions of rows of similar length, a batch each.

    A batch has as many rows as fit IDS with their padding.
    """
    order = np.argsort(lengths, kind="stable")
    widths = _widths(lengths[order])
    while len(order):
        sizes = np.arange(1, len(order) + 1) * widths  # of the batch that ends with each row
        count = max(int(np.searchsorted(sizes, IDS, "right")), 1)
        yield order[:count]
        order, widths = order[count:], widths[count:]


def _widths(lengths: np.ndarray) -> np.ndarray:
    return -(-np.maximum(lengths, 1) // STEP) * STEP


def _padded(ids: np.ndarray, lengths: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the rows at `places` as one padded array.

    `ids` and `lengths` hold all rows, one after the other.
    """
    starts, counts = np.cumsum(lengths)[places] - lengths[places], lengths[places]
    column = np.arange(_widths(counts).max())
    filled = column < counts[:, None]  # (k, width)
    rows = np.zeros(filled.shape, np.int32)
    rows[filled] = ids[(starts[:, None] + column)[filled]]
    return rows


def front(settings: Any) -> Front:
    """Return the front that a light.json's `preprocessing` describes.

    Raises:
        RunError: it describes none, or one made with another character table.
    """
    match settings:
        case (
            {"kind": "pixels", "mean": float(mean), "std": float(std)}
            | {"kind": "pixels", "mean": float(mean), "deviation": float(std)}  # of older runs
        ) if std > 0:
            return Pixels(mean, std)
        case {"kind": "columns", "mean": list(mean), "std": list(std)}:
            return Columns(mean, std)
        case {"kind": "tokens", "tokeniser": dict(tokeniser)}:
            return Tokens(Tokeniser.from_dict(tokeniser))
    raise RunError("the light form is damaged: it describes no preprocessing")
