"""The command `nnguide explain`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli
from nnguide.cli import _options, _terminal
from nnguide.cli.predict import one_line
from nnguide.errors import ConfigError, InputError
from nnguide.explain import METHODS, check_method, explain_all, installed

if TYPE_CHECKING:
    from nnguide.explain.explanation import Explanation
    from nnguide.explain.subjects import Subject
    from nnguide.inference.sources import Named

SUFFIXES = (".png", ".html", ".json")
TOGETHER = 32  # inputs that are explained before they are shown; LIME and SHAP start up for each
COLOURS = {1: "bright_red", -1: "bright_blue"}  # of a word that speaks for the label, or against
CLEAR = 0.15  # of the largest |weight|: from here on a word is coloured


@click.command("explain")
@click.argument("run", metavar="RUN")
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
@_options.mails
@_options.anyway
@click.option("--method", type=click.Choice(METHODS), help="Explanation method. [integrated]")
@click.option("--compare", is_flag=True, help="Show every available method side by side.")
@click.option("--target", metavar="LABEL", help="Label to explain. [the predicted one; spam: spam]")
@click.option("--out", type=_options.PATH, help="Also write FILE.png, FILE.html or FILE.json.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Random seed. [0]")
@_options.as_json
def command(
    run: str,
    inputs: tuple[str, ...],
    mails: tuple[Path, ...],
    anyway: bool,
    method: str | None,
    compare: bool,
    target: str | None,
    out: Path | None,
    seed: int,
    as_json: bool,
) -> int:
    """Explain why RUN gave its answer to each INPUT.

    RUN is a run's folder or a task for its newest run. Digits: image files or folders.
    Spam: messages, - for a message a line on standard input, or mails and mailboxes
    with --mail. A table: numbers between commas. Each feature of the input gets a weight,
    its contribution to the score (the log-odds of the label, in nats): above 0 it speaks for
    the label, below 0 against it. The checks that follow say how far to trust the
    weights. LIME and SHAP need the extra `explain`.

    \b
    Examples:
      nnguide explain digits three.png --compare --out three.html
      nnguide explain digits seven.png --target 1
      nnguide explain spam "WIN a free prize, call now" --method shap
      nnguide explain spam - --json < messages.txt
      nnguide explain spam --mail strange.eml
    """
    cli.show_log()
    from nnguide.runs import outputs

    methods = _methods(method, compare)
    if out is not None:
        outputs.check_file(out, "--out", SUFFIXES, [*inputs, *mails])
    from nnguide.explain import subjects

    of = subjects.load(run, ["mail" if mails else "messages"])
    cli.say(f"run: {of.folder}")
    subjects.check_target(of, target)
    rows, failed = [], 0
    for batch, errors in _batches(_one_each(of, _named(of, inputs, mails, anyway))):
        for name, error in errors:
            failed = max(failed, error.exit_code)
            _print_error(name, error, as_json)
        for row in _explained(of, batch, methods, target, seed) if batch else []:
            _print(row, as_json)
            if out is not None:
                rows.append(row)
    if out is not None and rows:
        _write(rows, out, str(of.folder))
        cli.say(f"wrote {out}")
    return failed


def _methods(method: str | None, compare: bool) -> list[str]:
    """Return the methods to explain by.

    Those that --compare has to leave out are named to the user.
    """
    if not compare:
        check_method(method or "integrated")
        return [method or "integrated"]
    if method:
        raise ConfigError("--compare shows every method; leave --method out")
    if missing := [name for name in METHODS if not installed(name)]:
        cli.say(f"left out: {', '.join(missing)}. They come with: pip install 'nnguide[explain]'")
    return [name for name in METHODS if installed(name)]


def _named(
    of: Subject, inputs: tuple[str, ...], mails: tuple[Path, ...], anyway: bool
) -> Iterator[tuple[str, Any]]:
    """Yield each input's name, and its value or an InputError."""
    from nnguide.inference.answers import taken
    from nnguide.tasks.kinds import Asked

    if mails and not of.kind.takes_mail:
        raise ConfigError("--mail is for a run of spam")
    if not inputs and not mails:
        raise ConfigError("expected INPUT, as in: nnguide explain spam 'win a prize'")
    asked = Asked(inputs, cli.standard_input(), mails=mails, anyway=anyway)
    telling = _telling(of, of.kind.sources(of.run, asked))
    for item in telling:
        if item is not None:
            name, value = item
            yield name, taken(of.run.decision, value)


def _one_each(of: Subject, named: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the inputs, with an InputError for a picture of several digits."""
    for name, value in named:
        if of.kind.is_drawn and not isinstance(value, InputError):
            [answer] = of.answered([value])[0]
            yield name, answer if isinstance(answer, InputError) else value
        else:
            yield name, value


def _telling(of: Any, inputs: Named) -> Iterator[tuple[str, Any] | None]:
    """Yield inputs, each mail with the text that its answer is about.

    A mail may offer several texts.
    """
    from nnguide.data.mail import MailText, is_empty

    for item in inputs:
        if item is None or not isinstance(item[1], MailText):
            yield item
            continue
        name, text = item
        if is_empty(text):
            yield name, InputError("it has neither subject nor text, so its answer is a guess")
            continue
        every = [str(text), *text.alternatives]
        outputs = of.run.outputs(of.run.check(every))
        yield name, every[int(outputs[:, 0].argmax()) if outputs.shape[1] == 1 else 0]


def _batches(
    named: Iterator[tuple[str, Any]],
) -> Iterator[tuple[list[tuple[str, Any]], list[tuple[str, InputError]]]]:
    """Yield batches of good inputs, with the failed ones beside them."""
    good: list[tuple[str, Any]] = []
    bad: list[tuple[str, InputError]] = []
    for name, value in named:
        if isinstance(value, InputError):
            bad.append((name, value))
        else:
            good.append((name, value))
        if len(good) == TOGETHER:
            yield good, bad
            good, bad = [], []
    if good or bad:
        yield good, bad


def _explained(
    of: Subject, batch: list[tuple[str, Any]], methods: list[str], target: str | None, seed: int
) -> list[list[Explanation]]:
    """Return a row of explanations for each input.

    A row has one by each method that can explain this run.
    """
    raws = [value for _, value in batch]
    columns = []
    for method in methods:
        if len(methods) > 1 or len(raws) > 1:
            cli.say(f"{method}: {len(raws)} input{'s' * (len(raws) > 1)}")
        columns.append(explain_all(of, raws, method, target, seed=seed))
    return [
        [explanation if of.kind.is_its_own_name else explanation.named(name) for explanation in row]
        for (name, _), row in zip(batch, zip(*columns, strict=True), strict=True)
    ]


def _print_error(name: str, error: InputError, as_json: bool) -> None:
    if as_json:
        _options.print_json("explain", {"input": name, "error": str(error)})
    else:
        click.echo(f"nnguide: {one_line(name)}: {one_line(str(error))}", err=True)


def _print(row: list[Explanation], as_json: bool) -> None:
    """Print one input's explanations.

    They are an object a line, or blocks of text.
    """
    if as_json:
        for explanation in row:
            _options.print_json("explain", explanation.to_dict())
        return
    from nnguide.explain import terminal
    from nnguide.tasks import kinds

    first = row[0]
    answer = f"{first.score:.6g}\t" if first.label is None else f"{one_line(first.label)}\t"
    if first.probability is not None:
        answer += f"P({one_line(first.target or '')}) = {first.probability:.6f}"
    click.echo(f"{answer}\t{one_line(first.input or '')}")
    for explanation in row:
        click.echo()
        if kinds.get(first.kind).is_its_own_name:
            click.echo(f"  {_coloured(explanation)}")
        for line in terminal.lines(explanation):
            click.echo(one_line(line))
    click.echo()


def _coloured(explanation: Explanation) -> str:
    """Return the text with its most important words in colour.

    Colours are for a terminal that has them.
    """
    text, place, made = explanation.input or "", 0, ""
    most = max((abs(word.weight) for word in explanation.weights), default=0.0)
    for word in explanation.weights:
        made += one_line(text[place : word.start])
        shown = one_line(text[word.start : word.end])
        if abs(word.weight) > CLEAR * most and _terminal.has_colours():
            sign = 1 if word.weight > 0 else -1
            shown = click.style(shown, fg=COLOURS[sign], bold=sign > 0, underline=sign < 0)
        made += shown
        place = word.end
    return made + one_line(text[place:])


def _write(rows: list[list[Explanation]], out: Path, run: str) -> None:
    """Write all explanations to one file.

    Its suffix names its kind.
    """
    from nnguide import files

    if out.suffix.lower() == ".json":
        explanations = [explanation.to_dict() for row in rows for explanation in row]
        files.write_json(out, {"schema": 1, "command": "explain", "explanations": explanations})
    elif out.suffix.lower() == ".html":
        from nnguide.explain.page import page

        files.write_text(out, page(rows, "Why the network answered as it did", run))
    else:
        from nnguide.explain.draw import draw

        draw(rows, out)
