"""The network of network.py with refinements that make it learn better.

Read network.py first.

What each refinement costs, one at a time:

    another activation or loss   a pair of functions, activations.py and losses.py
    momentum, Adam, AdamW        a vector or two beside the parameters, optimizers.py
    a learning-rate schedule     one function of the step, optimizers.py
    dropout                      a random mask forward, the same mask backward
    L2                           one line: 2 λ w more in the gradient
    L1                           one line after each step, which makes weights exactly zero
    early stopping               the best weights so far, training_loop.py

Counting as the guide does, a network with one hidden layer has three layers: the input a[0] = X,
the hidden a[1] and the output a[2] = ŷ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from nnguide.blueprints import activations, losses, optimizers, training_loop
from nnguide.blueprints.initializers import initial_weights
from nnguide.blueprints.settings import Settings
from nnguide.blueprints.training_loop import Record


@dataclass(eq=False)
class Layer:
    """One layer's parameters, their gradients, and what backward needs from forward."""

    W: np.ndarray  # W[l] (in, out)
    b: np.ndarray  # b[l] (out,)
    dW: np.ndarray  # ∂L/∂W[l] (in, out)  # noqa: N815
    db: np.ndarray  # ∂L/∂b[l] (out,)
    a_in: Any = None  # a[l−1] as it came in, after dropout (batch, in)
    z: Any = None  # z[l] (batch, out)
    a: Any = None  # a[l], before dropout (batch, out)
    keep: Any = None  # dropout's mask: 0, or 1/(1 − p) (batch, out)


class NumpyNet:
    """A dense network of any depth.

    All parameters lie in one vector θ and all gradients in another; each W, b, ∂L/∂W and ∂L/∂b is
    a view into one of them. Layers see matrices, optimizers one vector, and nothing is copied.
    """

    def __init__(
        self, inputs: int, outputs: int, settings: Settings | None = None, dtype: str = "float32"
    ) -> None:
        """Build a network of `inputs` features and `outputs` nodes.

        The dtype is float32 or float64.
        """
        self.settings = s = settings or Settings()
        self.dtype = dtype
        self.sizes = (inputs, *s.hidden, outputs)
        self.g = activations.TABLE[s.activation]
        self.g_out = activations.TABLE[s.output]
        self.cost = losses.TABLE[s.loss]

        count = sum((m + 1) * n for m, n in pairwise(self.sizes))
        self.θ, self.gradient, self.is_weight = (np.zeros(count, dtype) for _ in range(3))
        self.layers: list[Layer] = []
        start = 0
        for m, n in pairwise(self.sizes):
            W, b = slice(start, start + m * n), slice(start + m * n, start + m * n + n)
            self.layers.append(
                Layer(
                    self.θ[W].reshape(m, n),
                    self.θ[b],
                    self.gradient[W].reshape(m, n),
                    self.gradient[b],
                )
            )
            self.is_weight[W] = 1  # penalties leave the biases alone
            start = b.stop
        self.set_weights(initial_weights(self.sizes, s.activation, s.seed, dtype))

    # -- forward and backward ----------------------------------------------------------------

    def forward(self, X: np.ndarray, random: np.random.Generator | None = None) -> np.ndarray:
        """Return the sum z (batch, out) of the last layer.

        ŷ is its activation.

        With `random`, dropout: each hidden unit is zero with probability p, and the others are
        1/(1 − p) times as large, so that the next layer's input is the same on average.
        """
        p = self.settings.dropout
        a = X  # a[0]  (batch, in)
        for layer in self.layers:
            layer.a_in = a
            layer.z = a @ layer.W + layer.b  # z[l] = a[l−1] W[l] + b[l]  (batch, out)
            if layer is self.layers[-1]:
                break
            layer.a = a = self.g.value(layer.z)  # a[l] = g(z[l])  (batch, out)
            layer.keep = None
            if random is not None and p:
                layer.keep = (random.random(a.shape) >= p) * a.dtype.type(1 / (1 - p))
                a = a * layer.keep
        return layer.z

    def backward(self, Y: np.ndarray) -> None:
        """Fill every ∂L/∂W and ∂L/∂b, from the last layer to the first.

        L is the mean over the batch, plus λ₂ Σ w². The chain rule on z[l] = a[l−1] W[l] + b[l]
        and a[l] = g(z[l]) gives

            ∂L/∂W[l] = a[l−1]ᵀ δ[l]              w_ij carries a_i into z_j
            ∂L/∂b[l] = Σ δ[l] over the batch     b_j goes into z_j as it is
            δ[l−1] = (δ[l] W[l]ᵀ) g'(z[l−1])     the error goes back the way the signal came
        """
        layers = self.layers
        δ = self.cost.delta(layers[-1].z, Y, self.g_out) / len(Y)  # δ[L] = ∂L/∂z[L]  (batch, out)
        for layer, below in zip(layers[::-1], [*layers[-2::-1], None], strict=True):
            np.matmul(layer.a_in.T, δ, out=layer.dW)  # (in, batch) (batch, out) -> (in, out)
            np.sum(δ, axis=0, out=layer.db)  # (batch, out) -> (out,)
            if below is None:
                break
            da = δ @ layer.W.T  # ∂L/∂a[l−1]  (batch, out) (out, in) -> (batch, in)
            if below.keep is not None:
                da *= below.keep  # a unit that was dropped takes no part
            δ = self.g.back(da, below.a)  # δ[l−1]  (batch, in)
        if self.settings.l2:
            self.gradient += 2 * self.settings.l2 * self.is_weight * self.θ  # ∂(λ₂ w²)/∂w = 2 λ₂ w

    # -- the four methods of every network -----------------------------------------------------

    @np.errstate(over="ignore", invalid="ignore")  # check_finite raises
    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        validation_data: tuple[np.ndarray, np.ndarray] | None = None,
        on_epoch: Callable[[Any, Record], None] | None = None,
    ) -> list[Record]:
        """Train on examples as the settings say.

        Args:
            X: (n, in) numbers.
            y: (n,) or (n, out), see losses.targets.
            validation_data: examples whose val_loss follows each epoch; `patience` needs them.
            on_epoch: called after each epoch with the network and the epoch's record.
        Returns:
            A record per epoch: epoch (from 1), learning_rate (of its last update), loss (mean
            over the batches as they were met, penalties included), val_loss.
        Raises:
            InputError: arrays of another shape, or numbers that are not finite.
            WorkError: the loss is not finite any more.
        """
        s = self.settings
        X, Y = training_loop.examples(X, y, self.sizes, self.dtype)
        order = np.random.default_rng(s.seed)  # of the examples, the same in every twin
        dropped = np.random.default_rng([s.seed, 1])  # which units dropout zeroes
        optimizer = optimizers.OPTIMIZERS[s.optimizer](self.θ, s)
        steps = s.epochs * training_loop.updates_per_epoch(len(X), s.batch_size)
        stopping = training_loop.EarlyStopping(s.patience)
        history: list[Record] = []
        step = 0
        for epoch in range(1, s.epochs + 1):
            total = 0.0
            for batch in training_loop.batches(len(X), s.batch_size, order):
                α = optimizers.learning_rate(s.schedule, s.learning_rate, step, steps)
                z = self.forward(X[batch], dropped)
                total += len(batch) * self._loss(z, Y[batch])
                self.backward(Y[batch])
                optimizer.step(self.θ, self.gradient, α)
                if s.l1:
                    optimizers.soft_threshold(self.θ, s.l1 * self.is_weight * optimizer.reach(α))
                step += 1
            record: Record = {"epoch": epoch, "learning_rate": α, "loss": total / len(X)}
            if validation_data is not None:
                record["val_loss"] = self.loss(*validation_data)
            history.append(record)
            training_loop.check_finite(record)
            if on_epoch is not None:
                on_epoch(self, record)
            if stopping.should_stop(record, self):
                break
        stopping.restore(self)
        return history

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return ŷ (n, out).

        These are probabilities; with a linear output, the values themselves.
        """
        X = training_loop.inputs(X, self.sizes[0], self.dtype)
        return self.g_out.value(self.forward(X))

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of [W1 (in, out), b1 (out,), W2, b2, …]."""
        return [array.copy() for layer in self.layers for array in (layer.W, layer.b)]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Set weights from any twin, in the order of get_weights."""
        training_loop.check_shapes(self.get_weights(), weights)
        for layer, W, b in zip(self.layers, weights[::2], weights[1::2], strict=True):
            layer.W[...], layer.b[...] = W, b

    # -- what checks and plots need --------------------------------------------------------

    def loss(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss of examples, with penalties, without dropout."""
        X, Y = training_loop.examples(X, y, self.sizes, self.dtype)
        return self._loss(self.forward(X), Y)

    def gradients(self, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Return the gradients of `loss`, in the order of get_weights.

        |w| has the gradient sign(w).
        """
        X, Y = training_loop.examples(X, y, self.sizes, self.dtype)
        self.forward(X)
        self.backward(Y)
        if self.settings.l1:
            self.gradient += self.settings.l1 * self.is_weight * np.sign(self.θ)
        return [array.copy() for layer in self.layers for array in (layer.dW, layer.db)]

    def _loss(self, z: np.ndarray, Y: np.ndarray) -> float:
        s = self.settings
        value = float(self.cost.value(z, Y, self.g_out).mean())
        if s.l1 or s.l2:
            weights = self.θ * self.is_weight
            value += float(s.l1 * np.abs(weights).sum() + s.l2 * (weights @ weights))
        return value
