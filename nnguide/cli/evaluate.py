"""nnguide evaluate"""

from __future__ import annotations

from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options, _terminal


@click.command("evaluate")
@click.argument("run", metavar="RUN")
@click.option("--dataset", help="A data set's name or a path. [the run's own data]")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test", "all"]),
    help="Which split. [test; all for a path that the run was not trained on]",
)
@_options.columns
@click.option("--threshold", type=float, help="For spam: overrides the run's threshold.")
@click.option("--with-feedback", is_flag=True, help="For spam: with your corrections.")
@click.option("--plots", type=click.Path(path_type=Path), help="Write plots to this folder.")
@_options.as_json
def command(
    run: str,
    dataset: str | None,
    split: str | None,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
    threshold: float | None,
    with_feedback: bool,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Evaluate RUN: a run's folder, or a task for its newest run.

    \b
    Examples:
      nnguide evaluate digits
      nnguide evaluate my-run --split validation --plots pictures
      nnguide evaluate spam --dataset messages.csv --threshold 0.9
      nnguide evaluate spam --dataset mails.csv --label-column class --text-column body
    """
    cli.show_log()
    from nnguide import feedback, runs
    from nnguide.evaluation import evaluate, report
    from nnguide.runs import outputs

    if plots is not None:
        outputs.check_folder(plots, "--plots")

    found = runs.load(run, ["mail"] if with_feedback else [])
    cli.say(f"run: {found.folder}")
    layer = feedback.layer(found) if with_feedback else None
    if with_feedback:
        cli.say(f"corrections: {len(layer.corrections) if layer else 0:,}")
    figures = evaluate.evaluate(
        found,
        dataset,
        split=split,
        threshold=threshold,
        label_column=label_column,
        text_column=text_column,
        encoding=encoding,
        plots=plots,
        feedback=layer,
        say=cli.say,
    )
    if as_json:
        _options.print_json("evaluate", figures)
    else:
        _terminal.blocks(report.blocks(figures, found.labels))
