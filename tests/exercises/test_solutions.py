"""The solutions that answers are held against agree with nnguide's network, PyTorch and slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnguide.blueprints import activations, optimizers
from nnguide.blueprints.network import Network
from nnguide.blueprints.settings import Settings
from nnguide.learn.exercises import catalogue

RANDOM = np.random.default_rng(3)
LAYERS = (1, 2, 3)


@pytest.fixture(scope="module")
def own() -> dict[str, Any]:
    """Every function of every solution that NumPy is enough for."""
    names: dict[str, Any] = {}
    for exercise in catalogue.EXERCISES:
        if not exercise.keras:
            exec(compile(exercise.solution, exercise.name, "exec"), names)
    return names


def test_forward_and_backward_are_those_of_the_network(own):
    net, X, y = Network([5, 7, 4, 3]), RANDOM.normal(size=(6, 5)), RANDOM.integers(3, size=6)
    Y, weights = np.eye(3)[y], [θ for layer in LAYERS for θ in (net.W[layer], net.b[layer])]
    loss = net.loss(X, Y)
    net.backward(Y)
    kept = own["forward"](X, weights)
    assert own["cce"](kept[-1], Y) == pytest.approx(loss)
    found = own["backward"](kept, weights, own["cce_delta"](kept[-1], Y))
    expected = [d for layer in LAYERS for d in (net.dW[layer], net.db[layer])]
    for theirs, ours in zip(found, expected, strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-12)
    dW, db, δ = own["layer_back"](net.δ[3], net.z[2], net.W[3])
    np.testing.assert_allclose(dW, net.dW[3], atol=1e-12)
    np.testing.assert_allclose(db, net.db[3], atol=1e-12)
    np.testing.assert_allclose(δ, net.δ[2], atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "tanh", "sigmoid", "softmax"])
def test_activations_are_those_of_the_blueprints(own, name):
    z = np.concatenate([RANDOM.normal(size=(4, 3)), [[-1000, 1000, 0]]])
    np.testing.assert_allclose(own[name](z), getattr(activations, name)(z), atol=1e-12)


@pytest.mark.parametrize("loss", ["mse", "bce", "cce"])
def test_a_delta_is_the_slope_of_its_loss(own, loss):
    z, y = RANDOM.normal(size=(5, 3)), np.eye(3)[RANDOM.integers(3, size=5)]
    if loss == "bce":
        z, y = z[:, :1], y[:, :1]
    squash = own["sigmoid"] if loss == "mse" else lambda z: z
    measured = own["numerical_gradient"](lambda z: own[loss](squash(z), y), z.copy(), 1e-5)
    np.testing.assert_allclose(own[f"{loss}_delta"](squash(z), y), measured, atol=1e-8)


def test_an_update_is_that_of_the_blueprints(own):
    θ, gradients = RANDOM.normal(size=(3, 2)), RANDOM.normal(size=(3, 3, 2))
    for name, optimizer in (("momentum", optimizers.Momentum), ("adam", optimizers.Adam)):
        theirs, ours = θ.copy(), θ.copy()
        blueprint, adam, v = optimizer(theirs, Settings()), own["Adam"](ours), np.zeros_like(θ)
        for gradient in gradients:
            blueprint.step(theirs, gradient, 0.1)
            if name == "adam":
                ours = adam.step(ours, gradient, 0.1)
            else:
                ours, v = own["momentum"](ours, v, gradient, 0.1, 0.9)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_pytorch_finds_the_same(own):
    pytest.importorskip("torch")
    from nnguide.blueprints.pytorch import torch

    z, y = RANDOM.normal(size=(5, 3)), RANDOM.integers(3, size=5)
    sums = torch.tensor(z, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(sums, torch.tensor(y))
    loss.backward()
    assert own["cce"](z, np.eye(3)[y]) == pytest.approx(loss.item())
    np.testing.assert_allclose(own["cce_delta"](z, np.eye(3)[y]), sums.grad.numpy(), atol=1e-12)
    parameter = torch.tensor(z, requires_grad=True)
    theirs, ours, θ = torch.optim.Adam([parameter], 0.1), own["Adam"](z), z.copy()
    for gradient in RANDOM.normal(size=(3, 5, 3)):
        parameter.grad = torch.tensor(gradient)
        theirs.step()
        θ = ours.step(θ, gradient, 0.1)
    np.testing.assert_allclose(θ, parameter.detach().numpy(), rtol=1e-8)
    bag = torch.nn.functional.embedding_bag
    E, ids, δ = RANDOM.normal(size=(6, 4)), np.array([1, 4, 1]), RANDOM.normal(size=4)
    rows = torch.tensor(E, requires_grad=True)
    mean = bag(torch.tensor(ids)[None], rows, mode="mean")[0]
    (mean @ torch.tensor(δ)).backward()
    np.testing.assert_allclose(own["embed"](ids, E), mean.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(own["embed_back"](ids, E, δ), rows.grad.numpy(), atol=1e-12)
