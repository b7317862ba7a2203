"""TensorFlow Serving's REST interface: its paths and answers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nnguide.serving.bounds import RefusedError
from nnguide.serving.intake import Intake, Seen, json_response

# As in TensorFlow Serving: any case, a version or a label or neither, before decoding.
_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)", re.I | re.A
)
_GET = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<metadata>metadata))?", re.I | re.A
)


class Rest:
    """The ASGI application below /v1."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._intake.respond(scope, receive, send, self._answer)

    async def _answer(self, request: Request, path: str, seen: Seen) -> Response:
        if request.method == "POST" and (asked := _POST.fullmatch(path)):
            seen.method, seen.model = asked["method"].lower(), unquote(asked["name"])
            body = await self._intake.ask(request, seen.method, seen.model, _version(asked))  # type: ignore[arg-type]
            return json_response(body.content)
        if request.method == "GET" and (asked := _GET.fullmatch(path)):
            seen.method = "metadata" if asked["metadata"] else "status"
            seen.model = unquote(asked["name"] or "")
            return json_response(self._get(seen.model, _version(asked), seen.method))
        raise RefusedError(400, f"Malformed request: {request.method} {path[:200]}")

    def _get(self, name: str, version: int | None, what: str) -> Any:
        if not name:
            raise RefusedError(400, "Missing model name in request.")
        model = self._intake.models.get(name)
        if what == "metadata":
            version_found = self._intake.current(name, version)
            assert model
            return model.metadata(version_found)
        if model is None:
            raise RefusedError(404, f"Could not find any versions of model {name}")
        states = model.status()
        if version is not None and version not in states:
            raise RefusedError(404, f"Could not find version {version} of model {name}")
        return {
            "model_version_status": [
                _state(number, *state)
                for number, state in states.items()
                if version in (None, number)
            ]
        }


def _state(version: int, state: str, error: str) -> dict[str, Any]:
    code = "DATA_LOSS" if error else "OK"
    return {
        "version": str(version),
        "state": state,
        "status": {"error_code": code, "error_message": error},
    }


def _version(asked: re.Match[str]) -> int | None:
    if asked["label"]:
        raise RefusedError(400, f"Unrecognized servable version label: {unquote(asked['label'])}")
    return number_of(asked["version"])


def number_of(version: str | None) -> int | None:
    """Return the version number in a path.

    Raises:
        RefusedError: 400, it is not one.
    """
    if version is None:
        return None
    if len(version) > 19 or not version.isdecimal() or int(version) >= 2**63:
        raise RefusedError(400, f"Failed to convert version: {version[:40]} to numeric.")
    return int(version)
