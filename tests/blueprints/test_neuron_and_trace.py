"""One neuron and one example, with numbers that can be worked out on paper."""

import numpy as np
import pytest

from nnguide.blueprints.neuron import WITH_NUMBERS, neuron
from nnguide.blueprints.trace import small_network, trace
from nnguide.blueprints.trace_text import trace_text
from nnguide.errors import ConfigError, InputError


def test_the_neuron_of_the_guide():
    data = neuron([1, 2], [0.5, -0.3], 0.1, "sigmoid", 1, 0.5)
    values = {step["symbol"]: step["value"] for step in data["steps"]}
    assert values["z"] == pytest.approx(0, abs=1e-15)
    assert values["ŷ"] == 0.5 and values["L"] == 0.125
    assert values["δ"] == -0.125
    assert values["∂L/∂W"] == [-0.125, -0.25] and values["∂L/∂b"] == -0.125
    assert values["W"] == pytest.approx([0.5625, -0.175]) and values["b"] == pytest.approx(0.1625)
    assert data["loss_after"] < data["loss"]


@pytest.mark.parametrize("activation", WITH_NUMBERS)
def test_all_ways_to_the_slopes_agree(activation):
    data = neuron([0.7, -1.2, 0.4], [0.3, 0.8, -0.5], 0.2, activation, 0.5, 0.1)
    assert [row["method"] for row in data["slopes"]][:2] == ["by hand", "central differences"]
    assert data["difference"] < 1e-8


def test_without_a_bias_zero_in_means_zero_out():
    assert neuron([0, 0], [3, -2], 0, "tanh")["steps"][1]["value"] == 0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"weights": [1]}, InputError),
        ({"inputs": [], "weights": []}, InputError),
        ({"inputs": [1, float("nan")]}, InputError),
        ({"target": float("inf")}, InputError),
        ({"activation": "softmax"}, ConfigError),
        ({"learning_rate": 0}, ConfigError),
    ],
)
def test_a_wrong_neuron_is_refused(change, error):
    with pytest.raises(error, match="got"):
        neuron(**{"inputs": [1, 2], "weights": [1, 2], **change})


def test_the_trace_holds_what_the_network_computes():
    network, x = small_network(), np.array([1.0, 2.0])
    data = trace(network, x, 1)
    found = {row["symbol"]: row["value"] for row in data["forward"] + data["backward"]}
    np.testing.assert_allclose(found["ŷ"], network.predict(x[None]))
    slopes = network.gradients(x[None], np.array([1]))
    for name, slope in zip(("∂L/∂W[1]", "∂L/∂b[1]", "∂L/∂W[2]", "∂L/∂b[2]"), slopes, strict=True):
        np.testing.assert_allclose(found[name], slope)
    np.testing.assert_allclose(found["δ[1]"][0], slopes[1])
    shapes = {row["symbol"]: row["shape"] for row in data["forward"] + data["backward"]}
    assert shapes["W[1]"] == [2, 3] and shapes["δ[2]"] == [1, 1]


@pytest.fixture(scope="module")
def spam_run():
    """A small spam network, untrained, in what a run gives of itself."""
    from types import SimpleNamespace

    from nnguide import logs, tasks

    logs.tensorflow()
    import keras

    from nnguide.config import EmbeddingConfig
    from nnguide.models import text
    from nnguide.models.heads import Sigmoid
    from nnguide.preprocessing.text import Tokens
    from nnguide.preprocessing.tokens import Tokeniser

    tokeniser = Tokeniser(["free", "offer"], pairs=9, grams=(3,), buckets=50)
    inputs = keras.Input((), dtype="string", name="text")
    core = text.build(
        EmbeddingConfig(embedding=4, hidden=(3,)),
        ids=tokeniser.size,
        first_gram=tokeniser.first_gram,
        head=Sigmoid(),
    )
    model = keras.Model(inputs, core(Tokens(tokeniser, name="tokens")(inputs)))
    return SimpleNamespace(model=model, task=tasks.get("spam"), folder="here")


def test_a_message_through_the_spam_network(spam_run):
    data = trace_text(spam_run, "free offer")
    names = [token["token"] for token in data["tokens"]]
    assert names[:2] == ["free", "offer"] and {"free+offer", "[fre]", "[eof]"} <= set(names)
    assert data["loss"] == pytest.approx(-np.log(data["probability"]), rel=1e-5)
    shapes = {layer["layer"]: layer["shape"] for layer in data["forward"]}
    assert shapes["embedding"] == [1, len(names), 4] and shapes["probability"] == [1, 1]
    norms = {layer["layer"]: layer["norm"] for layer in data["backward"]}
    pulls = [token["pull"] for token in data["tokens"]]
    assert norms["embedding"] == pytest.approx(np.linalg.norm(pulls), rel=1e-5)


def test_a_message_without_words_is_refused(spam_run):
    with pytest.raises(InputError, match="words"):
        trace_text(spam_run, "   ")
