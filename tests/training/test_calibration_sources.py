"""A threshold says what it means for data that is left out, and `sources` leaves it out whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import json_schema
import numpy as np
import pytest

from nnguide import runs
from nnguide.data.examples import Examples
from nnguide.data.origins import Origins
from nnguide.errors import ConfigError, RunError
from nnguide.evaluation import validation_scores
from nnguide.evaluation.validation_scores import Scores
from nnguide.training.configure import configure

SETTINGS = ["calibration.on=sources", "data.dataset=sms_spam+spamassassin"]


def test_each_set_is_scored_by_a_network_that_did_not_learn_from_it(monkeypatch):
    from nnguide.training import calibrate

    learned = []

    def fit(task, config, training, validation, runtime, callbacks):
        learned.append(set(training.inputs) | set(validation.inputs))
        return SimpleNamespace(interrupted=False, model=len(learned))

    def logits(model, examples):
        assert not learned[model - 1] & set(examples.inputs)
        return np.full((len(examples), 1), float(model), np.float32)

    monkeypatch.setattr(calibrate, "fit", fit)
    monkeypatch.setattr(calibrate, "logits", logits)
    texts = np.array([None, *(f"text {n} {'ab'[n % 2]}" for n in range(60))], object)[1:]
    examples = Examples(texts, np.arange(60) % 2, ("ham", "spam"))
    origins = Origins(("a", "empty", "b"), np.repeat([0, 2], [20, 40]))
    titles = []
    held = calibrate.out_of_fold(
        SimpleNamespace(),
        configure("spam", settings=SETTINGS),
        examples,
        SimpleNamespace(),
        lambda title: titles.append(title) or [],
        origins,
    )
    assert held.logits[:, 0].tolist() == [1.0] * 20 + [2.0] * 40 and not held.seen
    assert titles == ["calibration without a", "calibration without b"]
    assert len(learned[0]) == 40 and len(learned[1]) == 20


def test_data_that_is_not_joined_has_no_sources():
    with pytest.raises(ConfigError, match="joined by a plus"):
        configure("spam", settings=["calibration.on=sources"])
    assert configure("spam", settings=SETTINGS).calibration.on == "sources"


def test_what_is_kept_is_read_again_or_refused(tmp_path):
    run = runs.Run.open(runs.shipped("spam", ["mail"]))
    kept = validation_scores.scores_of(run)
    assert kept.origins is not None and len(kept.origins.names) == 5
    assert np.bincount(kept.origins.of).tolist() == [440, 424, 448, 271, 465] and kept.seen
    shutil.copy(run.folder / "decision.json", tmp_path)
    moved = replace(run, folder=tmp_path)
    for origins in (
        None,
        Origins(("a", "b"), kept.labels),
        Origins(("a",), kept.labels),
        Origins(("a", "b"), kept.labels[1:]),
    ):
        validation_scores.save(tmp_path, Scores(kept.spam, kept.labels, origins, False))
        if origins and (len(origins.names) < 2 or len(origins.of) < len(kept.labels)):
            with pytest.raises(RunError, match="data set of each"):
                validation_scores.scores_of(moved)
            continue
        again = validation_scores.scores_of(moved)
        assert again.spam.tolist() == kept.spam.astype(np.float32).tolist()
        assert (again.origins is None) == (origins is None)


@pytest.mark.parametrize("seen", [True, False])
def test_a_choice_says_the_worst_set_left_out(caplog, seen):
    caplog.set_level("INFO", "nnguide")
    spam = np.r_[np.linspace(0, 0.4, 400), np.full(100, 0.9), np.linspace(0.2, 0.8, 100)]
    labels = np.r_[np.zeros(400, int), np.ones(100, int), np.zeros(100, int)]
    origins = Origins(("like", "other"), np.repeat([0, 1], [500, 100]))
    chosen = validation_scores.choose(Scores(spam, labels, origins, seen), 0.02, "folds of a")
    json.dumps(chosen, allow_nan=False)
    like, other = chosen["choice"]["sources"]
    assert like["blocked_ham"] == 0 and other["blocked_ham"] > 0.6
    assert "for other, the worst of 2" in caplog.text and "(folds of a)" in caplog.text
    assert ("never saw" in caplog.text) == seen == chosen["choice"]["sources_were_learned"]


def test_threshold_s_json_is_as_documented(tmp_path, capfd):
    from nnguide.cli import main

    folder = runs.shipped("spam", ["mail"])
    words = ["threshold", folder, "--max-blocked-ham", "0.01", "--out", tmp_path / "t"]
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words), "--json"])
    assert not ended.value.code
    answer = json.loads(capfd.readouterr().out)
    assert {row["source"] for row in answer["sources"]} >= {"spamassassin", "enron_spam/2"}
    assert answer["data"].startswith("the validation set of spamassassin+enron_spam/2")
    json_schema.check(answer, "joined data sets")
