"""HTML pages that run their own scripts and contact only this server."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'"
)


def page(content: str) -> Response:
    """Return a page that may contact no other server."""
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(content, headers=headers)
