"""The command `nnguide feedback`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.cli.predict import one_line
from nnguide.errors import ConfigError, InputError

if TYPE_CHECKING:
    from nnguide.feedback.corrections import Change, LabelledText
    from nnguide.feedback.journal import Correction, Corrections
    from nnguide.runs import Answer, Run

OPTIONS = ("--spam", "--ham", "--forget")
SHOWN = 12  # digits of a correction's identifier
_IDENTIFIER = re.compile("[0-9a-f]{8,32}")


class _ManyPaths(click.Command):
    """A command whose --spam, --ham and --forget take several paths.

    They take all paths that follow them.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words: list[str] = []
        option = ""
        for place, word in enumerate(args):
            if word == "--" and option:
                words += [each for path in args[place + 1 :] for each in (option, path)]
                break
            name, equals, value = word.partition("=")
            if name in OPTIONS:
                option = name
                words += [option, value] if equals else []
            elif option and (word == "-" or not word.startswith("-")):
                words += [option, word]
            else:
                words.append(word)
        return super().parse_args(ctx, words)


def _paths(name: str, text: str) -> Any:
    kind = _options.GivenPath(readable=False)  # what cannot be read costs only itself
    return click.option(name, multiple=True, type=kind, metavar="PATH...", help=text)


@click.command("feedback", cls=_ManyPaths)
@click.argument("run", metavar="RUN")
@_paths("--spam", "Mails and mailboxes that are spam.")
@_paths("--ham", "Mails and mailboxes that are ham.")
@_paths("--forget", "Take back what was said of these, or of an ID of --list.")
@click.option("--list", "listed", is_flag=True, help="List the corrections.")
@click.option("--take-over", is_flag=True, help="Use those of the network before it was retrained.")
@_options.anyway
@_options.as_json
def command(
    run: str,
    spam: tuple[str, ...],
    ham: tuple[str, ...],
    forget: tuple[str, ...],
    listed: bool,
    take_over: bool,
    anyway: bool,
    as_json: bool,
) -> int:
    """Correct RUN's answers to your mail without changing RUN.

    The corrections are a layer of your own over its network.

    A corrected mail and its near copies turn at once; other answers stay until the corrections
    show that they can be trusted with more. --forget restores them all. The run is not written:
    the corrections are in your data folder, as hashes, without any text. predict, filter and
    filterd use them; evaluate does with --with-feedback. PATH is a mail, a mailbox, a folder of
    mail, or - for standard input. A network that was trained again begins without corrections;
    --take-over gives it those that RUN had before.

    \b
    Examples:
      nnguide feedback spam --spam missed.eml more/
      nnguide feedback spam --ham blocked.eml
      nnguide feedback spam --forget blocked.eml
      nnguide feedback spam --list
      nnguide feedback spam --take-over
    """
    cli.show_log()
    if bool(spam or ham or forget) + listed + take_over != 1:
        raise ConfigError(
            "expected --spam, --ham or --forget with paths of mail, or --list or --take-over "
            "alone. As in: nnguide feedback spam --spam missed.eml"
        )
    if (spam + ham + forget).count("-") > 1:
        raise ConfigError("standard input can be read only once; got - several times")
    from nnguide import feedback, runs
    from nnguide.feedback.corrections import correct, journal

    opened = runs.load(run, ["mail"])
    cli.say(f"run: {opened.folder}")
    places = journal(opened)
    corrections = places.read()
    if take_over:
        _take_over(opened, run, anyway, as_json)
        return 0
    if note := feedback.unused(opened, run):
        cli.say(note)
    if listed:
        _list(opened, corrections, as_json)
        return 0
    if not anyway:
        opened.check_learned("mail")
    errors: list[tuple[str, InputError]] = []
    labelled = _labelled(spam, "spam", errors) + _labelled(ham, "ham", errors)
    labelled += _labelled(forget, "forget", errors, corrections)
    changes = correct(opened, labelled) if labelled else []
    for change in changes:
        if change.is_lost:
            reason = "it was not corrected: there is nothing to forget"
            errors.append((change.labelled.name, InputError(reason)))
    changes = [change for change in changes if not change.is_lost]
    count = len(places.read())
    if as_json:
        _options.print_json(
            "feedback",
            {
                "run": str(opened.folder),
                "journal": str(places.path),
                "corrections": count,
                "changes": [_fields(change) for change in changes],
                "errors": [{"input": name, "error": str(error)} for name, error in errors],
            },
        )
    else:
        for change in changes:
            _print(change)
    for name, error in errors:
        click.echo(f"nnguide: {one_line(name)}: {one_line(str(error))}", err=True)
    cli.say(f"corrections: {count:,}")
    return InputError.exit_code if errors else 0


def _take_over(run: Run, name: str, anyway: bool, as_json: bool) -> None:
    from nnguide.feedback import earlier
    from nnguide.feedback.corrections import journal

    if not anyway:
        run.check_learned("mail")
    taken = earlier.take_over(run, name)
    count = len(journal(run).read())
    if as_json:
        _options.print_json(
            "feedback",
            {
                "run": str(run.folder),
                "journal": str(journal(run).path),
                "corrections": count,
                "taken_over": [_listed(correction) for correction in taken],
            },
        )
        return
    for correction in taken:
        click.echo(_line(correction))
    cli.say(f"taken over: {len(taken):,}, corrections: {count:,}")


def _line(correction: Correction) -> str:
    alone = "-" if correction.probability is None else f"{correction.probability:.6f}"
    return f"{correction.identifier[:SHOWN]}\t{correction.label}\t{alone}\t{correction.made}"


def _labelled(
    paths: tuple[str, ...],
    label: str,
    errors: list[tuple[str, InputError]],
    corrections: Corrections = (),
) -> list[LabelledText]:
    """Return the mails at some paths with a label.

    With corrections, a word may identify one of them.
    """
    from nnguide.data import mail
    from nnguide.feedback.corrections import LabelledText
    from nnguide.feedback.journal import MOST

    labelled: list[LabelledText] = []
    seen: set[str] = set()
    for path in paths:
        if corrections and _IDENTIFIER.fullmatch(path) and not Path(path).exists():
            known = [
                correction for correction in corrections if correction.identifier.startswith(path)
            ]
            if len(known) == 1:
                labelled.append(LabelledText(path, label, None, known[0].identifier))
                continue
        named = mail.texts_in(cli.standard_input(), "-") if path == "-" else mail.texts(path)
        for name, text in named:
            try:
                if isinstance(text, InputError):
                    raise text
                labelled.append(LabelledText.of(name, label, text))
                seen.add(labelled[-1].identifier)
            except InputError as error:
                errors.append((name, error))
            if len(seen) > MOST and label != "forget":  # before they fill the memory
                raise ConfigError(
                    f"expected at most {MOST:,} mails with --{label}; got more. Train on so much "
                    "mail: nnguide train spam --preset mail"
                )
    return labelled


def _print(change: Change) -> None:
    label = "forgotten" if change.labelled.label == "forget" else change.labelled.label
    name = one_line(change.labelled.name)
    answers = f"\t{_said(change.before)}\t{_said(change.after)}" if change.after else ""
    click.echo(f"{label}\t{name}{answers}")
    if change.labelled.label == "forget":
        return
    if change.known is not None and change.known.label != label:
        cli.say(f"{name}: it was corrected to {change.known.label} before; now {label} holds")
    for other, similarity in change.contradicts:
        cli.say(
            f"{name}: contradiction: {other.identifier[:SHOWN]}, a near copy "
            f"({similarity:.0%} alike), was corrected to {other.label}; each keeps its own label"
        )
    if change.after is not None and change.after.label != label:
        cli.say(
            f"{name}: it stays {change.after.label}, because the run's threshold allows no {label}"
        )


def _said(answer: Answer | None) -> str:
    return "" if answer is None else f"{answer.label} {answer.probability:.6f}"


def _fields(change: Change) -> dict[str, Any]:
    before, after = (
        None if answer is None else {"label": answer.label, "probability": answer.probability}
        for answer in (change.before, change.after)
    )
    text = change.labelled.text
    fields: dict[str, Any] = {
        "input": change.labelled.name,
        "given": change.labelled.label,
        "id": change.labelled.identifier[:SHOWN],
        "before": before,
        "after": after,
        "earlier": change.known.label if change.known else None,
        "contradicts": [
            {"id": other.identifier[:SHOWN], "label": other.label, "similarity": similarity}
            for other, similarity in change.contradicts
        ],
    }
    if message_id := getattr(text, "message_id", ""):
        fields["message_id"] = message_id
    return fields


def _list(run: Run, corrections: Corrections, as_json: bool) -> None:
    from nnguide.feedback.corrections import journal

    if not as_json:
        for correction in corrections:
            click.echo(_line(correction))
        cli.say(f"corrections: {len(corrections):,}")
        return
    _options.print_json(
        "feedback",
        {
            "run": str(run.folder),
            "journal": str(journal(run).path),
            "corrections": len(corrections),
            "list": [_listed(correction) for correction in corrections],
        },
    )


def _listed(correction: Correction) -> dict[str, Any]:
    return {
        "id": correction.identifier[:SHOWN],
        "label": correction.label,
        "probability": correction.probability,
        "made": correction.made,
    }
