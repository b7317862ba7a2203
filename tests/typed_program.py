"""A program that uses nnguide, typed strictly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import nnguide
from nnguide import Answers, Config, Examples, NnguideError, Run
from nnguide.data import Source, find, hold
from nnguide.doctor import Report, check
from nnguide.explain import explain_all
from nnguide.sklearn import SpamClassifier


def learn(texts: list[str], labels: list[str]) -> Run:
    settings = ["train.epochs=1"]
    run = nnguide.train("spam", (texts, labels), settings=settings, out=Path("run"), say=print)
    config: Config = nnguide.configure("spam", settings={"train": {"epochs": 3}})
    print(config.train.epochs + 1, config.override(settings).model.dropout, run.config.data.dataset)
    return run


def ask(run: Run) -> list[str | None]:
    answers: Answers = run.predict(["WIN a prize", "see you"])
    for answer in answers:
        if not isinstance(answer, nnguide.NnguideError):
            print(answer.label.upper(), answer.probability + 1)
    first: np.ndarray = answers.probabilities
    print(first.shape, answers[:1].labels, answers.to_pandas())
    return answers.labels


def measure(run: Run) -> float:
    try:
        figures = nnguide.evaluate(run, split="test", threshold=0.5)
    except NnguideError as error:
        raise SystemExit(error.exit_code) from error
    return float(figures["accuracy"])


def explain(run: Run) -> str:
    why = nnguide.explain(run, "WIN a prize", "occlusion")
    several = explain_all(run, ["one", "two"], seed=1)
    return why.html() + several[0].method


def search() -> Config:
    found = nnguide.tune("spam", trials=2, compare=0)
    return nnguide.configure("spam", config=found["config"])


def data() -> Examples:
    source: Source = find("spam", "spam_sample")
    held = hold("digits", (np.zeros((2, 28, 28)), [0, 1]))
    print(held.name, source.load("train").counts()["ham"])
    return source.load("train")


def examine(model: object) -> Report:
    report = check(model, silence=["no-validation"])
    print(report.lines(), [finding.id for finding in report.findings])
    return report


def estimate(texts: list[str], labels: list[str]) -> np.ndarray:
    return SpamClassifier(epochs=2, random_state=0).fit(texts, labels).predict_proba(texts)


if __name__ == "__main__":
    print(ask(nnguide.load("spam", ["mail"])), nnguide.__version__)
