"""What every explanation promises, on trained runs of every task."""

from __future__ import annotations

import importlib.util
import itertools
import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import explain
from nnguide.errors import ConfigError, ExtraError, InputError
from nnguide.explain import subprocess_methods
from nnguide.explain.faithful import AREAS
from nnguide.runs import Run

QUICK = ("gradient", "integrated", "smoothgrad", "occlusion")
TASKS = ("digits", "spam")


def needed(name):
    """A mark: skip where a library of the extra is missing."""
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason="needs the extra `explain`")


def as_json(found):
    return json.dumps(found.to_dict(), allow_nan=False)


def flat(found):
    if found.picture is not None:
        return found.weights.ravel()
    return np.array([part.weight for part in found.weights])


@pytest.mark.parametrize("task", TASKS)
def test_integrated_gradients_sum_to_what_the_input_adds(explained, task):
    for found in explained(task, "integrated"):
        assert found.checks["complete"] is True
        difference = found.score - found.baseline_score
        assert flat(found).sum() == pytest.approx(difference, rel=0.01)
        assert found.checks["steps"] >= 32


@settings(max_examples=15, deadline=None)
@given(text=st.text(min_size=0, max_size=60))
def test_they_do_for_any_text(subjects, text):
    found = explain.explain(subjects("spam"), text or "x", "integrated")
    difference = found.score - found.baseline_score
    # float32 sums of some hundred numbers cannot be nearer than that
    assert flat(found).sum() == pytest.approx(difference, rel=0.01, abs=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_keras_and_the_light_form_mean_the_same_score(explained, task):
    """f by Keras's sums, and f by the light form's probabilities."""
    for a, b in zip(explained(task, "gradient"), explained(task, "occlusion"), strict=True):
        assert a.score == pytest.approx(b.score, abs=5e-3)
        assert a.baseline_score == pytest.approx(b.baseline_score, abs=5e-3)
        assert a.score == pytest.approx(np.log(a.probability / (1 - a.probability)), abs=5e-3)


@pytest.mark.parametrize(
    ("task", "method"),
    [
        *itertools.product(TASKS, QUICK),
        pytest.param("digits", "lime", marks=needed("lime")),
        pytest.param("spam", "shap", marks=needed("shap")),
        pytest.param("digits", "shap", marks=[needed("shap"), pytest.mark.slow]),
        pytest.param("spam", "lime", marks=[needed("lime"), pytest.mark.slow]),
    ],
)
def test_deleting_by_the_explanation_beats_deleting_at_random(explained, task, method):
    found = explained(task, method)
    mean = {name: np.mean([one.checks[name] for one in found]) for name in AREAS}
    assert mean["deletion"] < mean["deletion_random"] - 0.1
    assert mean["insertion"] > mean["insertion_random"]
    if method == "shap":
        for one in found:
            assert one.checks["complete"] is True
            assert flat(one).sum() == pytest.approx(one.score - one.baseline_score, rel=0.01)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", QUICK)
def test_the_same_seed_gives_the_same_explanation(explained, subjects, inputs, task, method):
    raw = inputs(task, 1)[0]
    again = explain.explain(subjects(task), raw, method)
    assert as_json(again) == as_json(explained(task, method)[0])
    if method == "smoothgrad":
        other = explain.explain(subjects(task), raw, method, seed=1)
        assert not np.array_equal(flat(other), flat(again))


@pytest.mark.slow
@pytest.mark.parametrize("method", [pytest.param(m, marks=needed(m)) for m in ("lime", "shap")])
def test_libraries_repeat_themselves_and_leave_tensorflow_as_it_was(
    explained, subjects, inputs, method, tf
):
    state = np.random.get_state()[1].copy()
    x = tf.Variable([1.0, -2.0])

    def slopes():
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.nn.gelu(x) + tf.nn.relu(x) ** 2)
        return tape.gradient(y, x).numpy().tolist()

    of, raw = subjects("spam"), inputs("spam", 1)[0]
    first = explained("spam", method)[0]
    before, by_gradient = slopes(), as_json(explain.explain(of, raw, "gradient"))
    assert as_json(explain.explain(of, raw, method)) == as_json(first)
    assert slopes() == before
    assert as_json(explain.explain(of, raw, "gradient")) == by_gradient
    assert method not in sys.modules
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize("task", TASKS)
def test_random_weights_give_another_map(subjects, inputs, task):
    """Adebayo et al., Sanity Checks for Saliency Maps (2018)."""
    random = np.random.default_rng(0)
    shuffled = Run.open(subjects(task).folder)
    core = shuffled.model.get_layer("core")
    core.set_weights([random.permutation(w.ravel()).reshape(w.shape) for w in core.get_weights()])
    shuffled.__dict__["engine"] = "keras"  # its light form is still that of the trained network
    for method in QUICK:
        alike = [
            abs(np.corrcoef(flat(a), flat(b))[0, 1])
            for a, b in zip(
                explain.explain_all(subjects(task), inputs(task, 4), method, targets_of(task)),
                explain.explain_all(shuffled, inputs(task, 4), method, targets_of(task)),
                strict=True,
            )
        ]
        assert np.mean(alike) < 0.6, method


def targets_of(task):
    return "3" if task == "digits" else "spam"


@pytest.mark.parametrize("task", TASKS)
def test_the_target_chooses_what_is_explained(subjects, inputs, task):
    of, raw = subjects(task), inputs(task, 1)[0]
    labels = of.labels[:2]
    first, second = (explain.explain(of, raw, "integrated", label) for label in labels)
    assert (first.target, second.target) == labels
    assert first.label == second.label
    if task == "spam":
        assert first.score == -second.score
        np.testing.assert_allclose(flat(first), -flat(second), rtol=1e-4)
        assert explain.explain(of, raw).target == "spam"
    else:
        assert not np.allclose(flat(first), flat(second))
        assert explain.explain(of, raw).target == first.label


def test_words_come_with_their_places(subjects):
    text = "Win £1,000 now — café ½!"
    found = explain.explain(subjects("spam"), text, "occlusion")
    for word in found.weights:
        assert text[word.start : word.end].strip() != ""
        assert found.called(word) == text[word.start : word.end]
    assert [word.start for word in found.weights] == sorted(word.start for word in found.weights)
    assert "win" in [word.word for word in found.weights]


def test_a_text_without_words_has_nothing_to_explain(subjects):
    for method in QUICK:
        found = explain.explain(subjects("spam"), "   ", method)
        assert found.weights == []
        assert found.checks["deletion"] is None
        assert found.html()


def test_what_cannot_be_explained_is_said(subjects, inputs, monkeypatch):
    of = subjects("digits")
    raw = inputs("digits", 1)[0]
    with pytest.raises(ConfigError, match="method is one of gradient"):
        explain.explain(of, raw, "magic")
    with pytest.raises(ConfigError, match="labels"):
        explain.explain(of, raw, "gradient", "eleven")
    with pytest.raises(InputError):
        explain.explain(of, np.full((28, 28), np.nan))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for method in ("lime", "shap"):
        with pytest.raises(ExtraError, match=r"nnguide\[explain\]"):
            explain.explain(of, raw, method)


def test_a_process_that_fails_says_why(subjects, monkeypatch):
    from nnguide.errors import WorkError

    class Ended:
        returncode, stderr = 1, "Traceback\nValueError: nothing left"

    monkeypatch.setattr(subprocess_methods.subprocess, "run", lambda *words, **options: Ended)
    monkeypatch.setattr(explain, "installed", lambda method: True)
    with pytest.raises(WorkError, match="nothing left"):
        explain.explain(subjects("spam"), "hello", "shap")
