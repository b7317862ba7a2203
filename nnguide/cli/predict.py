"""nnguide predict"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.errors import ConfigError, InputError

if TYPE_CHECKING:
    from nnguide.runs import Engine


@click.command("predict")
@click.argument("run", metavar="RUN")
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file with one message per line, or a table.",
)
@click.option("--text-column", help="A table's column of texts. [text]")
@click.option("--encoding", help="The text encoding of --file. [utf-8]")
@_options.mails
@_options.anyway
@click.option("--threshold", type=float, help="For spam: overrides the run's threshold.")
@click.option("--many", is_flag=True, help="Find each digit of a picture, with its box.")
@click.option("--no-reject", is_flag=True, help="Always name a digit, never none.")
@click.option(
    "--engine",
    type=click.Choice(["light", "keras"]),
    help="Runtime to predict with. [light, where the run has it]",
)
@_options.as_json
def command(
    run: str,
    inputs: tuple[str, ...],
    files: tuple[Path, ...],
    text_column: str | None,
    encoding: str | None,
    mails: tuple[Path, ...],
    anyway: bool,
    threshold: float | None,
    many: bool,
    no_reject: bool,
    engine: Engine | None,
    as_json: bool,
) -> int:
    """Predict each INPUT with RUN: a run's folder, or a task for its newest run.

    Digits: image files, folders of them, tables with a picture a row, or - for one picture
    on standard input. Spam: messages, --file, or - for a message a line on standard input;
    with --mail, mails and mailboxes (mbox, Maildir, MH, .eml, folders of any; - is standard
    input), each mail of an mbox as FILE#n. Prints LABEL, PROBABILITY and INPUT between
    tabs; an input that fails has a line on stderr, and the status is 4. A picture of no digit
    (blank, a letter, a drawing) has the label none. With --many every digit of a picture has a
    line of its own, FILE#n from the top left, and its box: left,top,right,bottom in pixels.

    \b
    Examples:
      nnguide predict digits three.png scans/
      nnguide predict digits page.jpg --many --json
      nnguide predict spam "Win a prize, call now" "See you at six"
      nnguide predict spam --mail inbox.mbox ~/Maildir --json
      cat messages.txt | nnguide predict spam - --json
      nnguide predict spam -- "-50% today"
    """
    cli.show_log()
    from nnguide import runs
    from nnguide.inference.sources import is_path
    from nnguide.kinds import Asked
    from nnguide.runs.streaming import predict

    messages = bool(files or not mails or not all(map(is_path, inputs)))
    kinds = ["messages"] * messages + ["mail"] * bool(mails)
    found = runs.load(run, kinds)
    cli.say(f"run: {found.folder}")
    asked = Asked(
        inputs, cli.standard_input(), files, mails, text_column, encoding, threshold, anyway, many
    )
    if (no_reject or many) and not found.task.kind.is_drawn:
        raise ConfigError(f"--many and --no-reject are for pictures, not for {found.task.name}")
    named = found.task.kind.sources(found, asked)
    failed = 0
    count = 0
    for name, answer in predict(found, named, threshold, engine, not no_reject):
        count += 1
        failed += isinstance(answer, InputError)
        _print(name, answer, as_json)
    if not count:
        raise InputError("expected at least one input; got none")
    return InputError.exit_code if failed else 0


def _print(name: str, answer: Any, as_json: bool) -> None:
    if as_json:
        whole = {"error": str(answer)} if isinstance(answer, InputError) else _fields(answer)
        _options.print_json("predict", {"input": name, **whole})
    elif isinstance(answer, InputError):
        click.echo(f"nnguide: {one_line(name)}: {one_line(str(answer))}", err=True)
    else:
        place = "" if answer.box is None else "\t" + ",".join(map(str, answer.box))
        click.echo(f"{one_line(answer.label)}\t{answer.probability:.6f}\t{one_line(name)}{place}")
        if answer.guess:
            cli.say(
                f"{one_line(name)}: it has neither subject nor text, so {answer.label} is a guess"
            )


def _fields(answer: Any) -> dict[str, Any]:
    fields = {"label": answer.label, "probability": answer.probability}
    if answer.probabilities is not None:
        fields["probabilities"] = answer.probabilities
    if answer.box is not None:
        fields |= {"box": list(answer.box), "line": answer.line}
    if answer.message_id:
        fields["message_id"] = answer.message_id
    if answer.guess:
        fields["guess"] = True
    return fields


# What would end a line, a column or the peace of a terminal; lone halves of surrogate pairs
# stand for bytes of a file's name that are not UTF-8.
_UNPRINTED = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def one_line(text: str) -> str:
    """`text` with backslashes and control characters written as Python writes them."""
    return _UNPRINTED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
