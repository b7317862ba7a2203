"""nnguide serve"""

from __future__ import annotations

import logging
import signal

import click

from nnguide import cli
from nnguide.errors import ConfigError, RunError

MIB = 2**20


@click.command("serve")
@click.argument("models", metavar="[NAME=]PATH...", nargs=-1)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    help="0: any free one.",
)
@click.option("--max-body", type=float, default=16, show_default=True, help="MiB of a request.")
@click.option("--max-rows", type=int, default=1024, show_default=True, help="Instances of one.")
@click.option("--batch", type=int, default=64, show_default=True, help="Of those at once.")
@click.option("--no-batching", is_flag=True, help="Answer each request on its own.")
@click.option("--queue", type=int, default=256, show_default=True, help="Requests at once.")
@click.option("--max-held", type=float, default=128, show_default=True, help="MiB of all requests.")
@click.option("--timeout", type=float, default=30, show_default=True, help="Seconds of a request.")
@click.option("--idle", type=float, default=75, show_default=True, help="Seconds between requests.")
@click.option(
    "--poll", type=float, default=1, show_default=True, help="Seconds between looks for versions."
)
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name it is asked by.")
@click.option("--cors-origin", multiple=True, metavar="URL", help="Whose pages may ask it.")
@click.option("--trust", is_flag=True, help="Load a SavedModel that may touch files.")
def command(
    models: tuple[str, ...],
    host: str,
    port: int,
    max_body: float,
    max_rows: int,
    batch: int,
    no_batching: bool,
    queue: int,
    max_held: float,
    timeout: float,
    idle: float,
    poll: float,
    allow_host: tuple[str, ...],
    cors_origin: tuple[str, ...],
    trust: bool,
) -> int:
    """Answer TensorFlow Serving's REST requests with each PATH.

    A PATH is a run's folder, a SavedModel export (its base folder, whose newest version
    serves, or one version), or a task for its newest run; without one, digits and spam.
    NAME is the model's in the URL: the task or the base folder unless it is given. What is
    new on the disk is loaded while requests run. `nnguide docs serving` has the interface.

    A MODEL FILE IS CODE: serve what you trust. A SavedModel whose graph touches files or runs
    Python is refused without --trust. Requests name the server as localhost, by an
    address or by --allow-host; pages of other origins are refused but for --cors-origin.

    SIGTERM and Ctrl-C answer what was begun and end, with status 0 and 130.

    \b
    Examples:
      nnguide serve
      nnguide serve my-digits strict=my-spam --port 9000
      nnguide serve exports/digits
      curl -d '{"instances": ["win a prize"]}' localhost:8501/v1/models/spam:predict
    """
    cli.loud()
    if not poll > 0:
        raise ConfigError(f"--poll is a number of seconds above 0; got {poll:g}")
    from nnguide.serving import server
    from nnguide.serving.bounds import Bounds

    _show_log()
    bounds = Bounds(
        *(int(max_body * MIB), max_rows, batch, queue, int(max_held * MIB), timeout, idle)
    )
    bound = server.bind(host, port)
    served = server.Serving(bounds, not no_batching, poll)
    served.open(models or _usual())
    address, real_port = bound.getsockname()[:2]

    def ready() -> None:
        for name, model in sorted(served.models.items()):
            if model.current:
                cli.say(f"{name} version {model.current.number}: {model.current.servable.origin}")
        where = f"[{address}]" if ":" in address else address
        cli.say(f"ready at http://{where}:{real_port}")

    if served.run(bound, ready) == signal.SIGINT:
        raise KeyboardInterrupt
    return 0


def _usual() -> list[str]:
    """The tasks that have a trained model; the others are named."""
    from nnguide import runs, tasks

    found = []
    for task in tasks.names():
        try:
            runs.load(task)
        except RunError as error:
            cli.say(f"not served: {error}")
        else:
            found.append(task)
    if not found:
        raise RunError("there is no trained model to serve. Give a run's folder, or train one.")
    return found


class _ToStderr(logging.Handler):
    """What the server logs, from whatever thread."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"nnguide: {self.format(record)}", err=True)


def _show_log() -> None:
    context = click.get_current_context()
    quiet = (context.find_root().obj or {}).get("quiet")
    for name in ("nnguide.serving", "uvicorn"):
        log = logging.getLogger(name)
        log.handlers = [_ToStderr()]
        log.setLevel(logging.WARNING if quiet or name == "uvicorn" else logging.INFO)
        log.propagate = False
