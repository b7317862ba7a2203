"""Every claim of the guide holds in the experiment that shows it."""

import numpy as np
import pytest

from nnguide.blueprints.experiments import (
    activation_curves,
    batch_sizes,
    convolution_steps,
    feature_scaling,
    first_layer,
    learning_rate_schedules,
    learning_rates,
    linear_layers,
    overfitting,
    vanishing_gradients,
)
from nnguide.errors import ConfigError, InputError


def test_two_linear_layers_are_one_and_fail_at_xor():
    data = linear_layers.two_linear_layers()
    assert data["largest_difference"] < 1e-12
    assert data["xor_accuracy"]["linear"] < 0.8 and data["xor_accuracy"]["relu"] > 0.97


def test_one_rate_crawls_one_converges_one_diverges():
    data = learning_rates.rates()
    assert [path["verdict"] for path in data["paths"]] == [
        "crawls",
        "converges",
        "converges",
        "diverges",
    ]
    near = learning_rates.rates(
        (0.99 * data["largest_rate"], 1.01 * data["largest_rate"]), steps=500
    )
    assert near["paths"][0]["losses"][-1] < near["paths"][0]["losses"][0]
    assert near["paths"][1]["verdict"] == "diverges"


def test_a_rate_beyond_all_numbers_ends_its_path():
    path = learning_rates.rates((1e9,), steps=60)["paths"][0]
    assert path["verdict"] == "diverges" and np.isfinite(path["losses"]).all()


def test_smaller_batches_make_more_updates():
    curves = batch_sizes.batches(epochs=3)["curves"]
    assert [curve["updates"] for curve in curves] == [3, 12, 24, 48, 1536]
    assert all(len(curve["losses"]) == 4 for curve in curves)
    assert curves[-1]["losses"][-1] < curves[0]["losses"][-1]


def test_every_schedule_has_a_curve():
    data = learning_rate_schedules.schedules(epochs=3)
    assert len(data["curves"]) == 5
    assert all(len(curve["rates"]) == 3 * data["updates_per_epoch"] for curve in data["curves"])


def test_sigmoids_let_the_gradient_vanish():
    ratio = vanishing_gradients.vanishing()["ratio"]
    assert ratio["sigmoid"] < 1e-4 and ratio["relu"] > 0.01 and ratio["tanh"] > 0.01
    with pytest.raises(ConfigError):
        vanishing_gradients.vanishing(depth=1)


def test_each_cure_helps_and_only_l1_makes_zeros():
    runs = {run["cure"]: run for run in overfitting.overfit()["runs"]}
    nothing = runs.pop("nothing")
    assert nothing["training_accuracy"] > nothing["test_accuracy"]
    assert all(run["test_loss"] < nothing["test_loss"] for run in runs.values())
    assert runs.pop("L1")["zeros"] > 0.5
    assert all(run["zeros"] == 0 for run in runs.values())
    assert runs["early stopping"]["epochs"] < nothing["epochs"]
    with pytest.raises(InputError):
        overfitting.overfit(examples=2)


def test_scaled_inputs_are_learned_and_raw_ones_are_not():
    raw, scaled = feature_scaling.scaling()["runs"]
    assert scaled["accuracy"] > 0.9 > raw["accuracy"] + 0.2


def test_activations_stay_finite():
    for curve in activation_curves.activation_curves()["activations"].values():
        assert np.isfinite(curve["at_minus_1000"]) and np.isfinite(curve["at_plus_1000"])


@pytest.mark.parametrize("shape", [(784, 5), (28, 28, 5), (5, 5, 1, 16)])
def test_filters_of_any_first_layer(shape):
    W = np.random.default_rng(0).normal(size=shape)
    W[..., 0] = 0
    data = first_layer.filters(W, most=4)
    pictures = np.array(data["pictures"])
    assert pictures.shape == (4, data["side"], data["side"])
    assert np.abs(pictures).max() == 1 and 0 not in data["units"]


@pytest.mark.parametrize("shape", [(10, 3), (4,), (3, 3, 3, 8)])
def test_filters_of_other_arrays_are_refused(shape):
    with pytest.raises(InputError, match="expected first-layer weights"):
        first_layer.filters(np.zeros(shape))


def test_a_convolution_number_by_number():
    data = convolution_steps.steps(7, "rising")
    place = data["place"]
    window, kernel = np.array(place["window"]), np.array(data["kernel"])
    assert (window * kernel).sum() == place["sum"] == np.max(data["feature_map"])
    assert np.array_equal(np.array(data["strided"]), np.array(data["feature_map"])[::2, ::2])
    assert np.shape(data["pooled"]) == (3, 3) and np.max(data["pooled"]) == place["sum"]
    assert data["weights"] == {"convolution": 10, "dense": 2340}
    other = convolution_steps.steps(7, kernel.ravel().tolist())
    assert other["feature_map"] == data["feature_map"]
    with pytest.raises(ConfigError, match="the kernel is one of"):
        convolution_steps.steps(7, "diagonal")
    with pytest.raises(InputError, match="nine finite numbers"):
        convolution_steps.steps(7, [1.0, 2.0])
