"""The command `nnguide predict`."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli
from nnguide.cli import _options, _terminal
from nnguide.errors import ConfigError, InputError

if TYPE_CHECKING:
    from nnguide.feedback.corrections import Layer
    from nnguide.runs import Engine, Run
    from nnguide.tasks.kinds import Asked


@click.command("predict")
@click.argument("run_name", metavar="RUN")
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=_options.PATH,
    help="A file with one message per line, or a table.",
)
@click.option("--text-column", help="A table's column of texts. [text]")
@click.option("--encoding", help="The text encoding of --file. [utf-8]")
@_options.mails
@_options.anyway
@_options.threshold
@click.option("--many", is_flag=True, help="Find each digit of a picture, with its box.")
@click.option("--no-feedback", is_flag=True, help="For spam: leave corrections out.")
@click.option("--no-reject", is_flag=True, help="Always name a digit, never none.")
@click.option(
    "--engine",
    type=click.Choice(["light", "keras"]),
    help="Runtime to predict with. [light, where the run has it]",
)
@click.option(
    "--dataset",
    type=_options.NAME_OR_PATH,
    help="Answer all of it into --out: a table, mailbox, folder or data set.",
)
@click.option(
    "--out",
    type=_options.PATH,
    help="For --dataset: a file that ends in .csv, .jsonl or .parquet.",
)
@click.option("--shard", metavar="I/N", help="For --dataset: every N-th input, from input I.")
@click.option("--resume", is_flag=True, help="For --dataset: go on where a killed one ended.")
@click.option("--force", is_flag=True, help="For --dataset: replace --out.")
@_options.as_json
def command(
    run_name: str,
    inputs: tuple[str, ...],
    files: tuple[Path, ...],
    text_column: str | None,
    encoding: str | None,
    mails: tuple[Path, ...],
    anyway: bool,
    threshold: float | None,
    many: bool,
    no_feedback: bool,
    no_reject: bool,
    engine: Engine | None,
    dataset: str | None,
    out: Path | None,
    shard: str | None,
    resume: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Predict the label of each INPUT with RUN.

    RUN is a run's folder, or a task for its newest run.

    Digits: image files, folders of them, tables with a picture a row, or - for one picture
    on standard input. Spam: messages, --file, or - for a message a line on standard input;
    with --mail, mails and mailboxes (mbox, Maildir, MH, .eml, folders of any; - is standard
    input), each mail of an mbox as FILE#n. Prints LABEL, PROBABILITY and INPUT between
    tabs; an input that fails has a line on stderr, and the status is 4. A picture of no digit
    (blank, a letter, a drawing) has the label none. With --many every digit of a picture has a
    line of its own, FILE#n from the top left, and its box: left,top,right,bottom in pixels.
    Corrections by `nnguide feedback` are used, and named on stderr.

    With --dataset and --out all of a data set is answered into a file, in constant memory; a
    bad row has its error there. `nnguide docs distributed` shows it on several machines.

    \b
    Examples:
      nnguide predict digits three.png scans/
      nnguide predict digits page.jpg --many --json
      nnguide predict spam "Win a prize, call now" "See you at six"
      nnguide predict spam --mail inbox.mbox ~/Maildir --json
      cat messages.txt | nnguide predict spam - --json
      nnguide predict spam -- "-50% today"
      nnguide predict spam --dataset messages.csv --out answers.parquet
      nnguide predict spam --dataset inbox.mbox --out 2.csv --shard 2/8 --resume
    """
    cli.show_log()
    if dataset is not None:
        if out is None or inputs or files or mails or many:
            raise ConfigError("--dataset takes --out FILE, and no INPUT, --file, --mail or --many")
        return _whole(
            *(run_name, dataset, out, text_column, encoding, threshold, anyway, not no_reject),
            *(engine, not no_feedback, _shard(shard), resume, force, as_json),
        )
    if out is not None or shard or resume or force:
        raise ConfigError("--out, --shard, --resume and --force are for --dataset")
    from nnguide.tasks.kinds import Asked

    asked = Asked(
        inputs, cli.standard_input(), files, mails, text_column, encoding, threshold, anyway, many
    )
    return _each(run_name, asked, not no_reject, not no_feedback, engine, as_json)


def _each(
    run_name: str,
    asked: Asked,
    refuses: bool,
    corrected: bool,
    engine: Engine | None,
    as_json: bool,
) -> int:
    """Answer the inputs of a command line; return the exit status."""
    from nnguide import runs
    from nnguide.inference.sources import is_path
    from nnguide.runs.streaming import predict

    inputs, files, mails = asked.inputs, asked.files, asked.mails
    messages = bool(files or not mails or not all(map(is_path, inputs)))
    kinds = ["messages"] * messages + ["mail"] * bool(mails)
    run = runs.load(run_name, kinds)
    cli.say(f"run: {run.folder}")
    if (asked.many or not refuses) and not run.task.kind.is_drawn:
        raise ConfigError(f"--many and --no-reject are for pictures, not for {run.task.name}")
    named = run.task.kind.sources(run, asked)
    if not corrected:
        _check_corrected(run)
    layer = _corrections(run, run_name, asked.threshold) if corrected else None
    failed = 0
    count = 0
    for name, answer in predict(run, named, asked.threshold, engine, refuses, layer):
        count += 1
        if isinstance(answer, InputError):
            failed = max(failed, answer.exit_code)  # 6 where a reader is missing
        _print(name, answer, as_json)
    if not count:
        raise InputError("expected at least one input; got none")
    return failed


def _check_corrected(run: Run) -> None:
    """Raise an error if --no-feedback does not fit the run.

    Such a run can have no corrections.
    """
    from nnguide.feedback.corrections import journal

    journal(run)


def _corrections(run: Run, name: str, threshold: float | None) -> Layer | None:
    """Return the corrections of a run's owner.

    The user is told about them, and about those that are not used.
    """
    from nnguide import feedback

    if note := feedback.unused(run, name):
        cli.say(note)
    layer = feedback.layer(run, threshold)
    if layer is not None:
        cli.say(f"corrections: {len(layer.corrections):,} (--no-feedback leaves them out)")
    return layer


def _print(name: str, answer: Any, as_json: bool) -> None:
    if as_json:
        from nnguide.runs.answer_files import fields

        _options.print_json("predict", {"input": name, **fields(answer)})
    elif isinstance(answer, InputError):
        click.echo(f"nnguide: {one_line(name)}: {one_line(str(answer))}", err=True)
    else:
        place = "" if answer.box is None else "\t" + ",".join(map(str, answer.box))
        click.echo(f"{one_line(answer.label)}\t{answer.probability:.6f}\t{one_line(name)}{place}")
        if answer.guess:
            cli.say(
                f"{one_line(name)}: it has neither subject nor text, so {answer.label} is a guess"
            )


def _shard(text: str | None) -> tuple[int, int]:
    """Return the shard I/N as two numbers."""
    if text is None:
        return 1, 1
    match = re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,8})", text)
    if not match or int(match[1]) > int(match[2]):
        raise ConfigError(f"--shard takes I/N with I from 1 to N, as 1/4 to 4/4; got {text}")
    return int(match[1]), int(match[2])


def _whole(
    run_name: str,
    dataset: str,
    out: Path,
    text_column: str | None,
    encoding: str | None,
    threshold: float | None,
    anyway: bool,
    reject: bool,
    engine: Engine | None,
    corrected: bool,
    shard: tuple[int, int],
    resume: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Write the answers to a whole data set to a file."""
    from nnguide import runs
    from nnguide.runs import bulk
    from nnguide.tasks.kinds import Asked

    started = time.monotonic()
    run = runs.load(run_name, bulk.kinds(dataset))
    cli.say(f"run: {run.folder}")
    asked = Asked((), cli.standard_input(), (), (), text_column, encoding, threshold, anyway)
    if not corrected:
        _check_corrected(run)
    layer = _corrections(run, run_name, threshold) if corrected else None
    try:
        done = bulk.answer(
            *(run, dataset, out, asked),
            shard=shard,
            engine=engine,
            reject=reject,
            feedback=layer,
            resume=resume,
            force=force,
            report=_Pace(),
        )
    except KeyboardInterrupt:
        if bulk.unfinished(out).is_dir():
            cli.say("the answers so far are kept: continue with --resume")
        raise
    for name, reason in done.errors:
        click.echo(f"nnguide: {one_line(name)}: {one_line(reason)}", err=True)
    if done.failed > len(done.errors):
        more = done.failed - len(done.errors)
        click.echo(f"nnguide: {more:,} more inputs failed: see the column error", err=True)
    if as_json:
        answer = {
            "run": str(run.folder),
            "dataset": dataset,
            "out": str(out),
            "shard": "/".join(map(str, shard)),
            "n": done.rows,
            "failed": done.failed,
            "labels": done.labels,
            "resumed": done.resumed,
            "seconds": round(time.monotonic() - started, 3),
        }
        _options.print_json("predict", answer)
    else:
        each = ", ".join(f"{label} {n:,}" for label, n in done.labels.items())
        click.echo(f"{out}: {done.rows:,} inputs: {each or 'no answer'}, failed {done.failed:,}")
    return InputError.exit_code if done.failed else 0


class _Pace:
    """The progress of answering a data set.

    It is one line on a terminal, and a line a minute elsewhere.
    """

    def __init__(self) -> None:
        self.started = self.said = time.monotonic()
        self.live = _terminal.can_draw(sys.stderr)
        self.drawn = False

    def __call__(self, progress: Any) -> None:
        now, new = time.monotonic(), progress.rows - progress.resumed
        if not new:
            if progress.resumed:
                cli.say(f"{progress.resumed:,} inputs were answered before")
        elif self.live or now - self.said >= 60:
            line = (
                f"{progress.rows:,} answered, {new / max(now - self.started, 1e-9):,.0f} a second"
            )
            cli.say(f"\x1b[A\x1b[2K{line}" if self.drawn else line)
            self.said, self.drawn = now, self.live


# What would end a line or a column, or what a terminal obeys; lone halves of surrogate pairs
# stand for bytes of a file's name that are not UTF-8.
_UNPRINTED = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return `text` with escaped backslashes and control characters.

    They are written as Python writes them.
    """
    return _UNPRINTED.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
