"""A check of whether an explanation is true to the network.

The parts that it calls important are taken away.

Deletion takes parts away from the input, the most important first, and follows the label's
probability; the faster it falls, the smaller the area under the curve. Insertion puts them into
the baseline in the same order; the faster it rises, the larger the area. Both are compared with
random orders. Only parts that differ from the baseline count: to black out a black pixel tells
nothing.

Source: Petsiuk, Das & Saenko, RISE (2018).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEPS = 20  # of each curve, at most
ORDERS = 5  # random ones that the explanation's is compared with
AREAS = ("deletion", "deletion_random", "insertion", "insertion_random")


def curves(
    probability: Callable[[np.ndarray], np.ndarray],
    differs: np.ndarray,
    weights: np.ndarray,
    seed: int,
) -> dict[str, float | None]:
    """Return the areas under the deletion and insertion curves.

    The areas for random orders are included.

    Args:
        probability: masks (n, parts) bool of what stays -> the label's probability (n,).
        differs: (parts,) bool, the parts that are not at the baseline already.
        weights: (parts,) of the explanation.
        seed: of the random orders.
    Returns:
        deletion, deletion_random, insertion, insertion_random: the mean height of each curve
        over the fraction of parts moved from 0 to 1; the random ones' mean over ORDERS orders. None
        where the input has no parts.
    """
    places = np.flatnonzero(differs)
    if not len(places):
        return dict.fromkeys(AREAS)
    random = np.random.default_rng(seed)
    orders = [places[np.argsort(-weights[places], kind="stable")]]
    orders += [random.permutation(places) for _ in range(ORDERS)]
    counts = np.unique(np.linspace(0, len(places), STEPS + 1).round().astype(int))
    gone = np.zeros((len(orders), len(counts), len(differs)), bool)
    for order, masks in zip(orders, gone, strict=True):
        for count, mask in zip(counts, masks, strict=True):
            mask[order[:count]] = True
    flat = gone.reshape(-1, len(differs))
    heights = probability(np.concatenate([~flat, flat | ~differs]))
    shaped = heights.reshape(2, len(orders), len(counts))
    areas = np.trapezoid(shaped, counts / len(places), axis=2)  # (deletion and insertion, orders)
    points = [(float(row[0]), float(row[1:].mean())) for row in areas]
    return dict(zip(AREAS, [*points[0], *points[1]], strict=True))
