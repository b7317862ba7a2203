"""The pages of the live guide, and the WebSocket for figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

import nnguide
from nnguide import pages
from nnguide.errors import ConfigError
from nnguide.learn import lessons
from nnguide.learn.passages import DOCS, Guide
from nnguide.learn.session import Session, TooMuchError
from nnguide.learn.workbook import Workbook
from nnguide.serving.page import FOLDER as SERVED
from nnguide.serving.page import HEADERS
from nnguide.serving.same_origin import SameOrigin

STATIC = Path(__file__).with_name("static")
PACKAGE = Path(nnguide.__file__).parent
MOST_LEARNERS = 64  # connections at once

POLICY_VIOLATION, TRY_AGAIN = 1008, 1013  # why a WebSocket is closed (RFC 6455)


def create(exercises: Path | None = None) -> ASGIApp:
    """Return the ASGI application of the live guide.

    It has a page for each lesson, the guide's pages, and the socket.

    Args:
        exercises: the learner's folder; None is the one that was used last.
    """
    workbook = Workbook(exercises)
    guide = Guide(lessons.by_section())
    app = Starlette(
        routes=[
            Route("/", _index(workbook)),
            Route("/page/style.css", _file(pages.STYLE)),
            Route("/page/icon.svg", _file(SERVED / "icon.svg")),
            *(Route(f"/static/{path.name}", _file(path)) for path in sorted(STATIC.glob("*.js"))),
            WebSocketRoute("/socket", _socket()),
            Route("/exercises", _exercises(workbook)),
            Route("/exercises/{name}", _states(workbook)),
            Route("/docs/figures/{name}", _picture),
            Route("/docs/{name}", _page(guide)),
            Route("/source/{path:path}", _source),
            Route("/{name}", _lesson(guide, workbook)),
        ],
        exception_handlers={HTTPException: _refused},
    )
    return SameOrigin(app, adjustable=False)


def _html(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(pages.render(template, **values), status, headers=HEADERS)


def _file(path: Path) -> Any:
    return lambda request: FileResponse(path, headers=HEADERS)


def _index(workbook: Workbook) -> Any:
    return lambda request: _html(
        "lessons.html", lessons=lessons.every(), rows=workbook.all_rows(), folder=workbook.folder
    )


def _exercises(workbook: Workbook) -> Any:
    return lambda request: _html(
        "exercises.html", rows=workbook.all_rows(), folder=workbook.folder, at=workbook.at
    )


def _states(workbook: Workbook) -> Any:
    """Return the endpoint with the state of a lesson's exercises.

    The page asks it when it is looked at again.
    """
    return lambda request: JSONResponse(
        [
            {key: row[key] for key in ("name", "says", "passed")}
            for row in workbook.rows(_asked(request).exercises)
        ],
        headers=HEADERS,
    )


def _asked(request: Request) -> lessons.Lesson:
    try:
        return lessons.get(request.path_params["name"])
    except ConfigError as error:
        raise HTTPException(404, str(error)) from error


def _lesson(guide: Guide, workbook: Workbook) -> Any:
    def answer(request: Request) -> Response:
        lesson = _asked(request)
        before, after = guide.passage(lesson.passage)
        every = lessons.every()
        at = every.index(lesson)
        return _html(
            "lesson.html",
            lesson=lesson,
            lessons=every,
            previous=every[at - 1] if at else None,
            next=every[at + 1] if at + 1 < len(every) else None,
            before=before,
            after=after,
            described=described(lesson),
            exercises=workbook.rows(lesson.exercises),
            folder=workbook.folder,
            at=workbook.at,
        )

    return answer


def described(lesson: lessons.Lesson) -> dict[str, Any]:
    """Return what the page's scripts need to know of a lesson."""
    return {
        "name": lesson.name,
        "controls": [control.described() for control in lesson.controls],
        "defaults": lesson.defaults,
        "steps": lesson.training.most if lesson.training else 0,
        "pace": lesson.training.pace if lesson.training else 0,
    }


def _page(guide: Guide) -> Any:
    def answer(request: Request) -> Response:
        name = request.path_params["name"]
        if not any(path.stem == name for path in DOCS.glob("*.md")):
            raise HTTPException(404, f"there is no page {name[:60]}")
        title, html = guide.page(name)
        return _html("reading.html", root="../", title=title, text=html)

    return answer


def _picture(request: Request) -> Response:
    name = request.path_params["name"]
    picture = next((path for path in (DOCS / "figures").glob("*") if path.name == name), None)
    if picture is None:
        raise HTTPException(404, f"there is no picture {name[:60]}")
    return FileResponse(picture, headers=HEADERS)


def _source(request: Request) -> Response:
    """Return a file of the package that the guide links to."""
    name = request.path_params["path"]
    path = (PACKAGE.parent / name).resolve()
    if path.suffix not in (".py", ".md") or PACKAGE not in path.parents or not path.is_file():
        raise HTTPException(404, f"there is no file {name[:60]} of nnguide")
    lines = path.read_text("utf-8").splitlines()
    depth = "../" * (name.count("/") + 1)
    return _html("source.html", root=depth, title=name, lines=lines)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    depth = "../" * (request.url.path.count("/") - 1)
    return _html(
        "reading.html",
        error.status_code,
        root=depth,
        title="Not here",
        text=Markup("<p>{}</p>").format(error.detail),
    )


def _socket() -> Any:
    learners = 0

    async def answer(socket: WebSocket) -> None:
        nonlocal learners
        await socket.accept()
        if learners >= MOST_LEARNERS:
            await socket.close(TRY_AGAIN, f"{MOST_LEARNERS} pages are open already")
            return
        learners += 1
        try:
            await _converse(socket, Session())
        except (WebSocketDisconnect, anyio.BrokenResourceError):
            pass
        finally:
            learners -= 1

    return answer


async def _converse(socket: WebSocket, session: Session) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        try:
            answer = await run_in_threadpool(session.answer, "" if text is None else text)
        except TooMuchError:
            await socket.close(POLICY_VIOLATION, "too many messages")
            return
        await socket.send_text(answer.decode())
