"""nnguide evaluate and nnguide runs: figures as CONTRACTS names them, on data of any kind."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from nnguide import data
from nnguide.data import enron_spam

sys.path.append(str(Path(__file__).parents[1] / "data"))
import mails as made

SHARED = {
    *("schema", "command", "task", "dataset", "dataset_is_fallback", "split", "n", "accuracy"),
    *("accuracy_low", "accuracy_high", "loss", "error_rate", "precision", "recall", "f1"),
    *("calibration_error", "confusion"),
}
OF_SPAM = {"spam_caught", "blocked_ham", "mcc", "threshold", "roc_auc", "pr_auc"}


@pytest.fixture
def table(alone: Path) -> Path:
    """Forty messages in a CSV file whose columns have other names."""
    with (alone / "mine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "body"])
        for number in range(40):
            label, text = ("spam", "win a prize") if number % 2 else ("ham", "see you at")
            writer.writerow([label, f"{text}, {chr(97 + number % 26) * 5} {number}"])
    return alone / "mine.csv"


def answer(ended) -> dict:
    assert ended.status == 0, ended.err
    (line,) = ended.out.splitlines()
    return json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_the_figures_of_digits(nnguide, trained):
    figures = answer(nnguide("evaluate", trained("digits").folder, "--json"))
    assert figures.keys() >= SHARED
    assert not figures.keys() & OF_SPAM
    test = data.find("digits", "optdigits").load("test")
    assert figures["n"] == len(test)
    assert [sum(row) for row in figures["confusion"]] == list(test.counts().values())
    right = sum(figures["confusion"][i][i] for i in range(10))
    assert figures["accuracy"] == right / len(test)
    assert figures["error_rate"] == pytest.approx(1 - figures["accuracy"])
    assert figures["accuracy_low"] < figures["accuracy"] < figures["accuracy_high"]
    assert (figures["command"], figures["split"]) == ("evaluate", "test")
    assert (figures["dataset"], figures["dataset_is_fallback"]) == ("optdigits", False)


def test_the_figures_of_spam(nnguide, trained):
    figures = answer(nnguide("evaluate", trained("spam").folder, "--json"))
    assert figures.keys() >= SHARED | OF_SPAM
    (kept, blocked), (missed, caught) = figures["confusion"]
    assert figures["blocked_ham"] == blocked / (kept + blocked)
    assert figures["spam_caught"] == caught / (missed + caught)


def test_an_undefined_ratio_is_null(nnguide, trained):
    run = trained("spam").folder
    figures = answer(nnguide("evaluate", run, "--threshold", 1, "--json"))
    assert figures["threshold"] == 1
    assert (figures["precision"], figures["mcc"]) == (None, None)
    assert figures["spam_caught"] == figures["blocked_ham"] == 0
    assert "undefined" in nnguide("evaluate", run, "--threshold", 1).out


def test_each_part_of_the_runs_own_data(nnguide, trained):
    run = trained("spam")
    parts = {
        split: answer(nnguide("evaluate", run.folder, "--split", split, "--json"))
        for split in ("train", "validation", "test", "all")
    }
    n = {split: figures["n"] for split, figures in parts.items()}
    assert (n["train"], n["validation"]) == (run.metrics["n_train"], run.metrics["n_validation"])
    assert n["train"] + n["validation"] + n["test"] == n["all"]
    assert parts["validation"]["accuracy"] == run.metrics["val_accuracy"]
    assert parts["validation"]["loss"] == pytest.approx(run.metrics["val_loss"], rel=1e-5)


def test_a_table_that_the_run_was_not_trained_on(nnguide, trained, table):
    run = trained("spam").folder
    ended = nnguide("evaluate", run, "--dataset", table)
    assert ended.status == 0  # the one pair of columns that fits is taken, and named
    assert "'class'" in ended.err
    assert "'body'" in ended.err
    columns = ("--label-column", "class", "--text-column", "body", "--json")
    figures = answer(nnguide("evaluate", run, "--dataset", table, *columns))
    assert (figures["n"], figures["split"]) == (40, "all")
    assert figures["dataset"] == str(table)
    figures = answer(nnguide("evaluate", run, "--dataset", table, *columns, "--split", "test"))
    assert (figures["n"], figures["split"]) == (8, "test")
    ended = nnguide("evaluate", run, "--dataset", table, *columns, "--split", "validation")
    assert (ended.status, ended.out) == (2, "")


def test_class_folders_of_some_of_the_labels(nnguide, trained, alone):
    for label in "17":
        (alone / "mine" / label).mkdir(parents=True)
        for number in range(3):
            picture = Image.new("L", (60, 80), 255)
            drawing = ImageDraw.Draw(picture)
            drawing.line([(30 + number, 10), (30, 70)], fill=0, width=8)
            if label == "7":
                drawing.line([(10, 10), (30 + number, 10)], fill=0, width=8)
            picture.save(alone / "mine" / label / f"{number}.png")
    figures = answer(nnguide("evaluate", trained("digits").folder, "--dataset", "mine", "--json"))
    assert (figures["n"], figures["split"], figures["dataset"]) == (6, "all", "mine")
    assert [sum(row) for row in figures["confusion"]] == [0, 3, 0, 0, 0, 0, 0, 3, 0, 0]
    assert figures["per_class"][0]["recall"] is None


def test_a_folder_with_the_name_of_a_set_is_not_the_set(nnguide, trained, alone):
    (alone / "spam_sample").mkdir()
    figures = answer(nnguide("evaluate", trained("spam").folder, "--json"))
    assert (figures["dataset"], figures["split"], figures["n"]) == ("spam_sample", "test", 228)


def test_a_stand_in_is_never_quiet(nnguide, trained):
    ended = nnguide("evaluate", trained("spam").folder, "--dataset", "auto", "--json")
    assert answer(ended)["dataset_is_fallback"] is True
    (line,) = (line for line in ended.err.splitlines() if "sms_spam was not found" in line)
    assert "built-in spam_sample" in line


@pytest.mark.parametrize(
    "task, words, status, reason",
    [
        ("spam", ["--threshold", "2"], 2, "[0, 1]"),
        ("spam", ["--threshold", "nan"], 2, "[0, 1]"),
        ("digits", ["--threshold", "0.5"], 2, "is for spam"),
        ("spam", ["--dataset", "mnist"], 2, "for digits"),
        ("spam", ["--dataset", "spam_sampl"], 2, "spam_sample"),
        ("spam", ["--label-column", "x"], 2, "are for a table"),
        ("spam", ["--dataset", "sms_spam"], 3, "sms_spam was not found"),
        ("digits", ["--dataset", "mnist"], 3, "nnguide data prepare mnist"),
        ("digits", ["--dataset", "."], 4, "2 to 100 labels"),
    ],
)
def test_wrong_use(nnguide, trained, task, words, status, reason):
    ended = nnguide("evaluate", trained(task).folder, *words)
    assert (ended.status, ended.out) == (status, "")
    assert reason in ended.err.splitlines()[-1]


@pytest.fixture
def joined(trained, alone, monkeypatch):
    """A run that says it learned from two sets of mail, as new and as old versions write it."""
    for number in (2, 4):
        mails = [
            (label, f"{label} of {number}, {n}") for label in ("ham", "spam") for n in range(20)
        ]
        made.as_enron(alone / "data" / "enron_spam", number, mails)
    monkeypatch.setattr(enron_spam, "ENRON_FOLDERS", ((2, 20, 20), (4, 20, 20)))
    monkeypatch.setattr(enron_spam, "_SHA256", {})
    monkeypatch.setenv("NNGUIDE_DATA_DIR", str(alone / "data"))

    def run(dataset_path):
        folder = alone / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(trained("spam").folder, folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest |= {"dataset": JOINED, "dataset_path": dataset_path, "dataset_is_fallback": False}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return run


JOINED = "enron_spam/2+enron_spam/4"


@pytest.mark.parametrize("dataset_path", [None, f"/gone/{JOINED}"])
def test_a_run_of_joined_sets_is_measured_on_their_test_parts(nnguide, joined, dataset_path):
    run = joined(dataset_path)
    named = ["--dataset", JOINED], ["--dataset", "enron_spam/4"]
    for words in ([], *(named if dataset_path is None else ())):
        figures = answer(nnguide("evaluate", run, *words, "--json"))
        dataset = words[-1] if words else JOINED
        test = data.find("spam", dataset).load("test")
        assert (figures["dataset"], figures["split"]) == (dataset, "test")
        assert figures["n"] == len(test)
    assert len(data.find("spam", JOINED).load("all")) == 80
    ended = nnguide("evaluate", run, "--dataset", "enron_spam/4", "--split", "validation")
    assert ended.status == 2
    assert f"of the run's own data, {JOINED}" in ended.err


def test_the_list_of_runs(nnguide, trained, alone):
    ended = nnguide("runs")
    assert (ended.status, ended.out) == (0, "")
    assert "no runs yet" in ended.err
    assert answer(nnguide("runs", "--json"))["runs"] == []

    root = alone / "saved_models" / "runs"
    for task in ("digits", "spam"):
        shutil.copytree(trained(task).folder, root / task)
    (root / "half.train.unfinished").mkdir()
    shutil.copytree(trained("spam").folder, root / "no-figures")
    (root / "no-figures" / "metrics.json").write_text("{}")
    ended = nnguide("runs")
    assert ended.status == 0
    first, second = sorted(("digits", "spam"), key=lambda task: trained(task).manifest["created"])
    data = {"digits": "optdigits", "spam": "spam_sample"}
    assert [line.split("\t")[:3] for line in ended.out.splitlines()] == [
        [f"saved_models/runs/{task}", task, data[task]] for task in (first, second)
    ]
    assert "no-figures" in ended.err
    rows = answer(nnguide("runs", "--json"))["runs"]
    assert [row["val_accuracy"] for row in rows] == [
        trained(task).metrics["val_accuracy"] for task in (first, second)
    ]


def test_what_differs_between_two_runs(nnguide, trained):
    digits, spam = trained("digits").folder, trained("spam").folder
    same = answer(nnguide("runs", "compare", spam, spam, "--json"))
    assert (same["settings"], same["figures"]) == ({}, {})
    assert "settings: the same" in nnguide("runs", "compare", spam, spam).out
    other = answer(nnguide("runs", "compare", digits, spam, "--json"))
    assert other["settings"]["task"] == ["digits", "spam"]
    assert other["settings"]["tokens.words"] == [None, 300]
    assert other["figures"]["dataset"] == ["optdigits", "spam_sample"]
    assert nnguide("runs", "compare", spam, "nowhere").status == 5
