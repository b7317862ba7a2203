"""The page at / that shows how a served model answers.

Visitors draw a digit or paste a message.

The page asks the models through TensorFlow Serving's interface, as any client does. The server has
three more answers for it: the served models and how each decides, GET page/models; a picture in
MNIST's form, or why a model cannot read it, POST page/picture; and where the operator allows it, a
correction with the picture's true label, POST page/correction. All files and answers come from this
server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from nnguide import pages
from nnguide.data import corrections
from nnguide.errors import InputError, WriteError
from nnguide.serving.bounds import Bounds, RefusedError
from nnguide.serving.decoding import Decoders, Read, Reading
from nnguide.serving.intake import error_response, json_response
from nnguide.serving.servable import Servable, label_of
from nnguide.serving.signatures import DEFAULT
from nnguide.serving.versions import Model

FOLDER = Path(__file__).with_name("page")
STYLE = "/page/style.css"
# Where each file is asked for; relative to the page, so that a proxy may add a prefix.
FILES = {
    "/page/page.js": "page.js",
    "/page/server.js": "server.js",
    "/page/draw.js": "draw.js",
    "/page/words.js": "words.js",
    "/page/icon.svg": "icon.svg",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
log = logging.getLogger(__name__)
WAITING = 8  # pictures that are read or wait to be, at most

Answering = Callable[[Request], Coroutine[Any, Any, Response]]


def routes(
    models: dict[str, Model], bounds: Bounds, decoders: Decoders, corrected: Path | None = None
) -> list[BaseRoute]:
    """Return the routes of the page and of its files.

    They include the answers that TensorFlow Serving's interface does not have.

    Args:
        corrected: the folder that takes corrections of pictures; None takes none.
    """

    async def served(request: Request) -> Response:
        return json_response(
            {
                "bytes": bounds.body,
                "rows": bounds.rows,
                "corrects": corrected is not None,
                "models": described(models),
            }
        )

    page = pages.render("try.html")

    def index(request: Request) -> Response:
        return HTMLResponse(page, headers=HEADERS)

    def style(request: Request) -> Response:
        return FileResponse(pages.STYLE, headers=HEADERS)

    return [
        Route("/", index),
        Route(STYLE, style),
        *(Route(path, _file(name)) for path, name in FILES.items()),
        Route("/page/models", served),
        Route("/page/picture", _picture(models, bounds, decoders), methods=["POST"]),
        *(
            [Route("/page/correction", _correction(bounds, decoders, corrected), methods=["POST"])]
            if corrected
            else []
        ),
    ]


def _file(name: str) -> Callable[[Request], Response]:
    return lambda request: FileResponse(FOLDER / name, headers=HEADERS)


def described(models: dict[str, Model]) -> list[dict[str, Any]]:
    """Describe each model by name, for the page.

    It has the version, null while there is none, and what the page can do with the model.

    `takes` is "picture" for one that reads MNIST's digits or the like, "text" for one that
    answers label and probability of a message, null for others. `threshold` belongs to "text".
    """
    rows = []
    for name, model in sorted(models.items()):
        row: dict[str, Any] = {"name": name, "version": None, "takes": None, "threshold": None}
        if version := model.current:
            row |= {"version": version.number, "takes": takes(version.servable)}
            if row["takes"] == "text":
                row["threshold"] = version.servable.threshold
        rows.append(row)
    return rows


def takes(servable: Servable) -> str | None:
    """Return the input that a person can give a model.

    A "picture", a "text", or None for something else.
    """
    asked = servable.signatures.get(DEFAULT)
    if asked is None:
        return None
    image = asked.inputs.get("image")
    if set(asked.inputs) == {"image"} and "classify" in servable.signatures:
        return "picture" if image and image.shape == (None, 28, 28) else None
    answers = {"label", "probability"} <= set(asked.outputs)
    return "text" if set(asked.inputs) == {"text"} and answers else None


def _picture(models: dict[str, Model], bounds: Bounds, decoders: Decoders) -> Answering:
    async def answer(request: Request, levels: np.ndarray) -> Response:
        """Return {"image": 28 rows of 28 grey levels, "label": …} for a picture file.

        The label is what the model that the request names answers, null where none is named. It is
        an error where that model reads several digits as one.
        """
        model = models.get(request.query_params.get("model", ""))
        version = model and model.current
        label = None
        if version and takes(version.servable) == "picture":
            label = await run_in_threadpool(label_of, version.servable, levels)
        return json_response({"image": levels.tolist(), "label": label})

    return _of_picture(bounds, decoders, answer)


def _correction(bounds: Bounds, decoders: Decoders, folder: Path) -> Answering:
    async def answer(request: Request, levels: np.ndarray) -> Response:
        """Save a picture with the label that a person gave it."""
        label = request.query_params.get("label", "")
        saved = await run_in_threadpool(corrections.save, folder, label, levels)
        log.info("correction: %s", saved)
        return json_response({"label": label, "file": saved.name})

    return _of_picture(bounds, decoders, answer)


def _of_picture(
    bounds: Bounds,
    decoders: Decoders,
    work: Callable[[Request, np.ndarray], Coroutine[Any, Any, Response]],
) -> Answering:
    """Return a handler that calls `work` with the picture in the body."""
    waiting = 0

    async def answer(request: Request) -> Response:
        nonlocal waiting
        if waiting >= WAITING:
            return error_response(
                RefusedError(429, f"{WAITING} pictures are being read already. Try again.")
            )
        waiting += 1
        try:
            content = await _body(request, bounds)
            return await work(request, await _read(content, bounds, decoders))
        except WriteError as error:
            return error_response(RefusedError(507, str(error)))
        except (InputError, RefusedError) as error:
            refusal = error if isinstance(error, RefusedError) else RefusedError(400, str(error))
            return error_response(refusal)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        finally:
            waiting -= 1

    return answer


async def _read(content: bytes, bounds: Bounds, decoders: Decoders) -> np.ndarray:
    """Return a picture file as (28, 28) uint8.

    `nnguide predict` reads it in the same way.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Read] = loop.create_future()

    def settle(read: Read) -> None:
        if not answer.done():
            answer.set_result(read)

    def done(results: list[Read]) -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(settle, results[0])

    decoders.submit(Reading([content], lambda: not answer.cancelled(), done))
    try:
        async with asyncio.timeout(bounds.seconds):
            read = await answer
    except TimeoutError as error:
        raise RefusedError(504, f"no answer within {bounds.seconds:g} s") from error
    if isinstance(read, str):
        raise InputError(read)
    return read


async def _body(request: Request, bounds: Bounds) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(bounds.seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bounds.body:
                    raise RefusedError(413, f"a picture is of at most {bounds.body:,} bytes")
    except TimeoutError as error:
        raise RefusedError(408, "the picture did not arrive in time") from error
    return bytes(body)
