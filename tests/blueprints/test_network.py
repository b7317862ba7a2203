"""network.py: a hundred lines of NumPy, right to the last digit, that read real digits."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.blueprints import network
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings

FILE = Path(network.__file__)


def examples(sizes, n, seed):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, sizes[0]))
    return X, np.eye(sizes[-1])[random.integers(sizes[-1], size=n)]


def test_it_is_a_hundred_lines_of_numpy_alone():
    source = FILE.read_text("utf-8")
    assert len(source.splitlines()) <= 100
    imports = [node for node in ast.walk(ast.parse(source)) if "Import" in type(node).__name__]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(2, 6), min_size=2, max_size=5),
    n=st.integers(1, 9),
    seed=st.integers(0, 10_000),
)
def test_backward_agrees_with_central_differences(sizes, n, seed):
    net = network.Network(sizes, seed)
    for l in range(1, net.L + 1):  # noqa: E741
        net.b[l] += np.random.default_rng(seed).normal(0, 0.1, len(net.b[l]))
    X, Y = examples(sizes, n, seed)
    net.forward(X)
    near_a_kink = any((np.abs(net.z[l]) < 1e-3).any() for l in range(1, net.L))  # noqa: E741
    if not near_a_kink:
        assert max(network.gradient_check(net, X, Y)) < 1e-6


def test_a_mistake_in_backward_is_seen():
    class Wrong(network.Network):
        def backward(self, Y):
            super().backward(Y)
            self.dW[1] = self.dW[1] * 1.001

    X, Y = examples([4, 5, 3], 6, 0)
    first, second = network.gradient_check(Wrong([4, 5, 3]), X, Y)
    assert first > 1e-5 > 1e-8 > second


def test_it_is_the_network_of_network2():
    """The same weights, one batch and one step of plain gradient descent: the same weights."""
    sizes = [5, 7, 4, 3]
    X, Y = examples(sizes, 20, 1)
    net = network.Network(sizes)
    asked = Settings(
        (7, 4),
        output="softmax",
        loss="categorical_crossentropy",
        optimizer="sgd",
        learning_rate=0.1,
        batch_size="full",
        epochs=1,
    )
    twin = NumpyNet(5, 3, asked, "float64")
    twin.set_weights([w for l in range(1, 4) for w in (net.W[l], net.b[l])])  # noqa: E741
    np.testing.assert_allclose(net.forward(X), twin.predict(X), atol=1e-12)
    assert net.loss(X, Y) == pytest.approx(twin.loss(X, Y))
    net.train(X, Y, α=0.1, batch=20, seed=0)
    twin.fit(X, Y)
    for mine, other in zip(
        [w for l in range(1, 4) for w in (net.W[l], net.b[l])],  # noqa: E741
        twin.get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(mine, other, atol=1e-12)


def test_nothing_overflows():
    z = np.array([[1000.0, -1000.0, 0.0]])
    assert np.isfinite(network.log_softmax(z)).all()


def test_it_runs_alone_prints_the_check_and_reads_digits():
    """Without nnguide: the file and its digits are all it needs."""
    ended = subprocess.run(
        [sys.executable, "-I", str(FILE)], capture_output=True, text=True, check=True
    )
    lines = ended.stdout.splitlines()
    apart = [float(re.search(r"are (\S+) apart", line)[1]) for line in lines[:3]]
    assert max(apart) < 1e-7
    assert "1,797 real handwritten digits" in lines[3]
    assert float(re.search(r"([\d.]+)%", lines[-1])[1]) > 95
