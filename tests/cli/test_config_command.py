"""`nnguide config` shows settings that read back the same, and a schema that holds them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from json_schema import problems

from nnguide import tasks
from nnguide.cli import command_line
from nnguide.config import json_schema, presets, toml
from nnguide.config.values import flat
from nnguide.errors import ConfigError
from nnguide.training.configure import configure

PRESETS = [(task, preset) for task in tasks.names() for preset in presets.names(task)]


def nnguide(*words: str) -> Result:
    return CliRunner().invoke(command_line, ["config", *words], catch_exceptions=True)


def printed(*words: str) -> dict[str, Any]:
    found = nnguide(*words)
    assert found.exit_code == 0, found.output
    return tomllib.loads(found.stdout)


@pytest.mark.parametrize(("task", "preset"), PRESETS)
def test_what_is_shown_gives_the_same_settings_again(task: str, preset: str) -> None:
    config = configure(task, preset=preset)
    for words in ([], ["--resolved"]):
        tree = printed("show", task, "--preset", preset, *words)
        assert tasks.get(task).defaults.merge(tree) == config
    assert printed("show", task, "--preset", preset, "--resolved") == config.to_dict()


def test_a_run_is_shown_as_it_was_trained() -> None:
    import nnguide as package

    folder = Path(package.__file__).parent / "shipped" / "spam"
    run = package.load(folder)
    assert printed("show", str(folder), "--resolved") == run.config.to_dict()
    assert tasks.get("spam").defaults.merge(printed("show", str(folder))) == run.config
    refused = nnguide("show", str(folder), "--set", "train.epochs=3")
    assert isinstance(refused.exception, ConfigError)


def test_a_note_says_what_each_setting_means() -> None:
    shown = nnguide("show", "digits", "--resolved", "--set", "train.epochs=3").stdout
    rows = {row.name: row for row in tasks.get("digits").defaults.describe()}
    epochs = rows["train.epochs"]
    assert f"epochs = 3  # {epochs.meaning} [{epochs.takes}]" in shown
    assert "kind of network [cnn, dense]" in shown


@given(st.text(max_size=20), st.floats(0, 0.99))
def test_any_value_is_written_as_toml(word: str, number: float) -> None:
    tree = {"data": {"dataset": word}, "model": {"dropout": number}, "train": {"seed": 1}}
    if any(0xD800 <= ord(character) < 0xE000 for character in word):
        return  # no file of UTF-8 holds half a pair
    assert tomllib.loads("\n".join(toml.lines(tree))) == tree


# The schema


def schema(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(nnguide("schema", *words).stdout)
    return found


@pytest.mark.parametrize(("task", "preset"), PRESETS)
def test_every_preset_fits_the_schema(task: str, preset: str) -> None:
    made = schema(task)
    assert made["$schema"] == json_schema.DIALECT
    for tree in (configure(task, preset=preset).to_dict(), presets.preset(task, preset)):
        assert problems(tree, made) == []


@settings(max_examples=40)
@given(
    st.sampled_from([(task, key) for task in tasks.names() for key in
                     flat(tasks.get(task).defaults.to_dict()) if "." in key]),
    st.one_of(st.integers(-2, 3), st.floats(-1, 2), st.booleans(), st.sampled_from(["adam", "x"])),
)  # fmt: skip
def test_the_schema_takes_what_a_configuration_takes(where: tuple[str, str], value: Any) -> None:
    task, key = where
    tree: Any = value
    for part in reversed(key.split(".")):
        tree = {part: tree}
    chosen = tasks.get(task)
    made = json_schema.schema({task: (chosen.defaults, tuple(chosen.models))})
    try:
        taken = flat(chosen.defaults.merge(tree).to_dict())[key]
    except ConfigError:
        assert problems(tree, made) or key == "model.kind"
    else:
        assert isinstance(taken, str) or not problems(tree, made)  # a word may be typed as a number


def test_the_schema_refuses_what_a_configuration_refuses() -> None:
    made = schema("digits")
    for wrong in (
        {"train": {"epoch": 3}},
        {"train": {"epochs": 0}},
        {"train": {"optimizer": "lamb"}},
        {"model": {"dropout": 1}},
        {"model": {"hidden": [0]}},
        {"model": {"space_to_depth": 3}},
        {"augment": {"hands": "many"}},
        {"tokens": {}},
        {"task": "spam"},
    ):
        assert problems(wrong, made), wrong


# Completion


def completed(line: str) -> list[str]:
    """What zsh and fish are told when Tab is pressed at the end of a line."""
    *before, typed = line.split(" ")
    found = subprocess.run(
        [sys.executable, "-m", "nnguide"],
        env={
            **os.environ,
            "_NNGUIDE_COMPLETE": "fish_complete",
            "COMP_WORDS": "\n".join(before),
            "COMP_CWORD": typed,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr == ""
    return [row.split("\t")[1] for row in found.stdout.splitlines() if row]


@pytest.mark.parametrize(
    ("line", "wanted", "unwanted"),
    [
        ("nnguide tr", ["train"], ["tune"]),
        ("nnguide train ", ["digits", "spam", "table"], []),
        ("nnguide train spam --preset ", ["default", "mail"], ["dense-augmented"]),
        ("nnguide train spam --dataset sms_spam+spamass", ["sms_spam+spamassassin"], ["mnist"]),
        ("nnguide train digits --set train.opt", ["train.optimizer="], ["train.epochs="]),
        (
            "nnguide train digits --set train.optimizer=ad",
            ["train.optimizer=adam", "train.optimizer=adamw"],
            ["train.optimizer=sgd"],
        ),
        ("nnguide train digits --set model.kind=", ["model.kind=cnn", "model.kind=dense"], []),
        ("nnguide train spam --set augment", [], ["augment.shift="]),
        ("nnguide evaluate sp", ["spam"], ["digits"]),
        ("nnguide config show di", ["digits"], []),
    ],
)
def test_words_are_completed(line: str, wanted: list[str], unwanted: list[str]) -> None:
    found = completed(line)
    assert set(wanted) <= set(found)
    assert not set(unwanted) & set(found)


def test_runs_are_completed_by_folder(
    tmp_path: Path, trained: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("one", "two"):
        (tmp_path / "mine" / name).mkdir()
        (tmp_path / "mine" / name / "manifest.json").write_text("{}")
    assert {"mine/one", "mine/two"} <= set(completed("nnguide predict mine/"))


def test_completion_imports_nothing_heavy() -> None:
    code = """
import sys, os
os.environ.update(_NNGUIDE_COMPLETE="bash_complete", COMP_LINE=sys.argv[1])
os.environ["COMP_POINT"] = str(len(sys.argv[1]))
from nnguide import cli
try:
    cli.main([])
except SystemExit:
    pass
heavy = set("tensorflow keras sklearn matplotlib PIL numpy jinja2".split())
print(*sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    for line in ("nnguide train spam --set tr", "nnguide predict ", "nnguide tune --dataset "):
        found = subprocess.run(
            [sys.executable, "-c", code, line], capture_output=True, text=True, check=True
        )
        assert found.stderr.strip() == ""


def test_the_list_of_commands_is_that_of_the_commands_and_imports_none() -> None:
    context = click.Context(command_line)
    for name, listed in command_line.outline(context).commands.items():
        command = command_line.get_command(context, name)
        assert command is not None
        assert listed.get_short_help_str(200) == command.get_short_help_str(200)
        assert not command.hidden
    code = """
import sys
from nnguide import cli
try:
    cli.main(["--help"])
except SystemExit:
    pass
names = [name for name in sys.modules if name.startswith("nnguide.cli.") and "._" not in name]
print(*names, file=sys.stderr)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stderr.strip() == ""
    assert "  train " in found.stdout
