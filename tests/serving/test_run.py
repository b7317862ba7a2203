"""A trained run behind the interface answers as the run itself does."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tiny
from numpy_models import Shelf, Start
from PIL import Image

from nnguide import runs
from nnguide.runs import Run
from nnguide.serving.servable import RunServable

MESSAGES = ["win a prize now", "see you at six", "", "ünïcödé \u2028 \x00 🙂"]


@pytest.fixture
def spam(start: Start, trained):
    return start(spam=Shelf(v1=RunServable(trained("spam").folder)))


@pytest.fixture
def digits(start: Start, trained):
    return start(digits=Shelf(v1=RunServable(trained("digits").folder)))


def test_messages(spam, trained):
    expected = [
        {"label": answer.label, "probability": pytest.approx(answer.probability, abs=1e-6)}
        for answer in trained("spam").predict(MESSAGES)
    ]
    for instances in (MESSAGES, [{"text": text} for text in MESSAGES]):
        status, answer = spam.post("spam:predict", {"instances": instances})
        assert (status, answer) == (200, {"predictions": expected})
    encoded = [{"b64": base64.b64encode(text.encode()).decode()} for text in MESSAGES]
    assert spam.post("spam:predict", {"instances": encoded})[1] == {"predictions": expected}
    _, answer = spam.post("spam:predict", {"inputs": {"text": MESSAGES}})
    assert answer["outputs"]["label"] == [one["label"] for one in expected]
    assert answer["outputs"]["probability"] == [one["probability"] for one in expected]


def test_examples_of_messages(spam, trained):
    (expected,) = trained("spam").predict(MESSAGES[:1])
    body = {"signature_name": "classify", "examples": [{"text": MESSAGES[0]}]}
    status, answer = spam.post("spam:classify", body)
    ((ham, spam_),) = answer["results"]
    assert status == 200
    assert ham == ["ham", pytest.approx(1 - expected.probability, abs=1e-6)]
    assert spam_ == ["spam", pytest.approx(expected.probability, abs=1e-6)]


def test_pictures(digits, trained):
    pictures = tiny.examples("digits", 20).inputs
    expected = trained("digits").predict(pictures)
    rows = [picture.tolist() for picture in pictures]
    for instances in (rows, [{"image": row} for row in rows]):
        status, answer = digits.post("digits:predict", {"instances": instances})
        assert status == 200
        for found, wanted in zip(answer["predictions"], expected, strict=True):
            assert found["label"] == wanted.label
            assert found["probability"] == pytest.approx(wanted.probability, abs=1e-6)
            assert found["probabilities"] == pytest.approx(
                list(wanted.probabilities.values()), abs=1e-6
            )
    examples = [{"image": picture.astype(float).ravel().tolist()} for picture in pictures]
    body = {"signature_name": "classify", "examples": examples}
    _, answer = digits.post("digits:classify", body)
    for found, wanted in zip(answer["results"], expected, strict=True):
        assert dict(found) == pytest.approx(wanted.probabilities, abs=1e-6)


def content(form: str) -> dict[str, str]:
    drawn = np.full((60, 60), 255, np.uint8)
    drawn[10:50, 28:33] = 0  # a one
    file = io.BytesIO()
    Image.fromarray(drawn).save(file, form)
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def test_picture_files(digits, trained):
    given = content("PNG")
    (expected,) = trained("digits").predict([base64.b64decode(given["b64"])])
    for instance in (given, {"image_bytes": given}):
        body = {"signature_name": "serve_bytes", "instances": [instance]}
        status, answer = digits.post("digits:predict", body)
        assert status == 200
        assert answer["predictions"][0]["label"] == expected.label
    for form in ("BMP", "GIF"):
        body = {"signature_name": "serve_bytes", "inputs": [content(form)]}
        assert digits.post("digits:predict", body)[0] == 200


def one_bit(form: str) -> tuple[np.ndarray, bytes]:
    """A white seven on black: its pixels of 0 and 1, and a file of one bit a pixel."""
    pixels = np.zeros((28, 28), int)
    pixels[5:8, 7:21] = 1
    for row in range(8, 24):
        pixels[row, 19 - row // 3 : 22 - row // 3] = 1
    file = io.BytesIO()
    Image.fromarray(pixels.astype(bool)).save(file, form)
    return pixels, file.getvalue()


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP"])
def test_a_black_and_white_picture_is_read_right(start: Start, form: str):
    shipped = Run.open(runs.shipped("digits"))
    server = start(digits=Shelf(v1=RunServable(shipped.folder)))
    file = one_bit(form)[1]
    body = {
        "signature_name": "serve_bytes",
        "instances": [{"b64": base64.b64encode(file).decode()}],
    }
    status, answer = server.post("digits:predict", body)
    (expected,) = shipped.predict([file])
    assert (status, expected.label) == (200, "7")
    assert answer["predictions"][0]["label"] == "7"
    assert answer["predictions"][0]["probability"] == pytest.approx(expected.probability, abs=1e-6)


def test_pixels_of_0_and_1_are_never_taken_for_black(start: Start):
    server = start(digits=Shelf(v1=RunServable(runs.shipped("digits"))))
    pixels, _ = one_bit("PNG")
    body = {"instances": [(255 * pixels).tolist(), pixels.tolist()]}
    status, answer = server.post("digits:predict", body)
    good, bad = answer["predictions"]
    assert (status, good["label"]) == (200, "7")
    assert "Multiply them by 255" in bad["error"]
    body = {"signature_name": "classify", "examples": [{"image": pixels.ravel().tolist()}]}
    assert server.post("digits:classify", body)[0] == 400


def blank(value: object = 0, height: int = 28, width: int = 28) -> list:
    return [[value] * width for _ in range(height)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"instances": [blank(256)]}, "grey levels 0-255"),
        ({"instances": [blank(-1)]}, "grey levels 0-255"),
        ({"instances": [blank(0.5)]}, "Multiply them by 255"),
        ({"instances": [blank("0")]}, "not of expected type: float"),
        ({"instances": [blank(True)]}, "not of expected type: float"),
        ({"instances": [blank(None)]}, "not of expected type: float"),
        (b'{"instances": [[[NaN]]]}', "JSON Parse error"),
        (b'{"instances": [[[1e999]]]}', "JSON Parse error"),
        ({"instances": [blank(0, 27)]}, "Expecting shape [-1,28,28] but got: [1,27,28]"),
        ({"instances": blank(0)}, "Expecting shape"),
        ({"instances": [[0] * 784]}, "Expecting shape"),
        ({"signature_name": "serve_bytes", "instances": [{"b64": ""}]}, "the file is empty"),
        ({"signature_name": "serve_bytes", "instances": ["GIF8"]}, "damaged"),
        ({"signature_name": "serve_bytes", "instances": [content("TIFF")]}, "got TIFF"),
        ({"signature_name": "classify", "instances": ["a"]}, "ask with :classify"),
    ],
)
def test_what_no_digit_network_takes_is_refused(digits, body, said):
    status, answer = digits.post("digits:predict", body)
    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ({}, "is required but could not be found"),
        ({"image": [0] * 784}, "Data types don't match"),
        ({"image": [0.0] * 783}, "Number of float values != expected"),
        ({"image": [-1.0] * 784}, "grey levels 0-255"),
    ],
)
def test_examples_that_no_digit_network_takes_are_refused(digits, example, said):
    body = {"signature_name": "classify", "examples": [example]}
    status, answer = digits.post("digits:classify", body)
    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        (1, "not of expected type: string"),
        (["a"], "Expecting shape"),
        ({"b64": "/w=="}, "UTF-8"),
        ({"b64": "?"}, "base64"),
        ("a" * 1_000_001, "at most 1,000,000 characters"),
    ],
)
def test_what_no_spam_network_takes_is_refused(spam, instance, said):
    status, answer = spam.post("spam:predict", {"instances": [instance]})
    assert status == 400
    assert said in answer["error"]


def test_many_clients_get_their_own_answers(spam, trained):
    texts = [f"message {n} {'free prize ' * (n % 7)}" for n in range(60)]
    expected = [answer.probability for answer in trained("spam").predict(texts)]
    with ThreadPoolExecutor(16) as clients:
        answers = clients.map(lambda text: spam.post("spam:predict", {"instances": [text]}), texts)
        found = [answer["predictions"][0]["probability"] for _, answer in answers]
    assert found == pytest.approx(expected, abs=1e-6)
