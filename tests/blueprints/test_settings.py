"""Settings refuse what cannot be, and say what to write instead."""

import pytest

from nnguide.blueprints.settings import Settings
from nnguide.errors import ConfigError


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": (0,)},
        {"hidden": (2.5,)},
        {"activation": "gelu"},
        {"loss": "categorical_crossentropy", "output": "sigmoid"},
        {"dropout": 1.0},
        {"dropout": 20},
        {"l1": -1},
        {"l2": float("nan")},
        {"optimizer": "rmsprop"},
        {"momentum": 1},
        {"learning_rate": 0},
        {"learning_rate": float("inf")},
        {"schedule": "linear"},
        {"epochs": 0},
        {"batch_size": 0},
        {"batch_size": "all"},
        {"patience": -1},
        {"seed": -1},
    ],
)
def test_a_wrong_setting_is_named(wrong):
    with pytest.raises(ConfigError) as caught:
        Settings(**wrong)
    assert any(name in str(caught.value) for name in wrong)
