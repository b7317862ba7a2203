"""The choice of the probability below which an input is refused.

A refused input is answered with `none`.

A picture that is not a digit rarely has a very probable label, above all if training included such
pictures (`augment.not_digits`). The bound is the highest that refuses no more than a given fraction
of true digits. These are the digits of the validation set and, where training included digits in
other handwriting, newly drawn ones, since users' pictures differ from MNIST.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nnguide.config import Config
from nnguide.inference.decision import NONE

log = logging.getLogger(__name__)

DRAWN = 1000  # newly drawn digits, and pictures of no digit

Network = Callable[[np.ndarray], np.ndarray]  # (n, 28, 28) -> (n, labels) probabilities


def choose(
    config: Config,
    labels: tuple[str, ...],
    held: np.ndarray,
    where: str,
    network: Network,
) -> dict[str, Any]:
    """Choose `refuse_below` and return the entries of decision.json.

    They are `refuse_below` and `refusal`; {} where nothing is refused.

    Args:
        config: whose `calibration.max_refused` bounds the fraction of digits that are refused.
        held: (n, labels) calibrated probabilities of examples that the network did not fit.
        where: which examples those are.
        network: the calibrated network.
    """
    most = config.calibration.max_refused
    if not most:
        return {}
    if NONE in labels:
        log.info(f"nothing is refused: {NONE} is a label of this data")
        return {}
    if len(held) * most < 1:
        log.info(
            f"nothing is refused: to choose below which probability, {math.ceil(1 / most):,} "
            f"validation examples are needed; there are {len(held):,}"
        )
        return {}
    tops = {where: np.asarray(held, np.float32).max(axis=1)}
    augment, seed = config.augment, config.train.seed + 1  # not the drawings of the training
    if augment is not None and augment.hands:
        from nnguide.data import hands

        tops["drawn digits"] = network(hands.drawn(DRAWN, seed).inputs).max(axis=1)
    bound = min(highest(top, most) for top in tops.values())
    refusal: dict[str, Any] = {
        "max_refused": most,
        "on": " and ".join(tops),
        "n": len(held),
        "refused": refused(tops[where], bound),
    }
    summary = f"{refusal['refused']:.2%} of {where}"
    if augment is not None and augment.not_digits:
        from nnguide.data import not_digits

        others = network(not_digits.drawn(DRAWN, seed)).max(axis=1)
        refusal["not_digits_refused"] = refused(others, bound)
        summary += f", {refusal['not_digits_refused']:.1%} of drawn pictures of no digit"
    log.info(f"answers none below {bound:.6f}: {summary}")
    return {"refuse_below": bound, "refusal": refusal}


def highest(top: np.ndarray, most: float) -> float:
    """Return the highest bound that refuses at most a fraction.

    At most the fraction `most` of `top` (n,) lies below it.
    """
    return float(np.sort(top)[math.floor(most * len(top))]) if most < 1 else 1.0


def refused(top: np.ndarray, bound: float) -> float:
    """Return the fraction of `top` (n,) below the bound."""
    return float((top < np.float32(bound)).mean())
