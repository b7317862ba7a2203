"""The command `nnguide threshold`."""

from __future__ import annotations

from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options, _terminal


@click.command("threshold")
@click.argument("run_name", metavar="RUN")
@click.option(
    "--max-blocked-ham", type=float, required=True, help="Fraction of ham that may be blocked."
)
@click.option("--out", type=_options.PATH, help="Write a new run here and leave RUN as it is.")
@click.option("--force", is_flag=True, help="Replace --out if it is not empty.")
@_options.as_json
def command(
    run_name: str, max_blocked_ham: float, out: Path | None, force: bool, as_json: bool
) -> None:
    """Choose the threshold of RUN that blocks little ham.

    RUN is a spam run; its user must not lose mail.

    It is chosen by predictions for training examples that the predicting network
    did not learn from; predict, evaluate and export use it from then on. For data sets
    joined by a plus it also says what a threshold chosen on the others does on each.

    \b
    Examples:
      nnguide threshold saved_models/runs/my-spam --max-blocked-ham 0.002
      nnguide threshold spam --max-blocked-ham 0.001 --out strict-spam
    """
    cli.show_log()
    from nnguide import runs
    from nnguide.evaluation import report, validation_scores

    run = runs.load(run_name)
    cli.say(f"run: {run.folder}")
    changed, rows = validation_scores.set_threshold(run, max_blocked_ham, out, force)
    if as_json:
        answer = {"run": str(changed.folder), **changed.decision_file["choice"], "table": rows}
        _options.print_json("threshold", answer)
    else:
        grids = [report.threshold_grid(rows, changed.threshold)]
        if sources := changed.decision_file["choice"].get("sources"):
            grids.append(report.left_out_grid(sources))
        _terminal.blocks(grids)
