"""Downloads of official files, in bounded time, checked by SHA-256."""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nnguide.errors import DataError
from nnguide.files import atomic

PROBE_SECONDS = 3.0  # for name look-up, connection and first answer together
STALL_SECONDS = 30.0  # a download that stands still this long has failed

_log = logging.getLogger(__name__)


def _failures() -> tuple[type[Exception], ...]:
    """Return the exceptions that a download may raise.

    The client is imported late: a prediction needs none.
    """
    import http.client

    return OSError, ValueError, http.client.HTTPException


_unreachable: dict[str, str] = {}  # host -> reason, for the life of the process


class AbsentError(DataError):
    """A set that is not in any place that is searched.

    `--dataset auto` may go on without it.

    Attributes:
        reason: why, without what to do about it.
    """

    def __init__(self, reason: str, advice: str = "", name: str = "") -> None:
        problem = f"{name} was not found: {reason}" if name else reason
        super().__init__(f"{problem}. {advice}" if advice else problem)
        self.reason = reason


@dataclass(frozen=True)
class Download:
    """A file to download: address, name, SHA-256 and highest length.

    The SHA-256 is None where the publisher gives none; then the content is verified later.
    """

    url: str
    name: str
    sha256: str | None
    limit: int  # bytes


def probe(url: str) -> None:
    """Check that `url` answers within PROBE_SECONDS.

    A host that did not answer is not asked again by this process. The whole attempt runs
    beside: a look-up of its name has no time limit of its own.

    Raises:
        AbsentError: it does not, or NNGUIDE_OFFLINE is set.
    """
    if os.environ.get("NNGUIDE_OFFLINE"):
        raise AbsentError("NNGUIDE_OFFLINE is set, so nothing is downloaded")
    host = urlsplit(url).netloc
    if host not in _unreachable:
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=lambda: answers.put(_ask(url)), daemon=True).start()
        try:
            reason = answers.get(timeout=PROBE_SECONDS)
        except queue.Empty:
            reason = f"no answer in {PROBE_SECONDS:g} s"
        if not reason:
            return
        _unreachable[host] = reason
    raise AbsentError(f"{host} cannot be reached ({_unreachable[host]})")


def _ask(url: str) -> str:
    """Return why `url` is not available, "" if it is."""
    try:
        import urllib.request

        with urllib.request.urlopen(url, timeout=PROBE_SECONDS):
            return ""
    except _failures() as error:
        return _reason(error)


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error  # urllib wraps the real one
    return str(getattr(cause, "strerror", None) or cause) or type(cause).__name__


def download(file: Download, folder: Path) -> Path:
    """Download `file` into `folder`, unless it is there.

    It appears whole and verified.

    Raises:
        AbsentError: the host fails, or gives something else than the expected file.
        WriteError: `folder` cannot be written.
    """
    target = folder / file.name
    if target.exists():
        return target
    _log.info("downloading %s", file.url)
    with atomic(target) as beside:
        size = _stream(file, beside)
        if file.sha256 and size != file.sha256:
            raise AbsentError(
                f"{file.url} is not the expected file: its SHA-256 is {size}, not {file.sha256}"
            )
    return target


def _stream(file: Download, beside: Path) -> str:
    """Write the content of `file` to `beside` and return its SHA-256."""
    digest = hashlib.sha256()
    length = 0
    try:
        import urllib.request

        answer = urllib.request.urlopen(file.url, timeout=STALL_SECONDS)
    except _failures() as error:
        raise AbsentError(f"{file.url} cannot be downloaded ({_reason(error)})") from error
    with answer, beside.open("wb") as target:
        while chunk := _read(answer, file.url):
            length += len(chunk)
            if length > file.limit:
                raise AbsentError(f"{file.url} is longer than expected: over {file.limit:,} bytes")
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _read(answer, url: str) -> bytes:  # type: ignore[no-untyped-def]
    try:
        return answer.read(2**16)
    except _failures() as error:
        raise AbsentError(f"the download of {url} was interrupted ({_reason(error)})") from error
