"""The same weights and batches give the same answers, slopes and path in all three engines."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnguide.blueprints import toy_data
from nnguide.blueprints.backends import BACKENDS, build
from nnguide.blueprints.gradient_check import random_case
from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.settings import ACTIVATIONS, PAIRS, SCHEDULES, Settings
from nnguide.blueprints.twins import apart, parted, paths
from nnguide.errors import ConfigError, ExtraError, InputError

pytest.importorskip("torch")
pytest.importorskip("keras")

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}  # of an array's norm
# Of the norm of all weights: stock Keras adds ε before Adam's bias correction and takes constants
# through float32, some 1e-5. Where the kink of a ReLU lies between two such paths they part for
# good, so there Keras is held to no bound; see docs/guide.md.
KERAS_TOLERANCE = {"sgd": 1e-9, "momentum": 1e-5, "adam": 1e-3, "adamw": 1e-3}
KINKED = ("relu", "leaky_relu")
QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@st.composite
def networks(draw):
    """Settings for one update after another, and the shape of the data that go with them."""
    loss = draw(st.sampled_from(sorted(PAIRS)))
    chosen = {
        "hidden": tuple(draw(st.lists(st.integers(1, 6), max_size=3))),
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "loss": loss,
        "output": draw(st.sampled_from(PAIRS[loss])),
        "l2": draw(st.sampled_from([0.0, 0.01])),
        "seed": draw(st.integers(0, 10_000)),
    }
    shape = {
        "inputs": draw(st.integers(1, 6)),
        "outputs": draw(st.integers(2, 4)),
        "n": draw(st.integers(1, 20)),
        "seed": chosen["seed"],
    }
    return chosen, shape


def twins_of(case, dtype):
    """The three networks at the weights of a random case, and its examples."""
    network, X, Y = case
    found = {}
    for engine in BACKENDS:
        found[engine] = build(engine, X.shape[1], Y.shape[1], network.settings, dtype)
        found[engine].set_weights([w.astype(dtype) for w in network.get_weights()])
    return found, X, Y


def check_answers_and_slopes(chosen, shape, l1, dtype):
    twins, X, Y = twins_of(random_case(Settings(**chosen, l1=l1), **shape), dtype)
    for engine in ("torch", "keras"):
        twin, reference, near = twins[engine], twins["numpy"], TOLERANCE[dtype]
        assert apart([twin.predict(X)], [reference.predict(X)]) <= near
        assert twin.loss(X, Y) == pytest.approx(reference.loss(X, Y), rel=near)
        assert apart(twin.gradients(X, Y), reference.gradients(X, Y)) <= near
        assert all(a.dtype == dtype for a in [twin.predict(X), *twin.get_weights()])


@settings(max_examples=12, **QUICK)
@given(network=networks(), l1=st.sampled_from([0.0, 0.01]), dtype=st.sampled_from([*TOLERANCE]))
def test_answers_and_slopes(network, l1, dtype):
    check_answers_and_slopes(*network, l1, dtype)


@pytest.mark.slow
@settings(max_examples=500, **QUICK)
@given(network=networks(), l1=st.sampled_from([0.0, 0.01]), dtype=st.sampled_from([*TOLERANCE]))
def test_answers_and_slopes_at_length(network, l1, dtype):
    check_answers_and_slopes(*network, l1, dtype)


def check_path(chosen, shape, optimizer, schedule, dtype):
    """Weights after 100 updates in float64, after 10 in float32; the last batch may be short."""
    shape = {**shape, "n": shape["n"] + 100}
    updates = 100 if dtype == "float64" else 10
    per_epoch = -(-shape["n"] // 7)
    case = random_case(
        Settings(
            **chosen,
            optimizer=optimizer,
            schedule=schedule,
            batch_size=7,
            epochs=-(-updates // per_epoch),
        ),
        **shape,
    )
    twins, X, Y = twins_of(case, dtype)
    for twin in twins.values():
        twin.fit(X, Y)
    path = twins["numpy"].get_weights()
    assert apart(twins["torch"].get_weights(), path) <= TOLERANCE[dtype]
    if optimizer in ("adam", "adamw") and chosen["activation"] in KINKED:
        return
    allowed = max(TOLERANCE[dtype], KERAS_TOLERANCE[optimizer])
    assert parted(twins["keras"].get_weights(), path) <= allowed


PATHS = {"network": networks(), "optimizer": st.sampled_from([*KERAS_TOLERANCE])}


@pytest.mark.parametrize("optimizer", KERAS_TOLERANCE)
def test_one_path_of_each_rule(optimizer):
    chosen = {"hidden": (5, 4), "activation": "tanh", "l2": 0.01, "seed": 3}
    check_path(
        chosen, {"inputs": 3, "outputs": 2, "n": 20, "seed": 3}, optimizer, "constant", "float64"
    )


@settings(max_examples=3, **QUICK)
@given(network=networks(), schedule=st.sampled_from(SCHEDULES), dtype=st.sampled_from([*TOLERANCE]))
def test_sgd_takes_the_same_path(network, schedule, dtype):
    check_path(*network, "sgd", schedule, dtype)


@pytest.mark.slow
@settings(max_examples=60, **QUICK)
@given(**PATHS, dtype=st.sampled_from([*TOLERANCE]))
def test_every_rule_takes_the_same_path_at_length(network, optimizer, dtype):
    check_path(*network, optimizer, "constant", dtype)


def test_the_table_of_the_guide():
    rows = {(row["optimizer"], row["schedule"]): row for row in paths(100)}
    for (optimizer, schedule), row in rows.items():
        assert row["torch"] <= 1e-9
        if schedule == "constant":
            assert row["keras"] <= KERAS_TOLERANCE[optimizer]
    assert rows["momentum", "onecycle"]["keras"] > 1e-3  # the rate inside the velocity shows


def test_momentum_with_a_changing_rate_agrees_with_pytorch():
    """Not with Keras, which keeps the rate inside the velocity."""
    chosen = Settings((5,), "tanh", optimizer="momentum", schedule="onecycle", epochs=20)
    data = toy_data.moons(100, 0)
    weights = []
    for engine in ("numpy", "torch"):
        network = build(engine, 2, 1, chosen, "float64")
        network.fit(*data)
        weights.append(network.get_weights())
    assert apart(*weights) <= 1e-9


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_l1_makes_the_same_weights_zero(optimizer):
    X, y = toy_data.moons(60, 0)
    X = np.hstack([X, np.random.default_rng(1).normal(size=(60, 4))])
    chosen = Settings((4,), "tanh", optimizer=optimizer, l1=0.03, epochs=10, batch_size=20)
    zeros = []
    for engine in BACKENDS:
        network = build(engine, 6, 1, chosen, "float64")
        network.fit(X, y)
        zeros.append(network.get_weights()[0] == 0)
    assert zeros[0].any() and not zeros[0].all()
    np.testing.assert_array_equal(zeros[0], zeros[1])
    np.testing.assert_array_equal(zeros[0], zeros[2])


def test_all_three_reach_the_same_figure_on_moons():
    train, test = toy_data.moons(200, 0), toy_data.moons(300, 1)
    chosen = Settings((16,), epochs=40, learning_rate=0.05, patience=5)
    figures, histories = [], []
    for engine in BACKENDS:
        network = build(engine, 2, 1, chosen)
        histories.append(network.fit(*train, test))
        figures.append(accuracy(network.predict(test[0]), test[1]))
    assert figures[0] == figures[1] == figures[2] >= 0.97
    for history in histories[1:]:
        assert [record["epoch"] for record in history] == [r["epoch"] for r in histories[0]]
        for name in ("loss", "val_loss", "learning_rate"):
            np.testing.assert_allclose(
                [record[name] for record in history],
                [record[name] for record in histories[0]],
                rtol=1e-2,
                atol=1e-5,
            )


@pytest.mark.parametrize("engine", BACKENDS)
def test_dropout_is_for_training_only(engine):
    network = build(engine, 2, 1, Settings((50,), dropout=0.5, epochs=2))
    X, y = toy_data.moons(60, 0)
    plain = build(engine, 2, 1, Settings((50,), epochs=2))
    assert network.fit(X, y)[0]["loss"] != plain.fit(X, y)[0]["loss"]
    np.testing.assert_array_equal(network.predict(X), network.predict(X))


@pytest.mark.parametrize("engine", BACKENDS)
def test_weights_move_between_all_three(engine):
    chosen = Settings((4, 3), seed=1)
    source, target = build("numpy", 2, 1, chosen), build(engine, 2, 1, Settings((4, 3), seed=2))
    target.set_weights(source.get_weights())
    for a, b in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(InputError, match="shapes"):
        target.set_weights(source.get_weights()[:-1])


def test_an_unknown_engine_is_refused():
    with pytest.raises(ConfigError, match="numpy, torch, keras"):
        build("jax", 2, 1, Settings())


def test_mixed_precision_learns():
    from nnguide.blueprints.torch_net import TorchNet

    train, test = toy_data.moons(200, 0), toy_data.moons(300, 1)
    chosen = Settings((16,), epochs=20, learning_rate=0.05)
    network = TorchNet(2, 1, chosen, mixed_precision=True)
    network.fit(*train)
    assert accuracy(network.predict(test[0]), test[1]) >= 0.95


def test_a_missing_torch_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("torch_net", "pytorch"):
        monkeypatch.delitem(sys.modules, f"nnguide.blueprints.{name}", raising=False)
    with pytest.raises(ExtraError, match=r"PyTorch.*nnguide\[torch\]"):
        build("torch", 2, 1, Settings())
