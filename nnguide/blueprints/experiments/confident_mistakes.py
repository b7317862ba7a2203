"""The cost of a confident wrong answer under two losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnguide.blueprints import activations, losses


def wrong_answers(sums: tuple[float, ...] = (4, 1, 0, -1, -4, -10, -40, -1000)) -> dict[str, Any]:
    """Compute the loss of several answers when the truth is 1.

    The answers go from confident and right to confident and wrong.

    Returns:
        rows: [{z, answer, mse, mse_delta, crossentropy, crossentropy_delta, naive}] where naive
        is −log ŷ computed from a float32 ŷ, null where that is infinite.
    """
    z = np.array(sums, float)[:, None]
    y, g = np.ones_like(z), activations.TABLE["sigmoid"]
    ŷ = g.value(z)
    columns = {"z": z[:, 0], "answer": ŷ[:, 0]}
    for name, key in (("mse", "mse"), ("crossentropy", "binary_crossentropy")):
        loss = losses.TABLE[key]
        columns[name], columns[f"{name}_delta"] = loss.value(z, y, g), loss.delta(z, y, g)[:, 0]
    with np.errstate(divide="ignore"):
        columns["naive"] = -np.log(ŷ[:, 0].astype("float32"))
    rows = [
        {name: float(x) if np.isfinite(x) else None for name, x in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]
    return {"rows": rows}
