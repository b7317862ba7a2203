"""Several runs as one network.

It averages the probabilities of its members.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnguide import logs
from nnguide.errors import ConfigError
from nnguide.files import write_json, write_text
from nnguide.files.workspace import Workspace
from nnguide.runs import Run, finish


def ensemble(members: Sequence[Run], out: Path, *, force: bool = False) -> Run:
    """Join runs of one task and data into one run.

    All must be trained on the same data. Each member keeps its own weights and calibration; the
    answer is the mean of their probabilities, and the threshold, for spam, the mean of theirs.

    Args:
        members: two runs or more, whose preprocessing is the same: equal data, equal
            `data.split_seed`, equal settings of tokens.
        out: the new run's folder.
        force: replace a folder that is not empty.
    Raises:
        ConfigError: fewer than two runs, or runs that do not go together.
    """
    if len(members) < 2:
        raise ConfigError("an ensemble needs two runs or more")
    facts: dict[str, list[Any]] = {
        "task": [run.task.name for run in members],
        "labels": [run.labels for run in members],
        "data": [run.manifest["dataset"] for run in members],
        "data.split_seed": [run.config.data.split_seed for run in members],
    }
    for what, values in facts.items():
        if any(value != values[0] for value in values):
            raise ConfigError(f"the runs differ in {what}: {', '.join(map(str, values))}")
    space = Workspace(out, "ensemble", Run.open, force)
    with space.claimed():
        return _join(members, space)


def _join(members: Sequence[Run], space: Workspace) -> Run:
    logs.tensorflow()
    import keras

    from nnguide import data
    from nnguide.data.splits import training_and_validation
    from nnguide.evaluation import refusal
    from nnguide.evaluation.evaluate import measure, own_dataset
    from nnguide.models import light_form
    from nnguide.models.saving import outputs, preprocessor, save
    from nnguide.training.network import assemble

    first = members[0]
    layer = preprocessor(first.model)
    cores = []
    for number, run in enumerate(members, start=1):
        if preprocessor(run.model).get_config() != layer.get_config():
            raise ConfigError(
                f"{first.folder} and {run.folder} prepare their inputs differently: they were "
                "adapted to other training data"
            )
        core = keras.models.clone_model(run.model.get_layer("core"))
        core.set_weights(run.model.get_layer("core").get_weights())
        core.name = f"member_{number}"
        cores.append(core)
    features = keras.Input(
        cores[0].input_shape[1:], dtype=cores[0].inputs[0].dtype, name="features"
    )
    mean = keras.layers.Average(dtype="float32", name="mean")([core(features) for core in cores])
    model = assemble(first.task, layer, keras.Model(features, mean, name="core"))

    save(model, space.path / "model.keras")
    write_json(space.path / "config.json", first.config.to_dict())
    decision: dict[str, Any] = {"labels": list(first.labels)}
    if first.threshold is not None:
        decision["threshold"] = sum(run.threshold or 0.5 for run in members) / len(members)
    write_text(space.path / "history.csv", "epoch\n")
    source = data.find(first.task.name, own_dataset(first), split_seed=first.config.data.split_seed)
    fitted, held = training_and_validation(first.config, source.load("train"))
    if held is not None and any(run.decision.refuse_below is not None for run in members):
        network = functools.partial(outputs, model)
        where = "the validation set"
        scores = network(held.inputs)
        decision.update(refusal.choose(first.config, first.labels, scores, where, network))
    write_json(space.path / "decision.json", decision)
    light_form.write(model, space.path, (held or fitted).inputs)
    threshold = decision.get("threshold")
    figures = measure(first.task, model, held, threshold) if held else {}
    write_json(
        space.path / "metrics.json",
        {
            **first.metrics,
            "run": str(space.folder),
            "members": [str(run.folder) for run in members],
            "train_seconds": sum(run.metrics["train_seconds"] for run in members),
            "parameters": model.count_params(),
            "val_accuracy": figures.get("accuracy"),
            "val_loss": figures.get("loss"),
        },
    )
    facts = ("dataset", "dataset_is_fallback", "dataset_path", "learned_from", "versions")
    known = {key: first.manifest[key] for key in facts if key in first.manifest}
    return finish(space, first.task.name, **known)
