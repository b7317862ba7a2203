"""The command `nnguide docs`."""

from __future__ import annotations

import re
from pathlib import Path

import click

import nnguide
from nnguide.config.values import unknown
from nnguide.errors import ConfigError

PAGES = Path(nnguide.__file__).parent / "docs"


@click.command("docs")
@click.argument("page", metavar="[PAGE]", required=False)
@click.option("--path", is_flag=True, help="Print the path of the page instead.")
def command(page: str | None, path: bool) -> None:
    """Print a PAGE of the documentation, or list the pages.

    The documentation comes with nnguide.

    \b
    Examples:
      nnguide docs
      nnguide docs guide
      nnguide docs doctor#dead-relu
      nnguide docs json --path
    """
    files = {file.stem.lower(): file for file in sorted(PAGES.glob("*.md"))}
    if page is None:
        if path:
            click.echo(PAGES)
            return
        wide = max(map(len, files), default=0)
        for name, file in files.items():
            with file.open(encoding="utf-8") as lines:
                title = lines.readline().lstrip("# ").strip()
            click.echo(f"{name:<{wide}}  {title}")
        return
    name, _, section = page.lower().removeprefix("docs/").partition("#")
    name = name.removesuffix(".md")
    if name not in files:
        raise ConfigError(unknown(name, list(files), "page"))
    if path:
        click.echo(files[name])
        return
    content = files[name].read_text(encoding="utf-8")
    click.echo_via_pager(_section(content, section) if section else content)


def _section(content: str, section: str) -> str:
    """Return the part of a page below the heading of `section`."""
    headings = {  # anchor -> where the heading begins, and its level
        re.sub(r"[^\w -]", "", heading[2].lower()).strip().replace(" ", "-"): (
            heading.start(),
            len(heading[1]),
        )
        for heading in re.finditer(r"^(#+) (.+)$", content, re.MULTILINE)
    }
    if section not in headings:
        raise ConfigError(unknown(section, list(headings), "section"))
    begin, level = headings[section]
    after = [start for start, other in headings.values() if start > begin and other <= level]
    return content[begin : min(after, default=len(content))]
