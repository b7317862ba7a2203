"""The score that is explained: f(x), the log-odds of one label.

    f = log(p / (1 − p))      p the calibrated probability of the label, f in nats

A probability near 1 has almost no gradient: whatever is done to the input, it stays near 1. The
log-odds are the same answer on a scale without bounds, so gradients do not vanish and contributions
add up. Where the output is linear, f is the value itself.

A network ends in sums z (n, nodes). Of a softmax, p = e^z_k / Σ_j e^z_j, so

    f = z_k − log Σ_{j≠k} e^z_j      ∂f/∂z_k = 1      ∂f/∂z_j = −softmax over the others

and log p instead of z gives the same f. Of one sigmoid node, f = z, or −z for label 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# z (n, nodes) -> f (n,) and ∂f/∂z (n, nodes)
ScoreOf = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
LEAST = 1e-38  # float32 holds no smaller normal number
NEAR_ONE = 6e-8  # float32 cannot tell 1 − p from 0 below it; f ends at ±16.6


@dataclass(frozen=True)
class Score:
    """The score of label number `label`.

    Attributes:
        output: the activation of the last layer: softmax, sigmoid or linear.
        label: in [0, labels).
        labels: how many labels there are; 0 for a regression.
    """

    output: str
    label: int
    labels: int

    def __call__(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the score and its gradient for sums z.

        z is (n, nodes), f (n,) and ∂f/∂z (n, nodes).
        """
        nodes = z.shape[1]
        slopes = np.zeros_like(z)
        if nodes == 1:
            sign = -1 if self.labels and self.label == 0 else 1
            shift = 1 if sign < 0 and self.output == "linear" else 0  # 1 − ŷ
            slopes[:] = sign
            return shift + sign * z[:, 0], slopes
        slopes[:, self.label] = 1
        if self.output != "softmax":
            return z[:, self.label], slopes
        others = np.arange(nodes) != self.label
        rest = z[:, others]
        most = rest.max(axis=1, keepdims=True)
        e = np.exp(rest - most)
        slopes[:, others] = -e / e.sum(axis=1, keepdims=True)
        return z[:, self.label] - most[:, 0] - np.log(e.sum(axis=1)), slopes

    def probability(self, z: np.ndarray) -> np.ndarray:
        """Return the probability (n,) of the label.

        Of a linear output it is the value.
        """
        f = self(z)[0]
        return f if self.output == "linear" else 1 / (1 + np.exp(-f))


def sums(probabilities: np.ndarray) -> np.ndarray:
    """Return sums z that give these probabilities.

    `probabilities` are (n, nodes) float32, z is float64.

    One node gives log(p / (1 − p)); several give log p, which is z but for a constant that
    the score does not see.
    """
    p = probabilities.astype(np.float64)
    if p.shape[1] > 1:
        return np.log(np.maximum(p, LEAST))
    p = np.clip(p, NEAR_ONE, 1 - NEAR_ONE)
    return np.log(p / (1 - p))
