"""The command `nnguide exercise`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.cli import _options, _terminal
from nnguide.errors import FindingsError, InputError

MARKS = {"passed": "✓", "wrong": "✗", "not written": "·"}
INTERVAL = 0.3  # seconds between two looks at the files

directory = click.option(
    "--dir",
    "folder",
    type=_options.GivenPath(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder of your exercises. [this folder]",
)


@click.group("exercise", cls=cli.Group)
def command() -> None:
    """Write a neural network yourself, step by step.

    You learn the name of each mistake.

    \b
    Examples:
      nnguide exercise start my-network
      nnguide exercise check 1 --dir my-network
      nnguide exercise hint sigmoid
    """


@command.command("list")
@_options.as_json
def list_(as_json: bool) -> None:
    """List the exercises, in the order of the guide.

    Example: nnguide exercise list
    """
    from nnguide.learn.exercises import catalogue

    rows = [
        {
            "exercise": exercise.name,
            "file": catalogue.file_name(exercise),
            "title": exercise.title,
            "doc": f"guide#{exercise.step}",
        }
        for exercise in catalogue.EXERCISES
    ]
    if as_json:
        _options.print_json("exercise list", {"exercises": rows})
        return
    head = ("exercise", "title", "doc")
    cells = [(str(n), *(row[key] for key in head)) for n, row in enumerate(rows, 1)]
    plain = (f"{n:>2}  {name:<15} {title:<46} {doc}" for n, name, title, doc in cells)
    _terminal.table(("", *head), cells, plain, numbers=("",))


@command.command("start")
@click.argument("folder", metavar="DIR", type=_options.PATH)
def start(folder: Path) -> None:
    """Write a file for each exercise into DIR.

    DIR must be new or empty.

    Example: nnguide exercise start my-network
    """
    from nnguide.learn.exercises import folder as learner

    paths = learner.start(folder)
    click.echo(f"{folder}: {len(paths)} exercises. The first is {paths[0]}; then:")
    click.echo(f"nnguide exercise check 1 --dir {folder}")


@command.command("check")
@click.argument("which", metavar="[EXERCISE]...", nargs=-1)
@directory
@click.option(
    "--watch", is_flag=True, help="Check again whenever a file is saved; stop with Ctrl-C."
)
@_options.as_json
def check(which: tuple[str, ...], folder: Path, watch: bool, as_json: bool) -> None:
    """Check your files, and name the mistakes.

    EXERCISE is a name, a number or a file; without one all in the folder are checked. A file runs
    in a process of its own, for at most 8 seconds. Status 7 where one does not pass.

    \b
    Examples:
      nnguide exercise check sigmoid
      nnguide exercise check 04_sigmoid.py --json
      nnguide exercise check --dir my-network --watch
    """
    from nnguide.learn.exercises import folder as learner

    pairs = learner.locate(folder, which)

    def run(chosen: Any) -> int:
        rows = []
        for row in learner.check(chosen):
            rows.append(row)
            if not as_json:
                _show(row, len(chosen) == 1)
        if as_json:
            passed = sum(row["state"] == "passed" for row in rows)
            _options.print_json("exercise check", {"passed": passed, "checks": rows})
        return sum(row["state"] != "passed" for row in rows)

    failed = run(pairs)
    if watch:
        _watch(pairs, run)
    if failed:
        raise FindingsError(f"{failed} exercises do not pass")


def _show(row: dict[str, Any], whole: bool) -> None:
    """Print one answer.

    An exercise that is not begun takes one line among others.
    """
    mistake = f": {row['mistake']}" if row["mistake"] else ""
    click.echo(f"{MARKS[row['state']]} {row['exercise']}{mistake}")
    if row["state"] == "wrong" or (whole and row["state"] != "passed"):
        if row["detail"]:
            click.echo(f"    {row['detail']}")
        click.echo(f"    {row['line']}")
        click.echo(f"    nnguide docs {row['doc']}; nnguide exercise hint {row['exercise']}")
    if whole and row["printed"]:
        click.echo("    it printed:")
        click.echo("\n".join(f"    | {line}" for line in row["printed"].splitlines()))


def _watch(pairs: Any, run: Callable[[Any], int]) -> None:
    def stamps() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for _, path in pairs if path.is_file()}

    before = stamps()
    cli.say("waiting for a file to be saved; Ctrl-C ends this")
    while True:
        time.sleep(INTERVAL)
        now = stamps()
        if changed := [
            pair for pair in pairs if now.get(pair[1]) not in (None, before.get(pair[1]))
        ]:
            run(changed)
        before = {**before, **now}


@command.command("hint")
@click.argument("exercise", metavar="EXERCISE")
@click.option(
    "--level",
    type=click.IntRange(1, 3),
    default=1,
    help="From 1, a nudge, to 3, nearly the solution. [1]",
)
def hint(exercise: str, level: int) -> None:
    """Give a hint; the higher the level, the more it says.

    Example: nnguide exercise hint softmax --level 2
    """
    from nnguide.learn.exercises import catalogue

    chosen = catalogue.find(exercise)
    click.echo(chosen.hints[level - 1])
    if level < 3:
        cli.say(f"more: nnguide exercise hint {chosen.name} --level {level + 1}")


@command.command("solution")
@click.argument("exercise", metavar="EXERCISE")
def solution(exercise: str) -> None:
    """Print a solution.

    Example: nnguide exercise solution softmax
    """
    from nnguide.learn.exercises import catalogue

    click.echo(catalogue.find(exercise).solution.strip())


@command.command("progress")
@directory
@_options.as_json
def progress(folder: Path, as_json: bool) -> None:
    """Show which exercises pass, and what your own code reaches.

    The milestones put your functions together: XOR, two moons, digits (MNIST where its files are in
    NNGUIDE_DATA_DIR), spam. Each is tried when all its exercises pass.

    Example: nnguide exercise progress --dir my-network
    """
    from nnguide.learn.exercises import folder as learner

    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}. Make one: nnguide exercise start DIR")
    pairs = learner.locate(folder, ())
    rows = sorted(learner.check(pairs), key=lambda row: row["file"])
    passed = {row["exercise"] for row in rows if row["state"] == "passed"}
    if not as_json:
        click.echo(f"{len(passed)} of {len(rows)} exercises pass")
        for row in rows:
            click.echo(f"{MARKS[row['state']]} {row['exercise']}")
        click.echo()
    milestones = []
    for row in learner.reached(folder, passed):
        milestones.append(row)
        if not as_json:
            click.echo(_milestone(row))
    if as_json:
        states = [{"exercise": row["exercise"], "state": row["state"]} for row in rows]
        answer = {"passed": len(passed), "exercises": states, "milestones": milestones}
        _options.print_json("exercise progress", answer)


def _milestone(row: dict[str, Any]) -> str:
    if row["missing"]:
        return f"· {row['title']}: waits for {', '.join(row['missing'])}"
    if row["mistake"]:
        return f"✗ {row['title']}: {row['mistake']}"
    mark = "✓" if row["reached"] else "✗"
    figures = f"accuracy {row['accuracy']:.1%} on {row['dataset']}, {row['bound']:.1%} wanted"
    return f"{mark} {row['title']}: {figures}"
