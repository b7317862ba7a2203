"""Bearer tokens for requests, from a file of the operator."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from nnguide.errors import ConfigError
from nnguide.serving.bounds import RefusedError
from nnguide.serving.intake import error_response

LEAST = 16  # characters of a token
# What orchestrators ask without a token, and the pages, which bring it with their own requests.
OPEN = frozenset(
    {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/", "/docs", "/openapi.json"}
)


def read(path: Path) -> list[str]:
    """Read the tokens in a file, one a line.

    Empty lines and lines that begin with # are left out.

    Raises:
        ConfigError: the file cannot be read, has no token, or has an invalid one.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"--token-file: {path} cannot be read: {error}") from error
    tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not tokens:
        raise ConfigError(f"--token-file: {path} holds no token. Write one, of a line, into it.")
    for number, token in enumerate(tokens, 1):
        if len(token) < LEAST or not (token.isascii() and token.isprintable()) or " " in token:
            raise ConfigError(
                f"--token-file: token {number} of {path} is not of at least {LEAST} ASCII "
                "characters without spaces. Make one with: openssl rand -hex 32"
            )
    return tokens


class Bearer:
    """An ASGI middleware that admits only requests with a token."""

    def __init__(self, app: ASGIApp, tokens: list[str], pages: frozenset[str]) -> None:
        """Protect `app`.

        Args:
            pages: paths of files that need no token, besides `OPEN`.
        """
        self._app = app
        self._hashes = [_hash(token.encode()) for token in tokens]
        self._open = OPEN | pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        response = error_response(
            RefusedError(401, "expected the header Authorization: Bearer TOKEN with a known token")
        )
        response.headers["WWW-Authenticate"] = "Bearer"
        await response(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        brought = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(brought) != 1:
            return False
        kind, _, token = brought[0].partition(b" ")
        digest = _hash(token.strip())
        matches = [
            hmac.compare_digest(digest, known) for known in self._hashes
        ]  # always all of them
        return kind.lower() == b"bearer" and any(matches)


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
