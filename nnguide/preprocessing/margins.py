"""Margins of paper around a digit that was cut out closely.

NumPy only. Nearly all that `ink` knows of paper is seen by what surrounds the ink: a ruled line is
what runs from side to side, and ink is what covers less than its paper. None of it holds for a
digit that fills its picture, so that one gets a margin first.
"""

from __future__ import annotations

import numpy as np

from . import grid

LONGER_SIDE = 128  # pixels of the longer side in which margins are judged
FAINTEST = 0.08  # a picture whose levels differ less from its rim's is blank
DARK = 0.6  # of the greatest difference from the rim: ink
DEPTH = 20  # what is nearer to a side than the longer side over this touches it
RUNS = 3  # strokes of a digit that touch one side
STROKE = (0.04, 0.4)  # of the longer side: how wide a stroke touches; a ruled line is thinner
SOLID = 0.32  # of the longer side: a square of ink so large is a shadow and no stroke
COVERED = 0.3  # of the rim, where two sides are touched: more is a shadow
FRAME = 0.8  # of every side: a frame that is drawn around
ROOM = 3  # the margin is the longer side over this
ENOUGH = 100  # pixels of the longer side; a smaller picture is enlarged by a whole factor


def widened(grey: np.ndarray) -> np.ndarray:
    """Add a margin of paper to a picture that its digit fills.

    `grey` is (h, w) float32 in [0, 1].
    """
    return with_margin(grey) if is_filled(grey) else grey


def rim(grey: np.ndarray) -> np.ndarray:
    """Return the levels along the four sides of `grey`."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def is_filled(grey: np.ndarray) -> bool:
    """Return whether ink touches all sides of a picture.

    Thick strokes need touch two opposite sides only.
    """
    small = grid.block_mean(grey, -(-max(grey.shape) // LONGER_SIDE))
    longest = max(small.shape)
    off = np.abs(small - grid.median(rim(small)))
    if off.max() < FAINTEST:
        return False
    ink = off > DARK * off.max()
    reach = max(int(SOLID / 2 * longest), 1)
    if grid.opened(np.pad(ink, reach).astype(np.float32), reach).any():
        return False

    deep = max(longest // DEPTH, 2)
    strips = ink[:deep].any(0), ink[-deep:].any(0), ink[:, :deep].any(1), ink[:, -deep:].any(1)
    touched = np.array([strip.sum() for strip in strips])
    runs = [int((np.diff(np.pad(strip, 1).astype(int)) > 0).sum()) for strip in strips]
    fractions = touched / np.array([len(strip) for strip in strips])
    if max(runs) > RUNS or fractions.min() > FRAME:
        return False
    if touched.all():
        return True
    thin, thick = (width * longest for width in STROKE)
    across = any(thin < touched[[side, side + 1]].min() <= thick for side in (0, 2))
    return bool(across and touched.sum() <= COVERED * 2 * sum(small.shape))


def with_margin(grey: np.ndarray) -> np.ndarray:
    """Add a margin on all sides, as light as the rim's median."""
    longest = max(grey.shape)
    room = longest // ROOM + 2  # one pixel is for the enlargement, which fades at the edge
    wide = np.pad(grey, room, constant_values=np.float32(grid.median(rim(grey))))
    height, width = wide.shape
    factor = -(-ENOUGH // longest)
    shape = (height - 2) * factor, (width - 2) * factor
    return grid.resized(wide, (1, 1, height - 1, width - 1), shape)
