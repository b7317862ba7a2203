"""Search for a sheet of paper on a darker table.

NumPy only. A photo often shows the whole sheet and what it lies on. The sheet is the largest light
region, has four straight sides and darker ground all around, and there is ink within it. What lies
outside of it takes the tone of its paper.
"""

from __future__ import annotations

import numpy as np

from . import grid

LONGER_SIDE = 160  # pixels of the longer side in which it is looked for
LEAST, MOST = 0.2, 0.9  # of the picture that a sheet covers
STRAIGHT = 0.08  # of its area by which it may differ from the shape with its four corners
DARKER = 0.7  # of the sheet's light, at most, has the ground around it
TOUCHED = 0.1  # of the picture's rim, at most, may be sheet
INK = 0.001  # of the sheet, at least, is ink
SMALLEST = 40  # pixels of the shorter side in which it is looked for
RIM = 2  # pixels of the small picture that are left off on each side, where it curls


def alone(grey: np.ndarray) -> np.ndarray:
    """Return a picture without what its sheet lies on.

    Args:
        grey: (h, w) float32 in [0, 1].
    Returns:
        The same where no sheet is seen; else what lies around it is as light as its paper.
    """
    side = -(-max(grey.shape) // LONGER_SIDE)
    small = grid.block_mean(grey, side)
    inside = found(small)
    if inside is None:
        return grey
    radius = max(small.shape) // 8
    paper = grid.closed(np.where(inside, small, 0), radius // 4)  # without ink
    weight = inside.astype(np.float32)
    while not weight.all():  # the paper's tone goes on outwards
        near = grid.mean_around(weight, radius)
        tone = grid.mean_around(paper * weight, radius) / np.maximum(near, 1e-6)
        paper = np.where(weight > 0, paper, tone)
        weight = np.maximum(weight, (near > 1e-6).astype(np.float32))
    height, width = grey.shape

    def whole(values: np.ndarray) -> np.ndarray:
        rows = np.repeat(values, side, 0)[:height]
        return np.repeat(rows, side, 1)[:, :width]

    return np.where(whole(inside), grey, whole(paper)).astype(np.float32)


def found(small: np.ndarray) -> np.ndarray | None:
    """Return where the sheet lies, (h, w) bool, without its rim.

    None where no sheet is seen. `small` is (h, w) float32 in [0, 1].
    """
    if min(small.shape) < SMALLEST:
        return None
    light = grid.opened((small > _threshold(small)).astype(np.float32), 1) > 0
    numbers = grid.components(light)
    counts = np.bincount(numbers.ravel())
    counts[0] = 0
    sheet = numbers == counts.argmax()
    rim = np.zeros(small.shape, bool)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    if (sheet & rim).sum() > TOUCHED * rim.sum():
        return None
    around = grid.components(~sheet)
    is_ground = np.zeros(around.max() + 1, bool)  # of each component
    is_ground[around[rim & ~sheet]] = True
    ground = is_ground[around] & ~sheet
    filled = ~ground
    area = int(filled.sum())
    if not LEAST <= area / small.size <= MOST:
        return None
    if (_four_sided(filled) != filled).sum() > STRAIGHT * area:
        return None
    if grid.quantile(small[ground], 0.8) > DARKER * grid.median(small[sheet]):
        return None
    inner = grid.lowest(np.pad(filled, 1).astype(np.float32), RIM)[1:-1, 1:-1] > 0
    return inner if (inner & ~sheet).sum() >= INK * area else None


def _threshold(small: np.ndarray) -> float:
    """Return the level that parts light from dark best.

    It is where the variance between both is greatest (Otsu, 1979).
    """
    counts, edges = np.histogram(small, 64)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    low = sums / np.maximum(below, 1)
    high = (sums[-1] - sums) / np.maximum(above, 1)
    return float(edges[1 + int((below * above * (high - low) ** 2).argmax())])


def _four_sided(region: np.ndarray) -> np.ndarray:
    """Return which pixels lie in the shape with a region's four corners.

    The corners are its pixels farthest along the diagonals.
    """
    rows, columns = np.nonzero(region)
    order = ((rows + columns).argmin(), (rows - columns).argmin(),
             (rows + columns).argmax(), (rows - columns).argmax())  # fmt: skip
    # pixels have an extent: half a pixel outwards at each corner
    y = rows[list(order)] + np.array([-0.5, -0.5, 0.5, 0.5])
    x = columns[list(order)] + np.array([-0.5, 0.5, 0.5, -0.5])
    down, right = np.indices(region.shape)
    inside = np.ones(region.shape, bool)
    for n in range(4):  # clockwise, so that what is inside lies on the right of each side
        along = y[(n + 1) % 4] - y[n], x[(n + 1) % 4] - x[n]
        inside &= along[1] * (down - y[n]) >= along[0] * (right - x[n])
    return inside
