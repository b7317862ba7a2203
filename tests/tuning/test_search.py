"""A search as a person starts it: what it leaves, what it says, how it ends."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import json_schema
import pretended
import pytest
import tiny

from nnguide import logs
from nnguide.data import preparation, prepared
from nnguide.data.dataset_info import BY_NAME
from nnguide.data.examples import stratified_split
from nnguide.errors import ConfigError, WorkError
from nnguide.evaluation.evaluate import evaluate
from nnguide.runs import Run
from nnguide.training import updates
from nnguide.training.configure import configure
from nnguide.tuning import pictures, report, rows
from nnguide.tuning import search as searching
from nnguide.tuning.scoring import Scorer
from nnguide.tuning.settings import settle
from nnguide.tuning.tune import tune


def small(task: str, *more: str, **options: Any) -> Any:
    """A real search of two trials of an epoch."""
    words = (*tiny.words(task), f"data.dataset={tiny.built_in(task)}", *more)
    words = tuple(word for word in words if not word.startswith("model.hidden"))
    options = {
        "trials": 2,
        "max_epochs": 1,
        "space": {"model.hidden": {"values": [4, 8]}},
    } | options
    return settle(task, settings=words, **options)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "Scorer", pretended.Pretended)


def test_a_search_leaves_the_best_and_all_that_it_was_chosen_from(tmp_path: Path) -> None:
    """Real trials; the best, trained on everything, answers and has no validation figures."""
    out = tmp_path / "s"
    found = searching.tune(
        small("spam", "calibration.folds=2"), out=out, compare=1, train_best=True
    )
    assert {"best.json", "trials.csv", "search.png", "result.json", "tensorboard"} <= {
        path.name for path in out.iterdir()
    }
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
    best = json.loads((out / "best.json").read_text())
    assert configure("spam", config=best).train.epochs == 1
    lines = list(csv.DictReader(io.StringIO((out / "trials.csv").read_text())))
    assert [line["state"] for line in lines] == ["completed"] * 2
    assert float(lines[int(found["best_trial"])]["val_accuracy"]) == found["best_score"]
    json_schema.check({"schema": 1, "command": "tune", **found})
    assert found["comparison"]["best"]["epochs"] == 1
    run = Run.open(found["run"])
    assert (run.metrics["val_accuracy"], run.metrics["n_validation"]) == (None, 0)
    assert run.decision_file["calibration"]["on"].startswith("2 folds")
    assert evaluate(run, split="test")["n"] > 0
    assert run.predict(["hello"])[0].label in ("ham", "spam")


@pytest.mark.parametrize("name", ["mnist", pytest.param("sms_spam", marks=pytest.mark.slow)])
def test_a_search_never_opens_the_test_part(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    task = BY_NAME[name].task
    whole = tiny.examples(task, 200)
    first, second = stratified_split(whole.labels, 0.3, 0)
    folder = preparation.folder(BY_NAME[name], 0)
    prepared.save(folder, {"train": whole.take(first), "test": whole.take(second)}, name)
    for path in folder.glob("test*"):
        path.unlink()
        path.mkdir()
    wanted = small(task, f"data.dataset={name}", trials=1)
    found = searching.tune(wanted, out=tmp_path / "s", compare=1)
    assert (found["dataset"], found["completed"]) == (name, 1)


def test_folds_and_executions_are_averaged() -> None:
    wanted = small("spam", folds=2, executions=2)
    scorer = Scorer(wanted)
    parts: list[tuple[int, int]] = []

    def train(config: Any, training: Any, validation: Any) -> dict[str, float]:
        parts.append((config.train.seed, len(validation)))
        figures = dict.fromkeys(("val_loss", "val_f1", "val_mcc", "val_roc_auc", "val_pr_auc"), 0.5)
        return {**figures, "val_accuracy": len(parts) / 10, "epochs": 3, "best_epoch": len(parts)}

    scorer._train = train  # type: ignore[method-assign]
    found = scorer.score(scorer.base, 7, wanted.executions)
    assert [seed for seed, _ in parts] == [7, 7, 8, 8]
    assert sum(n for _, n in parts[:2]) == len(scorer.examples)
    assert found.score == pytest.approx(0.25)
    assert found.best_epoch == 2


def test_a_search_without_a_completed_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(pretended.Pretended):
        def score(self, *given: Any) -> Any:
            raise ValueError("no luck")

    monkeypatch.setattr(searching, "Scorer", Failing)
    with pytest.raises(WorkError, match="none of 5 trials completed") as caught:
        searching.tune(pretended.search(trials=5), out=tmp_path / "s", compare=0)
    assert "ValueError: no luck" in str(caught.value)
    assert (tmp_path / "s.tune.unfinished" / "trials.csv").read_text().count("failed") == 5


def test_a_search_goes_on_only_as_it_was_begun(pretend: None, tmp_path: Path) -> None:
    out, calls = tmp_path / "s", 0

    def stop(progress: rows.Progress) -> None:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt

    wanted = pretended.search(trials=5)
    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt), logs.shown_by(lines.append):
        searching.tune(wanted, out=out, compare=0, watch=stop)
    assert "3 trials are kept" in lines[-1]
    with pytest.raises(ConfigError, match="interrupted before it was finished"):
        searching.tune(wanted, out=out, compare=0)
    with pytest.raises(ConfigError, match="--trials 5 -> 4"):
        searching.tune(pretended.search(trials=4), out=out, compare=0, resume=True)
    found = searching.tune(wanted, out=out, compare=0, resume=True)
    assert found["completed"] == 5
    with pytest.raises(ConfigError, match="not empty"):
        searching.tune(wanted, out=out, compare=0)
    assert searching.tune(wanted, out=out, compare=0, resume=True) == found


@pytest.mark.parametrize("tuner", ["random", "bayesian", "grid"])
def test_a_finished_search_is_given_more_trials(pretend: None, tmp_path: Path, tuner: str) -> None:
    """It ends as the search that had them from the beginning; one of fewer is finished."""
    few, many = (pretended.search(tuner, trials=trials) for trials in (2, 4))
    whole = searching.tune(many, out=tmp_path / "whole", compare=0)
    before = searching.tune(few, out=tmp_path / "s", compare=1)
    lines: list[str] = []
    with logs.shown_by(lines.append):
        after = searching.tune(many, out=tmp_path / "s", compare=0, resume=True)
    assert "resuming after 2 trials" in lines
    assert after["completed"] == whole["completed"] == 4
    if tuner != "bayesian":  # whose beginning depends on how long it will be
        assert after["best_score"] == whole["best_score"]
    same = after["best_trial"] == before["best_trial"]
    assert after["comparison"] == (before["comparison"] if same else None)
    assert searching.tune(many, out=tmp_path / "s", compare=0, resume=True) == after
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "whole"]


def test_a_search_goes_on_without_its_options(nnguide: Any, alone: Path, pretend: None) -> None:
    """Its options come from the folder; given again they must be the same, but for more trials."""
    (alone / "space.toml").write_text("[model]\ndropout = { min = 0, max = 0.4, step = 0.1 }\n")
    options = ("--objective", "val_loss", "--seed", 7, "--set", "train.optimizer=sgd")
    given = (*options, "--dataset", "optdigits", "--space", "space.toml", "--executions", 2)
    begun = nnguide("tune", "digits", *given, "--trials", 2, "--compare", 0, "--out", "s")
    assert begun.status == 0, begun.err
    before = json.loads((alone / "s" / "search.json").read_text())
    again = ("tune", "digits", "--out", "s", "--compare", 0, "--resume")
    for more, trials in (((), 2), (("--trials", 3), 3), ((*given, "--trials", 4), 4)):
        ended = nnguide(*again, *more, "--json")
        assert ended.status == 0, ended.err
        assert json.loads(ended.out)["completed"] == trials
        assert json.loads((alone / "s" / "search.json").read_text()) == before | {"trials": trials}
    for more, told in (
        (("--objective", "val_f1"), "--objective val_loss -> val_f1"),
        (("--trials", 2), "--trials 4 -> 2"),
        (("--set", "train.seed=8"), "train.seed 7 -> 8"),
        (("--set", "model.l2=0"), "--space"),
        (("--max-epochs", 99), "--max-epochs"),
    ):
        ended = nnguide(*again, *more)
        assert (ended.status, ended.out) == (2, "")
        assert told in ended.err
    ended = nnguide("tune", "spam", "--out", "s", "--resume")
    assert (ended.status, ended.out) == (2, "")
    assert "s is a search of digits, not of spam" in ended.err


def test_few_examples_get_epochs_and_batches_that_suit_them(pretend: None, tmp_path: Path) -> None:
    """As many as `train` would take; what the user chose stays."""
    table = tmp_path / "few.csv"
    table.write_text(
        "label,text\n" + "".join(f"{('ham', 'spam')[n % 2]},text {n}\n" for n in range(100))
    )
    lines: list[str] = []
    options: dict[str, Any] = {"trials": 1, "compare": 0, "say": lines.append}
    found = tune("spam", table, out=tmp_path / "a", **options)
    train = found["config"]["train"]
    examples = 64  # less the test set and the validation set
    assert train["epochs"] * (examples // train["batch_size"]) >= updates.ENOUGH
    assert any("--max-epochs set others" in line for line in lines)
    assert json.loads((tmp_path / "a" / "search.json").read_text())["space"] == {
        "data.dataset": None,
        "train.batch_size": None,
    }
    again = tune("spam", out=tmp_path / "a", resume=True, **options)
    assert again["config"]["train"] == train
    chosen = ["train.batch_size=64"]
    found = tune("spam", table, settings=chosen, max_epochs=3, out=tmp_path / "b", **options)
    assert (found["config"]["train"]["epochs"], found["config"]["train"]["batch_size"]) == (3, 64)


def test_no_trial_in_time(pretend: None, tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="None was started in time"):
        searching.tune(pretended.search(trials=5), out=tmp_path / "s", minutes=1e-9, compare=0)


def test_a_whole_grid_must_be_within_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Narrow it with --space"):
        searching.tune(settle("digits", tuner="grid"), out=tmp_path / "s")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("best, exceeds", [([0.9, 0.92], True), ([0.81, 0.79], False)])
def test_the_comparison_is_honest(best: list[float], exceeds: bool) -> None:
    scores = {"default": [0.80, 0.82], "best": list(best)}
    wanted = pretended.search()
    scorer = pretended.Pretended(wanted)
    tuned = wanted.base.merge({"train": {"epochs": 9}})

    def score(config: Any, seed: int, executions: int) -> Any:
        side = "best" if config.train.epochs == 9 else "default"
        return rows.Row("0", "completed", {}, scores[side][seed - wanted.seed - 1])

    scorer.score = score  # type: ignore[method-assign]
    found = report.compare(scorer, tuned, 2)
    assert found["exceeds"] is exceeds
    assert found["gain"] == pytest.approx(sum(best) / 2 - 0.81)
    assert ("NOT more" in report.verdict(found)[-1]) is not exceeds
    one = report.compare(scorer, tuned, 1)
    assert one["exceeds"] is None
    assert "too few to tell" in report.verdict(one)[-1]


def test_importance_is_the_share_of_variance_that_goes_with_a_setting() -> None:
    def row(number: int) -> rows.Row:
        values = {"number": float(number), "word": "ab"[number % 2], "still": 3}
        return rows.Row(str(number), "completed", values, number / 10)

    done = [row(number) for number in range(8)]
    assert pictures.importance(done, "number") == pytest.approx(1)
    assert pictures.importance(done, "word") < 0.2
    assert pictures.importance(done, "still") is None
    assert pictures.importance(done[:2], "number") is None


@pytest.mark.parametrize("trials", [1, 9])
def test_the_picture_of_few_and_of_many_trials(
    trials: int, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    from PIL import Image

    wanted = pretended.search(trials=trials)
    found = pretended.found(pretended.run(wanted, tmp_path / "state"))
    pictures.draw(wanted, found, tmp_path / "search.png")
    assert Image.open(tmp_path / "search.png").size[0] > 1000
    assert not [warning for warning in recwarn if "layout" in str(warning.message)]


def test_on_the_command_line(nnguide: Any, alone: Path, pretend: None) -> None:
    words = [part for word in tiny.words("digits") for part in ("--set", word)]
    given = ("tune", "digits", "--dataset", "optdigits", *words, "--compare", 0, "--out", "s")
    ended = nnguide(*given, "--trials", 3, "--max-epochs", 1, "--json")
    assert ended.status == 0, ended.err
    json_schema.check(json.loads(ended.out))
    assert "3 of 3 done" in ended.err
    (alone / "space.toml").write_text("[train]\nlearning_rat = 1\n")
    for more, status, message in (
        (["--space", "space.toml"], 2, "train.learning_rate"),
        (["--objective", "val_mcc"], 2, "digits has: val_accuracy"),
        (["--tuner", "hyperband", "--trials", 3], 2, "--max-epochs, --factor and --iterations"),
        (["--workers", 0], 2, "--workers must be 1"),
        (["--minutes", 0], 2, "--minutes"),
        ([], 2, "not empty"),
    ):
        ended = nnguide(*given, *more)
        assert (ended.status, ended.out) == (status, "")
        assert message in ended.err.splitlines()[-1]


def test_a_full_disk_on_the_command_line(
    nnguide: Any, alone: Path, pretend: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from nnguide import files

    real = files.os.fsync
    calls = 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)
    ended = nnguide("tune", "digits", "--dataset", "optdigits", "--compare", 0, "--out", "s")
    assert (ended.status, ended.out) == (9, "")
    assert "the disk is full" in ended.err
    assert "Traceback" not in ended.err
