"""A run made before settings, layers and keys got their names of today is a run as before."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nnguide import runs, tasks
from nnguide.config import CnnConfig
from nnguide.errors import ConfigError

RUN = Path(__file__).parent / "run_of_0_2"  # model.fold, MeanOfLooks, the deviation of Pixels

EXPECTED = [[0.02560043, 0.00499515, 0.01403304], [0.01831733, 0.01084271, 0.01359445]]


def test_a_run_of_0_2_is_read_by_every_engine() -> None:
    run = runs.load(str(RUN))
    assert isinstance(run.config.model, CnnConfig)
    assert run.config.model.space_to_depth == 4 and run.config.model.test_time_shift == 1
    pictures = np.zeros((2, 28, 28), np.uint8)
    pictures[0, 4:24, 13:15] = 255
    light, by_keras = run.outputs(pictures, "light"), run.outputs(pictures, "keras")
    np.testing.assert_allclose(light, by_keras, atol=1e-5)
    np.testing.assert_allclose(light[:, :3], EXPECTED, atol=1e-4)


def test_the_old_name_of_a_setting_is_an_alias_in_files_and_options() -> None:
    digits = tasks.get("digits").defaults
    asked = digits.override(["model.fold=4"])
    assert asked == digits.override(["model.space_to_depth=4"]) != digits
    assert asked == digits.merge({"model": {"kind": "cnn", "fold": 4}})
    assert "fold" not in json.loads(json.dumps(digits.to_dict()))["model"]
    with pytest.raises(ConfigError, match=r"old name of model\.space_to_depth"):
        digits.merge({"model": {"fold": 1, "space_to_depth": 2}})
