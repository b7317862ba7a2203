"""Pages that a browser shows: they run their own scripts and ask this server alone."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse, Response

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'"
)


def page(path: Path) -> Response:
    """The page in the file `path`, which may ask no other server for anything."""
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(path.read_text(encoding="utf-8"), headers=headers)
