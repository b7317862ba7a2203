"""SHAP: Shapley values of the parts.

They are what each part adds to the score, on average over all orders of adding.

Up to MOST_EXACT parts all subsets are scored; else orders are drawn, each walked in both
directions. Either way the values sum to f(x) − f(baseline).

Source: Lundberg & Lee, A Unified Approach to Interpreting Model Predictions (2017).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MOST_EXACT = 8  # parts; 256 subsets
ORDERS = 10  # that are drawn, and walked there and back
PATCH = 2  # pixels: side of the squares that a picture is cut into


def weigh(
    f: Callable[[np.ndarray], np.ndarray], parts: int, seed: int
) -> tuple[np.ndarray, dict[str, float]]:
    """Return the Shapley values (parts,), and an empty dict.

    This method has no checks of its own.

    Args:
        f: masks (n, parts) bool of what stays -> scores (n,).
        parts: how many there are, at least 1.
        seed: of the orders.
    """
    import shap

    masker = shap.maskers.Independent(np.zeros((1, parts)))  # all taken away

    def scores(rows: np.ndarray) -> np.ndarray:
        return f(rows > 0.5)

    if parts <= MOST_EXACT:
        values = shap.ExactExplainer(scores, masker)(np.ones((1, parts)), silent=True)
    else:
        explainer = shap.PermutationExplainer(scores, masker, seed=seed)
        evaluations = ORDERS * (2 * parts + 1)
        values = explainer(np.ones((1, parts)), max_evals=evaluations, silent=True)
    return np.asarray(values.values)[0], {}
