"""What holds for every task: one distribution each, it learns, it is saved, it is pure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnguide import logs, tasks
from nnguide.config import RuntimeConfig
from nnguide.data.examples import Examples
from nnguide.models.saving import outputs

logs.tensorflow()

import keras  # noqa: E402

from nnguide.models import saving  # noqa: E402
from nnguide.training.fit import Fitted  # noqa: E402
from nnguide.training.network import assemble  # noqa: E402
from nnguide.training.runtime import runtime  # noqa: E402

ODD = {
    "pictures": np.stack([np.zeros((28, 28)), np.full((28, 28), 255), np.eye(28) * 255]),
    "texts": np.array(["", " ", "\x00", "a" * 5000, "😀é\u2028", "!!!", "WIN 50% now"], object),
    "numbers": np.stack([np.zeros(13), np.full(13, 1e6), np.full(13, -1e6)]).astype(np.float32),
}
EPOCHS = 12
pytestmark = pytest.mark.parametrize("task", tasks.names())


@pytest.fixture(scope="module")
def learned() -> Callable[[str], tuple[Fitted, Examples, Examples]]:
    """A network of the task, the examples it learned from, and others."""
    made: dict[str, tuple[Fitted, Examples, Examples]] = {}

    def of(task: str) -> tuple[Fitted, Examples, Examples]:
        if task not in made:
            whole = tiny.examples(task, 400)
            order = np.random.default_rng(0).permutation(len(whole))
            cut = 3 * len(whole) // 4
            training, held = whole.take(order[:cut]), whole.take(order[cut:])
            config = tiny.config(task, f"train.epochs={EPOCHS}")
            made[task] = (tiny.fitted(task, config, training, held), training, held)
        return made[task]

    return of


Learned = Callable[[str], tuple[Fitted, Examples, Examples]]


def untrained(task: str, *words: str) -> tuple[Any, Any]:
    """A task's preprocessing layer and a new model with it in front."""
    chosen, config = tasks.get(task), tiny.config(task, *words)
    examples = tiny.examples(task, 100)
    layer = chosen.preprocessor(config, examples.inputs)
    return layer, assemble(chosen, layer, chosen.build(config, layer, len(examples.label_names)))


def check_distributions(task: str, answered: np.ndarray, count: int) -> None:
    labels = len(tiny.examples(task, 20).label_names)
    head = tasks.get(task).head(labels)
    assert answered.dtype == np.float32
    assert answered.shape == (count, head.nodes)
    probabilities = head.probabilities(answered)
    assert probabilities.shape == (count, labels)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_raw_inputs_give_one_distribution_each(task: str, precision: Any) -> None:
    """Odd ones too, and in float32 whatever the network computes in."""
    with runtime(RuntimeConfig(precision=precision), seed=0):
        _, model = untrained(task)
        assert model.get_layer("core").layers[1].compute_dtype == precision.removeprefix("mixed_")
        odd = ODD[tasks.get(task).inputs]
        if precision == "mixed_float16" and odd.dtype != object:
            odd = odd.clip(-1e3, 1e3)  # float16 ends at 65,504
        check_distributions(task, outputs(model, odd), len(odd))
        one = model.output
        assert keras.backend.standardize_dtype(one.dtype) == "float32"
    assert outputs(model, odd[:0]).shape == (0, model.output_shape[-1])


def test_it_learns_in_a_few_epochs(task: str, learned: Learned) -> None:
    fitted, _, held = learned(task)
    assert fitted.epochs == EPOCHS
    assert not fitted.interrupted
    assert {len(figures) for figures in fitted.history.values()} == {EPOCHS}
    losses = fitted.history["loss"]
    assert losses[-1] < 0.6 * losses[0]
    head = tasks.get(task).head(len(held.label_names))
    right = head.probabilities(outputs(fitted.model, held.inputs)).argmax(axis=1) == held.labels
    commonest = np.bincount(held.labels).max() / len(held)
    assert right.mean() > (1 + commonest) / 2  # half of what guessing gets wrong, at least
    assert fitted.history["val_accuracy"][fitted.best_epoch - 1] == pytest.approx(right.mean())


def test_a_reloaded_file_answers_the_same(task: str, learned: Learned, tmp_path: Path) -> None:
    fitted, _, held = learned(task)
    saving.save(fitted.model, tmp_path / "model.keras")
    loaded = saving.load(tmp_path / "model.keras")
    for inputs in (held.inputs, ODD[tasks.get(task).inputs]):
        np.testing.assert_array_equal(outputs(loaded, inputs), outputs(fitted.model, inputs))
    saving.save(loaded, tmp_path / "again.keras")
    again = saving.load(tmp_path / "again.keras")
    np.testing.assert_array_equal(outputs(again, held.inputs), outputs(loaded, held.inputs))


def test_equal_networks_make_equal_files(task: str, tmp_path: Path) -> None:
    for name in "ab":
        keras.utils.set_random_seed(4)
        saving.save(untrained(task)[1], tmp_path / f"{name}.keras")
    a, b = ((tmp_path / f"{name}.keras").read_bytes() for name in "ab")
    assert a == b


def test_the_answer_does_not_depend_on_the_company(task: str, learned: Learned) -> None:
    fitted, _, held = learned(task)
    together = outputs(fitted.model, held.inputs[:9])
    alone = np.concatenate([outputs(fitted.model, held.inputs[i : i + 1]) for i in range(9)])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_preprocessing_is_adapted_to_the_training_part_alone(task: str, learned: Learned) -> None:
    fitted, training, held = learned(task)
    chosen, config = tasks.get(task), tiny.config(task)
    own = fitted.model.layers[1].get_config()
    assert own == chosen.preprocessor(config, training.inputs).get_config()
    assert own != chosen.preprocessor(config, training.join(held).inputs).get_config()


def test_the_feed_is_what_the_layer_makes(task: str) -> None:
    """Training may prepare inputs faster than the layer that travels, never differently."""
    chosen = tasks.get(task)
    layer, _ = untrained(task)
    inputs = tiny.examples(task, 40).inputs
    fed, rest = chosen.feed(layer, inputs)
    ready = fed if rest is None else rest(fed)
    ready = ready.to_tensor() if hasattr(ready, "to_tensor") else ready
    raw = [t.encode() for t in inputs] if inputs.dtype == object else inputs
    np.testing.assert_array_equal(ready, layer(np.array(raw)))


def test_builders_are_pure(task: str) -> None:
    """The same seed, the same network; the configuration stays as it was; nothing compiled."""
    before = tiny.config(task).to_dict()
    made = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        made.append(untrained(task)[1])
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert made[0].get_config() == made[1].get_config()
    for mine, other in zip(made[0].get_weights(), made[1].get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert tiny.config(task).to_dict() == before
    assert not made[0].compiled


def test_every_kind_of_model_is_built(task: str) -> None:
    for kind in tasks.get(task).models:
        _, model = untrained(task, f"model.kind={kind}")
        names = [layer.name for layer in model.get_layer("core").layers]
        assert {"logits", "calibration"} <= set(names)
        assert len(model.inputs) == 1
        assert model.inputs[0].name in ("image", "text", "features")


def test_training_twice_is_the_same_training(task: str) -> None:
    config = tiny.config(task, "train.epochs=2", "runtime.deterministic=true")
    training = tiny.examples(task, 120)
    first, second = (tiny.fitted(task, config, training) for _ in range(2))
    assert first.history == second.history
    for mine, other in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    third = tiny.fitted(task, tiny.config(task, "train.epochs=2", "train.seed=1"), training)
    assert third.history["loss"] != first.history["loss"]
