"""What a training says of itself: what needed no training, and whether it beats guessing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import logs, tasks
from nnguide.data.examples import Examples
from nnguide.evaluation.metrics import wilson_interval

logs.tensorflow()

from nnguide.training import remarks  # noqa: E402
from nnguide.training.train import train  # noqa: E402


def validation(labels: list[int]) -> Examples:
    return Examples(np.zeros((len(labels), 28, 28), np.uint8), np.array(labels), ("a", "b", "c"))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=200), st.data())
def test_a_verdict_is_given_unless_the_interval_is_above_guessing(
    labels: list[int], data: st.DataObject
) -> None:
    right, n = data.draw(st.integers(0, len(labels))), len(labels)
    low, high = wilson_interval(right, n)
    figures = {
        "val_accuracy": right / n,
        "val_accuracy_low": low,
        "val_accuracy_high": high,
        "n_validation": n,
    }
    guessing = remarks.Guessing.on(validation(labels))
    assert guessing.majority == max(labels.count(label) for label in (0, 1, 2)) / n
    verdict = guessing.verdict(figures)
    assert (verdict is None) == (low > guessing.majority)
    if verdict is not None:
        assert verdict.startswith("no better") == (right / n <= guessing.majority)
        assert f"{right / n:.1%}" in verdict
        assert f"always answering {guessing.label} " in verdict


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_what_the_shipped_network_reaches_is_measured_where_labels_match(task: str) -> None:
    run, some = remarks.shipped(tasks.get(task)), tiny.examples(task, 60)
    assert run is not None
    figures = remarks.untrained(tasks.get(task), run, some)
    assert figures is not None
    answers = [answer.label for answer in run.predict(some.inputs)]
    wanted = [some.label_names[label] for label in some.labels]
    assert figures["accuracy"] == pytest.approx(np.mean(np.array(answers) == wanted))
    strange = Examples(some.inputs, some.labels, tuple(f"no {name}" for name in some.label_names))
    assert remarks.before(tasks.get(task), run, "it", strange) is None


def test_some_labels_in_another_order_are_still_matched() -> None:
    some = tiny.examples("digits", 100)
    chosen = some.take(np.flatnonzero((some.labels == 3) | (some.labels == 8)))
    two = Examples(chosen.inputs, (chosen.labels == 3).astype(np.int64), ("8", "3"))
    run = remarks.shipped(tasks.get("digits"))
    assert run is not None
    figures = remarks.untrained(tasks.get("digits"), run, two)
    assert figures is not None
    assert figures["accuracy"] > 0.8


def test_a_training_on_labels_at_random_says_so(tmp_path: Path) -> None:
    whole = tiny.examples("digits", 300)
    labels = np.random.default_rng(0).integers(0, 2, len(whole))
    arrays = {"x_train": whole.inputs, "y_train": labels, "x_test": whole.inputs, "y_test": labels}
    np.savez(tmp_path / "mine.npz", **arrays)
    words = [*tiny.words("digits"), f"data.dataset={tmp_path / 'mine.npz'}", "train.epochs=1"]
    lines: list[str] = []
    run = train("digits", settings=words, out=tmp_path / "r", say=lines.append)
    (warning,) = (line for line in lines if "guessing" in line)
    assert "Try --from digits or --epochs 4" in warning
    assert f"nnguide doctor {run.folder}" in warning
    assert any("without training on this data. --from digits starts" in line for line in lines)
    figures = run.metrics
    assert figures["val_accuracy_low"] < figures["val_accuracy"] < figures["val_accuracy_high"]
    assert 0.5 <= figures["val_majority"] < 1
