"""The server's host names, and the pages that may ask it.

A page on the internet can let its own name point to this machine (DNS rebinding) and then ask as
if it were the server's own; it can post to this machine without that, too. So a request names
the server by an address, localhost or a name that was allowed, and one that a page of another
origin sends is refused unless that origin was allowed.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from nnguide.errors import ConfigError
from nnguide.serving.bounds import RefusedError
from nnguide.serving.intake import error_response

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?", re.I | re.A)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class SameOrigin:
    """An ASGI middleware that refuses foreign host names and origins."""

    def __init__(
        self,
        app: ASGIApp,
        names: Iterable[str] = (),
        origins: Iterable[str] = (),
        adjustable: bool = True,
    ) -> None:
        """Protect `app`.

        Args:
            names: host names of the server, besides localhost and addresses.
            origins: origins whose pages may send requests, as `origin` returns them.
            adjustable: whether the command has options for both, which a refusal names.
        """
        self._adjustable = adjustable
        own = socket.gethostname().lower()
        self._names = {"localhost", own, *(name.lower().rstrip(".") for name in names)}
        self._origins = set(origins)
        if self._origins:
            app = CORSMiddleware(
                app,
                allow_origins=sorted(self._origins),
                allow_methods=["GET", "POST"],
                allow_headers=["content-type", "content-encoding", "authorization", "x-request-id"],
                expose_headers=["x-request-id"],
            )
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind in ("http", "websocket") and (refusal := self._refusal(scope["headers"])):
            if kind == "http":
                await error_response(refusal)(scope, receive, send)
            else:  # before it is accepted, which the client sees as status 403
                await send({"type": "websocket.close", "code": 1008, "reason": str(refusal)})
        else:
            await self._app(scope, receive, send)

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> RefusedError | None:
        decoded = [(name, value.decode("latin-1")) for name, value in headers]
        hosts = [value for name, value in decoded if name == b"host"]
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            shown = ", ".join(hosts)[:100] or "no Host"
            return RefusedError(
                421,
                f"this server is not called {shown}. Ask it as localhost or by its address"
                + (", or start it with --allow-host NAME." if self._adjustable else "."),
            )
        for name, page in decoded:
            if name == b"origin" and not self._may_ask(page, hosts[0]):
                return RefusedError(
                    403,
                    f"pages of {page[:100]} may not ask this server."
                    + (
                        " To let them, start it with --cors-origin ORIGIN."
                        if self._adjustable
                        else ""
                    ),
                )
        return None

    def _is_own(self, host: str) -> bool:
        matched = _HOST.fullmatch(host)
        if not matched:
            return False
        name = matched[1].lower().rstrip(".")
        if name in self._names or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _may_ask(self, page: str, host: str) -> bool:
        scheme, _, name = page.lower().partition("://")
        default = _DEFAULT_PORTS.get(scheme, "")
        same = name.removesuffix(default) == host.lower().removesuffix(default)
        return (scheme in _DEFAULT_PORTS and same) or page.lower() in self._origins


def origin(word: str) -> str:
    """Return `word` as an origin in the form that browsers send.

    Raises:
        ConfigError: it is not one.
    """
    address = urlsplit(word)
    if address.scheme not in _DEFAULT_PORTS or not address.hostname or address.path.strip("/"):
        raise ConfigError(
            f"--cors-origin is a page's origin, such as https://example.org; got {word!r}"
        )
    return f"{address.scheme}://{address.netloc}".lower()
