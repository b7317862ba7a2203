"""nnguide filterd"""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnguide import cli
from nnguide.cli import _options, _server_log

if TYPE_CHECKING:
    import socket

PORT = 783  # spamd's


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
@click.option("--allow-tell", is_flag=True, help="Let clients correct verdicts (TELL).")
def command(
    run: str,
    anyway: bool,
    port: int | None,
    path: Path | None,
    connections: int,
    timeout: float,
    allow_tell: bool,
) -> int:
    """Judge mail for spamc and other clients of SpamAssassin's spamd.

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
      nnguide filterd --run my-mail --socket /run/nnguide.sock
      spamc -p 7830 < message.eml
    """
    cli.show_log()
    _server_log.show("nnguide.filtering.daemon")
    from nnguide.filtering import daemon
    from nnguide.filtering.judge import Judge

    bounds = daemon.Bounds(connections, timeout, learns=allow_tell)
    sockets: list[socket.socket] = []
    try:
        if path is not None:
            sockets.append(daemon.bind_path(path))
        if path is None or port is not None:
            sockets.append(daemon.bind_port(PORT if port is None else port))
        server = daemon.Daemon(lambda: Judge(run, anyway), bounds)

        def ready() -> None:
            cli.say(f"run: {server.judge.run.folder}")
            for bound in sockets:
                name = bound.getsockname()
                cli.say(f"ready at {name if isinstance(name, str) else ':'.join(map(str, name))}")

        if server.run(sockets, ready) == signal.SIGINT:
            raise KeyboardInterrupt
    finally:
        for bound in sockets:
            bound.close()
        if path is not None and len(sockets) > 0:
            with contextlib.suppress(OSError):
                path.unlink()
    return 0
