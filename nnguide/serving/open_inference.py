"""The Open Inference Protocol, version 2, over HTTP.

KServe and Triton use it.

Source: the specification of kserve/open-inference-protocol; Triton's extension_binary_data.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nnguide import __version__
from nnguide.serving.bounds import RefusedError
from nnguide.serving.inference_tensors import LENGTH, described
from nnguide.serving.intake import Intake, Seen, json_response
from nnguide.serving.rest import number_of
from nnguide.serving.signatures import DEFAULT

_PATH = re.compile(
    r"/v2(?:/health/(?P<health>live|ready)"
    r"|/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<what>ready|infer))?)?"
)


class OpenInference:
    """The ASGI application below /v2."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._intake.respond(scope, receive, send, self._answer)

    async def _answer(self, request: Request, path: str, seen: Seen) -> Response:
        asked = _PATH.fullmatch(path)
        if not asked:
            raise RefusedError(404, f"there is no {request.method} {path[:200]} here")
        verb = "POST" if asked["what"] == "infer" else "GET"
        if request.method != verb:
            raise RefusedError(405, f"{path[:200]} takes {verb}; got {request.method}")
        if asked["name"] is None:
            seen.method = asked["health"] or "server"
            return self._server(asked["health"])
        seen.method, seen.model = asked["what"] or "metadata", unquote(asked["name"])
        version = number_of(asked["version"])
        if asked["what"] == "infer":
            body = await self._intake.ask(request, "infer", seen.model, version)
            if body.json is None:
                return json_response(body.content)
            headers = {LENGTH: str(body.json)}
            return Response(body.content, headers=headers, media_type="application/octet-stream")
        servable = self._intake.current(seen.model, version)
        if asked["what"] == "ready":
            return json_response({"name": seen.model, "ready": True})
        signatures = servable.servable.signatures
        first = signatures.get(DEFAULT) or next(iter(signatures.values()))
        return json_response(
            {
                "name": seen.model,
                "versions": [str(servable.number)],
                "platform": servable.servable.platform,
                "inputs": [described(*item) for item in first.inputs.items()],
                "outputs": [described(*item) for item in first.outputs.items()],
            }
        )

    def _server(self, health: str | None) -> Response:
        if health is None:
            return json_response(
                {"name": "nnguide", "version": __version__, "extensions": ["binary_tensor_data"]}
            )
        if health == "live":
            return json_response({"live": True})
        ready = all(model.current for model in self._intake.models.values())
        return json_response({"live": True, "ready": ready}, 200 if ready else 503)
