"""The command `nnguide export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnguide import cli
from nnguide.cli import _options

if TYPE_CHECKING:
    from nnguide.export import Format


@click.command("export")
@click.argument("run_name", metavar="RUN")
@click.option(
    "--format",
    "form",
    type=click.Choice(["saved_model", "onnx", "litert"]),
    required=True,
    help="Target format.",
)
@click.option(
    "--out",
    type=_options.PATH,
    default=Path("saved_models/exports"),
    show_default=True,
    help="Base folder of the exports.",
)
@click.option("--version", "version", type=int, metavar="N", help="Version number. [the next one]")
@click.option(
    "--serving-config", is_flag=True, help="Also write TensorFlow Serving's configuration."
)
@click.option("--force", is_flag=True, help="Replace an existing version.")
@_options.as_json
def command(
    run_name: str,
    form: Format,
    out: Path,
    version: int | None,
    serving_config: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Export RUN to a format that other programs can run.

    RUN is a run's folder, or a task for its newest run.

    A SavedModel takes raw inputs; for onnx and litert a NumPy package that
    prepares them lies beside the network. An export is kept only if it answers as
    the run does on 1,000 inputs, in a fresh process.

    \b
    Examples:
      nnguide export digits --format saved_model
      nnguide export spam --format onnx --out exports
      nnguide export my-run --format saved_model --version 7 --serving-config
    """
    cli.show_log()
    from nnguide import runs

    run = runs.load(run_name)
    cli.say(f"run: {run.folder}")
    from nnguide.export.publish import export

    made = export(run, form, out, version=version, serving=serving_config, force=force)
    if as_json:
        manifest = made.manifest
        answer = {
            "export": str(made.folder),
            "run": str(run.folder),
            **{key: manifest[key] for key in ("task", "format", "version", "checked")},
            "int8": manifest.get("int8"),
            "configuration": [str(path) for path in made.configuration],
        }
        _options.print_json("export", answer)
    else:
        click.echo(str(made.folder))
        for path in made.configuration:
            click.echo(str(path))
