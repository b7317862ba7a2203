"""Authentication of chief and workers: signatures, versions and TLS.

Requests and answers are signed; both sides must have equal versions.

Chief and workers share a secret, NNGUIDE_TUNE_TOKEN, that never travels. A worker signs each
request with it, the chief each answer, so that neither can be forged, changed or repeated. A
request names the chief that it is for, and a chief draws a new name when it starts: a recorded
request is of no use after a restart either. Messages can be read on the network unless the chief
has a certificate for TLS.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc

from nnguide import __version__
from nnguide.errors import ConfigError

TOKEN = "NNGUIDE_TUNE_TOKEN"
CERTIFICATE, KEY = "NNGUIDE_TUNE_TLS_CERT", "NNGUIDE_TUNE_TLS_KEY"  # of the chief
AUTHORITY = "NNGUIDE_TUNE_TLS_CA"  # of a worker: what the chief's certificate is checked against
SKEW = 300  # seconds by which the clocks of two machines may differ
SIGNED, CHIEF = "nnguide-signature", "nnguide-chief"
PREFIX = "/keras_tuner.Oracle/"


@dataclass(frozen=True)
class Guard:
    """The secrets and certificates of a chief or worker.

    Attributes:
        token: the secret; b"" for none.
        certificate, key: of the chief, in PEM; b"" for none.
        authority: certificates in PEM that a worker trusts; b"" for a chief without TLS.
    """

    token: bytes = b""
    certificate: bytes = b""
    key: bytes = b""
    authority: bytes = b""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Guard:
        """Return the guard that the environment variables describe.

        Raises:
            ConfigError: a file cannot be read or holds nothing, or one of two is missing.
        """
        if bool(environ.get(CERTIFICATE)) != bool(environ.get(KEY)):
            raise ConfigError(f"{CERTIFICATE} and {KEY} belong together; one of them is not set")
        files = [_content(environ, name) for name in (CERTIFICATE, KEY, AUTHORITY)]
        if files[-1]:
            try:
                trusted = files[-1].decode("ascii", "ignore")  # bundles have comments in UTF-8
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=trusted)
            except (ssl.SSLError, ValueError) as error:
                raise ConfigError(
                    f"{AUTHORITY}: {environ[AUTHORITY]} holds no certificate in PEM"
                ) from error
        return cls(environ.get(TOKEN, "").encode("utf-8", "surrogateescape"), *files)

    def check(self, address: str) -> None:
        """Refuse to listen to other machines without a token.

        Raises:
            ConfigError: other machines can reach the address, and there is no token.
        """
        if not self.token and not is_loopback(address.rpartition(":")[0]):
            raise ConfigError(
                f"a chief at {address} can be reached by other machines, so it needs a secret that "
                f"its workers know. Set {TOKEN} for all of them, to what `openssl rand -hex 16` "
                "prints."
            )

    def listen(self, server: grpc.Server, address: str) -> int:
        """Make a server listen at an address; return its port.

        Raises:
            ConfigError: it cannot, or the certificate is not one.
        """
        try:
            if not self.certificate:
                port = server.add_insecure_port(address)
            else:
                pair = [(self.key, self.certificate)]
                port = server.add_secure_port(address, grpc.ssl_server_credentials(pair))
        except RuntimeError:
            port = 0
        if not port:
            more = f", or {CERTIFICATE} and {KEY} are no pair in PEM" if self.certificate else ""
            raise ConfigError(
                f"cannot listen at {address}: it is in use, or no address of this machine{more}"
            )
        return port

    def channel(self, address: str) -> SignedChannel:
        """Return a worker's channel to a chief."""
        if not self.authority:
            return SignedChannel(grpc.insecure_channel(address), self.token)
        credentials = grpc.ssl_channel_credentials(self.authority)
        return SignedChannel(grpc.secure_channel(address, credentials), self.token)


def _content(environ: Mapping[str, str], name: str) -> bytes:
    if not environ.get(name):
        return b""
    try:
        content = Path(environ[name]).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise ConfigError(f"{name}: cannot read {environ[name]!r}: {reason}") from error
    if not content.strip():  # it would mean: no TLS
        raise ConfigError(f"{name}: {environ[name]} is empty")
    return content


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host's address."""
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host.strip("[]"), None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses)


def versions() -> str:
    """Return the versions that decide a trial's score."""
    names = ("tensorflow", "keras", "keras-tuner")
    return ", ".join([f"nnguide {__version__}", *(f"{n} {metadata.version(n)}" for n in names)])


def signature(token: bytes, *fields: bytes) -> str:
    """Return a signature that proves knowledge of the token.

    It signs `parts`.
    """
    whole = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
    return hmac.new(token, whole, hashlib.sha256).hexdigest()


class SignedChannel:
    """A channel that signs requests and checks the signatures of answers."""

    def __init__(self, channel: grpc.Channel, token: bytes) -> None:
        self._channel, self._token = channel, token
        self._versions = versions()
        self._chief = ""  # the name of the chief that answered last

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        **_: Any,
    ) -> Callable[..., Any]:
        """Return the function that sends a request of a method.

        gRPC's stubs ask for it.
        """
        send = self._channel.unary_unary(method)

        def call(
            request: Any, timeout: float | None = None, wait_for_ready: bool | None = None
        ) -> Any:
            sent = request_serializer(request)

            def once() -> tuple[str, bytes, Any]:
                nonce, now = secrets.token_hex(16), str(int(time.time()))
                fields = (method, nonce, now, self._versions, self._chief)
                signed = [field.encode() for field in fields]
                headers = (
                    ("nnguide-nonce", nonce),
                    ("nnguide-time", now),
                    ("nnguide-versions", self._versions),
                    (CHIEF, self._chief),
                    (
                        SIGNED,
                        signature(self._token, b"request", *signed, sent) if self._token else "",
                    ),
                )
                answer, done = send.with_call(
                    sent, timeout=timeout, wait_for_ready=wait_for_ready, metadata=headers
                )
                return nonce, answer, done

            try:
                nonce, answer, done = once()
            except grpc.RpcError as error:
                name = dict(error.trailing_metadata() or ()).get(CHIEF, "")
                if error.code() != grpc.StatusCode.ABORTED or name == self._chief:
                    raise
                self._chief = name  # the first request, or the chief was started again
                nonce, answer, done = once()
            if self._token:
                proof = dict(done.trailing_metadata() or ()).get(SIGNED, "")
                signed = (method.encode(), nonce.encode(), answer)
                wanted = signature(self._token, b"answer", *signed)
                if not hmac.compare_digest(str(proof).encode(), wanted.encode()):
                    raise ConfigError(
                        f"what answers at the chief's address does not know {TOKEN}. Set the same "
                        "for the chief and its workers."
                    )
            return response_deserializer(answer)

        return call


class Refusing(grpc.ServerInterceptor):
    """A gRPC interceptor that refuses invalid requests to a chief.

    They are forged, repeated, of other versions or broken.

    Args:
        token: of the chief; b"" checks versions alone.
        notify: takes a line about each refusal.
    """

    def __init__(self, token: bytes, notify: Callable[[str], None]) -> None:
        self._token, self._notify = token, notify
        self._versions = versions()
        self._seen: dict[str, tuple[float]] = {}  # nonce -> when
        self._name = secrets.token_hex(16)

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Add the checks before a method's handler.

        The bytes are read after them.
        """
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        headers = dict(details.invocation_metadata or ())

        def behavior(sent: bytes, context: grpc.ServicerContext) -> bytes:
            nonce = str(headers.get("nnguide-nonce", ""))
            code, reason = self._problem(details.method, headers, nonce, sent)
            if code is grpc.StatusCode.ABORTED:
                context.set_trailing_metadata(((CHIEF, self._name),))
                if not headers.get(CHIEF):  # the first request of a worker
                    context.abort(code, reason)
            if reason:
                self.refuse(context, code, reason)
            try:
                request = handler.request_deserializer(sent)
            except Exception:
                self.refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "it cannot be read")
            answer: bytes = handler.response_serializer(handler.unary_unary(request, context))
            if self._token:
                signed = [details.method.encode(), nonce.encode(), answer]
                context.set_trailing_metadata(
                    ((SIGNED, signature(self._token, b"answer", *signed)),)
                )
            return answer

        return grpc.unary_unary_rpc_method_handler(behavior)

    def refuse(self, context: grpc.ServicerContext, code: grpc.StatusCode, reason: str) -> None:
        """End a request with an error.

        The chief's user reads it too.
        """
        peer = context.peer().partition(":")[2].rpartition(":")[0] or "somebody"
        self._notify(f"refused a request of {peer}: {reason}")
        context.abort(code, reason)

    def _problem(
        self, method: str, headers: Mapping[str, Any], nonce: str, sent: bytes
    ) -> tuple[grpc.StatusCode, str]:
        names = ("nnguide-time", "nnguide-versions", CHIEF)
        now, known, chief = (str(headers.get(name, "")) for name in names)
        if self._token:
            fields = (method, nonce, now, known, chief)
            signed = [field.encode("utf-8", "replace") for field in fields]
            wanted = signature(self._token, b"request", *signed, sent)
            if not hmac.compare_digest(str(headers.get(SIGNED, "")).encode(), wanted.encode()):
                return (
                    grpc.StatusCode.UNAUTHENTICATED,
                    f"it was not signed with the chief's {TOKEN}",
                )
            if chief != self._name:
                return grpc.StatusCode.ABORTED, "it is for a chief that was here before"
            if not self._is_new(nonce, now):
                return (
                    grpc.StatusCode.UNAUTHENTICATED,
                    "it is a repeated one, or the clocks of the two machines differ by more than "
                    f"{SKEW // 60} minutes",
                )
        if known != self._versions:
            return (
                grpc.StatusCode.FAILED_PRECONDITION,
                f"the chief has {self._versions}; the worker has {ascii(known)[1:-1][:200]}",
            )
        return grpc.StatusCode.OK, ""

    def _is_new(self, nonce: str, now: str) -> bool:
        """Return whether a signed request is new and in time."""
        clock = time.time()
        for old in [used for used, (when,) in list(self._seen.items()) if clock - when > 2 * SKEW]:
            self._seen.pop(old, None)
        mine = (clock,)  # of two that come at one time, one is set
        with contextlib.suppress(ValueError, OverflowError):
            return abs(clock - int(now)) <= SKEW and self._seen.setdefault(nonce, mine) is mine
        return False


def of_own_workers(environ: Mapping[str, str] = os.environ) -> Guard:
    """Return the guard of a chief with only local workers.

    They share a secret of their own.
    """
    return Guard(Guard.of(environ).token or secrets.token_hex(16).encode())
