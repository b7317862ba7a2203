"""Methods that use the gradient of the score by the input.

It is ∂f/∂x, of the shape of x.

A gradient says what would change the score next. Times x − baseline it says what the input itself
contributes, in nats of the score; all three methods return that.
"""

from __future__ import annotations

import numpy as np

from nnguide.explain.score import ScoreOf
from nnguide.explain.subjects import Inside

TOLERANCE = 0.01  # of f(x) − f(baseline): how far the sum of integrated gradients may be from it
FIRST_STEPS, MOST_STEPS = 32, 4096  # of the path from the baseline to the input
NOISE = 0.15  # SmoothGrad: standard deviation, as a fraction of the largest |x − baseline|
SAMPLES = 64  # SmoothGrad: noisy copies
TOGETHER = 2**21  # numbers that go through the network at once


def slopes(inside: Inside, score: ScoreOf, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return f (n,) and the mean of ∂f/∂x over points.

    `points` are (n, …); some are computed at a time.
    """
    size = max(TOGETHER // max(points[0].size, 1), 1)
    results = [
        inside.back(points[start : start + size], score) for start in range(0, len(points), size)
    ]
    total = sum(slope.sum(axis=0, dtype=np.float64) for _, slope in results)
    return np.concatenate([f for f, _ in results]), total / len(points)


def gradient(inside: Inside, score: ScoreOf) -> np.ndarray:
    """Return gradient times input: ∂f/∂x · (x − baseline).

    It is what each element contributes if f were linear.

    Source: Simonyan, Vedaldi & Zisserman, Deep Inside Convolutional Networks (2014); times the
    input as in Shrikumar et al., Not Just a Black Box (2016).
    """
    slope = slopes(inside, score, inside.x[None])[1]
    return slope * (inside.x - inside.baseline)


def smoothgrad(inside: Inside, score: ScoreOf, seed: int) -> np.ndarray:
    """Return gradient times input, averaged over noisy copies of x.

    The mean gradient evens out its jumps.

    Source: Smilkov et al., SmoothGrad: removing noise by adding noise (2017).
    """
    way = inside.x - inside.baseline
    random = np.random.default_rng(seed)
    noise = random.standard_normal((SAMPLES, *way.shape), np.float32)
    points = inside.x + noise * np.float32(NOISE * np.abs(way).max(initial=0))
    return slopes(inside, score, points.astype(inside.x.dtype))[1] * way


def integrated(inside: Inside, score: ScoreOf) -> tuple[np.ndarray, int]:
    """Return the integrated gradients from the baseline to x.

    They are the mean gradient on the straight line from the baseline to x, times x − baseline.

    By the fundamental theorem of calculus the elements sum to f(x) − f(baseline). The integral
    is a sum over the middles of equal steps, twice as many until the two are within TOLERANCE.

    Returns:
        What each element contributes, and the number of steps; with MOST_STEPS the sum may still
        be inexact, and a report has to say so.
    Source: Sundararajan, Taly & Yan, Axiomatic Attribution for Deep Networks (2017).
    """
    way = inside.x - inside.baseline
    ends = inside.back(np.stack([inside.baseline, inside.x]), score)[0].astype(np.float64)
    difference = ends[1] - ends[0]
    steps = FIRST_STEPS
    while True:
        at = (np.arange(steps) + 0.5) / steps
        points = inside.baseline + at.reshape(-1, *[1] * way.ndim) * way
        weights = slopes(inside, score, points.astype(inside.x.dtype))[1] * way
        near = abs(weights.sum() - difference) <= TOLERANCE / 2 * abs(difference)
        if near or steps == MOST_STEPS:
            return weights, steps
        steps *= 2
