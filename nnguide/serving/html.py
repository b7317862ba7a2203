"""Pages that a browser shows: they run their own scripts and ask this server alone."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'"
)


def page(content: str) -> Response:
    """A page that may ask no other server for anything."""
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(content, headers=headers)
