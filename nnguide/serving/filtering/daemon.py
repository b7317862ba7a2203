"""Server that speaks spamd's protocol.

It listens on loopback TCP and a Unix socket. A connection has one request, as for spamd. The event
loop reads and writes; threads judge. Every connection is bounded in time and size, and all of them
in number and in bytes held. What goes wrong with a request costs that request: the client has an
error, and passes its mail on unchanged.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nnguide.data.mail.message import MAX_BYTES
from nnguide.errors import ConfigError, InputError, NnguideError
from nnguide.serving.filtering import protocol
from nnguide.serving.filtering.judge import RETRY, Judge
from nnguide.serving.filtering.protocol import MAX_LINE, Request, RequestError

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
CHUNK = 2**16  # bytes that are read together
LINGER = 1  # seconds in which a refused client may still send what it has begun
BACKLOG = 1024
WORKERS = 2  # threads that judge
TRIES = 3  # to open a run again


@dataclass(frozen=True)
class Bounds:
    """Limits of what clients may cost.

    Attributes:
        connections: at once; more are told to try again.
        seconds: for a client to send its request, and again for the answer.
        held: bytes of all requests at once.
        learns: whether they may correct verdicts.
    """

    connections: int = 256
    seconds: float = 60
    held: int = 128 * 2**20
    learns: bool = False

    def __post_init__(self) -> None:
        if self.connections < 1:
            raise ConfigError(f"--connections must be 1 or more; got {self.connections}")
        if not self.seconds > 0:
            raise ConfigError(f"--timeout is a number of seconds above 0; got {self.seconds:g}")


class Daemon:
    """Server that holds a judge and answers its clients.

    Args:
        open_judge: opens the run; called at the start and after every SIGHUP.
    """

    def __init__(self, open_judge: Callable[[], Judge], bounds: Bounds) -> None:
        self.bounds = bounds
        self._open_judge = open_judge
        self._noted = ""
        self.judge = self._opened()
        self._held = 0
        self._clients: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="judge")
        self._reloading: asyncio.Task[None] | None = None
        self._again = False

    def _opened(self) -> Judge:
        judge = self._open_judge()
        judge.try_out()
        if judge.note and judge.note != self._noted:
            log.info(judge.note)
        self._noted = judge.note
        return judge

    def run(self, sockets: list[socket.socket], ready: Callable[[], None]) -> int:
        """Serve until SIGTERM or SIGINT.

        What was begun is answered first.

        Returns:
            The signal that ended it.
        """
        return asyncio.run(self._run(sockets, ready))

    async def _run(self, sockets: list[socket.socket], ready: Callable[[], None]) -> int:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()

        def end(number: int) -> None:
            if not ended.done():
                ended.set_result(number)

        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, end, ending)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        servers = [
            await asyncio.start_server(self._client, sock=bound, limit=MAX_LINE, backlog=BACKLOG)
            for bound in sockets
        ]
        ready()
        number = await ended
        for bound in sockets:
            loop.remove_reader(bound)
        await _steps()  # who was accepted becomes a client; a closed server would drop them
        for server in servers:
            server.close()
        if self._clients:
            _, late = await asyncio.wait(self._clients, timeout=self.bounds.seconds)
            for task in late:
                task.cancel()
        await _steps()  # connections are closed
        self._threads.shutdown(wait=False, cancel_futures=True)
        return number

    def _reload(self) -> None:
        """Open the run again while requests are answered.

        Where that fails, the old one continues.
        """
        if self._reloading and not self._reloading.done():
            self._again = True
            return
        self._reloading = asyncio.get_running_loop().create_task(self._opened_anew())

    async def _opened_anew(self) -> None:
        tries = 0
        while True:
            self._again = False
            tries += 1
            try:
                self.judge = await asyncio.to_thread(self._opened)
            except Exception as error:
                if tries < TRIES and not isinstance(error, ConfigError):
                    await asyncio.sleep(RETRY)  # a run that is being replaced, a busy disk
                    continue
                log.warning(f"SIGHUP: the run stays as it is: {_said(error)}")
            else:
                log.info(f"SIGHUP: run: {self.judge.run.folder}")
            if not self._again:
                return
            tries = 0

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, TimeoutError):
            pass  # the client is gone, or does not take its answer
        except asyncio.CancelledError:
            pass  # the server ends, and this client took too long
        except Exception as error:
            log.error(f"a connection failed: {_said(error)}")
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refused = False
        try:
            if len(self._clients) > self.bounds.connections:
                raise RequestError(protocol.TRY_AGAIN, "too many connections: try again")
            answer = await self._answer(reader)
        except RequestError as error:
            answer, refused = error.response, True
        except Exception as error:
            if isinstance(error, OSError) and not isinstance(error, NnguideError):
                raise
            log.error(f"a request failed: {_said(error)}")
            answer = RequestError(protocol.SOFTWARE, "the filter failed; its log says why").response
            refused = True
        writer.write(answer)
        async with asyncio.timeout(self.bounds.seconds):
            await writer.drain()
            if refused and writer.can_write_eof():
                # Closed at once, what is not read yet would take the answer away from the client.
                writer.write_eof()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LINGER):
                        while await reader.read(CHUNK):
                            pass

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        """Return the answer to the one request of a connection.

        b"" where there is no request.
        """
        size = [0]  # bytes held for this request
        try:
            try:
                async with asyncio.timeout(self.bounds.seconds):
                    line = await _line(reader)
                    if not line:
                        return b""
                    request = protocol.first_line(line)
                    if request.command == "PING":
                        return protocol.pong()
                    while (line := await _line(reader)).strip(b"\r\n"):
                        protocol.add_field(request, line)
                    protocol.check(request, self.bounds.learns)
                    content = await self._body(reader, request.length, size)
            except TimeoutError:
                message = f"the request did not end within {self.bounds.seconds:g} seconds"
                raise RequestError(protocol.TIMEOUT, message) from None
            mail = request.body(content)
            self._hold(len(mail), size)
            return await self._judged(reader, request, mail)
        finally:
            self._held -= size[0]

    async def _body(
        self, reader: asyncio.StreamReader, length: int | None, size: list[int]
    ) -> bytes:
        content = bytearray()
        while length is None or len(content) < length:
            left = CHUNK if length is None else min(CHUNK, length - len(content))
            chunk = await reader.read(left)
            if not chunk:
                break
            self._hold(len(chunk), size)
            content += chunk
            if len(content) > MAX_BYTES:
                raise protocol.too_long()
        if length is not None and len(content) < length:
            raise RequestError(
                protocol.PROTOCOL,
                f"Content-length mismatch: expected {length} bytes, got {len(content)}",
            )
        return bytes(content)

    def _hold(self, count: int, size: list[int]) -> None:
        if self._held + count > self.bounds.held:
            raise RequestError(protocol.TRY_AGAIN, "too many bytes at once: try again")
        self._held += count
        size[0] += count

    async def _judged(self, reader: asyncio.StreamReader, request: Request, mail: bytes) -> bytes:
        """Judge in a thread, and watch for more than was announced."""
        more = asyncio.ensure_future(reader.read(1))
        loop = asyncio.get_running_loop()
        try:
            await asyncio.sleep(0)  # so `more` has what came already: half a mail is not learned
            _check_end(more, request)
            judging = loop.run_in_executor(self._threads, self._respond, request, mail)
            async with asyncio.timeout(self.bounds.seconds):
                answer = await judging
            _check_end(more, request)
        except TimeoutError:
            message = f"no verdict within {self.bounds.seconds:g} seconds"
            raise RequestError(protocol.TIMEOUT, message) from None
        except InputError as error:
            raise RequestError(protocol.BAD_MAIL, str(error)) from None
        finally:
            more.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await more
        return answer

    def _respond(self, request: Request, mail: bytes) -> bytes:
        """Return the response to a request, in its own thread."""
        judge = self.judge
        if request.command == "TELL":
            label = protocol.label_of(request)
            return protocol.tell_response(label, label is not None and judge.tell(mail, label))
        try:
            judge.refresh()
        except NnguideError as error:
            log.warning(f"the corrections stay as they were: {error}")
        verdict = judge.verdict(mail, with_words=request.command in protocol.WITH_WORDS)
        return protocol.response(request, mail, verdict)


async def _steps() -> None:
    """Let the event loop finish what follows from what has happened."""
    for _ in range(5):  # accepted, a transport, a protocol, a task, which begins
        await asyncio.sleep(0)


def _check_end(more: asyncio.Future[bytes], request: Request) -> None:
    """Raise an error for more data than was announced."""
    if more.done() and not more.exception() and more.result():
        message = f"Content-length mismatch: more than {request.length} bytes came"
        raise RequestError(protocol.PROTOCOL, message)


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Read a line with its end.

    The last one may lack it. b"" at the connection's end.
    """
    try:
        return await reader.readline()
    except ValueError:  # it is longer than the reader's limit
        raise RequestError(
            protocol.PROTOCOL, f"expected lines of at most {MAX_LINE} bytes"
        ) from None


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, NnguideError) else f"{type(error).__name__}: {error}"


def bind_port(port: int) -> socket.socket:
    """Return a socket at a port of the loopback address.

    Raises:
        ConfigError: the port is in use or not permitted.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} is in use. Choose another with --port."
        elif error.errno == errno.EACCES:
            reason = f"no permission to use port {port}. Choose one above 1023 with --port."
        else:
            reason = f"--port {port} cannot be used: {error.strerror}"
        raise ConfigError(reason) from error
    return bound


def bind_path(path: Path) -> socket.socket:
    """Return a Unix socket at `path`, open to every user.

    A socket that nobody serves is replaced.

    Raises:
        ConfigError: there is something else, or a server.
    """
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if os.path.lexists(path):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise ConfigError(f"--socket {path}: a file that is not a socket is in the way")
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
                if tried.connect_ex(str(path)) == 0:
                    raise ConfigError(f"--socket {path} is in use by another server")
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o666)
    except OSError as error:
        bound.close()
        if isinstance(error, NnguideError):
            raise
        reason = error.strerror or error  # the path may be too long
        raise ConfigError(f"--socket {path} cannot be used: {reason}") from error
    except ConfigError:
        bound.close()
        raise
    return bound
