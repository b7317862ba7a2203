"""The page at / without a browser: its files, what it is told, and the pictures it hands over."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from numpy_models import Echo, HalfPlus, Shelf, Start
from PIL import Image, ImageDraw

from nnguide import pages
from nnguide.inference.decision import Decision
from nnguide.preprocessing import pictures
from nnguide.serving import page
from nnguide.serving.bounds import Bounds
from nnguide.serving.servable import described
from nnguide.serving.signatures import STRING, Tensor
from nnguide.tasks import kinds


class Trained(Echo):
    """What a run looks like from outside."""

    def __init__(self, pictures: bool, threshold: float | None) -> None:
        self.signatures = described(
            kinds.get("pictures" if pictures else "texts"),
            Decision(tuple("0123456789") if pictures else ("ham", "spam"), threshold),
        )
        self.threshold = threshold
        self.refuse_below = None


def drawn(kind: str = "PNG", blank: bool = False) -> bytes:
    """A file with a one on it, as a person draws it."""
    picture = Image.new("L", (280, 280), 255)
    if not blank:
        ImageDraw.Draw(picture).line([(120, 60), (150, 40), (150, 240)], fill=0, width=20)
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def test_every_file_of_the_page_is_served_under_a_strict_policy(start: Start):
    client = start(half=HalfPlus()).client
    assert set(page.FILES.values()) == {path.name for path in page.FOLDER.iterdir()}
    contents = {path: (page.FOLDER / name).read_bytes() for path, name in page.FILES.items()}
    contents |= {
        "/": pages.render("try.html").encode(),
        "/page/style.css": pages.STYLE.read_bytes(),
    }
    for path, content in contents.items():
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.content == content
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/page/..%2fpage.py").status_code == 404


def test_the_page_needs_nothing_from_elsewhere(start: Start):
    names = {path.removeprefix("/") for path in page.FILES} | {"docs", "openapi.json"}
    shown = pages.render("try.html")
    assert set(re.findall(r'(?:href|src)="([^"]*)"', shown)) <= {*names, "page/style.css"}
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script>|(https?:)?//[a-z]", shown)
    for path in page.FOLDER.iterdir():
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[a-z]", text), path
        for imported in re.findall(r'from "\./([^"]*)"', text):
            assert f"page/{imported}" in names


def test_what_is_served_and_what_the_page_can_do_with_it(start: Start):
    server = start(
        bounds=Bounds(rows=7),
        broken=Shelf(v1=None),
        digits=Trained(pictures=True, threshold=None),
        half=HalfPlus(),
        other=Echo(text=Tensor(STRING, (None,), "x:0")),
        strict=Shelf(v3=Trained(pictures=False, threshold=0.7)),
    )
    answer = server.client.get("/page/models").json()
    assert (answer["rows"], answer["bytes"]) == (7, Bounds().body)
    found = {model.pop("name"): model for model in answer["models"]}
    nothing = {"takes": None, "threshold": None}
    assert found == {
        "broken": {"version": None, **nothing},
        "digits": {"version": 1, "takes": "picture", "threshold": None},
        "half": {"version": 1, **nothing},
        "other": {"version": 1, **nothing},
        "strict": {"version": 3, "takes": "text", "threshold": 0.7},
    }


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_is_seen_as_predict_sees_it(start: Start, kind: str):
    content = drawn(kind)
    answer = start(half=HalfPlus()).client.post("/page/picture", content=content)
    assert answer.status_code == 200
    np.testing.assert_array_equal(answer.json()["image"], pictures.read(content))


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 400, "the file is empty"),
        (b"no picture", 400, "expected a PNG, JPEG, BMP, GIF, TIFF, WebP or HEIF picture"),
        (drawn()[:100], 400, "damaged or cut short"),
        (drawn(blank=True), 400, "no digit was seen"),
        (b"\x89PNG" + bytes(10_000), 413, "at most 9,000 bytes"),
    ],
)
def test_a_picture_that_cannot_be_read(start: Start, content: bytes, status: int, message: str):
    client = start(half=HalfPlus(), bounds=Bounds(body=9_000)).client
    answer = client.post("/page/picture", content=content)
    assert answer.status_code == status
    assert message in answer.json()["error"]
    assert client.post("/page/picture", content=drawn()).status_code == 200


def test_too_many_pictures_at_once(start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page, "WAITING", 0)
    answer = start(half=HalfPlus()).client.post("/page/picture", content=drawn())
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"


def test_a_picture_is_posted(start: Start):
    assert start(half=HalfPlus()).client.get("/page/picture").status_code == 405
