"""nnguide data list, info and prepare."""

import json

import pytest
from click.testing import CliRunner

from nnguide import data
from nnguide.cli import command_line


def _run(*arguments):
    done = CliRunner().invoke(command_line, ["data", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done


def test_list(cache):
    assert all(name in _run("list").stdout for name in data.names())
    answer = json.loads(_run("list", "--json").stdout)
    assert (answer["schema"], answer["command"]) == (1, "data list")
    assert {row["name"]: row["state"] for row in answer["sets"]} == {
        name: "built in" if name in ("optdigits", "spam_sample") else "not prepared"
        for name in data.names()
    }


@pytest.mark.parametrize("name", data.names())
def test_info(cache, name):
    answer = json.loads(_run("info", name, "--json").stdout)
    assert (answer["schema"], answer["command"], answer["name"]) == (1, "data info", name)
    assert (answer["counts"] is None) == (not answer["built_in"])
    shown = _run("info", name).stdout
    assert answer["terms"] in shown
    assert all(flaw in shown for flaw in answer["flaws"])


def test_prepare(cache):
    answer = json.loads(_run("prepare", "spam_sample", "--json").stdout)
    assert (answer["command"], answer["folder"]) == ("data prepare", None)
    assert set(answer["counts"]) == {"train", "test"}


@pytest.mark.parametrize("arguments", [[], ["list"], ["info"], ["prepare"]])
def test_help_has_an_example(arguments):
    assert "nnguide data" in _run(*arguments, "--help").stdout


def test_a_path_with_a_training_set_alone_is_shown(tmp_path):
    rows = "label,text\nspam,win a prize\nham,see you\nham,hello there\nspam,cheap pills\n"
    (tmp_path / "train.csv").write_text(rows)
    answer = json.loads(_run("info", str(tmp_path), "--json").stdout)
    assert answer["counts"] == {"train": {"ham": 2, "spam": 2}}
