"""Help answers at once and shows how; a mistyped name is answered with the nearest one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import click
import processes
import pytest

from nnguide import __version__
from nnguide.cli import command_line

HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib", "torch", "numpy", "PIL")


def paths(group: click.Group = command_line, before: tuple[str, ...] = ()) -> Iterator[tuple]:
    """Every command as typed, groups too."""
    yield before
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from paths(command, (*before, name))
        else:
            yield (*before, name)


ALL = list(paths())


def test_help_of_every_command_imports_no_framework():
    """One process asks for all; the last line it writes names what it has imported."""
    code = f"""
import sys
from nnguide.cli import main
for path in {ALL!r}:
    try:
        main([*path, "--help"])
    except SystemExit as ended:
        assert not ended.code, path
print(*sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    found = subprocess.run(
        [processes.PYTHON, "-c", code],
        env=processes.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_of_every_command_has_an_example_of_it(nnguide, path):
    ended = nnguide(*path, "--help")
    assert (ended.status, ended.err) == (0, "")
    about = ended.out.split("\n", 1)[1].split("\nOptions:")[0]
    assert re.search(rf"(?:  |Example: ){' '.join(['nnguide', *path])}\b", about)
    for option in ("--debug", "-v, --verbose", "-q, --quiet", "--version", "-h, --help"):
        assert option in ended.out


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_the_options_of_nnguide_are_taken_before_and_after_a_command(nnguide, path):
    if list(path) != ["export"]:  # whose --version N numbers what it writes
        assert nnguide(*path, "--version").out == f"nnguide {__version__}\n"
    assert nnguide(*path, "--debug", "-q", "-v", "--help").status == 0
    assert nnguide("--debug", "-q", "-v", *path, "--help").status == 0


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("trian digits", "train"),
        ("data lst", "list"),
        ("runs compere a b", "compare"),
        ("train digits --epchs 3", "--epochs"),
        ("train digit", "digits"),
        ("train digits --preset defalt", "default"),
        ("train digits --model dens", "dense"),
        ("train digits --optimizer adma", "adam"),
        ("train digits --set train.epoch=3", "train.epochs"),
        ("train digits --set model.kind=cnnn", "cnn"),
        ("train digits --dataset mnst", "mnist"),
        ("data info mnst", "mnist"),
        ("evaluate digits --split tset", "test"),
    ],
)
def test_a_mistyped_name_is_wrong_use_and_the_nearest_is_named(nnguide, typed, meant):
    ended = nnguide(*typed.split())
    assert (ended.status, ended.out) == (2, "")
    assert meant in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err


def test_an_argument_that_begins_with_a_minus_is_told_where_to_go(nnguide):
    ended = nnguide("predict", "spam", "-50 % today")
    assert ended.status == 2
    assert "goes after --" in ended.err


def test_an_error_has_a_traceback_only_with_debug(nnguide):
    assert nnguide("evaluate", "nowhere").err.splitlines()[1:] == []
    for words in (("--debug", "evaluate", "nowhere"), ("evaluate", "nowhere", "--debug")):
        ended = nnguide(*words)
        assert ended.status == 5
        assert "Traceback" in ended.err


def test_a_bug_is_said_to_be_one(nnguide, monkeypatch):
    from nnguide import runs

    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(runs, "load", broken)
    ended = nnguide("predict", "spam", "hello")
    assert ended.status == 1
    assert "this is a bug: ZeroDivisionError: division by zero" in ended.err
    assert "--debug" in ended.err
    assert "Traceback" not in ended.err
    assert "Traceback" in nnguide("predict", "spam", "hello", "--debug").err
