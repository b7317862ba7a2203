"""The limits of the server, and its answers beyond them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from nnguide.errors import ConfigError


class RefusedError(Exception):
    """An answer that is an error.

    `status` is HTTP's, the text is the `error` of its JSON.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Bounds:
    """The limits of one request and of all requests together.

    Attributes:
        body: bytes of a request's body, also after it was unzipped; more is 413.
        rows: instances of a request; more is 413.
        batch: instances that the model answers together, of several requests or of one.
        queue: requests that wait or are being answered; one more is 429.
        held: bytes of all their bodies together; one more is 429.
        seconds: that a request may take; then it is 408 while its body comes, else 504.
        idle: seconds between two requests of a connection; then it is ended.
        memory: bytes of this process above which a request is 429 while others are answered.
    """

    body: int = 16 * 2**20
    rows: int = 1024
    batch: int = 64  # a row of a larger one costs hardly less, and its first waits longer
    queue: int = 256
    held: int = 128 * 2**20
    seconds: float = 30.0
    idle: float = 75.0  # longer than proxies keep a connection, which is 60 s mostly
    memory: int | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) is None:
                continue
            if not 0 < getattr(self, item.name) < 2**40:
                raise ConfigError(
                    f"the bound {item.name} is a number above 0; got {getattr(self, item.name)}"
                )
        if self.held < self.body:
            raise ConfigError(
                f"the bound on all bodies together ({self.held:,} bytes) is below that on one "
                f"({self.body:,} bytes)"
            )
