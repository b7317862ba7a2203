"""The `nnguide` command line: parsing, output and exit statuses.

It calls the library for the work.

Nothing heavy is imported here, nor by a command's module: only the work itself brings in a
framework, so `--help` answers at once.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import logging
import os
import pkgutil
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import click

from nnguide import __version__
from nnguide.cli._outline import Outlined
from nnguide.errors import (
    ConfigError,
    FindingsError,
    InputError,
    NnguideError,
    WorkError,
    WriteError,
)

print_above: Callable[[str], None] | None = None  # while something is drawn on the terminal
EVENTS = "nnguide.tuning.chief"  # its lines may come again
COMPLETING = "_NNGUIDE_COMPLETE"  # is set while a shell asks what a word may become
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HELP = """Neural networks that you can read, train and use.

\b
Examples:
  nnguide train digits                    learn handwritten digits
  nnguide evaluate digits                 evaluate the newest digits run
  nnguide predict digits picture.png      read a picture
  nnguide predict spam "WIN a prize now"  judge a message

\b
Arguments that begin with a minus go after --, as in:
  nnguide predict spam -- "-50 % today"

\b
Exit status: 0 success, 1 a bug, 2 wrong use, 3 data not available, 4 bad input,
5 a run missing or damaged, 6 an extra not installed, 7 findings, 8 the work
failed, 9 cannot write, 130 interrupted.

\b
More: nnguide help COMMAND, and nnguide docs for the guide and the reference.
"""


class Group(click.Group):
    """A group that suggests a command when a name is mistyped."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from nnguide.config import unknown

            if args and not args[0].startswith("-"):
                known = self.list_commands(ctx)
                raise click.UsageError(unknown(args[0], known, "command"), ctx) from error
            raise


class Commands(Outlined, Group):
    """The commands: the modules beside this one.

    Each is imported when it is used.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{name}").command
        _add_common(command)
        if COMPLETING in os.environ:
            from nnguide.cli import _completion

            _completion.install(command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # which click would end with 1
            raise _ReaderGoneError from error
        except EOFError as error:  # which click would take for Ctrl-C
            raise RuntimeError(f"a file ended too early: {error}") from error


class _ReaderGoneError(Exception):
    """The reader of the output, such as `head`, has closed it."""


def _set(name: str) -> Any:
    def callback(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            ctx.find_root().ensure_object(dict)[name] = True

    return callback


def _common() -> list[click.Option]:
    """Return the options that every command takes too."""
    flags: list[tuple[tuple[str, ...], str, str]] = [
        (("--debug",), "debug", "Show the traceback of an error."),
        (("-v", "--verbose"), "verbose", "Show TensorFlow's own log."),
        (("-q", "--quiet"), "quiet", "Print only errors on stderr."),
    ]
    options = [
        click.Option(
            names, is_flag=True, expose_value=False, is_eager=True, callback=_set(name), help=text
        )
        for names, name, text in flags
    ]
    version = click.Option(
        ("--version",),
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_print_version,
        help="Show the version and exit.",
    )
    return [*options, version]


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"nnguide {__version__}")
        ctx.exit()


def _add_common(command: click.Command) -> None:
    names = {name for parameter in command.params for name in parameter.opts}
    command.params += [o for o in _common() if not names & set(o.opts)]
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _add_common(inner)


command_line = Commands(
    name="nnguide",
    help=HELP,
    params=_common(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    asked: dict[str, bool] = {}
    if COMPLETING in os.environ:
        from nnguide.cli import _completion

        _completion.ready()
    _fill_closed_streams()
    if sys.stdout is None:
        sys.exit(_fail(WriteError("cannot write the answer: standard output is closed"), asked))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack characters
    _interruptible(asked)
    try:
        status = command_line.main(arguments, prog_name="nnguide", standalone_mode=False, obj=asked)
        status = status if isinstance(status, int) else 0
        if asked.get("left_out"):
            status = status or InputError.exit_code
        sys.stdout.flush()
    except NnguideError as error:
        status = _fail(error, asked)
    except click.exceptions.Exit as error:
        status = error.exit_code
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption):
            _no_such_option(error)
        else:
            shown = io.StringIO()
            error.show(shown)
            click.echo(plain(shown.getvalue()), nl=False, err=True)
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = _interrupted()
    except (_ReaderGoneError, BrokenPipeError):
        _drop_output()
        status = 0
    except MemoryError:
        text = "out of memory. Use a smaller batch size."
        status = _fail(WorkError(text), asked)
    except OSError as error:
        status = _refused(error, asked)
    except Exception as error:
        status = _bug(error, asked)
    if arguments is None:
        gc.freeze()  # the process ends: what it holds need not be searched for cycles once more
    sys.exit(status)


def _interruptible(asked: dict[str, bool]) -> None:
    """Let Ctrl-C and SIGTERM interrupt the work.

    `asked` records the interruption, whatever happens then.
    """

    def interrupt(number: int, frame: Any) -> None:
        asked["interrupted"] = True
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, interrupt)


def _interrupted() -> int:
    click.echo("nnguide: interrupted", err=True)
    return 130


def _no_such_option(error: click.NoSuchOption) -> None:
    """Report an unknown option and suggest the nearest one.

    click's own suggestion goes by spelling alone.
    """
    from nnguide.cli import _suggest

    parameters = error.ctx.command.params if error.ctx else []
    meant = _suggest.option(error.option_name, [name for p in parameters for name in p.opts])
    hint = f" Did you mean {meant}?" if meant else ""
    message = f"no such option {error.option_name}.{hint}"
    click.NoSuchOption(error.option_name, message, ctx=error.ctx).show()
    if not meant:
        click.echo("An argument that begins with a minus goes after --.", err=True)


def _fill_closed_streams() -> None:
    """Open os.devnull in place of closed standard streams.

    The next file that is opened would take their place otherwise.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8")  # noqa: SIM115


class _Closed(io.RawIOBase):
    """A standard input that is closed."""

    def read(self, size: int = -1, /) -> bytes:
        raise InputError("standard input is closed: there is nothing to read")

    read1 = read


def standard_input() -> Any:
    """Return the bytes stream of standard input.

    Where it is closed, reading it raises an error.
    """
    return _Closed() if sys.stdin is None else sys.stdin.buffer


def plain(text: str) -> str:
    """Return `text` with escaped control characters, except line ends and tabs.

    A name in a message may hold what a terminal would obey.
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _fail(error: NnguideError, asked: dict[str, bool]) -> int:
    if asked.get("debug"):
        traceback.print_exc()
    if asked.get("interrupted"):  # what a library made of it
        return _interrupted()
    if not isinstance(error, FindingsError):
        click.echo(f"nnguide: {plain(str(error))}", err=True)
    return error.exit_code


def _bug(error: Exception, asked: dict[str, bool]) -> int:
    if asked.get("debug"):
        traceback.print_exc()
    if asked.get("interrupted"):
        return _interrupted()
    text = plain(str(error))
    click.echo(f"nnguide: this is a bug: {type(error).__name__}: {text}", err=True)
    click.echo("Run it again with --debug for the traceback.", err=True)
    return 1


def _refused(error: OSError, asked: dict[str, bool]) -> int:
    """Return the status for an error of the operating system.

    The library has raised no error of its own for it.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        _drop_output()
        place = error.filename or "the output"
        return _fail(WriteError(f"cannot write {place}: {error.strerror}"), asked)
    if error.errno == errno.ENAMETOOLONG:
        name = str(error.filename)
        return _fail(ConfigError(f"a name is too long for a file: {name[:60]}..."), asked)
    return _bug(error, asked)


def _drop_output() -> None:
    """Discard what is still buffered for stdout.

    Python would fail on it at its end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def is_quiet() -> bool:
    """Return whether the user gave --quiet."""
    context = click.get_current_context(silent=True)
    return bool(context and (context.find_root().obj or {}).get("quiet"))


def say(line: str) -> None:
    """Print a line for the user on stderr, unless --quiet is given."""
    if not is_quiet():
        show_line(line)


def show_line(line: str) -> None:
    """Print a line on stderr, above what is drawn there."""
    if print_above is None:
        click.echo(line, err=True)
    else:
        print_above(line)


class _ToUser(logging.Handler):
    """A log handler that shows the library's messages to the user.

    They may come from any thread.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        super().__init__()
        self._asked = asked
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = plain(record.getMessage())
        if record.name != EVENTS:
            if message in self._shown:  # data are read part by part
                return
            self._shown.add(message)
        if hasattr(record, "left_out"):  # inputs that could not be read: not even --quiet hides it
            self._asked["left_out"] = True
            click.echo(f"nnguide: {message}", err=True)
        elif not self._asked.get("quiet"):
            show_line(message)


def show_log() -> None:
    """Show the library's log, and with -v that of the frameworks.

    It is called before a framework is imported.
    """
    from nnguide import logs

    command = click.get_current_context().find_root()
    asked = command.ensure_object(dict)
    logs.verbose = bool(asked.get("verbose"))
    log = logging.getLogger("nnguide")
    handler, before = _ToUser(asked), (log.level, log.propagate)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False

    @command.call_on_close
    def end() -> None:
        log.removeHandler(handler)
        log.setLevel(before[0])
        log.propagate = before[1]
