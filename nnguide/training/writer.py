"""Find how one writer slants, turns and squeezes digits, from a few.

A network that reads a slanted hand badly reads it well once it is set upright. So the way in which
a few pictures have to be set upright, until the network reads their labels, is the writer's; and
any other digit can be written that way. A linear map of the plane (Simard et al., Best practices
for convolutional neural networks, 2003, draw such maps at random; here it is one writer's).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SIDE, INNER = 28, 20  # pixels of MNIST's form, and of the longer side of its ink
INK = 32  # grey level above which a pixel is ink
USUAL = (0.5, 0.35, 0.3)  # std over writers of slant, turn and squeeze: what is likely beforehand
MISTAKEN = 0.05  # of the labels that a person gave
FIRST, LATER, ROUNDS, KEPT = 180, 60, 6, 10  # ways that are tried, and the best that are kept


@dataclass(frozen=True)
class Hand:
    """A way of writing.

    Attributes:
        slant: how far the top goes to the right, in heights.
        turn: clockwise, in radians.
        squeeze: log of height over width, where a usual hand has 0.
    """

    slant: float = 0.0
    turn: float = 0.0
    squeeze: float = 0.0

    def __str__(self) -> str:
        turn = f"turned by {math.degrees(self.turn):+.0f}°"
        return f"slant {self.slant:+.2f}, {turn}, {math.exp(self.squeeze):.2f} times as narrow"

    def times(self, strength: float) -> Hand:
        """Return a part of this hand; 0 is the usual one."""
        return Hand(strength * self.slant, strength * self.turn, strength * self.squeeze)

    @property
    def matrix(self) -> np.ndarray:
        """The map of places, (2, 2), from a usual hand to this.

        Places are down and right.
        """
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        tall = math.exp(self.squeeze / 2)
        turned = np.array([[cos, sin], [-sin, cos]])
        return turned @ np.array([[1, 0], [-self.slant, 1]]) @ np.diag([tall, 1 / tall])

    def write(self, picture: np.ndarray) -> np.ndarray:
        """Write a usual digit as this hand, (28, 28) uint8."""
        return _mapped(picture, self.matrix)

    def set_upright(self, picture: np.ndarray) -> np.ndarray:
        """Write a digit of this hand as usual, (28, 28) uint8."""
        return _mapped(picture, np.linalg.inv(self.matrix))


def _mapped(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Map a picture (28, 28) uint8 and bring it to MNIST's form.

    It is scaled to its box, with its mass in the centre.
    """
    from scipy import ndimage

    places = np.argwhere(picture > INK).T  # (2, pixels)
    if not places.size:
        return picture
    middle = places.mean(axis=1, keepdims=True)
    mapped = matrix @ (places - middle)
    scale = (INNER - 1) / max(np.ptp(mapped, axis=1).max(), 1.0)
    levels = picture[tuple(places)].astype(float)
    mass = scale * (mapped @ levels) / levels.sum()
    back = np.linalg.inv(scale * matrix)
    offset = middle[:, 0] + back @ (mass - (SIDE - 1) / 2)
    upright = ndimage.affine_transform(picture.astype(np.float32), back, offset, order=1)
    return np.asarray(np.rint(upright), np.uint8)


def find(
    outputs: Callable[[np.ndarray], np.ndarray],
    pictures: np.ndarray,
    labels: np.ndarray,
    seed: int,
) -> Hand:
    """Find the most probable hand of a writer, by random search.

    Probable after the pictures were seen (maximum a posteriori).

    Args:
        outputs: pictures (n, 28, 28) uint8 to probabilities (n, labels), of a network that reads
            usual hands.
        pictures: (n, 28, 28) uint8 of one writer, in MNIST's form.
        labels: (n,) int, what they show.
        seed: draws what is tried.
    """
    random = np.random.default_rng(seed)
    usual = np.array(USUAL)

    def probability(tried: np.ndarray) -> np.ndarray:
        """Return the log of each try's probability, but for a constant."""
        upright = [Hand(*hand).set_upright(picture) for hand in tried for picture in pictures]
        of_labels = outputs(np.stack(upright))[np.arange(len(upright)), np.tile(labels, len(tried))]
        likely = np.log((1 - MISTAKEN) * of_labels + MISTAKEN / 10)
        prior = -0.5 * ((tried / usual) ** 2).sum(axis=1)
        return np.asarray(likely.reshape(len(tried), -1).sum(axis=1) + prior)

    tried = np.concatenate([np.zeros((1, 3)), usual * random.normal(size=(FIRST, 3))])
    probable = probability(tried)
    for number in range(ROUNDS):
        best = np.argsort(-probable)[:KEPT]
        step = 0.5 * 0.6**number * usual
        near = tried[random.choice(best, LATER)] + step * random.normal(size=(LATER, 3))
        tried = np.concatenate([tried[best], near])
        probable = np.concatenate([probable[best], probability(near)])
    return Hand(*tried[probable.argmax()])
