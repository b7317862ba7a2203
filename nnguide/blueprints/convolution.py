"""A convolution by hand: a 3×3 kernel slides over a picture.

    z[i, j] = Σ_u Σ_v a[i s + u, j s + v] K[u, v] + b        s is the stride

The kernel K is a small picture of what to look for. Where the picture looks like it the sum is
large, so the sums form a map: this pattern is here, and not there. The same nine weights serve
every place, which is why a convolution needs so few weights. To run it:

    python -m nnguide.blueprints.convolution
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

KERNELS = {  # each finds bright pixels at its plus signs next to dark ones at its minus signs
    "horizontal": np.array([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]]),
    "vertical": np.array([[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]]),
    "rising": np.array([[-1, -1, 2], [-1, 2, -1], [2, -1, -1]]),
    "falling": np.array([[2, -1, -1], [-1, 2, -1], [-1, -1, 2]]),
    "edge": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}


def windows(a: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Return every square of `size` pixels as a view.

    (height, width) -> (rows, columns, size, size), without a copy.
    """
    squares = np.lib.stride_tricks.sliding_window_view(a, (size, size))
    return squares[::stride, ::stride]


def convolve(a: np.ndarray, K: np.ndarray, b: float = 0.0, stride: int = 1) -> np.ndarray:
    """Return the feature map z of a picture a.

    It is the kernel's sum at every place where the kernel fits.
    """
    return (windows(a, len(K), stride) * K).sum(axis=(2, 3)) + b


def convolve_back(
    dz: np.ndarray, a: np.ndarray, K: np.ndarray, stride: int = 1
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return ∂L/∂a, ∂L/∂K and ∂L/∂b from ∂L/∂z.

    A weight K[u, v] is used at every place, so its gradient is the sum over all of them. A pixel
    is seen by up to nine places, and takes from each what the kernel's weight passes back.
    """
    dK = np.einsum("ij,ijuv->uv", dz, windows(a, len(K), stride))
    da = np.zeros(a.shape)
    for i, j in np.ndindex(dz.shape):
        top, left = i * stride, j * stride
        da[top : top + len(K), left : left + len(K)] += dz[i, j] * K
    return da, dK, float(dz.sum())


def max_pool(a: np.ndarray, size: int = 2) -> np.ndarray:
    """Return the largest value of each square.

    The map is smaller, and a small shift of the picture does not change it.
    """
    return windows(a, size, size).max(axis=(2, 3))


def max_pool_back(dp: np.ndarray, a: np.ndarray, size: int = 2) -> np.ndarray:
    """Return ∂L/∂a from ∂L/∂pool.

    Only the largest value of each square counted, so it alone receives the gradient.
    """
    da = np.zeros(a.shape)
    for i, j in np.ndindex(dp.shape):
        square = a[i * size : (i + 1) * size, j * size : (j + 1) * size]
        u, v = np.unravel_index(square.argmax(), square.shape)
        da[i * size + u, j * size + v] = dp[i, j]
    return da


def digit(label: int) -> np.ndarray:
    """Return the first real handwritten digit with that label.

    The array is (8, 8) whole numbers from 0 to 16.
    """
    digits = np.load(Path(__file__).with_name("digits.npz"))
    first = np.flatnonzero(digits["labels"] == label)[0]
    return digits["images"][first].reshape(8, 8).astype(int)


if __name__ == "__main__":
    seven = digit(7)
    for name, kernel in KERNELS.items():
        z = convolve(seven, kernel)
        print(f"{name} kernel: largest sum {z.max():.0f}, after ReLU and 2×2 max pooling")
        print(max_pool(np.maximum(z, 0)).astype(int), "\n")
