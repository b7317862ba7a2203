"""A whole neural network: forward, backward, mini-batch gradient descent, gradient check.

    z[l] = a[l−1] W[l] + b[l]     a[l] = g(z[l])     δ[l] = ∂L/∂z[l]     l = 1 … L

One row is one example; a[0] is the input X and a[L] the prediction ŷ. The hidden layers are
ReLU, the last is a softmax with cross-entropy. Run it: python -m nnguide.blueprints.network
"""

import numpy as np


def log_softmax(z: np.ndarray) -> np.ndarray:
    z = z - z.max(axis=1, keepdims=True)  # changes no ratio, and e^0 = 1 cannot overflow
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


class Network:
    """Dense layers of any sizes: Network([64, 32, 10]) has 10 classes."""

    def __init__(self, sizes: list[int], seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.L = len(sizes) - 1
        by_layer: list[dict[int, np.ndarray]] = [{} for _ in range(7)]
        self.W, self.b, self.z, self.a, self.δ, self.dW, self.db = by_layer
        for l in range(1, self.L + 1):
            fan_in, fan_out = sizes[l - 1], sizes[l]
            self.W[l] = random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))  # He et al.
            self.b[l] = np.zeros(fan_out)

    def forward(self, X: np.ndarray) -> np.ndarray:
        """Return ŷ (batch, classes) for X (batch, in); keep z[l], a[l]."""
        L, W, b, z, a = self.L, self.W, self.b, self.z, self.a
        a[0] = X
        for l in range(1, L + 1):
            z[l] = a[l - 1] @ W[l] + b[l]  # (batch, in) (in, out) -> (batch, out)
            a[l] = np.maximum(z[l], 0) if l < L else np.exp(log_softmax(z[l]))
        return a[L]

    def loss(self, X: np.ndarray, Y: np.ndarray) -> float:
        """Return the mean cross-entropy −Σ y log ŷ, Y (batch, classes) one-hot."""
        self.forward(X)
        return -(Y * log_softmax(self.z[self.L])).sum() / len(X)

    def backward(self, Y: np.ndarray) -> None:
        """Fill dW[l] = ∂L/∂W[l] and db[l] = ∂L/∂b[l], last layer first."""
        L, W, z, a, δ = self.L, self.W, self.z, self.a, self.δ
        δ[L] = (a[L] - Y) / len(Y)  # softmax meets cross-entropy: everything else cancels
        for l in range(L, 0, -1):
            self.dW[l] = a[l - 1].T @ δ[l]  # (in, batch) (batch, out) -> (in, out)
            self.db[l] = δ[l].sum(axis=0)  # (out,)
            if l > 1:
                δ[l - 1] = (δ[l] @ W[l].T) * (z[l - 1] > 0)  # the slope of ReLU is 1 or 0

    def train(self, X: np.ndarray, Y: np.ndarray, α: float, batch: int, seed: int) -> None:
        """Train one epoch: shuffle the examples, take a step after each batch."""
        order = np.random.default_rng(seed).permutation(len(X))
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            self.forward(X[rows])
            self.backward(Y[rows])
            for l in range(1, self.L + 1):
                self.W[l] -= α * self.dW[l]
                self.b[l] -= α * self.db[l]


def gradient_check(net: Network, X: np.ndarray, Y: np.ndarray, h: float = 1e-5) -> list[float]:
    """Return each layer's distance from central differences; 1e-10 is agreement."""
    net.loss(X, Y)
    net.backward(Y)
    distances = []
    for l in range(1, net.L + 1):
        exact, measured = np.append(net.dW[l], net.db[l]), []
        for θ in (net.W[l], net.b[l]):
            for i in np.ndindex(θ.shape):
                middle = θ[i]
                θ[i] = middle + h
                up = net.loss(X, Y)
                θ[i] = middle - h
                measured.append((up - net.loss(X, Y)) / (2 * h))
                θ[i] = middle
        size = np.linalg.norm(exact) + np.linalg.norm(measured)
        distances.append(float(np.linalg.norm(exact - measured) / (size or 1)))
    return distances


if __name__ == "__main__":
    digits = np.load(__file__.replace("network.py", "digits.npz"))  # 8×8 pixels, grey 0 to 16
    X, y = digits["images"] / 16, digits["labels"]
    Y, net = np.eye(10)[y], Network([64, 64, 10])
    for l, distance in enumerate(gradient_check(Network([64, 16, 12, 10]), X[:8], Y[:8]), 1):
        print(f"layer {l}: backward and central differences are {distance:.1e} apart")
    learn, test = np.split(np.random.default_rng(0).permutation(len(X)), [1400])
    print(f"{len(X):,} real handwritten digits: {len(learn):,} to learn from, {len(test)} to test")
    for epoch in range(1, 31):
        net.train(X[learn], Y[learn], α=0.1, batch=16, seed=epoch)
        if epoch in (1, 2, 5, 10, 20, 30):
            right = (net.forward(X[test]).argmax(axis=1) == y[test]).mean()
            print(f"epoch {epoch:>2}: test accuracy {right:.1%}")
