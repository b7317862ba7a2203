"""Tell several digits that touch from one digit.

Digits that touch are one mark, and a network that learned digits one at a time is now and then sure
of what two make together. A small network of its own tells them apart by their shape: two
convolutions with stride 2 and two dense layers. `scripts/make_joined_network` drew what it learned
from and wrote its weights. NumPy only.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("joined.f16")  # the numbers alone: an .npz takes longer to open
SHAPES = ((5, 5, 1, 16), (16,), (3, 3, 16, 32), (32,), (800, 32), (32,), (32, 1), (1,))
STRIDE = 2
# Log-odds of several digits: at most 0.3 % of MNIST's validation digits, drawn as photos, and of
# drawn hands have more.
SURE = 2.5
TOGETHER = 256  # pictures that go through the network at once


class Mark(np.ndarray):
    """The only mark on a picture: a digit, or several that touch.

    It is (28, 28) in MNIST's form, as a reader of pictures made it. A picture that came with
    28 by 28 pixels is no such mark: it is one digit, as MNIST's are.
    """


def is_mark(value: Any) -> bool:
    """Return whether an input is the mark that a reader found.

    A part of one, or a batch of it, is none.
    """
    return isinstance(value, Mark) and value.shape == (28, 28)


def likely(levels: np.ndarray) -> np.ndarray:
    """Return which marks are rather several digits than one, (n,) bool.

    `levels` are (n, 28, 28) uint8 in MNIST's form; what is empty has no form of one digit, and may
    be several.
    """
    return (network().scores(levels) > 0) | ~levels.any((1, 2))


def surely(levels: np.ndarray) -> np.ndarray:
    """Return which marks are surely several digits, (n,) bool.

    `levels` are as of `likely`. What is empty is none.
    """
    return network().scores(levels) > SURE


@functools.cache
def network() -> Network:
    """Return the network, read once."""
    numbers = np.frombuffer(FILE.read_bytes(), "<f2")
    parts = np.split(numbers, np.cumsum([math.prod(shape) for shape in SHAPES[:-1]]))
    return Network([part.reshape(shape) for part, shape in zip(parts, SHAPES, strict=True)])


class Network:
    """A network that says whether a picture holds several digits.

    Its weights are kernel and bias of each of four layers.
    """

    def __init__(self, weights: Sequence[np.ndarray]) -> None:
        self.weights = [weight.astype(np.float32) for weight in weights]

    def scores(self, levels: np.ndarray) -> np.ndarray:
        """Return the log-odds of several digits, (n,) float32.

        `levels` are (n, 28, 28) uint8 in MNIST's form.
        """
        parts = [levels[start : start + TOGETHER] for start in range(0, len(levels), TOGETHER)]
        return np.concatenate([self._scores(part) for part in parts] or [np.zeros(0, np.float32)])

    def _scores(self, levels: np.ndarray) -> np.ndarray:
        layers = list(zip(self.weights[::2], self.weights[1::2], strict=True))
        x = levels[..., None].astype(np.float32) / 255  # (n, 28, 28, 1)
        for kernel, bias in layers[:2]:
            windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))
            windows = windows[:, ::STRIDE, ::STRIDE]  # (n, h, w, channels, kernel, kernel)
            x = np.maximum(np.tensordot(windows, kernel, ((4, 5, 3), (0, 1, 2))) + bias, 0)
        x = x.reshape(len(x), -1)
        (kernel, bias), (last, shift) = layers[2:]
        return (np.maximum(x @ kernel + bias, 0) @ last + shift)[:, 0]
