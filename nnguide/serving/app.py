"""The ASGI application: both interfaces, health, metrics and the OpenAPI document."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from nnguide import pages
from nnguide.serving import openapi
from nnguide.serving.bearer import Bearer
from nnguide.serving.bounds import Bounds, RefusedError
from nnguide.serving.decoding import Decoders
from nnguide.serving.html import page
from nnguide.serving.intake import Intake, error_response, json_response
from nnguide.serving.metrics import Metrics
from nnguide.serving.open_inference import OpenInference
from nnguide.serving.page import FILES, STYLE, routes
from nnguide.serving.rest import Rest
from nnguide.serving.same_origin import SameOrigin
from nnguide.serving.versions import Model

log = logging.getLogger(__name__)


def create(
    models: dict[str, Model],
    bounds: Bounds,
    metrics: Metrics,
    decoders: Decoders,
    names: Sequence[str] = (),
    origins: Sequence[str] = (),
    tokens: Sequence[str] = (),
    corrected: Path | None = None,
) -> ASGIApp:
    """Return the ASGI application that serves `models`, by name.

    Args:
        decoders: read pictures.
        names: host names of the server, besides localhost and addresses.
        origins: origins whose pages may send requests, besides its own.
        tokens: a request must have one of these; empty where none is needed.
        corrected: the folder that takes corrections of pictures; None takes none.
    """
    intake = Intake(models, bounds, metrics)
    inference = OpenInference(intake)
    served: ASGIApp = Starlette(
        routes=[
            Route("/v1/{path:path}", Rest(intake)),
            Route("/v2", inference),
            Route("/v2/{path:path}", inference),
            *routes(models, bounds, decoders, corrected),
            *_health(models),
            *_described(models, bounds),
            Route("/metrics", _metrics(models, metrics)),
        ],
        exception_handlers={HTTPException: _refused, Exception: _bug},
    )
    if tokens:
        served = Bearer(served, list(tokens), frozenset({STYLE, *FILES}))
    return SameOrigin(served, names, origins)


def _health(models: dict[str, Model]) -> list[BaseRoute]:
    async def healthz(request: Request) -> Response:
        return json_response({"status": "ok"})

    async def readyz(request: Request) -> Response:
        missing = sorted(name for name, model in models.items() if model.current is None)
        if missing:
            return json_response({"status": "not ready", "models": missing}, 503)
        return json_response({"status": "ready", "models": sorted(models)})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _described(models: dict[str, Model], bounds: Bounds) -> list[BaseRoute]:
    async def document(request: Request) -> Response:
        return json_response(openapi.document(models, bounds))

    interface = page(pages.render("interface.html"))

    async def docs(request: Request) -> Response:
        return interface

    return [Route("/openapi.json", document), Route("/docs", docs)]


def _metrics(models: dict[str, Model], metrics: Metrics) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:  # on a thread: there may be many lines
        for name, model in models.items():
            if model.current:
                metrics.version.labels(name).set(model.current.number)
        return Response(metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return answer


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(RefusedError(error.status_code, error.detail))


async def _bug(request: Request, error: Exception) -> Response:
    identity = request.scope.get("request_id", "")
    log.error("this is a bug: %s: %s %s", type(error).__name__, error, identity, exc_info=error)
    return error_response(RefusedError(500, f"{type(error).__name__} in the server; see its log"))
