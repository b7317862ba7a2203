"""The command `nnguide audit`."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options, _terminal
from nnguide.errors import ConfigError

DEFAULT = Path("report.html")


@click.command("audit")
@click.argument("run_name", metavar="RUN")
@_options.data_of_run
@click.option(
    "--out",
    type=_options.PATH,
    help=f"The HTML file to write. [{DEFAULT}; none with --json]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Random seed. [0]")
@_options.as_json
def command(
    run_name: str,
    dataset: str | None,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Write an audit report on the whole model RUN.

    RUN is a run's folder, or a task for its newest run.

    One HTML file that loads nothing from elsewhere and can be printed and signed:
    provenance, metrics with intervals, calibration, slices, the worst mistakes and
    why, words and shortcuts, mild changes, duplicates, limits. The test set is
    measured, or all of a path that the run was not trained on.

    \b
    Examples:
      nnguide audit digits
      nnguide audit spam --out spam.html
      nnguide audit spam --dataset messages.csv --json
      nnguide audit my-run --dataset scans/
    """
    cli.show_log()
    from nnguide import runs
    from nnguide.audit import collect, page
    from nnguide.evaluation import report
    from nnguide.files import atomic
    from nnguide.runs import outputs

    target = out or (None if as_json else DEFAULT)
    if target is not None and target.is_dir():
        raise ConfigError(f"--out takes a file; {target} is a folder. As in {target / DEFAULT}.")
    if target is not None:
        outputs.check_file(target, "--out", (".html", ".htm"))
    run = runs.load(run_name)
    cli.say(f"run: {run.folder}")
    # opened before the work, so that a place that cannot be written is reported at once
    with contextlib.nullcontext() if target is None else atomic(target) as beside:
        audit = collect.audit(
            run,
            dataset,
            label_column=label_column,
            text_column=text_column,
            encoding=encoding,
            seed=seed,
        )
        if beside is not None:
            beside.write_text(page.page(audit), encoding="utf-8")
    if as_json:
        _options.print_json("audit", audit.report)
        return
    data = audit.report["data"]
    head = {"task": run.task.name, "dataset": data["measured_on"]["name"], "split": data["split"]}
    _terminal.blocks(report.blocks({**head, **audit.report["headline"]}, run.labels))
    if audit.report["attention"]:
        click.echo("\nwhat to look at first")
    for sentence in audit.report["attention"]:
        click.echo(f"- {sentence}")
    click.echo(f"\n{target}")
