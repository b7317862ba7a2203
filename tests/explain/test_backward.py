"""The way back through every engine, the score, and explanations of networks by hand."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from nnguide import explain
from nnguide.blueprints.numpy_net import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError, InputError
from nnguide.explain.score import Score, sums
from nnguide.explain.subjects import SavedSubject, engine_back

ENGINES = [
    "numpy",
    "keras",
    pytest.param(
        "torch",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("torch") is None, reason="needs the extra `torch`"
        ),
    ),
]
HEADS = [
    ("sigmoid", "binary_crossentropy", 1, 2),
    ("softmax", "categorical_crossentropy", 4, 4),
    ("sigmoid", "mse", 3, 3),
    ("linear", "mse", 1, 0),
    ("linear", "mse", 1, 2),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])
@pytest.mark.parametrize(("output", "loss", "nodes", "labels"), HEADS)
def test_slopes_of_the_input_are_central_differences(
    engine, activation, output, loss, nodes, labels
):
    settings = Settings(hidden=(7, 5), activation=activation, output=output, loss=loss)
    network = NumpyNet(4, nodes, settings, "float64")
    X = np.random.default_rng(0).normal(size=(3, 4))
    back = engine_back(engine, network)
    for label in range(max(labels, 1)):
        score = Score(output, label, labels)
        f, slopes = back(X, score)
        np.testing.assert_allclose(f, score(network.forward(X))[0], rtol=1e-9)
        for i in range(4):
            step = np.eye(4)[i] * 1e-6
            up, down = (score(network.forward(X + s))[0] for s in (step, -step))
            np.testing.assert_allclose(slopes[:, i], (up - down) / 2e-6, atol=1e-6)


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


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_by_hand_is_explained_whoever_trained_it(blueprint, engine):
    saved = blueprint(engine)
    for method in ("gradient", "integrated", "smoothgrad", "occlusion"):
        found = explain.explain(saved, [0.5, -0.5], method)
        assert [part.name for part in found.weights] == ["x1", "x2"]
        assert found.checks["complete"] in (True, None)
        assert found.label == saved.predict([[0.5, -0.5]])[0].label == found.target
    with pytest.raises(InputError, match="2 finite numbers"):
        explain.explain(saved, [1.0])


def test_a_value_is_explained_too(blueprint):
    saved = blueprint(data="line", epochs=20)
    found = explain.explain(saved, [0.5], "integrated")
    (value,) = saved.predict([[0.5]])
    assert found.score == pytest.approx(value, rel=1e-5)
    assert found.label is found.target is found.probability is None
    assert found.checks["complete"] is True
    with pytest.raises(ConfigError, match="a value"):
        explain.explain(saved, [0.5], target="1")


@pytest.mark.parametrize(("data", "kind"), [("digits", "pictures"), ("spam", "texts")])
def test_pictures_and_texts_by_hand(blueprint, inputs, data, kind, monkeypatch):
    monkeypatch.setenv("NNGUIDE_OFFLINE", "1")
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    saved = blueprint(data=data)
    assert SavedSubject(saved).kind == kind
    for method in ("gradient", "integrated", "occlusion"):
        found = explain.explain(saved, inputs(data, 3)[2], method)
        assert found.kind == kind
        assert found.checks["complete"] in (True, None)
        if kind == "pictures":
            assert found.weights.shape == (28, 28)
        else:
            assert all(word.end > word.start for word in found.weights)
