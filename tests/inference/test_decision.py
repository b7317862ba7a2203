"""One decision: whatever names a label gives the same one, at the threshold and beside it."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnguide.errors import ConfigError, InputError, RunError
from nnguide.inference.decision import Answer, Decision
from nnguide.runs import Run

LABELS = ("ham", "spam")
THRESHOLDS = (0.0, 0.1, 0.5, 0.7312345678901234, 0.85099995136261, 1.0)


def beside(threshold: float) -> list[float]:
    """The threshold, its neighbours in float32 and float64 on both sides, 0 and 1."""
    single = np.float32(threshold)
    values = [threshold, float(single), 0.0, 1.0]
    for way in (0.0, 1.0):
        values.append(float(np.nextafter(threshold, way)))
        values.append(float(np.nextafter(single, np.float32(way))))
    return values


CASES = [(threshold, p) for threshold in THRESHOLDS for p in beside(threshold)]


def wanted(threshold: float, p: float) -> str:
    """The definition, once more: strictly above, both in float32."""
    return LABELS[int(np.float32(p) > np.float32(threshold))]


class Verbs:
    """Every way to a label, of a spam run whose network answers what it is told to."""

    def __init__(self, run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        from nnguide.evaluation import evaluate as evaluation
        from nnguide.serving.servable import RunServable

        self.run, self.folder = run, folder
        self.row = np.zeros((1, 1))
        self.servable = RunServable(run.folder)

        def outputs(_: Any, checked: np.ndarray, engine: Any = None) -> np.ndarray:
            return np.repeat(self.row, len(checked), axis=0)

        monkeypatch.setattr(Run, "outputs", outputs)
        monkeypatch.setattr(evaluation, "outputs", outputs)

    def labels(self, threshold: float, p: float) -> Iterator[tuple[str, str]]:
        """The name of each verb, and the label it gives."""
        self.row = np.array([[p]])
        for run in (self.run, self.servable._run):
            run.__dict__["decision"] = Decision(LABELS, threshold)
        for name in ("predict", "stream", "explain", "evaluate", "audit", "words", "threshold"):
            yield name, getattr(self, name)(threshold)
        yield "serve", self.serve()
        yield "exported", self.exported(threshold)

    def predict(self, _: float) -> str:
        return self.run.predict("a text")[0].label

    def stream(self, threshold: float) -> str:
        from nnguide.runs.streaming import predict

        self.run.__dict__["decision"] = Decision(LABELS, 0.5)
        named = iter([("a", "a text")])
        ((_, answer),) = predict(self.run, named, threshold)
        self.run.__dict__["decision"] = Decision(LABELS, threshold)
        assert isinstance(answer, Answer)
        return answer.label

    def explain(self, _: float) -> str:
        from nnguide.explain import explain

        found = explain(self.run, "free prize", "occlusion")
        assert found.probability == np.float64(self.row[0, 0])
        return str(found.label)

    def evaluate(self, _: float) -> str:
        from nnguide.evaluation.evaluate import evaluate

        figures = evaluate(self.run, split="test")
        ham, spam = np.sum(figures["confusion"], axis=0)
        assert not (ham and spam)
        return LABELS[int(spam > 0)]

    def audit(self, _: float) -> str:
        from nnguide.audit.mistakes import mistakes
        from nnguide.data.examples import Examples

        inputs = np.array(["a text"], object)
        for label in (0, 1):
            examples = Examples(inputs, np.array([label]), LABELS)
            if rows := mistakes(self.run, examples, self.row):
                assert rows[0]["label"] != LABELS[label]
                return str(rows[0]["label"])
        raise AssertionError("neither label is a mistake")

    def words(self, _: float) -> str:
        from nnguide.audit.words import _called_spam

        return LABELS[int(_called_spam(self.run, self.row[:, 0])[0])]

    def threshold(self, threshold: float) -> str:
        from nnguide.evaluation.thresholds import threshold_table

        (row,) = threshold_table(self.row[:, 0], np.array([1]), [threshold])
        return LABELS[int(row["spam_caught"] > 0)]

    def serve(self) -> str:
        prepared = self.servable.prepare("serving_default", {"text": np.array(["a"], object)})
        return str(self.servable.run("serving_default", prepared)["label"][0])

    def exported(self, threshold: float) -> str:
        settings = json.loads((self.folder / "preprocessing.json").read_text("utf-8"))
        settings["threshold"] = threshold
        (self.folder / "preprocessing.json").write_text(json.dumps(settings), "utf-8")
        ((label, _),) = package(self.folder).Front(self.folder).answers(self.row)
        return str(label)


def package(folder: Path) -> Any:
    """The package `front` of an export, imported from where it lies."""
    if "exported_front" not in sys.modules:
        place = folder / "front" / "__init__.py"
        spec = importlib.util.spec_from_file_location("exported_front", place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["exported_front"] = module
        spec.loader.exec_module(module)
    return sys.modules["exported_front"]


@pytest.fixture
def verbs(
    trained: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Verbs]:
    from nnguide.export import numpy_package

    run = Run.open(trained("spam").folder)
    numpy_package.write(run, tmp_path, {"file": "model.onnx"})
    yield Verbs(run, monkeypatch, tmp_path)
    sys.modules.pop("exported_front", None)


def test_every_verb_names_the_same_label(verbs: Verbs) -> None:
    for threshold, p in CASES:
        found = dict(verbs.labels(threshold, p))
        assert set(found.values()) == {wanted(threshold, p)}, (threshold, p, found)


def test_every_verb_refuses_what_is_no_probability(verbs: Verbs) -> None:
    verbs.row = np.array([[np.nan]])
    for name in ("predict", "stream", "explain", "evaluate", "audit", "words", "threshold"):
        with pytest.raises((RunError, InputError), match=r"NaN|nan"):
            getattr(verbs, name)(0.5)
    with pytest.raises(RunError, match="NaN"):
        verbs.serve()
    with pytest.raises(Exception, match="NaN"):
        verbs.exported(0.5)


def test_a_saved_model_decides_alike(trained: Callable[[str], Run], tf: Any) -> None:
    from nnguide.export.saved_model import Decided

    made = Decided(trained("spam"))
    for threshold, p in CASES:
        if 0 < p < np.finfo(np.float32).tiny:  # TensorFlow takes such numbers for 0
            continue
        made._threshold = threshold
        made._network = lambda _, p=p: tf.constant([[p]], tf.float32)
        label = made.answers(None)["label"].numpy()[0].decode()
        assert label == wanted(threshold, p), (threshold, p)


@given(st.floats(0, 1), st.floats(0, 1))
def test_spam_is_strictly_above_the_threshold(threshold: float, p: float) -> None:
    decision = Decision(LABELS, threshold)
    (answer,) = decision.answers([[p]])
    assert answer == Answer(wanted(threshold, p), float(np.float32(p)))
    assert decision.numbers(np.float32([[p]])) == decision.numbers([[p]])


def test_a_threshold_that_is_a_message_own_probability_lets_it_pass() -> None:
    for p in np.random.default_rng(0).random(10_000, np.float32):
        assert Decision(LABELS, float(p)).answers(p.reshape(1, 1))[0].label == "ham"


def test_the_most_probable_label_wins_and_the_first_of_equals() -> None:
    decision = Decision(("a", "b", "c"))
    (answer,) = decision.answers([[0.125, 0.75, 0.125]])
    assert answer == Answer("b", 0.75, {"a": 0.125, "b": 0.75, "c": 0.125})
    assert decision.numbers([[0.25, 0.375, 0.375], [0.5, 0.25, 0.5]]).tolist() == [1, 0]


@pytest.mark.parametrize("row", [[np.nan], [np.inf], [-np.inf]])
def test_outputs_that_are_no_numbers_are_refused(row: list[float]) -> None:
    with pytest.raises(RunError, match="NaN or infinity"):
        Decision(LABELS, 0.5).numbers([row])
    with pytest.raises(RunError, match="NaN or infinity"):
        Decision(("a", "b")).answers([[0.5, row[0]]])


def test_outputs_of_another_shape_are_refused() -> None:
    for outputs in ([0.5], [[0.5, 0.5]], np.zeros((1, 2, 3))):
        with pytest.raises(RunError, match="expected 1 probabilities"):
            Decision(LABELS, 0.5).numbers(outputs)
    with pytest.raises(RunError, match="expected 3 probabilities"):
        Decision(("a", "b", "c")).numbers([[0.5, 0.5]])


@pytest.mark.parametrize("threshold", [-0.1, 1.1, 90, np.nan, np.inf])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    with pytest.raises(ConfigError, match="probability in"):
        Decision(LABELS, threshold)
    with pytest.raises(ConfigError, match="2 labels"):
        Decision(("a", "b", "c"), 0.5)
