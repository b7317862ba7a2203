"""The uvicorn server: its socket, its signals and its graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from nnguide.data import corrections
from nnguide.errors import ConfigError
from nnguide.serving import app, same_origin
from nnguide.serving.access_log import AccessLog, RequestIds
from nnguide.serving.batching import Batcher
from nnguide.serving.bounds import Bounds
from nnguide.serving.connections import MAX_CONNECTIONS, Connections
from nnguide.serving.decoding import Decoders
from nnguide.serving.metrics import Metrics
from nnguide.serving.page import takes
from nnguide.serving.servable import Servable, answers_of
from nnguide.serving.tensors import Arrays
from nnguide.serving.versions import Model, Watcher, open_model

BACKLOG = 1024  # connections that the system keeps until they are accepted
SWITCH = 0.001  # seconds that a thread may keep the others from running Python
log = logging.getLogger(__name__)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket at `host` and `port`.

    It is bound and not yet listening.

    Raises:
        ConfigError: the port is in use or not permitted, or the host is not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise _unusable(host, port, error) from error
    return bound


def _unusable(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(f"port {port} of {host} is in use. Choose another with --port.")
    if error.errno == errno.EACCES:
        return ConfigError(
            f"port {port} needs permissions that you do not have. Choose one above 1023."
        )
    return ConfigError(f"--host {host} --port {port} cannot be used: {error.strerror or error}")


def check_tls(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Check that a certificate and its key belong together.

    Returns both files, or None where there are none.

    Raises:
        ConfigError: a file is missing, cannot be read, or is invalid.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("HTTPS takes --tls-cert and --tls-key; got one of them")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (OSError, ValueError) as error:  # of which SSLError is one
        raise ConfigError(
            f"--tls-cert {certificate} and --tls-key {key} are no certificate in PEM with its key, "
            f"without a passphrase: {error}"
        ) from error
    return certificate, key


@dataclass
class Serving:
    """Models and how they are served.

    Attributes:
        batching: whether requests share batches.
        poll: seconds between two searches for new versions.
        names: host names of the server, besides localhost and addresses.
        origins: origins whose pages may send requests, besides its own.
        trust: whether a SavedModel may contain code.
        tokens: a request must have one of these; empty where none is needed.
        tls: files of a certificate and its key, for HTTPS.
        log: the access log, with a line for each request.
        corrected: the folder that takes corrections of pictures; None takes none.
    """

    bounds: Bounds = field(default_factory=Bounds)
    batching: bool = True
    poll: float = 1.0
    names: Sequence[str] = ()
    origins: Sequence[str] = ()
    trust: bool = False
    tokens: Sequence[str] = ()
    tls: tuple[Path, Path] | None = None
    log: AccessLog | None = None
    corrected: Path | None = None
    models: dict[str, Model] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    decoders: Decoders = field(default_factory=Decoders)

    def __post_init__(self) -> None:
        self.origins = [same_origin.origin(word) for word in self.origins]

    def open(self, words: Sequence[str]) -> None:
        """Load the models that are named on the command line.

        Raises:
            ConfigError: two of one name.
            RunError: one that cannot be served.
        """
        for word in words:
            model = open_model(word, self._start, self.trust)
            if model.name in self.models:
                raise ConfigError(
                    f"two models are called {model.name}. Give one another name, as in "
                    f"other={word.partition('=')[2] or word}."
                )
            self.models[model.name] = model
        if self.corrected:
            self._take_corrections(self.corrected)

    def _take_corrections(self, folder: Path) -> None:
        """Create the corrections folder with the labels of picture models."""
        current = [model.current for model in self.models.values() if model.current]
        labels = {
            version.servable.labels
            for version in current
            if takes(version.servable) == "picture" and version.servable.labels
        }
        if len(labels) != 1:
            raise ConfigError(
                "--corrections takes those of pictures of one set of labels; among the models "
                f"served are {len(labels)}"
            )
        corrections.prepare(folder, labels.pop())

    def _start(self, name: str, servable: Servable) -> Batcher:
        rows = self.metrics.rows.labels(name)

        def answered(outputs: Arrays) -> None:
            self.metrics.answered(name, *answers_of(servable, outputs))

        return Batcher(servable, self.bounds, self.batching, rows.observe, self.decoders, answered)

    def run(self, bound: socket.socket, ready: Callable[[], None]) -> int:
        """Serve until a signal ends it.

        Requests that have begun are answered first.

        Args:
            bound: from `bind`.
            ready: called when connections are accepted.
        Returns:
            The signal that ended it.
        """
        watcher = Watcher(
            self.models, self.poll, lambda name: self.metrics.swaps.labels(name).inc()
        )
        connections = Connections(self.bounds)
        served = app.create(
            self.models,
            self.bounds,
            self.metrics,
            self.decoders,
            self.names,
            self.origins,
            self.tokens,
            self.corrected,
        )
        certificate, key = self.tls or (None, None)
        config = uvicorn.Config(
            RequestIds(served, self.log),
            ssl_certfile=certificate,
            ssl_keyfile=key,
            http=connections.protocol(),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            backlog=BACKLOG,
            timeout_graceful_shutdown=int(self.bounds.seconds) + 1,
        )
        server = _Server(config, connections, ready)
        address = bound.getsockname()
        sys.setswitchinterval(SWITCH)
        _allow_files()
        watcher.start()
        try:
            server.run(sockets=[bound])
        except OSError as error:
            if server.started:
                raise
            host, port = address[:2]
            raise _unusable(host, port, error) from error
        finally:
            watcher.end()
            if self.log:
                self.log.close()
            for model in self.models.values():
                if model.current:
                    model.current.batcher.close()
        return server.ended_by


def _allow_files() -> None:
    """Raise this process's limit of open files, where possible.

    All connections need one.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MAX_CONNECTIONS + BACKLOG
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


class _Server(uvicorn.Server):
    """A uvicorn server that ends with a status.

    uvicorn itself would end a drained process by the signal.
    """

    def __init__(
        self, config: uvicorn.Config, connections: Connections, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._ready = ready
        self.ended_by = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._watch = asyncio.create_task(self._connections.watch())  # it ends with the loop
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            self.ended_by = next(iter(self._captured_signals), signal.SIGTERM)
            self._captured_signals.clear()  # or they would be raised again
