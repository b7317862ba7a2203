"""A headless Chromium, driven over its DevTools protocol: pages, real input events, requests."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 300.0  # seconds for whatever the browser does; a busy machine is slow


def find() -> str | None:
    """The program, $CHROMIUM first."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """The one page of a browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._session: str | None = None
        self._number = 0
        self.requests: list[str] = []  # addresses
        self.complaints: list[str] = []  # exceptions and errors that the console shows
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a DevTools command; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._event(answer.get("method"), answer.get("params", {}))

    def _event(self, method: str | None, event: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(event["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.complaints.append(event["entry"]["text"])

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str, what: Callable[[Any], bool] = bool) -> Any:
        """The value of the expression once it is as wanted."""
        ends = time.monotonic() + PATIENCE
        while not what(value := self.run(script)):
            assert time.monotonic() < ends, f"{script} stays {value!r}"
            time.sleep(0.05)
        return value

    def open(self, address: str) -> None:
        """Go to `address` and wait until its scripts have run."""
        self.run("window.left = true")  # the page before may still be there, and complete
        if "loaderId" in self.call("Page.navigate", url=address):  # else only the fragment changed
            self.until("!window.left")
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def text(self, selector: str) -> str:
        """What a person reads in the first element that matches."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def place(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width and height of an element that was brought into view."""
        return tuple(
            self.run(
                f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                "e.scrollIntoView({block: 'center', behavior: 'instant'});"
                "const b = e.getBoundingClientRect();"
                "return [b.left, b.top, b.width, b.height] })()"
            )
        )

    def click(self, selector: str) -> None:
        """Press the mouse on the middle of an element."""
        left, top, width, height = self.place(selector)
        where = {"x": left + width / 2, "y": top + height / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    def drag(self, selector: str, line: list[tuple[float, float]], finger: bool = False) -> None:
        """Draw a line of points in [0, 1], a share of the element, by mouse or by finger."""
        left, top, width, height = self.place(selector)
        points = [(left + x * width, top + y * height) for x, y in line]
        for number, (x, y) in enumerate(points):
            if finger:
                kind = "touchMove" if number else "touchStart"
                self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
            else:
                kind = "mouseMoved" if number else "mousePressed"
                held = {"button": "left", "buttons": 1, "clickCount": 1}
                self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **held)
        if finger:
            self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        else:
            x, y = points[-1]
            released = {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, **released)

    def press(self, key: str, code: int) -> None:
        """Press and release a key; `code` is Windows's number of it."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more
            )

    def paste(self, selector: str, text: str) -> None:
        """Put text into a field, as from the clipboard."""
        self.click(selector)
        self.call("Input.insertText", text=text)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in an input of files."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def resize(self, width: int, height: int, dark: bool = False, phone: bool = False) -> None:
        """Make the window so many pixels of CSS large, in the dark scheme or in the light."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def shot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def opened(program: str, folder: Path) -> Iterator[Page]:
    """A browser with its profile in `folder`, which asks nothing of the network by itself."""
    command = [program, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    command += ["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # which root cannot have; only our own page is opened
    folder.mkdir(exist_ok=True)
    port = folder / "DevToolsActivePort"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([*command, "about:blank"], stdout=log, stderr=log) as process,
    ):
        try:
            ends = time.monotonic() + PATIENCE
            while not (port.is_file() and port.read_text().count("\n")):
                assert process.poll() is None, (folder / "log").read_text(errors="replace")
                assert time.monotonic() < ends, "the browser does not start"
                time.sleep(0.05)
            number, path = port.read_text().split()
            address = f"ws://127.0.0.1:{number}{path}"
            with connect(address, max_size=None, proxy=None) as socket:
                yield Page(socket)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
