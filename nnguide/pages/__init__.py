"""The HTML pages: one layout, one stylesheet, templates that escape values.

    explanations.html   why a network answered as it did (`nnguide explain --out why.html`)
    fragment.html       one explanation, for any page or notebook
    run.html            a run, in a notebook
    report.html         the doctor's report, in a notebook
    plot.html           a plot of `plots.py`, as SVG, in any of them
    progress.html       a training at work, in a notebook
    audit.html          a whole model measured (`nnguide audit`)
    try.html            the page of the server: draw a digit, paste a message
    interface.html      the server's interface for programs

A page that is a file holds its stylesheet and pictures and loads nothing; a served one asks its
own server for them.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
STYLE = FOLDER / "style.css"


def render(template: str, **values: Any) -> str:
    """Return the page that a template makes of `values`.

    `template` is a file of this folder.
    """
    return environment().get_template(template).render(**values)


def made() -> str:
    """Return the footer that says when and by which version."""
    return f"nnguide {__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


@functools.cache
def environment() -> Environment:
    """Return the Jinja environment of this folder's templates.

    What they show is escaped; a missing value is an error.
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _printable(value: Any) -> Any:
    """Return text with unprintable characters replaced by U+FFFD.

    White space stays.
    """
    if not isinstance(value, str) or hasattr(value, "__html__") or value.isprintable():
        return value
    return "".join(
        letter if letter.isprintable() or letter.isspace() else "\ufffd" for letter in value
    )
