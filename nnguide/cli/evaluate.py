"""The command `nnguide evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from nnguide import cli
from nnguide.cli import _options, _terminal
from nnguide.errors import ConfigError

if TYPE_CHECKING:
    from nnguide.feedback.corrections import Layer
    from nnguide.runs import Run


@click.command("evaluate")
@click.argument("run_name", metavar="RUN")
@_options.data_of_run
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test", "all"]),
    help="Which split. [test; all for a path that the run was not trained on]",
)
@_options.threshold
@click.option(
    "--trec",
    "index",
    type=_options.PATH,
    help="For spam: an index of the TREC spam track; mails in its order.",
)
@click.option(
    "--feedback",
    "labels",
    type=click.Choice(["none", "immediate", "delayed"]),
    help="With --trec: when the true labels come. [none]",
)
@click.option("--delay", type=int, help="With --feedback delayed: mails until then. [500]")
@click.option("--with-feedback", is_flag=True, help="For spam: with your corrections.")
@click.option("--plots", type=_options.PATH, help="Write plots to this folder.")
@_options.as_json
def command(
    run_name: str,
    dataset: str | None,
    split: str | None,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
    threshold: float | None,
    index: Path | None,
    labels: Literal["none", "immediate", "delayed"] | None,
    delay: int | None,
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
      nnguide evaluate spam --trec full/index --feedback immediate
    """
    cli.show_log()
    from nnguide import feedback, runs
    from nnguide.evaluation import evaluate, report
    from nnguide.feedback.corrections import journal
    from nnguide.runs import outputs

    if plots is not None:
        outputs.check_folder(plots, "--plots")

    if (labels or delay is not None) and index is None:
        raise ConfigError("--feedback and --delay are for --trec")
    if delay is not None and labels != "delayed":
        raise ConfigError("--delay is for --feedback delayed")
    others = (dataset, split, label_column, text_column, encoding, plots)
    if index is not None and any(other is not None for other in others):
        raise ConfigError("--trec goes with --feedback, --delay, --threshold and --with-feedback")
    run = runs.load(run_name, ["mail"] if with_feedback or index is not None else [])
    cli.say(f"run: {run.folder}")
    layer = None
    if with_feedback:
        journal(run)  # or it can have none
        if note := feedback.unused(run, run_name):
            cli.say(note)
        layer = feedback.layer(run, threshold)
        cli.say(f"corrections: {len(layer.corrections) if layer else 0:,}")
    if index is not None:
        _trec(run, index, labels or "none", delay, layer, threshold, as_json)
        return
    figures = evaluate.evaluate(
        run,
        dataset,
        split=split,
        threshold=threshold,
        label_column=label_column,
        text_column=text_column,
        encoding=encoding,
        plots=plots,
        feedback=layer,
    )
    if as_json:
        _options.print_json("evaluate", figures)
    else:
        _terminal.blocks(report.blocks(figures, run.labels))


def _trec(
    run: Run,
    index: Path,
    labels: Literal["none", "immediate", "delayed"],
    delay: int | None,
    layer: Layer | None,
    threshold: float | None,
    as_json: bool,
) -> None:
    """Evaluate on an index of the TREC spam track."""
    from nnguide.evaluation import report, trec

    if not run.has_learned("mail"):
        cli.say(
            f"note: {index} holds mail, and {run.folder} was trained on none: these metrics are "
            "not those of its use"
        )
    figures = trec.evaluate(
        run,
        index,
        feedback=labels,
        delay=trec.DELAY if delay is None else delay,
        learner=layer.learner if layer else None,
        threshold=threshold,
    )
    if as_json:
        _options.print_json("evaluate", figures)
    else:
        _terminal.blocks([*report.blocks(figures, run.labels), *trec.blocks(figures)])
