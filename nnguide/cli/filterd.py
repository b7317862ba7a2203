"""The command `nnguide filterd`."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnguide import cli
from nnguide.cli import _options, _server_log
from nnguide.errors import NnguideError

if TYPE_CHECKING:
    import socket

PORT = 783  # spamd's
INTERRUPTED = 130


@click.command("filterd")
@click.option(
    "--run", default="spam", show_default=True, metavar="RUN", help="The run that judges."
)
@_options.anyway
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of 127.0.0.1; 0: any free port. [{PORT}, none with --socket]",
)
@click.option("--socket", "path", type=_options.PATH, help="Path of a Unix socket.")
@click.option(
    "--connections", type=int, default=256, show_default=True, help="Connections at once."
)
@click.option("--timeout", type=float, default=60, show_default=True, help="Seconds per request.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that judge, each with its own copy of the run.",
)
@click.option("--allow-tell", is_flag=True, help="Let clients correct verdicts (TELL).")
def command(
    run: str,
    anyway: bool,
    port: int | None,
    path: Path | None,
    connections: int,
    timeout: float,
    workers: int,
    allow_tell: bool,
) -> int:
    """Judge mail as a spamd server.

    spamc and other clients of SpamAssassin's spamd can use it.

    It speaks spamd's protocol at a port of the loopback address, a Unix socket or both, so
    that spamc works unchanged, and through it procmail, maildrop, Exim, Postfix and Sendmail.
    With --allow-tell, TELL (`spamc -L spam|ham|forget`) corrects as `nnguide feedback` does, whose
    corrections are used at once. When it fails or is overloaded it says so, and the client passes
    the mail on unchanged.

    SIGHUP picks up the run that RUN means by then; SIGTERM and Ctrl-C finish the running requests
    and exit with status 0 and 130. `nnguide docs mail` has recipes.

    \b
    Examples:
      nnguide filterd --run my-mail --port 7830
      nnguide filterd --run my-mail --socket /run/nnguide.sock --workers 2
      spamc -p 7830 < message.eml
    """
    cli.show_log()
    _server_log.show("nnguide.serving.filtering.daemon")
    from nnguide.serving import memory

    memory.keep_level()
    from nnguide.serving.filtering import daemon
    from nnguide.serving.filtering.judge import Judge

    bounds = daemon.Bounds(connections, timeout, learns=allow_tell)
    sockets: list[socket.socket] = []
    try:
        if path is not None:
            sockets.append(daemon.bind_path(path))
        if path is None or port is not None:
            sockets.append(daemon.bind_port(PORT if port is None else port))

        def serve(number: int, opened: Callable[[], None]) -> int:
            server = daemon.Daemon(lambda: Judge(run, anyway), bounds)

            def ready() -> None:
                if number == 0:
                    cli.say(f"run: {server.judge.run.folder}")
                opened()

            return server.run(sockets, ready)

        if _ended_by(workers, serve, lambda: _say_places(sockets)) == signal.SIGINT:
            raise KeyboardInterrupt
    finally:
        for bound in sockets:
            bound.close()
        if path is not None and len(sockets) > 0:
            with contextlib.suppress(OSError):
                path.unlink()
    return 0


def _say_places(sockets: list[socket.socket]) -> None:
    for bound in sockets:
        name = bound.getsockname()
        cli.say(f"ready at {name if isinstance(name, str) else ':'.join(map(str, name))}")


def _ended_by(
    count: int, serve: Callable[[int, Callable[[], None]], int], ready: Callable[[], None]
) -> int:
    """Serve with `count` processes; return the signal that ended them.

    Raises:
        click.exceptions.Exit: a worker could not start; it has said why.
    """
    if count == 1:
        return serve(0, ready)
    from nnguide.serving import workers

    def work(number: int, opened: Callable[[], None]) -> int:
        try:
            serve(number, opened)
        except NnguideError as error:
            click.echo(f"nnguide: {error}", err=True)
            return error.exit_code
        return 0

    status = workers.run(count, work, ready, passed_on=(signal.SIGHUP,))
    if status not in (0, INTERRUPTED):
        raise click.exceptions.Exit(status)
    return signal.SIGINT if status == INTERRUPTED else signal.SIGTERM
