"""The command `nnguide filter`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.errors import ConfigError, InputError, NnguideError

if TYPE_CHECKING:
    from nnguide.serving.filtering.judge import Verdict

STATUS = {"spam": 0, "ham": 1, "unsure": 2}
FAILED = 3  # of --verdict
LATER = 75  # EX_TEMPFAIL: the mail system keeps the mail and tries again
MAX_BYTES = 25 * 2**20  # of a mail that is judged
CHUNK = 2**20


class _LosesNothing(click.Command):
    """A command that passes the mail on even when it is mistyped."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **rest: Any) -> Any:
        words = list(args)
        try:
            return super().make_context(info_name, args, *more, **rest)
        except click.UsageError as error:
            if "--verdict" in words:
                error.show()
                raise click.exceptions.Exit(FAILED) from error
            source = cli.standard_input()
            if not (raw := b"" if _is_terminal(source) else source.read(CHUNK)):
                raise
            error.show()
            raise click.exceptions.Exit(_unchanged(raw, source, "--strict" in words)) from error


def _is_terminal(source: Any) -> bool:
    return bool(getattr(source, "isatty", bool)())


@click.command("filter", cls=_LosesNothing)
@click.option("--verdict", is_flag=True, help="Print one line instead of the mail.")
@click.option("--passthrough", is_flag=True, help="Print the mail with added headers. [default]")
@click.option("--strict", is_flag=True, help="On failure print nothing and exit with 75.")
@click.option(
    "--run", default="spam", show_default=True, metavar="RUN", help="The run that judges."
)
@_options.anyway
def command(verdict: bool, passthrough: bool, strict: bool, run: str, anyway: bool) -> int:
    """Judge the one mail on standard input, as a mail filter.

    --passthrough prints it with X-Spam-Flag, X-Spam-Status and X-Nnguide-Reason in front.
    Earlier headers X-Spam-* and X-Nnguide-* are removed, every other byte stays. The status
    is 0, also after a failure, when the mail is unchanged; with --strict a failure prints
    nothing, and the status is 75, so that the mail system tries again.

    --verdict prints LABEL, PROBABILITY, THRESHOLD and the words that weighed most, between
    tabs. Its statuses are its own: 0 spam, 1 ham, 2 unsure (more likely spam than not, yet
    not above the threshold), 3 an error.

    \b
    Examples:
      nnguide filter --passthrough < message.eml
      nnguide filter --verdict --run my-mail < message.eml
    `nnguide docs mail` has recipes for procmail, maildrop, Postfix and Dovecot.
    """
    if verdict:
        return _verdict(run, anyway, passthrough or strict)
    return _passthrough(run, anyway, strict)


def _verdict(run: str, anyway: bool, more: bool) -> int:
    try:
        if more:
            raise ConfigError("--passthrough and --strict do not go with --verdict")
        raw = cli.standard_input().read(MAX_BYTES + 1)
        _check_one(raw)
        made = _judge(raw, run, anyway)
        reason = made.reason.replace("\t", " ")
        click.echo(f"{made.label}\t{made.probability:.6f}\t{made.threshold:.6f}\t{reason}")
    except (Exception, KeyboardInterrupt) as error:
        _say(error)
        return FAILED
    return STATUS[made.label]


def _check_one(raw: bytes) -> None:
    """Raise InputError for a mailbox, which is not one mail.

    Raises:
        InputError: as said.
    """
    import io

    from nnguide.data.mail.mailboxes import is_mbox, mails_in

    if is_mbox(raw) and sum(1 for _ in mails_in(io.BytesIO(raw), "-")) > 1:
        raise InputError("expected one mail; got a mailbox. Use: nnguide predict RUN --mail -")


def _passthrough(run: str, anyway: bool, strict: bool) -> int:
    """Print the mail, judged if possible.

    Until it is printed whole, the status is 75.
    """
    source = cli.standard_input()
    try:
        raw = source.read(MAX_BYTES + 1)
    except (Exception, KeyboardInterrupt) as error:
        _say(error)
        return LATER
    from nnguide.serving.filtering import envelope

    try:
        written = envelope.marked(raw, _judge(raw, run, anyway))
    except KeyboardInterrupt as error:
        _say(error)
        return LATER
    except Exception as error:
        _say(error)
        return _unchanged(raw, source, strict)
    return _printed(written)


def _judge(raw: bytes, run: str, anyway: bool) -> Verdict:
    cli.show_log()
    from nnguide.serving.filtering.judge import Judge

    judge = Judge(run, anyway)
    if judge.note:
        cli.say(judge.note)
    return judge.verdict(raw)


def _unchanged(raw: bytes, source: Any, strict: bool) -> int:
    """Print the mail as it came.

    `raw` is what was read of it; the rest is in `source`.
    """
    return LATER if strict else _printed(raw, source)


def _printed(raw: bytes, source: Any = None) -> int:
    try:
        while raw:
            _write(raw)
            raw = source.read(CHUNK) if source else b""
    except (Exception, KeyboardInterrupt) as error:
        _say(error)
        return LATER
    return 0


def _write(raw: bytes) -> None:
    """Write to standard output without Python's buffer.

    Whatever cannot be written is known at once.
    """
    left = memoryview(raw)
    while left:
        left = left[os.write(1, left) :]


def _say(error: BaseException) -> None:
    known = isinstance(error, (NnguideError, OSError))
    message = str(error) if known else f"{type(error).__name__}: {error}"
    click.echo(
        f"nnguide: {'interrupted' if isinstance(error, KeyboardInterrupt) else message}", err=True
    )
