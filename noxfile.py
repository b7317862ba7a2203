#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The scripts as sessions of nox: `nox -l` lists them, `nox -s docs` runs one."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"  # scripts/test makes the environment


@nox.session
def tests(session: nox.Session) -> None:
    """Check lint, format, types and tests; arguments go to pytest."""
    session.run("scripts/test", *session.posargs, external=True)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation's site."""
    session.run(".venv/bin/python", "scripts/docs", *session.posargs, external=True)


@nox.session(default=False)
def notebooks(session: nox.Session) -> None:
    """Make the notebooks; --execute runs them."""
    session.run(".venv/bin/python", "scripts/notebooks", *session.posargs, external=True)


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel twice and compare."""
    session.run("scripts/build_wheel", *session.posargs, external=True)


if __name__ == "__main__":
    nox.main()
