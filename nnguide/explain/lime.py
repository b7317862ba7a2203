"""LIME: a linear model of the network near one input.

Parts are taken away at random, the scores of what is left are fitted by a ridge regression whose
examples weigh less the more is missing, and its coefficients are the explanation. LIME's own
classes for texts and pictures cut them up and score probabilities; here the parts and the score
are those of every method, and the regression is the library's.

Source: Ribeiro, Singh & Guestrin, "Why Should I Trust You?" (2016).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SAMPLES = 2000  # inputs with parts taken away
WIDTH = 0.25  # of the kernel, in cosine distance, as LIME has it for texts and pictures
PATCH = 4  # pixels: side of the squares that a picture is cut into


def weigh(
    f: Callable[[np.ndarray], np.ndarray], parts: int, seed: int
) -> tuple[np.ndarray, dict[str, float]]:
    """Fit the linear model; return its coefficients and `fit`.

    The coefficients are (parts,), `fit` is the regression's weighted R².

    Args:
        f: masks (n, parts) bool of what stays -> scores (n,).
        parts: how many there are, at least 1.
        seed: of what is taken away.
    """
    from lime.lime_base import LimeBase

    random = np.random.default_rng(seed)
    # How many parts stay is drawn evenly, so that little and much is taken away.
    chance = random.uniform(0, 1, (SAMPLES, 1))
    masks = random.random((SAMPLES, parts)) < chance
    masks[0] = True
    cosine = np.sqrt(masks.mean(axis=1))  # of a row of 0 and 1 and the row of ones
    base = LimeBase(lambda distance: np.sqrt(np.exp(-((distance / WIDTH) ** 2))))
    _, word_weights, fit, _ = base.explain_instance_with_data(
        masks.astype(float),
        f(masks)[:, None],
        1 - cosine,
        0,
        num_features=parts,
        feature_selection="none",
    )
    weights = np.zeros(parts)
    for part, weight in word_weights:
        weights[part] = weight
    return weights, {"fit": float(fit)}
