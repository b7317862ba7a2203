"""The command `nnguide data`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nnguide import cli, tasks
from nnguide.cli import _options, _terminal
from nnguide.errors import ConfigError, InputError
from nnguide.files import expanded


@click.group("data", cls=cli.Group)
def command() -> None:
    """List, describe and prepare data sets.

    \b
    nnguide data list
    nnguide data info sms_spam
    nnguide data prepare mnist --manual-dir ~/Downloads/mnist

    A data set is looked for in the prepared cache (NNGUIDE_CACHE, else the user's cache
    folder), then in NNGUIDE_DATA_DIR/<set>, then on the network; NNGUIDE_OFFLINE=1 leaves the
    network out. A path works wherever a data set's name does.
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
    head = ("name", "task", "state", "description")
    cells = [tuple(str(row[key]) for key in head) for row in sets]
    plain = (f"{name:<15} {task:<7} {state:<20} {what}" for name, task, state, what in cells)
    _terminal.table(head, cells, plain)


@command.command("info")
@click.argument("name", type=_options.NAME_OR_PATH)
@click.option(
    "--task",
    type=click.Choice(tasks.names()),
    help="For a path: the task to read it for. [the one that fits]",
)
@_options.columns
@click.option(
    "--out",
    type=_options.PATH,
    help="For a path: write three pictures to this PNG file.",
)
@_options.as_json
def info(
    name: str,
    task: str | None,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show the origin, terms, counts and flaws of data set NAME.

    For a path, show how it would be read: format, labels, splits and counts, what is left out and
    why, and three examples as the network sees them.

    \b
    nnguide data info mnist
    nnguide data info my-digits.csv
    nnguide data info messages.csv --encoding windows-1252
    """
    from nnguide import data

    if name not in data.names() and expanded(name).exists():
        cli.show_log()
        _path(expanded(name), task, label_column, text_column, encoding, out, as_json)
        return
    if task or label_column or text_column or encoding or out:
        raise ConfigError("--task, columns, --encoding and --out are for a path")
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


def _path(
    path: Path,
    task: str | None,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    from nnguide.data import inspection
    from nnguide.files import atomic
    from nnguide.runs import outputs

    inspected = inspection.inspect(path, task, label_column, text_column, encoding)
    if out is not None:
        if not inspected.is_drawn:
            raise ConfigError("--out is for pictures; these are texts")
        outputs.check_file(out, "--out", (".png",))
        with atomic(out) as beside:
            inspection.save(inspected, beside)
    counts = {split: examples.counts() for split, examples in inspected.splits.items()}
    kind = tasks.get(inspected.task).kind
    shown = [{"label": label, "input": kind.preview(value)} for label, value in inspected.shown]
    if as_json:
        answer = {
            "name": str(path),
            "task": inspected.task,
            "description": inspected.form,
            "labels": list(next(iter(inspected.splits.values())).label_names),
            "state": "a path",
            "counts": counts,
            "left_out": [{"name": item.name, "reason": item.reason} for item in inspected.left_out],
            "examples": shown,
        }
        _options.print_json("data info", answer)
        return
    click.echo(f"{path}: {inspected.form}, read for {inspected.task}")
    _echo_counts(counts)
    click.echo(f"{'left out':<8} {len(inspected.left_out):,}")
    for item in shown:
        click.echo(f"\n{item['label']}:")
        lines = item["input"] if inspected.is_drawn else [str(item["input"])[:300]]
        for line in lines:
            click.echo(f"  {line}")


@command.command("prepare")
@click.argument("name", type=_options.NAME_OR_PATH)
@click.option(
    "--manual-dir",
    type=_options.PATH,
    metavar="DIR",
    help="A folder with the official files; without it, NNGUIDE_DATA_DIR/<set> or a download.",
)
@click.option("--records", is_flag=True, help="For a path: write what it holds as record files.")
@click.option(
    "--task",
    type=click.Choice(tasks.names()),
    help="For --records: the task to read it for. [the one that fits]",
)
@_options.columns
@click.option("--out", type=_options.PATH, help="For --records: the folder. [NAME.records]")
@click.option("--resume", is_flag=True, help="For --records: go on where a killed one ended.")
@click.option("--force", is_flag=True, help="For --records: replace the folder.")
@_options.as_json
def prepare(
    name: str,
    manual_dir: Path | None,
    records: bool,
    task: str | None,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
    out: Path | None,
    resume: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Prepare the data set NAME, so that it loads at once.

    \b
    nnguide data prepare mnist
    nnguide data prepare sms_spam/paper
    nnguide data prepare spamassassin --manual-dir ~/Downloads/spamassassin
    nnguide data prepare messages.csv --records
    nnguide data prepare my-digits/ --records

    Every file is checked against its published checksum. What is already prepared is kept.

    With --records NAME is the path of texts or of pictures, of any number: a table, folders of
    files, MNIST's files or an .npz. They are written as record files, which `train`, `evaluate`,
    `tune` and `predict` take as a --dataset and read by index, so that they need not fit into
    memory.
    """
    from nnguide import data

    started = time.monotonic()
    folder: Path | None
    if records:
        if manual_dir is not None:
            raise ConfigError("--manual-dir is for a data set with a name; --records for a path")
        cli.show_log()
        folder, counts = _records(
            expanded(name),
            task,
            (label_column, text_column, encoding),
            out,
            resume,
            force,
        )
    elif task or label_column or text_column or encoding or out or resume or force:
        raise ConfigError(
            "--task, columns, --encoding, --out, --resume and --force are for --records"
        )
    else:
        if name not in data.names() and expanded(name).exists():
            raise ConfigError(
                f"{name} is a path, which needs no preparing: give it as --dataset. With --records "
                "it is written as record files."
            )
        data.info(name)  # there is such a set
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


def _records(
    path: Path,
    task: str | None,
    columns: tuple[str | None, str | None, str | None],
    out: Path | None,
    resume: bool,
    force: bool,
) -> tuple[Path, dict[str, dict[str, int]]]:
    """Write record files; return their folder and the counts.

    The counts are set -> label -> inputs.
    """
    from nnguide.data import record_files
    from nnguide.data.tables import Columns
    from nnguide.files.reading import check_encoding

    label, text, encoding = columns
    kind = None if task is None else tasks.get(task).kind
    if kind is not None and not kind.has_records:
        raise ConfigError(f"--records is for texts and pictures; {task} reads {kind.name}")

    def report(progress: record_files.Progress) -> None:
        cli.say(f"{progress.inputs:,} inputs")

    folder, done = record_files.prepare(
        path,
        Columns(label, text, check_encoding(encoding)),
        out,
        of=None if kind is None else kind.name,
        resume=resume,
        force=force,
        report=report,
    )
    return folder, done.counts


def _echo_counts(counts: dict[str, dict[str, int]] | None) -> None:
    for split, labels in (counts or {}).items():
        each = ", ".join(f"{label} {n:,}" for label, n in labels.items())
        click.echo(f"{split:<8} {sum(labels.values()):,}: {each}")


@command.command("uncertain")
@click.argument("run_name", metavar="RUN")
@click.argument("path", type=_options.PATH)
@click.option(
    "--count", type=click.IntRange(1), default=20, show_default=True, help="How many to show."
)
def uncertain(run_name: str, path: Path, count: int) -> int:
    """Show the inputs at PATH to label next.

    They are those of which RUN is least sure.

    PATH is what `nnguide predict` takes: for digits a picture, a folder of them or a table, for
    spam a file of messages. Prints MARGIN, LABEL, PROBABILITY and INPUT between tabs, the
    least sure first. MARGIN is the distance from the threshold, or between the two most
    probable labels. An input that fails has a line on stderr, and the status is 4.

    \b
    nnguide data uncertain digits scans/
    nnguide data uncertain my-spam unlabelled.txt --count 50
    """
    cli.show_log()
    from nnguide import runs
    from nnguide.cli.predict import one_line
    from nnguide.runs.uncertain import uncertain as least_sure

    run = runs.load(run_name)
    cli.say(f"run: {run.folder}")
    kind = run.task.kind
    named = kind.sources(run, kind.asked_of(path, cli.standard_input()))
    doubts, bad = least_sure(run, named, count)
    for doubt in doubts:
        label, probability = one_line(doubt.answer.label), doubt.answer.probability
        click.echo(f"{doubt.margin:.6f}\t{label}\t{probability:.6f}\t{one_line(doubt.name)}")
    for name, error in bad.items():
        click.echo(f"nnguide: {one_line(name)}: {one_line(str(error))}", err=True)
    if not doubts and not bad:
        raise InputError("expected at least one input; got none")
    return max((error.exit_code for error in bad.values()), default=0)
