"""The spam classifier beside linear support vector machines on TF-IDF features."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nnguide import data, logs, tasks
from nnguide.data.examples import Examples
from nnguide.evaluation import metrics
from nnguide.training.configure import configure

SET = "sms_spam/paper"


def spam(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds of training, messages a second and quality, on the paper's split."""
    logs.tensorflow()
    source = data.find("spam", SET)
    training, test = source.load("train"), source.load("test")
    sides = {
        "nnguide default": _nnguide,
        "TF-IDF words, SVM": _words,
        "TF-IDF 3-5-grams, SVM": _chars,
    }
    found: dict[str, list[tuple[float, float, dict[str, Any]]]] = {side: [] for side in sides}
    rounds = 1 if quick else 5
    for number in range(rounds):
        for side in list(sides)[:: 1 if number % 2 else -1]:
            say(f"round {number + 1} of {rounds}: {side}")
            found[side].append(sides[side](training, test, number))
    rows = []
    for side, runs in found.items():
        for what, unit, values in (
            ("training", "s", [run[0] for run in runs]),
            ("prediction", "messages/s", [run[1] for run in runs]),
            ("MCC", "", [run[2]["mcc"] for run in runs]),
            ("spam caught", "fraction", [run[2]["spam_caught"] for run in runs]),
            ("ham blocked", "fraction", [run[2]["blocked_ham"] for run in runs]),
        ):
            rows.append({"what": what, "side": side, "values": values, "unit": unit})
    return {"rows": rows, "notes": [f"{SET}: {len(training):,} to learn, {len(test):,} to judge"]}


def _nnguide(training: Examples, test: Examples, seed: int) -> tuple[float, float, dict[str, Any]]:
    from nnguide.config import RuntimeConfig
    from nnguide.data.splits import training_and_validation
    from nnguide.models.saving import outputs
    from nnguide.training.fit import fit
    from nnguide.training.runtime import runtime

    config = configure("spam", settings={"train": {"seed": seed}})
    part, held = training_and_validation(config, training)
    with runtime(RuntimeConfig(), seed=seed) as chosen:
        fitted = fit(tasks.get("spam"), config, part, held, chosen)
    outputs(fitted.model, test.inputs)  # tracing
    started = time.perf_counter()
    answered = outputs(fitted.model, test.inputs)[:, 0]
    rate = len(test) / (time.perf_counter() - started)
    return fitted.seconds, rate, metrics.spam_metrics(answered, test.labels, 0.5)


def _svm(
    training: Examples, test: Examples, **features: Any
) -> tuple[float, float, dict[str, Any]]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    machine = make_pipeline(TfidfVectorizer(sublinear_tf=True, **features), LinearSVC())
    started = time.perf_counter()
    machine.fit(training.inputs, training.labels)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    answered = machine.predict(test.inputs)
    rate = len(test) / (time.perf_counter() - started)
    return seconds, rate, metrics.spam_metrics(answered.astype(np.float64), test.labels, 0.5)


def _words(training: Examples, test: Examples, seed: int) -> tuple[float, float, dict[str, Any]]:
    return _svm(training, test)


def _chars(training: Examples, test: Examples, seed: int) -> tuple[float, float, dict[str, Any]]:
    return _svm(training, test, analyzer="char_wb", ngram_range=(3, 5))
