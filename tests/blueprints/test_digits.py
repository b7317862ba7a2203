"""The network by hand on real digits: as good as promised."""

import os
from pathlib import Path

import numpy as np
import pytest

from nnguide.blueprints.losses import accuracy
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import Settings

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not os.environ.get("NNGUIDE_DATA_DIR"), reason="needs NNGUIDE_DATA_DIR"),
]


@pytest.fixture(scope="module")
def mnist():
    """(X (n, 784) float32 in [0, 1], y) of the training and of the test set."""
    import gzip

    folder = Path(os.environ["NNGUIDE_DATA_DIR"]) / "mnist"

    def read(name, header):
        return np.frombuffer(gzip.open(folder / name).read(), np.uint8, offset=header)

    return [
        (
            read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype("float32") / 255,
            read(f"{part}-labels-idx1-ubyte.gz", 8).astype(int),
        )
        for part in ("train", "t10k")
    ]


def dense(epochs):
    return Settings(
        (128,),
        output="softmax",
        loss="categorical_crossentropy",
        learning_rate=1e-3,
        batch_size=128,
        epochs=epochs,
    )


def test_it_reads_digits(mnist):
    (X, y), (X_test, y_test) = mnist
    network = NumpyNet(784, 10, dense(epochs=10))
    network.fit(X, y)
    assert accuracy(network.predict(X_test), y_test) >= 0.975
