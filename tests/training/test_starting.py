"""A training that starts from a run: its weights, its preprocessing, a head for other labels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from nnguide import logs
from nnguide.data.examples import Examples
from nnguide.errors import ConfigError, RunError
from nnguide.runs import DETERMINES, MANIFEST, Run
from nnguide.training.ensemble import ensemble

logs.tensorflow()

import keras  # noqa: E402

from nnguide.models.saving import preprocessor  # noqa: E402
from nnguide.training.configure import configure  # noqa: E402
from nnguide.training.train import train as train_whole  # noqa: E402

train = tiny.bare()(train_whole)  # what is said here is of the other files


class Begin(keras.callbacks.Callback):
    """Keeps what the network answers before training changes it."""

    def __init__(self, core_inputs: Any) -> None:
        super().__init__()
        self.inputs = core_inputs

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.answers = np.asarray(self.model(self.inputs, training=False))
        self.logits = self.model.get_layer("logits").get_weights()


def start(run: Run, out: Path, *more: str, **options: Any) -> Run:
    words = [f"train.start_from={run.folder}", f"data.dataset={tiny.built_in(run.task.name)}"]
    words += ["train.epochs=2", "train.batch_size=32", "calibration.on=none", *more]
    return train(run.task.name, settings=words, out=out, **options)


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_training_begins_where_the_run_ended(
    task: str, trained: Callable[[str], Run], tmp_path: Path
) -> None:
    run = trained(task)
    theirs = run.model.get_layer("core")
    some = tiny.examples(task, 30).inputs
    if task == "spam":
        some = logs.tensorflow().constant([text.encode() for text in some])
    begin = Begin(preprocessor(run.model)(some))
    new = start(run, tmp_path / "r", callbacks=[begin])
    np.testing.assert_allclose(begin.answers, np.asarray(theirs(begin.inputs)), atol=1e-6)
    assert new.config.train.start_from == f"{run.folder}@{sha(run)}"
    assert new.config.model == run.config.model
    assert new.config.tokens == run.config.tokens
    mine = preprocessor(new.model).get_config()
    assert mine == preprocessor(run.model).get_config()


def sha(run: Run) -> str:
    import hashlib

    return hashlib.sha256((run.folder / MANIFEST).read_bytes()).hexdigest()


def test_labels_that_both_know_keep_their_weights(
    trained: Callable[[str], Run], tmp_path: Path
) -> None:
    run = trained("digits")
    whole = tiny.examples("digits", 60)
    names = ("3", "a", "7", *"bcdefgh")
    begin = Begin(preprocessor(run.model)(whole.inputs))
    config = configure(
        "digits",
        settings=[f"train.start_from={run.folder}", "train.epochs=1", "train.batch_size=32"],
    )
    tiny.fitted("digits", config, Examples(whole.inputs, whole.labels, names), callbacks=[begin])
    kernel, bias = run.model.get_layer("core").get_layer("logits").get_weights()
    for place, digit in ((0, 3), (2, 7)):
        np.testing.assert_array_equal(begin.logits[0][:, place], kernel[:, digit])
        assert begin.logits[1][place] == bias[digit]
    for place in (1, *range(3, 10)):
        assert not any(np.array_equal(begin.logits[0][:, place], column) for column in kernel.T)


def test_other_labels_get_a_new_head(trained: Callable[[str], Run], tmp_path: Path) -> None:
    run = trained("digits")
    whole = tiny.examples("digits", 120)
    data = tmp_path / "two.npz"
    pairs = {"train": slice(0, 80), "test": slice(80, 120)}
    arrays = {f"x_{part}": whole.inputs[at] for part, at in pairs.items()}
    arrays |= {f"y_{part}": whole.labels[at] % 2 for part, at in pairs.items()}
    np.savez(data, **arrays)
    new = start(run, tmp_path / "r", f"data.dataset={data}")
    assert new.labels == ("0", "1")
    assert len(new.predict(whole.inputs[:3])) == 3


@pytest.mark.parametrize("task", ["digits", pytest.param("spam", marks=pytest.mark.slow)])
def test_the_recorded_configuration_starts_from_the_same_weights_or_not_at_all(
    task: str, trained: Callable[[str], Run], tmp_path: Path
) -> None:
    base = tmp_path / "base"
    shutil.copytree(trained(task).folder, base)
    first = start(Run.open(base), tmp_path / "a", "runtime.deterministic=true")
    tree = json.loads((first.folder / "config.json").read_text("utf-8"))
    second = train(task, config=tree, out=tmp_path / "b")
    for name in (*DETERMINES, "history.csv"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    manifest = json.loads((base / MANIFEST).read_text("utf-8"))
    (base / MANIFEST).write_text(json.dumps({**manifest, "created": "2000-01-01"}))
    with pytest.raises(RunError, match=r"no longer the run.*--from"):
        train(task, config=tree, out=tmp_path / "c")
    with pytest.raises(RunError, match="there is no run"):
        train(task, settings=["train.start_from=nowhere"], out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_training_from_a_run_resumes_to_the_same_end(
    trained: Callable[[str], Run], tmp_path: Path
) -> None:
    class Die(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            raise MemoryError

    run, exact = trained("digits"), "runtime.deterministic=true"
    whole = start(run, tmp_path / "whole", exact)
    with pytest.raises(MemoryError):
        start(run, tmp_path / "cut", exact, callbacks=[Die()])
    keras.utils.set_random_seed(12345)
    resumed = start(run, tmp_path / "cut", exact, resume=True)
    for name in (*DETERMINES, "history.csv"):
        assert (whole.folder / name).read_bytes() == (resumed.folder / name).read_bytes()


def test_what_does_not_fit_is_refused(trained: Callable[[str], Run], tmp_path: Path) -> None:
    digits, spam = trained("digits"), trained("spam")
    out = tmp_path / "r"
    with pytest.raises(ConfigError, match=r"do not fit model\.hidden=\[64\].*without --from"):
        start(digits, out, "model.hidden=64")
    with pytest.raises(ConfigError, match=r"do not fit model\.kind=cnn"):
        start(digits, out, "model.kind=cnn")
    with pytest.raises(ConfigError, match=r"do not fit tokens\.words=5"):
        start(spam, out, "tokens.words=5")
    with pytest.raises(ConfigError, match="a run of spam; expected one of digits"):
        train("digits", settings=[f"train.start_from={spam.folder}"], out=out)
    both = ensemble([digits, digits], tmp_path / "both")
    with pytest.raises(RunError, match="an ensemble"):
        start(both, out)
    assert not out.exists()
    fits = start(digits, out, "model.dropout=0.4", "model.l2=0.001")  # strengths, no shapes
    assert fits.config.model.dropout == 0.4
