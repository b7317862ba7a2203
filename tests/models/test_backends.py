"""Networks of both tasks on Keras's other backends, without TensorFlow: they answer as on it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import on_backend
import pytest

from nnguide import logs

logs.tensorflow()

import keras  # noqa: E402

ROOT = Path(__file__).parents[2]
ROWS = 24


@dataclass
class Comparison:
    """Both tasks here and on another backend: the cores here, and a folder of what it gave."""

    cores: dict[str, tuple[keras.Model, np.ndarray]]
    folder: Path

    def answers(self, task: str) -> Any:
        return np.load(self.folder / f"{task}-answers.npz")

    def history(self, task: str) -> dict[str, list[float]]:
        return json.loads((self.folder / "told.json").read_text())[task]


def examples(task: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(ROWS) % on_backend.LABELS[task]
    if task == "digits":
        return random.integers(0, 256, (ROWS, 28, 28)).astype(np.uint8), labels
    words = ["free", "win", "prize", "call", "now", "hello", "meet", "at", "noon", "100"]
    texts = [" ".join(random.choice(words, 1 + row % 9)) for row in range(ROWS)]
    return np.array(texts, object), labels


@pytest.fixture(scope="module", params=["torch", "jax"])
def compared(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Comparison:
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder = tmp_path_factory.mktemp(backend)
    cores = {}
    for task in on_backend.LABELS:
        inputs, labels = examples(task)
        keras.utils.set_random_seed(1)
        core, x = on_backend.build(task, inputs)
        if task == "spam":  # so small at first that what dropout hides hardly matters
            embedding, *rest = core.get_weights()
            core.set_weights([50 * embedding, *rest])
        cores[task] = core, x
        weights = {f"weight_{i:03d}": value for i, value in enumerate(core.get_weights())}
        plain = inputs if task == "digits" else inputs.astype(str)
        np.savez(folder / f"{task}.npz", inputs=plain, labels=labels, **weights)
    subprocess.run(
        [sys.executable, on_backend.__file__, str(folder)],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_PLATFORMS": "cpu",
        },
        check=True,
    )
    assert json.loads((folder / "told.json").read_text())["backend"] == backend
    return Comparison(cores, folder)


@pytest.mark.parametrize("task", on_backend.LABELS)
def test_the_same_weights_give_the_same_answers(compared: Comparison, task: str) -> None:
    core, x = compared.cores[task]
    here = core.predict(x, verbose=0)
    np.testing.assert_allclose(compared.answers(task)["same_weights"], here, atol=1e-5)


@pytest.mark.parametrize("task", on_backend.LABELS)
def test_what_it_learned_and_saved_is_read_there_and_here(compared: Comparison, task: str) -> None:
    """Here by the checked way that runs are read."""
    from nnguide.models import saving

    answers = compared.answers(task)
    assert np.abs(answers["learned"] - answers["same_weights"]).max() > 1e-4
    np.testing.assert_allclose(answers["reloaded"], answers["learned"], atol=1e-6)
    here = saving.load(compared.folder / f"{task}.keras")
    x = compared.cores[task][1]
    np.testing.assert_allclose(here.predict(x, verbose=0), answers["learned"], atol=1e-5)


@pytest.mark.parametrize("task", on_backend.LABELS)
def test_a_schedule_moves_the_penalty_in_its_compiled_step(compared: Comparison, task: str) -> None:
    history = compared.history(task)
    assert history["l2"] == [5.0, 0.0]
    assert history["penalty"][0] > 1
    assert history["penalty"][1] == 0
    # The weights rest, so the loss falls by the penalty and what dropout and batches change.
    assert history["loss"][0] - history["loss"][1] == pytest.approx(history["penalty"][0], rel=0.3)
    assert history["val_loss"][0] - history["val_loss"][1] == pytest.approx(
        history["penalty"][0], rel=0.3
    )


def test_a_schedule_moves_dropout_in_its_compiled_step(compared: Comparison) -> None:
    """Without dropout a batch in training is what it is in validation: spam has no other chance."""
    history = compared.history("spam")
    assert history["dropout"] == [0.0, pytest.approx(0.9)]
    assert history["loss"][0] == pytest.approx(history["val_loss"][0], rel=1e-5)
    assert abs(history["loss"][1] - history["val_loss"][1]) > 1e-3
