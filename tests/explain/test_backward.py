"""The way back through the network, and the score."""

from __future__ import annotations

import numpy as np
import pytest

from nnguide.blueprints.keras_net import KerasNet
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.explain.backward import through_keras
from nnguide.explain.score import Score, sums

HEADS = [
    ("sigmoid", "binary_crossentropy", 1, 2),
    ("softmax", "categorical_crossentropy", 4, 4),
    ("sigmoid", "mse", 3, 3),
    ("linear", "mse", 1, 0),
    ("linear", "mse", 1, 2),
]


@pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])
@pytest.mark.parametrize(("output", "loss", "nodes", "labels"), HEADS)
def test_gradients_of_the_input_are_central_differences(activation, output, loss, nodes, labels):
    settings = Settings(hidden=(7, 5), activation=activation, output=output, loss=loss)
    network = NumpyNet(4, nodes, settings, "float64")
    twin = KerasNet(4, nodes, settings, "float64")
    twin.set_weights(network.get_weights())
    X = np.random.default_rng(0).normal(size=(3, 4))
    for label in range(max(labels, 1)):
        score = Score(output, label, labels)
        f, gradient = through_keras(twin.model, X, score)
        np.testing.assert_allclose(f, score(network.forward(X))[0], rtol=1e-9)
        for i in range(4):
            step = np.eye(4)[i] * 1e-6
            up, down = (score(network.forward(X + s))[0] for s in (step, -step))
            np.testing.assert_allclose(gradient[:, i], (up - down) / 2e-6, atol=1e-6)


@pytest.mark.parametrize(("output", "loss", "nodes", "labels"), HEADS[:3])
def test_the_score_is_the_log_odds_of_the_answer(output, loss, nodes, labels):
    network = NumpyNet(4, nodes, Settings(hidden=(), output=output, loss=loss))
    X = np.random.default_rng(1).normal(size=(5, 4))
    p = network.predict(X)
    p = np.hstack([1 - p, p]) if nodes == 1 else p
    for label in range(labels):
        score = Score(output, label, labels)
        z = network.forward(X.astype("float32"))
        wanted = np.log(p[:, label] / (1 - p[:, label]))
        np.testing.assert_allclose(score(z)[0], wanted, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(score.probability(z), p[:, label], rtol=1e-4)
        if output == "softmax" or nodes == 1:  # what stands for z where only p is known
            again = sums(network.predict(X))
            np.testing.assert_allclose(score(again)[0], score(z)[0], rtol=1e-3, atol=1e-4)


def test_certain_probabilities_stay_finite():
    for row in ([[0.0]], [[1.0]], [[0.0, 1.0, 0.0]]):
        z = sums(np.array(row, np.float32))
        assert np.isfinite(Score("softmax" if z.shape[1] > 1 else "sigmoid", 1, 2)(z)[0]).all()
