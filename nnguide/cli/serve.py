"""The command `nnguide serve`."""

from __future__ import annotations

import functools
import logging
import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from nnguide import cli
from nnguide.cli import _options, _server_log
from nnguide.errors import ConfigError, NnguideError, RunError

MIB = 2**20
FILE = _options.GivenPath(dir_okay=False, path_type=Path)
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
INTERRUPTED = 130


@click.command("serve")
@click.argument("models", metavar="[NAME=]PATH...", nargs=-1)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    help="Port to listen on; 0: any free port.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of server processes.",
)
@click.option(
    "--max-body", type=float, default=16, show_default=True, help="Request size limit in MiB."
)
@click.option(
    "--max-rows", type=int, default=1024, show_default=True, help="Instances per request."
)
@click.option("--batch", type=int, default=64, show_default=True, help="Batch size of the model.")
@click.option("--no-batching", is_flag=True, help="Do not batch requests together.")
@click.option(
    "--queue", type=int, default=256, show_default=True, help="Requests in progress at once."
)
@click.option(
    "--max-held",
    type=float,
    default=128,
    show_default=True,
    help="Size limit of all requests in MiB.",
)
@click.option(
    "--max-memory", type=float, help="Memory limit of a process in MiB; then requests get 429."
)
@click.option("--timeout", type=float, default=30, show_default=True, help="Seconds per request.")
@click.option("--idle", type=float, default=75, show_default=True, help="Seconds between requests.")
@click.option(
    "--poll",
    type=float,
    default=1,
    show_default=True,
    help="Seconds between checks for new versions.",
)
@click.option(
    "--allow-host", multiple=True, metavar="NAME", help="Allow this Host header; repeatable."
)
@click.option(
    "--cors-origin", multiple=True, metavar="URL", help="Allow pages of this origin; repeatable."
)
@click.option("--token-file", type=FILE, help="File of accepted tokens, one per line.")
@click.option("--tls-cert", type=FILE, help="Certificate for HTTPS, PEM.")
@click.option("--tls-key", type=FILE, help="Private key of --tls-cert, PEM.")
@click.option("--access-log", metavar="FILE", help="Write a JSON line per request; -: stdout.")
@click.option(
    "--corrections",
    type=_options.GivenPath(file_okay=False, path_type=Path),
    help="Let the page save pictures with the right label here.",
)
@click.option("--trust", is_flag=True, help="Load a SavedModel that may access files.")
def command(
    models: tuple[str, ...],
    host: str,
    port: int,
    workers: int,
    access_log: str | None,
    **options: Any,
) -> int:
    """Serve each PATH over HTTP.

    Clients of TensorFlow Serving, KServe and Triton can use it.

    A PATH is a run's folder, a SavedModel export (its base folder, whose newest version
    serves, or one version), or a task for its newest run; without one, digits and spam.
    NAME is the model's in the URL: the task or the base folder unless it is given. New
    versions are loaded while requests run. `nnguide docs serving` has the interface.

    A MODEL FILE IS CODE: serve what you trust. A SavedModel whose graph touches files or runs
    Python is refused without --trust. Requests name the server as localhost, by an
    address or by --allow-host; pages of other origins are refused unless --cors-origin allows them.

    SIGTERM and Ctrl-C finish the running requests and exit with status 0 and 130.

    \b
    Examples:
      nnguide serve
      nnguide serve my-digits strict=my-spam --port 9000
      nnguide serve exports/digits --workers 4 --token-file tokens.txt
      curl -d '{"instances": ["win a prize"]}' localhost:8501/v1/models/spam:predict
    """
    cli.show_log()
    counts = tempfile.TemporaryDirectory(prefix="nnguide-metrics-") if workers > 1 else None
    if counts:  # the folder of the workers' metrics; set before the library is imported
        os.environ[MULTIPROCESS] = counts.name
    from nnguide.serving import memory

    memory.keep_level()
    from nnguide.serving import server
    from nnguide.serving.access_log import AccessLog

    _server_log.show("nnguide.serving")
    _server_log.show("uvicorn", logging.WARNING)
    settings = _settings(**options)
    bound = server.bind(host, port)
    words = models or _trained()

    def serve(ready: Callable[[], None], shown: bool = True) -> int:
        """Load and serve until a signal, and return it."""
        log = AccessLog(access_log) if access_log else None
        serving = server.Serving(**settings, log=log)
        serving.open(words)

        def loaded() -> None:
            _say_loaded(serving.models if shown else {})
            ready()

        return serving.run(bound, loaded)

    address, real_port = bound.getsockname()[:2]
    where = f"[{address}]" if ":" in address else address
    scheme = "https" if settings["tls"] else "http"
    ready = functools.partial(cli.say, f"ready at {scheme}://{where}:{real_port}")
    if counts:
        with counts:
            return _several(workers, serve, ready)
    if serve(ready) == signal.SIGINT:
        raise KeyboardInterrupt
    return 0


def _settings(
    *,
    max_body: float,
    max_rows: int,
    batch: int,
    no_batching: bool,
    queue: int,
    max_held: float,
    max_memory: float | None,
    timeout: float,
    idle: float,
    poll: float,
    allow_host: tuple[str, ...],
    cors_origin: tuple[str, ...],
    token_file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    corrections: Path | None,
    trust: bool,
) -> dict[str, Any]:
    """Check the options and return the arguments of `Serving`."""
    from nnguide.serving import bearer, server
    from nnguide.serving.bounds import Bounds

    if not poll > 0:
        raise ConfigError(f"--poll is a number of seconds above 0; got {poll:g}")
    held, memory = int(max_held * MIB), None if max_memory is None else int(max_memory * MIB)
    return {
        "bounds": Bounds(
            int(max_body * MIB), max_rows, batch, queue, held, timeout, idle=idle, memory=memory
        ),
        "batching": not no_batching,
        "poll": poll,
        "names": allow_host,
        "origins": cors_origin,
        "trust": trust,
        "tokens": bearer.read(token_file) if token_file else (),
        "tls": server.check_tls(tls_cert, tls_key),
        "corrected": corrections,
    }


def _say_loaded(models: Mapping[str, Any]) -> None:
    """Print the version of each model that is served."""
    for name, model in sorted(models.items()):
        if model.current:
            cli.say(f"{name} version {model.current.number}: {model.current.servable.origin}")


def _several(
    count: int, serve: Callable[[Callable[[], None], bool], int], ready: Callable[[], None]
) -> int:
    """Serve with `count` processes; return their exit status."""
    from prometheus_client.multiprocess import mark_process_dead

    from nnguide.serving import workers

    def work(number: int, done: Callable[[], None]) -> int:
        try:
            serve(done, number == 0)
        except NnguideError as error:
            click.echo(f"nnguide: {error}", err=True)
            return error.exit_code
        return 0

    status = workers.run(count, work, ready, lost=mark_process_dead)
    if status == INTERRUPTED:
        raise KeyboardInterrupt
    return status


def _trained() -> list[str]:
    """Return the tasks that have a trained model.

    The others are named to the user.
    """
    from nnguide import runs, tasks

    trained = []
    for task in tasks.names():
        try:
            runs.load(task)
        except RunError as error:
            cli.say(f"not served: {error}")
        else:
            trained.append(task)
    if not trained:
        raise RunError("there is no trained model to serve. Give a run's folder, or train one.")
    return trained
