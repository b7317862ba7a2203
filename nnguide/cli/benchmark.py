"""The command `nnguide benchmark`."""

from __future__ import annotations

import click

from nnguide import cli
from nnguide.cli import _options, _terminal


@click.command("benchmark")
@click.argument("run_name", metavar="RUN")
@_options.as_json
def command(run_name: str, as_json: bool) -> None:
    """Compare every export format of RUN.

    It compares size, load time, latency and accuracy.

    Keras, the light form, SavedModel, ONNX, LiteRT and LiteRT in 8-bit integers,
    each in a process of its own, on raw inputs of the test set. Times depend on this
    machine and its load: compare their ratios.

    \b
    Examples:
      nnguide benchmark digits
      nnguide benchmark my-run --json
    """
    cli.show_log()
    from nnguide import runs

    run = runs.load(run_name)
    cli.say(f"run: {run.folder}")
    from nnguide import logs

    logs.tensorflow()
    from nnguide.export import benchmark

    figures = benchmark.benchmark(run)
    if as_json:
        _options.print_json("benchmark", figures)
    else:
        head, rows = benchmark.HEAD, benchmark.rows(figures)
        click.echo(benchmark.title(figures))
        _terminal.table(head, rows, map(benchmark.line, [head, *rows]), numbers=head[1:])
