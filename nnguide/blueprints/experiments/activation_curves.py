"""Every activation and its derivative, as curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.blueprints import activations


def activation_curves(limit: float = 6.0, points: int = 241) -> dict[str, Any]:
    """Compute every activation and its slope at many points.

    The points lie between -limit and limit; ±1000 are added.

    Softmax is shown as its first output for the sums (z, 0), where it is a sigmoid.
    """
    z = np.linspace(-limit, limit, points)
    curves = {}
    for name, g in activations.TABLE.items():
        both = np.stack([z, np.zeros_like(z)], axis=1) if name == "softmax" else z[:, None]
        first = np.eye(both.shape[1])[:1].repeat(points, axis=0)  # the slope of the first output
        a = g.value(both)
        curves[name] = {
            "formula": g.formula,
            "derivative": g.derivative,
            "value": a[:, 0].tolist(),
            "slope": g.back(first, a)[:, 0].tolist(),
            "at_minus_1000": float(g.value(np.array([[-1000.0, 0.0]]))[0, 0]),
            "at_plus_1000": float(g.value(np.array([[1000.0, 0.0]]))[0, 0]),
        }
    return {"z": z.tolist(), "activations": curves}
