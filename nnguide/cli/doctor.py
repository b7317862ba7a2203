"""The command `nnguide doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.errors import ConfigError, FindingsError


@click.command("doctor")
@click.argument("model", metavar="MODEL")
@click.option("--data", help="An .npz or .csv file, or a data set's name.")
@click.option("--label-column", help="The CSV file's column of labels. [label]")
@click.option("--history", type=_options.PATH, help="CSV file of metrics per epoch.")
@click.option("--batch-size", type=int, help="The batch size in training, for rules that need it.")
@click.option("--silence", multiple=True, metavar="ID", help="Skip a rule; repeatable.")
@click.option("--trust", is_flag=True, help="Load a model file that may contain code, or an .h5.")
@_options.as_json
def command(
    model: str,
    data: str | None,
    label_column: str | None,
    history: Path | None,
    batch_size: int | None,
    silence: tuple[str, ...],
    trust: bool,
    as_json: bool,
) -> None:
    """Look for common mistakes in MODEL, and say how to fix them.

    A MODEL FILE IS CODE. A .keras file is read before it is loaded: one with other classes
    than Keras's plain layers, with a function, a path or sizes beyond bounds is refused with
    status 5; --trust loads it all the same.

    MODEL is a run (a folder or a task), FILE.keras, or FILE.py:FUNCTION. The .py file is
    EXECUTED: give only code that you trust. FUNCTION takes nothing and returns a Keras
    model, compiled for the rules about the loss, or (model, data); data is (x, y), or a
    dict with x_train, y_train and perhaps x_val, y_val, x_test, y_test. An .npz for --data
    holds arrays of these names.

    A rule without the data it needs is listed as not run. Status 0: no findings, 7: findings.
    The rules are described in `nnguide docs doctor`.

    \b
    Examples:
      nnguide doctor digits
      nnguide doctor my_model.py:build
      nnguide doctor model.keras --data arrays.npz --history history.csv
      nnguide doctor my_model.py:build --silence ordered-data --json
    """
    if batch_size is not None and batch_size < 1:
        raise ConfigError(f"--batch-size is 1 or more; got {batch_size}")
    if label_column and not data:
        raise ConfigError("--label-column is for the CSV file that --data names")
    cli.show_log()
    from nnguide.doctor import load

    case = load.load(
        model,
        data=data,
        history=history,
        batch_size=batch_size,
        label_column=label_column,
        trust=trust,
    )
    from nnguide.doctor import rules

    report = rules.examine(case, silence)
    if as_json:
        _options.print_json("doctor", {"model": model, **report.to_dict()})
    else:
        click.echo(report.lines())
    if report.findings:
        raise FindingsError(f"{len(report.findings)} findings")
