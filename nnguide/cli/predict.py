"""nnguide predict"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.errors import ConfigError, InputError


@click.command("predict")
@click.argument("run", metavar="RUN")
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
@click.option("--file", "file", type=click.Path(path_type=Path), help="A message a line.")
@click.option("--mail", type=click.Path(path_type=Path), help="A mail, or a folder of mails.")
@click.option("--threshold", type=float, help="For spam, instead of the run's own.")
@_options.as_json
def command(
    run: str,
    inputs: tuple[str, ...],
    file: Path | None,
    mail: Path | None,
    threshold: float | None,
    as_json: bool,
) -> int:
    """Answer for each INPUT with RUN: a run's folder, or a task for its newest run.

    Digits: image files or folders of them. Spam: messages, --file, --mail, or - for
    a message a line on standard input. Prints LABEL, PROBABILITY and INPUT between
    tabs; an input that fails has a line on stderr, and the status is 4.

    \b
    Examples:
      nnguide predict digits three.png scans/
      nnguide predict spam "Win a prize, call now" "See you at six"
      nnguide predict spam --mail inbox/
      cat messages.txt | nnguide predict spam - --json
      nnguide predict spam -- "-50% today"
    """
    cli.loud()
    from nnguide import runs
    from nnguide.prediction import pictures, predict, texts

    found = runs.load(run)
    cli.say(f"run: {found.folder}")
    if found.task.inputs == "pictures":
        if file or mail or threshold is not None:
            raise ConfigError("--file, --mail and --threshold are for spam; give image files")
        named = pictures(inputs)
    else:
        if threshold is not None and not 0 <= threshold <= 1:
            raise ConfigError(f"--threshold is a probability in [0, 1]; got {threshold:g}")
        named = texts(inputs, file, mail, sys.stdin.buffer)
    failed = 0
    count = 0
    for name, answer in predict(found, named, threshold):
        count += 1
        failed += isinstance(answer, InputError)
        _print(name, answer, as_json)
    if not count:
        raise InputError("expected at least one input; got none")
    return InputError.exit_code if failed else 0


def _print(name: str, answer: Any, as_json: bool) -> None:
    if isinstance(answer, InputError):
        if as_json:
            click.echo(json.dumps({"input": name, "error": str(answer)}, ensure_ascii=False))
        else:
            click.echo(f"nnguide: {name}: {answer}", err=True)
        return
    if as_json:
        whole: dict[str, Any] = {"input": name, "label": answer.label}
        whole["probability"] = answer.probability
        if answer.probabilities is not None:
            whole["probabilities"] = answer.probabilities
        click.echo(json.dumps({"schema": 1, "command": "predict", **whole}, ensure_ascii=False))
        return
    shown = name.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    click.echo(f"{answer.label}\t{answer.probability:.6f}\t{shown}")
