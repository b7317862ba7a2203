"""nnguide data: the data sets, what is known of them, and preparing them."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options


@click.group("data", cls=cli.Group)
def command() -> None:
    """List, describe and prepare data sets.

    \b
    nnguide data list
    nnguide data info sms_spam
    nnguide data prepare mnist --manual-dir ~/Downloads/mnist

    A data set is looked for in the prepared cache (NNGUIDE_CACHE, else the user's cache
    folder), then in NNGUIDE_DATA_DIR/<set>, then on the network; NNGUIDE_OFFLINE=1 leaves the
    network out. A path can stand wherever a data set's name can.
    """


@command.command("list")
@_options.as_json
def list_sets(as_json: bool) -> None:
    """List the data sets and their state.

    \b
    nnguide data list
    """
    from nnguide import data
    from nnguide.data.dataset_info import ALL

    sets = [
        {
            "name": facts.name,
            "task": facts.task,
            "state": data.state(facts.name),
            "built_in": facts.built_in,
            "description": facts.description,
        }
        for facts in ALL
    ]
    if as_json:
        _options.print_json("data list", {"sets": sets})
        return
    for row in sets:
        click.echo(f"{row['name']:<15} {row['task']:<7} {row['state']:<20} {row['description']}")


@command.command("info")
@click.argument("name")
@_options.as_json
def info(name: str, as_json: bool) -> None:
    """Say where the data set NAME comes from, its terms, its counts and its flaws.

    \b
    nnguide data info mnist
    """
    from nnguide import data

    known = data.info(name)
    if as_json:
        _options.print_json("data info", known)
        return
    click.echo(f"{known['name']}: {known['description']}")
    for what in ("task", "origin", "terms", "state"):
        click.echo(f"{what:<8} {known[what]}")
    if known["files"]:
        click.echo(f"{'files':<8} {', '.join(known['files'])}")
    _echo_counts(known["counts"])
    for flaw in known["flaws"]:
        click.echo(f"{'flaw':<8} {flaw}")


@command.command("prepare")
@click.argument("name")
@click.option(
    "--manual-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder with the official files; without it, NNGUIDE_DATA_DIR/<set> or a download.",
)
@_options.as_json
def prepare(name: str, manual_dir: Path | None, as_json: bool) -> None:
    """Prepare the data set NAME, so that it loads at once.

    \b
    nnguide data prepare mnist
    nnguide data prepare sms_spam/paper
    nnguide data prepare spamassassin --manual-dir ~/Downloads/spamassassin

    Every file is checked against its published checksum. What is prepared already stays.
    """
    from nnguide import data

    started = time.monotonic()
    cli.say(f"preparing {name}; the first time takes up to a minute")
    folder = data.prepare(name, manual_dir)
    counts = data.info(name)["counts"]
    if as_json:
        answer = {
            "name": name,
            "folder": None if folder is None else str(folder),
            "counts": counts,
            "seconds": round(time.monotonic() - started, 3),
        }
        _options.print_json("data prepare", answer)
        return
    click.echo(f"{name} is built in" if folder is None else f"{name} is prepared in {folder}")
    _echo_counts(counts)


def _echo_counts(counts: dict[str, dict[str, int]] | None) -> None:
    for part, labels in (counts or {}).items():
        each = ", ".join(f"{label} {n:,}" for label, n in labels.items())
        click.echo(f"{part:<8} {sum(labels.values()):,}: {each}")
