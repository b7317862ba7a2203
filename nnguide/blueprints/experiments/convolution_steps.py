"""One kernel over one digit, step by step with every number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnguide.blueprints.convolution import KERNELS, convolve, digit, max_pool
from nnguide.errors import ConfigError, InputError


def steps(
    label: int = 7, kernel: str | Sequence[float] = "rising", stride: int = 2
) -> dict[str, Any]:
    """Slide a kernel over a digit and return every number.

    Args:
        label: which digit, 0 to 9: a real one of 8 by 8 pixels, grey levels 0 to 16.
        kernel: a name in KERNELS, or its nine numbers, row by row.
        stride: of the last map; the others have 1.
    Returns:
        picture (8, 8), kernel (3, 3), and feature_map (6, 6), relu, pooled (3, 3) and strided as
        nested lists; place: row, column (from 1), window and products of the largest sum; weights:
        of the convolution (9 and a bias) and of a dense layer of as many outputs.
    Raises:
        ConfigError: no such kernel, or a stride that is not above 0.
        InputError: not nine finite numbers.
    """
    if stride < 1:
        raise ConfigError(f"the stride is a whole number above 0; got {stride}")
    if isinstance(kernel, str):
        if kernel not in KERNELS:
            raise ConfigError(f"the kernel is one of {', '.join(KERNELS)}; got {kernel!r}")
        K = KERNELS[kernel].astype(float)
    else:
        K = np.array(kernel, float)
        if K.shape != (9,) or not np.isfinite(K).all():
            raise InputError(f"a kernel is nine finite numbers, row by row; got {kernel}")
        K = K.reshape(3, 3)
    a = digit(label)
    z = convolve(a, K)
    row, column = (int(i) for i in np.unravel_index(z.argmax(), z.shape))
    window = a[row : row + 3, column : column + 3]
    relu = np.maximum(z, 0)
    return {
        "label": label,
        "stride": stride,
        "picture": a.tolist(),
        "kernel": K.tolist(),
        "place": {
            "row": row + 1,
            "column": column + 1,
            "window": window.tolist(),
            "sum": float(z.max()),
        },
        "feature_map": z.tolist(),
        "relu": relu.tolist(),
        "pooled": max_pool(relu).tolist(),
        "strided": convolve(a, K, stride=stride).tolist(),
        "weights": {"convolution": K.size + 1, "dense": (a.size + 1) * z.size},
    }
