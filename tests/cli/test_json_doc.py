"""Every answer of --json is as its schema says, and so are the examples on docs/json.md."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import json_schema
import pytest
import tiny

from nnguide.cli import command_line
from nnguide.evaluation import changes
from nnguide.export import benchmark

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "json.md"


def answering(group: click.Group = command_line, before: str = "") -> Iterator[str]:
    """Every command that takes --json."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        path = f"{before} {name}".strip()
        if any("--json" in parameter.opts for parameter in command.params):
            yield path
        if isinstance(command, click.Group):
            yield from answering(command, path)


def answers(ended) -> list[dict]:
    lines = ended.out.splitlines()
    assert lines, ended.err
    assert ended.out.isascii()
    return [json.loads(line, parse_constant=pytest.fail) for line in lines]


def test_every_command_that_answers_in_json_has_a_schema():
    commands = set(answering()) - {"runs list"}  # which answers as `runs`
    assert commands == set(json_schema.schemas())


def test_the_page_is_what_the_schemas_make():
    check = [sys.executable, "scripts/make_json_page", "--check"]
    ended = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("command", sorted(json_schema.schemas()))
def test_the_examples_of_a_schema_fit_it(command):
    for example in json_schema.schemas()[command].get("examples", ()):
        assert example["command"] == command
        when = [example.get("task", "spam"), "failed" if "error" in example else "answered"]
        if example["command"] == "predict":
            when = [*when, "an input"] if "input" in example else ["--dataset"]
        json_schema.check(example, *when, "a set")


def test_the_examples_on_the_page_are_json():
    examples = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    written = [json.loads(text) for text in examples]
    made = [x for schema in json_schema.schemas().values() for x in schema.get("examples", ())]
    assert sorted(map(str, written)) == sorted(map(str, made))


def test_data(nnguide):
    for words in (
        *(["list"], ["prepare", "optdigits"], ["prepare", "spam_sample"]),
        *(["info", name] for name in ("mnist", "sms_spam/paper", "spam_sample")),
    ):
        (answer,) = answers(nnguide("data", *words, "--json"))
        json_schema.check(answer, "a set")


def test_data_at_a_path(nnguide, alone):
    (alone / "t.csv").write_text("label,text\nham,a b\nham,c\nspam,d\nspam,e\nx,y\n")
    ended = nnguide("data", "info", "t.csv", "--json")
    (answer,) = answers(ended)
    json_schema.check(answer, "a path")
    assert ended.status == 4
    assert [one["name"] for one in answer["left_out"]] == ["line 6"]
    assert answer["examples"][0]["label"] == "ham"
    assert nnguide("data", "info", "t.csv", "--out", "x.png").status == 2


@pytest.mark.parametrize("task", [pytest.param("digits", marks=pytest.mark.slow), "spam"])
def test_train(nnguide, task):
    words = [part for word in tiny.words(task) for part in ("--set", word)]
    with tiny.bare():
        ended = nnguide("train", task, *words, "--epochs", 1, "--json")
    (answer,) = answers(ended)
    json_schema.check(answer)
    (listed,) = answers(nnguide("runs", "--json"))
    json_schema.check(listed)
    assert len(listed["runs"]) == 1


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_evaluate(nnguide, trained, task):
    more = ("--threshold", 1) if task == "spam" else ()
    (answer,) = answers(nnguide("evaluate", trained(task).folder, *more, "--json"))
    json_schema.check(answer, task)


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_audit(nnguide, trained, alone, task, monkeypatch):
    monkeypatch.setattr(changes, "PICTURES_READ", 10)
    (answer,) = answers(nnguide("audit", trained(task).folder, "--json"))
    json_schema.check(answer, task)
    assert not list(alone.glob("*.html"))


def test_predict(nnguide, trained, alone):
    from PIL import Image

    picture = Image.new("L", (28, 28), 255)
    picture.paste(0, (12, 4, 16, 24))
    picture.save(alone / "one.png")
    good, bad = answers(
        nnguide("predict", trained("digits").folder, "one.png", "nowhere.png", "--json")
    )
    json_schema.check(good, "digits", "an input", "answered")
    json_schema.check(bad, "an input", "failed")
    good, bad = answers(nnguide("predict", trained("spam").folder, "hello", "", "--json"))
    json_schema.check(good, "an input", "answered")
    json_schema.check(bad, "an input", "failed")
    (alone / "two.csv").write_text('text\nhello\n""\n', encoding="utf-8")
    words = ("--dataset", "two.csv", "--out", "answers.csv", "--json")
    (whole,) = answers(nnguide("predict", trained("spam").folder, *words))
    json_schema.check(whole, "--dataset")


def test_runs_compare(nnguide, trained):
    words = ("compare", trained("digits").folder, trained("spam").folder)
    (answer,) = answers(nnguide("runs", *words, "--json"))
    json_schema.check(answer)


def test_threshold_and_ensemble(nnguide, calibrated, alone):
    shutil.copytree(calibrated.folder, alone / "run")
    ended = nnguide("threshold", "run", "--max-blocked-ham", "0.1", "--out", "strict", "--json")
    (answer,) = answers(ended)
    json_schema.check(answer)
    shutil.copytree(alone / "run", alone / "again")
    (answer,) = answers(nnguide("ensemble", "run", "again", "--out", "both", "--json"))
    json_schema.check(answer)


@pytest.mark.parametrize(
    ("task", "form"),
    [pytest.param("spam", "litert", marks=pytest.mark.slow), ("digits", "litert")],
)
def test_export(nnguide, trained, monkeypatch, task, form):
    from nnguide.export import verify

    monkeypatch.setattr(verify, "CHECKED", 20)
    words = ("export", trained(task).folder, "--format", form, "--out", "exports", "--json")
    (answer,) = answers(nnguide(*words))
    json_schema.check(answer, task)


@pytest.mark.slow
def test_benchmark(nnguide, trained, monkeypatch):

    monkeypatch.setattr(benchmark, "SECONDS", 0.05)
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    (answer,) = answers(nnguide("benchmark", trained("spam").folder, "--json"))
    json_schema.check(answer)
    missing = {row["form"]: row["missing"] for row in answer["forms"]}
    assert "nnguide[onnx]" in missing.pop("onnx")
    assert set(missing.values()) == {None}
    right = [row["accuracy"] for row in answer["forms"] if row["accuracy"] is not None]
    assert max(right) - min(right) < 0.02
