"""The command `nnguide learn`."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options


@click.command("learn")
@click.argument("lesson", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8600,
    show_default=True,
    help="Port to listen on; 0: any free port.",
)
@click.option(
    "--no-browser", is_flag=True, help="Print the address instead of opening the browser."
)
@click.option(
    "--exercises",
    type=_options.GivenPath(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Show what passes in this folder of exercises. [the one used last]",
)
def command(lesson: str | None, port: int, no_browser: bool, exercises: Path | None) -> int:
    """Open the guide in the browser with figures that you move.

    Every number on a page is computed by nnguide/blueprints, the files that the guide is about,
    while you move a weight, a rate or a point. Each LESSON has a question to guess first, its
    state as a link and as Python, and the code that ran. It links its exercises, and shows which
    of yours passed when `nnguide exercise check` last looked; no file of yours runs here.

    The pages are served on this machine alone, at 127.0.0.1, and load nothing from elsewhere.
    Ctrl-C ends it.

    \b
    Examples:
      nnguide learn
      nnguide learn descent
      nnguide learn neuron --no-browser --port 9000
      nnguide learn --exercises my-network
    """
    cli.show_log()
    from nnguide.learn import lessons, server
    from nnguide.learn.workbook import Workbook
    from nnguide.serving.server import bind

    place = lessons.get(lesson).name if lesson else ""
    Workbook(exercises)  # a wrong folder is said before anything is served
    bound = bind("127.0.0.1", port)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}/{place}"

    def ready() -> None:
        cli.say(f"ready at {address}")
        if not no_browser:
            threading.Thread(target=click.launch, args=(address,), daemon=True).start()

    server.run(bound, ready, exercises)
    raise KeyboardInterrupt
