"""nnguide train: settings in their order, a configuration fed back, a folder replaced whole."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path

import pytest
import tiny

DIGIT = Path(__file__).parents[2] / "docs" / "digit.png"
CONTRACT = {
    *("schema", "command", "run", "task", "dataset", "dataset_is_fallback", "epochs"),
    *("best_epoch", "train_seconds", "val_accuracy", "val_loss"),
}


@pytest.fixture
def words():
    """Options that make a training of a task tiny."""

    def of(task: str, *more: str) -> list[str]:
        settings = [*tiny.words(task), "train.epochs=1", *more]
        return [task, *(part for setting in settings for part in ("--set", setting))]

    return of


def settings(run: Path) -> dict:
    return json.loads((run / "config.json").read_text())


def test_the_answer_in_json_and_the_run_that_it_names(nnguide, words):
    ended = nnguide("train", *words("digits"), "--dataset", "optdigits", "--json")
    assert ended.status == 0
    answer = json.loads(ended.out)
    assert answer.keys() >= CONTRACT
    run = Path(answer["run"])
    assert run.parent == Path("saved_models/runs")
    assert run.name.startswith("digits-")
    assert run.name.endswith("-0")
    metrics = json.loads((run / "metrics.json").read_text())
    assert {key: answer[key] for key in CONTRACT - {"schema", "command"}} == {
        key: metrics[key] for key in CONTRACT - {"schema", "command"}
    }
    assert {path.name for path in run.iterdir()} >= {
        *("config.json", "model.keras", "history.csv", "metrics.json", "curves.png"),
        "manifest.json",
    }
    assert len(list(csv.reader((run / "history.csv").open()))) == 2
    assert nnguide("evaluate", run).err == f"run: {run}\n"
    named = nnguide("predict", "digits", DIGIT).err.splitlines()
    assert named[0].startswith(f"{run} was trained on built-in examples")  # and shadows nothing
    assert named[1].endswith("shipped/digits")


def test_auto_says_that_it_takes_a_stand_in(nnguide, words):
    ended = nnguide("train", *words("digits"), "--out", "run", "--json")
    assert ended.status == 0
    told = [line for line in ended.err.splitlines() if "optdigits" in line]
    assert "mnist was not found" in told[0]
    answer = json.loads(ended.out)
    assert (answer["dataset"], answer["dataset_is_fallback"]) == ("optdigits", True)
    assert json.loads((Path("run") / "manifest.json").read_text())["dataset_is_fallback"] is True
    ended = nnguide("evaluate", "run", "--json")
    assert json.loads(ended.out)["dataset_is_fallback"] is True
    assert "stand-in" in ended.err


@pytest.mark.parametrize("task", [pytest.param("digits", marks=pytest.mark.slow), "spam"])
def test_a_configuration_fed_back_gives_the_same_run_bit_for_bit(nnguide, words, task):
    options = ("--dataset", tiny.built_in(task), "--deterministic", "--out")
    with tiny.bare():
        assert nnguide("train", *words(task, "train.seed=3"), *options, "first").status == 0
        ended = nnguide("train", task, "--config", "first/config.json", "--out", "second")
    assert ended.status == 0
    for name in ("model.keras", "config.json", "history.csv", "decision.json"):
        first, second = (Path(run, name).read_bytes() for run in ("first", "second"))
        assert first == second, name
    assert nnguide("runs", "compare", "first", "second").out.startswith("settings: the same")


def test_later_settings_win(nnguide, words, alone):
    (alone / "mine.toml").write_text(
        "[train]\nbatch_size = 64\nepochs = 1\nlearning_rate = 0.5\nseed = 5\n"
        '[model]\nkind = "dense"\nhidden = [8]\n'
    )
    base = ("train", "digits", "--dataset", "optdigits", "--config", "mine.toml")
    with tiny.bare():
        ended = nnguide(
            *(*base, "--learning-rate", "0.25", "--seed", "6", "--set", "train.seed=7"),
            *("--set", "train.steps_per_execution=1", "--out", "run"),
        )
    assert ended.status == 0
    train = settings(Path("run"))["train"]
    assert train["schedule"] == "onecycle"  # the preset's
    assert (train["batch_size"], train["epochs"]) == (64, 1)
    assert (train["learning_rate"], train["seed"]) == (0.25, 7)


def test_a_configuration_of_another_task_or_with_unknown_keys_is_refused(nnguide, trained, alone):
    config = trained("spam").folder / "config.json"
    ended = nnguide("train", "digits", "--config", config)
    assert ended.status == 2
    assert "'spam'" in ended.err
    (alone / "mine.toml").write_text("[train]\nepoch = 1\n")
    ended = nnguide("train", "digits", "--config", "mine.toml")
    assert ended.status == 2
    assert "train.epochs" in ended.err
    assert list(alone.iterdir()) == [alone / "mine.toml"]


def test_force_replaces_a_folder_whole_and_at_the_end(nnguide, words, alone):
    (alone / "run").mkdir()
    (alone / "run" / "kept").write_text("mine")
    base = ("train", *words("spam"), "--out", "run")
    assert nnguide(*base, "--dataset", "spam_sample").status == 2
    assert nnguide(*base, "--dataset", "sms_spam", "--force").status == 3
    assert (alone / "run" / "kept").read_text() == "mine"
    with tiny.bare():
        assert nnguide(*base, "--dataset", "spam_sample", "--force").status == 0
    assert not (alone / "run" / "kept").exists()
    assert {path.name for path in alone.iterdir()} - {"registry"} == {"run"}


def test_a_table_with_columns_of_other_names(nnguide, words, alone):
    folder = alone / "1,5"
    folder.mkdir()
    with (folder / "mine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "body"])
        writer.writerows(
            ("spam" if n % 2 else "ham", f"{'win' if n % 2 else 'see'} {chr(97 + n % 26) * 4} {n}")
            for n in range(60)
        )
    columns = ("--label-column", "class", "--text-column", "body")
    data = ("--dataset", "1,5/mine.csv", *columns)
    with tiny.bare():
        ended = nnguide("train", *words("spam"), *data, "--out", "run")
    assert ended.status == 0, ended.err
    figures = json.loads(nnguide("evaluate", "run", "--json").out)
    assert (figures["split"], figures["n"]) == ("test", 12)
    again = nnguide("evaluate", "run", *data[:2], "--split", "test", "--json")
    assert json.loads(again.out) == {**figures, "dataset": json.loads(again.out)["dataset"]}
    ended = nnguide("evaluate", "run", "--dataset", "spam_sample", "--split", "validation")
    assert (ended.status, ended.out) == (2, "")
    (folder / "mine.csv").unlink()
    ended = nnguide("evaluate", "run")
    assert (ended.status, ended.out) == (3, "")
    assert "no longer exists" in ended.err


def test_a_loss_that_is_not_finite_ends_with_8(nnguide, words, alone):
    wild = ("train.learning_rate=1e9", "train.optimizer=sgd", "train.schedule=constant")
    base = ("train", *words("digits", "train.epochs=3", *wild), "--dataset", "optdigits")
    ended = nnguide(*base, "--out", "run")
    assert (ended.status, ended.out) == (8, "")
    assert "nan in epoch 1" in ended.err
    assert not (alone / "run").exists()


@pytest.mark.parametrize(
    "name, content",
    [
        ("deep.json", '{"train": ' + "[" * 50_000 + "]" * 50_000 + "}"),
        ("deep.json", '{"train": ' + '{"a":' * 900 + "1" + "}" * 900 + "}"),
        ("deep.toml", "train = " + "[" * 50_000 + "]" * 50_000),
        ("deep.toml", "train = " + "[" * 400 + "]" * 400),
        ("number.json", '{"train": {"epochs": 1e999}}'),
        ("half.json", '{"train": {"schedule": "\\ud800"}}'),
    ],
)
def test_a_configuration_that_is_too_deep_or_none_is_refused(nnguide, alone, name, content):
    (alone / name).write_text(content)
    ended = nnguide("train", "digits", "--config", name, "--out", "r")
    assert (ended.status, ended.out) == (2, "")
    assert name in ended.err
    assert "bug" not in ended.err
    for deep in ("[" * 900 + "]" * 900, "[" * 50_000 + "]" * 50_000):
        ended = nnguide("train", "digits", "--set", f"train.epochs={deep}", "--out", "r")
        assert (ended.status, ended.out) == (2, "")
        assert "bug" not in ended.err
    assert not (alone / "r").exists()


@pytest.mark.slow  # a minute of trainings
def test_from_starts_from_a_run_and_the_closing_time_is_that_of_the_command(nnguide, words):
    assert nnguide("train", *words("spam"), "--dataset", "spam_sample", "--out", "base").status == 0
    more = ("--from", "base", "--dataset", "spam_sample", "--epochs", "1", "--out", "next")
    began = time.monotonic()
    ended = nnguide("train", "spam", *more, "--set", "calibration.folds=2")
    passed = time.monotonic() - began
    assert ended.status == 0, ended.err
    assert "base has validation accuracy" in ended.err
    assert "base has learned from examples that calibration scores" in ended.err
    assert "calibration fold 1 of 2: " in ended.err
    assert re.search(r"about \d+ s left", ended.err)
    said = float(re.search(r"epochs? and ([0-9.]+) s", ended.out)[1])
    assert json.loads(Path("next/metrics.json").read_text())["train_seconds"] < said + 0.05
    assert said - 0.05 < passed  # it is said with one digit
    assert settings(Path("next"))["train"]["start_from"].startswith("base@")
    again = nnguide("train", "spam", *more, "--set", "calibration.folds=2", "--resume")
    assert (again.status, "already finished" in again.err) == (0, True)
    refused = nnguide("train", "digits", "--from", "base", "--dataset", "optdigits")
    assert refused.status == 2
    assert "a run of spam; expected one of digits" in refused.err


def test_epochs_that_suit_the_data_are_said_and_recorded(nnguide):
    write = [f"{n % 2},offer {n} of {n * 7 % 13}" for n in range(200)]
    Path("mine.csv").write_text("\n".join(["label,text", *write]))
    tiny_words = ("tokens.words=300", "tokens.buckets=512", "calibration.on=none")
    options = [part for word in tiny_words for part in ("--set", word)]
    ended = nnguide("train", "spam", "--dataset", "mine.csv", *options, "--from", "spam")
    assert ended.status == 2  # the vocabulary is that of the run
    ended = nnguide("train", "spam", "--dataset", "mine.csv", *options, "--out", "r")
    assert ended.status == 0, ended.err
    train = settings(Path("r"))["train"]
    assert train["epochs"] == 100
    assert "batches of 32 and 100 epochs make 400 updates" in ended.err
    assert "the spam network of nnguide has validation accuracy" in ended.err
    assert ended.err.count("epoch ") < 60
    with tiny.bare():
        fixed = nnguide("train", "spam", "--dataset", "mine.csv", *options, "--epochs", "2")
    assert settings(Path(fixed.out.split(":")[0]))["train"]["epochs"] == 2
