"""The network by hand learns, keeps its promises and refuses what it cannot take."""

import numpy as np
import pytest

from nnguide.blueprints import toy_data
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings
from nnguide.errors import InputError, WorkError


@pytest.mark.parametrize("name", ["xor", "moons", "circles", "spirals"])
def test_it_learns(name):
    network = NumpyNet(2, 1, Settings(hidden=(16, 16), epochs=60))
    history = network.fit(*toy_data.TABLE[name](600, 0))
    X, y = toy_data.TABLE[name](400, 1)
    assert accuracy(network.predict(X), y) >= 0.97
    assert history[-1]["loss"] < history[0]["loss"]


def test_it_learns_a_line():
    settings = Settings(hidden=(), output="linear", loss="mse", learning_rate=0.05)
    network = NumpyNet(1, 1, settings)
    network.fit(*toy_data.line(300, 0))
    (W, b) = network.get_weights()
    assert W[0, 0] == pytest.approx(2, abs=0.1) and b[0] == pytest.approx(1, abs=0.1)


def test_several_classes():
    random = np.random.default_rng(0)
    y = random.integers(3, size=300)
    X = np.eye(3)[y] + random.normal(0, 0.2, (300, 3))
    network = NumpyNet(3, 3, Settings(output="softmax", loss="categorical_crossentropy", epochs=20))
    network.fit(X, y)
    assert accuracy(network.predict(X), y) > 0.97
    np.testing.assert_allclose(network.predict(X).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("sgd", 0.5), ("momentum", 0.05), ("adam", 0.01), ("adamw", 0.01)]
)
def test_l1_makes_weights_exactly_zero(optimizer, rate):
    X, y = toy_data.moons(200, 0)
    X = np.hstack([X, np.random.default_rng(1).normal(size=(200, 10))])  # ten that tell nothing
    network = NumpyNet(12, 1, Settings(optimizer=optimizer, l1=0.01, learning_rate=rate, epochs=80))
    network.fit(X, y)
    W, b = network.get_weights()[:2]
    assert (W == 0).mean() > 0.5 and (W[:2] != 0).any() and (b != 0).any()


def test_l1_ends_where_its_slopes_say_so():
    """At rest, |∂(data loss)/∂w| is λ₁ where w lives and at most λ₁ where w is 0."""
    X, y = toy_data.moons(100, 0)
    X = np.hstack([X, np.random.default_rng(1).normal(size=(100, 3))])
    settings = Settings(
        (), optimizer="momentum", l1=0.05, learning_rate=0.1, epochs=3000, batch_size="full"
    )
    network = NumpyNet(5, 1, settings, "float64")
    network.fit(X, y)
    network.forward(X)
    network.backward(y[:, None].astype(float))
    W, slope = network.layers[0].W, network.layers[0].dW
    assert (W == 0).any() and (W != 0).any()
    np.testing.assert_allclose(slope[W != 0], -0.05 * np.sign(W[W != 0]), atol=1e-6)
    assert (np.abs(slope[W == 0]) <= 0.05 + 1e-9).all()


def test_l2_shrinks_weights():
    X, y = toy_data.moons(200, 0)
    sizes = []
    for l2 in (0.0, 0.01):
        network = NumpyNet(2, 1, Settings(l2=l2, epochs=50))
        network.fit(X, y)
        sizes.append(sum((W**2).sum() for W in network.get_weights()[::2]))
    assert sizes[1] < 0.5 * sizes[0]


def test_early_stopping_returns_to_the_best_weights():
    X, y = toy_data.moons(40, 0, noise=0.3)
    held_out = toy_data.moons(200, 1, noise=0.3)
    network = NumpyNet(2, 1, Settings((64,), epochs=500, patience=10, learning_rate=0.05))
    history = network.fit(X, y, held_out)
    losses = [record["val_loss"] for record in history]
    assert len(history) < 500
    assert losses.index(min(losses)) == len(history) - 11
    assert network.loss(*held_out) == min(losses)


def test_dropout_keeps_the_mean_and_predicts_without():
    network = NumpyNet(4, 1, Settings((2000,), "linear", dropout=0.4))
    X = np.ones((1, 4))
    network.forward(X.astype("float32"), np.random.default_rng(0))
    keep = network.layers[0].keep
    assert (keep == 0).mean() == pytest.approx(0.4, abs=0.03)
    assert keep.mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(network.predict(X), network.predict(X))


def test_the_same_seed_gives_the_same_training():
    data = toy_data.spirals(100, 0)
    settings = Settings(dropout=0.2, epochs=3, seed=7)
    one, two = NumpyNet(2, 1, settings), NumpyNet(2, 1, settings)
    assert one.fit(*data) == two.fit(*data)


@pytest.mark.parametrize(("size", "updates"), [("full", 1), (1, 50), (32, 2)])
def test_batch_sizes(size, updates, monkeypatch):
    calls = []
    backward = NumpyNet.backward
    monkeypatch.setattr(NumpyNet, "backward", lambda s, Y: calls.append(len(Y)) or backward(s, Y))
    NumpyNet(2, 1, Settings(batch_size=size, epochs=1)).fit(*toy_data.xor(50, 0))
    assert len(calls) == updates and sum(calls) == 50


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_stay_in_their_type(dtype):
    network = NumpyNet(2, 1, Settings(dropout=0.1, l1=1e-4, l2=1e-4, epochs=2), dtype)
    network.fit(*toy_data.xor(50, 0))
    assert network.θ.dtype == network.predict(np.zeros((1, 2))).dtype == dtype
    assert all(slope.dtype == dtype for slope in network.gradients(*toy_data.xor(9, 0)))


def test_weights_are_copies_and_views_hold():
    network = NumpyNet(2, 1, Settings())
    network.get_weights()[0][:] = 99
    assert not (network.θ == 99).any()
    network.θ[:] = 1
    assert all((W == 1).all() for W in network.get_weights())


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.zeros((3, 5)), np.zeros(3)),
        (np.zeros(2), np.zeros(2)),
        (np.zeros((3, 2)), np.zeros(4)),
        (np.full((3, 2), np.nan), np.zeros(3)),
        (np.array([["a", "b"]]), np.zeros(1)),
        (np.zeros((0, 2)), np.zeros(0)),
    ],
)
def test_wrong_examples_are_refused(X, y):
    with pytest.raises(InputError, match="expected"):
        NumpyNet(2, 1, Settings()).fit(X, y)


def test_wrong_weights_are_refused():
    with pytest.raises(InputError, match="shapes"):
        NumpyNet(2, 1, Settings()).set_weights([np.zeros((3, 1)), np.zeros(1)])


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_divergence_is_told():
    settings = Settings(output="linear", loss="mse", optimizer="sgd", learning_rate=1e6)
    with pytest.raises(WorkError, match="smaller learning rate"):
        NumpyNet(1, 1, settings).fit(*toy_data.line(100, 0))
