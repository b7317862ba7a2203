"""The page at / in a real Chromium, with the models that come with nnguide."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import chromium
import numpy as np
import pytest
import strange_pictures
from chromium import Page
from PIL import Image, ImageDraw

from nnguide import runs

PROGRAM = chromium.find()
pytestmark = [
    pytest.mark.skipif(
        PROGRAM is None,
        reason="no Chromium on PATH nor in $CHROMIUM. Debian: sudo apt-get install chromium",
    ),
    pytest.mark.skipif(
        not all(runs.shipped(name).is_dir() for name in ("digits", "spam")),
        reason="no shipped models in this checkout",
    ),
]

# A three and a one, as shares of the paper's side.
THREE = [
    *((0.32, 0.22), (0.42, 0.16), (0.55, 0.16), (0.66, 0.24), (0.66, 0.36), (0.58, 0.45)),
    *((0.46, 0.49), (0.58, 0.51), (0.69, 0.6), (0.69, 0.73), (0.6, 0.82), (0.46, 0.85)),
    (0.32, 0.79),
]
SPAM = (
    "Congratulations! You have WON a £1000 <b>cash</b> prize. To claim, call 09061234567 now "
    "or text WIN to 80086."
)
HAM = "Running ten minutes late, sorry. Can you order me a coffee?"
DIGIT = "document.getElementById('digit').innerText"
LABEL = "document.getElementById('spam-answer').hidden ? '' : " + (
    "document.getElementById('label').innerText"
)


class Server:
    """`nnguide serve` on a port of its own."""

    def __init__(self, *words: object) -> None:
        command = [sys.executable, "-m", "nnguide", "serve", "--port", "0", *map(str, words)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        said = ""
        while not (found := re.search(r"ready at (http://\S+)", said)):
            line = self.process.stderr.readline()
            assert line, said
            said += line
        self.address = found[1] + "/"

    def end(self) -> int:
        """Let it drain, and give its status."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr
        self.process.stderr.close()
        return self.process.wait(600)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of the shipped models."""
    started = Server(*(f"{name}={runs.shipped(name)}" for name in ("digits", "spam")))
    yield started
    assert started.end() == 0


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A browser's page; it must end without complaints in the console."""
    assert PROGRAM
    with chromium.opened(PROGRAM, tmp_path / "browser") as opened:
        yield opened
        # Half a digit may be refused in words, which the browser notes; it depends on the pace.
        refused = "the server responded with a status of 400"
        assert [line for line in opened.complaints if refused not in line] == []


@pytest.fixture
def tried(page: Page, server: Server) -> Iterator[Page]:
    """The page with both tools ready; it may ask its own server alone."""
    page.open(server.address)
    page.until("document.querySelectorAll('#bars li').length === 10")
    yield page
    assert [url for url in page.requests if not url.startswith(server.address)] == []
    assert any(url.endswith(":classify") for url in page.requests)


def test_a_letter_is_none(tried: Page):
    letter = [(0.12, 0.2), (0.3, 0.8), (0.5, 0.4), (0.7, 0.8), (0.88, 0.2)]  # a W
    tried.drag("#paper", letter, False)
    tried.until(DIGIT, lambda text: text == "none")
    assert tried.text("#digit-says").startswith("none: no digit is seen. The likeliest is ")


@pytest.mark.parametrize("finger", [False, True])
def test_a_drawn_three_is_read_while_it_is_drawn(tried: Page, finger: bool):
    if finger:
        tried.resize(360, 740, phone=True)
    tried.drag("#paper", THREE[:6], finger)
    tried.until(DIGIT, lambda text: text != "–")
    tried.click("#clear")
    tried.until(DIGIT, lambda text: text == "–")
    assert tried.run("document.querySelectorAll('#bars .best').length") == 0

    tried.drag("#paper", THREE, finger)
    tried.until(DIGIT, lambda text: text == "3")
    assert re.fullmatch(r"3, with a probability of \d\d\.\d\s%\.", tried.text("#digit-says"))
    assert tried.text("#bars .best span") == "3"
    width = "parseFloat(document.querySelector('#bars .best .fill').style.width)"
    assert tried.run(width) > 50
    seen = "document.getElementById('seen')"
    ink = f"{seen}.getContext('2d').getImageData(0, 0, 28, 28).data.some((v, i) => i % 4 < 3 && v)"
    assert tried.run(ink)
    tried.until("document.getElementById('digits-status').innerText.startsWith('3, with')")


def test_a_one_drawn_with_the_keyboard_alone(tried: Page):
    tried.run("document.getElementById('paper').focus()")
    for _ in range(7):
        tried.press("ArrowUp", 38)
    tried.press(" ", 32)
    for _ in range(14):
        tried.press("ArrowDown", 40)
    tried.press("Escape", 27)
    tried.press("ArrowRight", 39)
    tried.until(DIGIT, lambda text: text == "1")
    tried.press("Delete", 46)
    tried.until(DIGIT, lambda text: text == "–")


def test_a_picture_file(tried: Page, tmp_path: Path):
    picture = Image.new("RGB", (600, 800), "white")
    line = [(600 * x, 100 + 600 * y) for x, y in THREE]
    ImageDraw.Draw(picture).line(line, fill="navy", width=40, joint="curve")
    picture.save(tmp_path / "three.png")
    tried.choose_file("#file", tmp_path / "three.png")
    tried.until(DIGIT, lambda text: text == "3")

    random = np.random.default_rng([8, 11])
    two = 0.93 - 0.83 * strange_pictures.two(random, random.uniform(-0.12, -0.04))  # in touch
    Image.fromarray(np.rint(255 * two).astype(np.uint8)).save(tmp_path / "two.png")
    tried.choose_file("#file", tmp_path / "two.png")
    tried.until("document.getElementById('digits-alert').innerText.includes('expected one digit')")
    assert tried.run(DIGIT) == "–"

    (tmp_path / "none.png").write_text("no picture")
    tried.choose_file("#file", tmp_path / "none.png")
    tried.until("document.getElementById('digits-alert').innerText.includes('expected a PNG')")
    assert tried.run(DIGIT) == "–"
    tried.complaints.clear()  # the console's line about the refusal


def test_a_pasted_spam_and_a_note(tried: Page):
    tried.paste("#message", SPAM)
    tried.until(LABEL, lambda text: text == "spam")
    threshold = 100 * (runs.Run.open(runs.shipped("spam")).threshold or 0)
    says = tried.text("#label-says")
    assert re.search(r"Probability of spam [>\d.\s]+%, above the threshold of ([\d.]+)\s%", says)
    assert float(says.split()[-2]) == pytest.approx(threshold, abs=0.06)
    assert tried.text("#coloured") == SPAM
    assert tried.run("document.querySelectorAll('#message b, #coloured b').length") == 0
    words = json.loads(
        tried.run(
            "JSON.stringify([...document.querySelectorAll('#words li')]"
            ".map(row => [row.querySelector('.word').innerText, row.className]))"
        )
    )
    assert 0 < len(words) <= 8
    assert all(word in SPAM.split() for word, _ in words)
    assert words[0][1] == "spam"
    tried.until("document.getElementById('spam-status').innerText.startsWith('spam.')")

    tried.click("#empty")
    tried.until("document.getElementById('spam-answer').hidden")
    tried.paste("#message", HAM)
    tried.until(LABEL, lambda text: text == "ham")
    assert "not above the threshold" in tried.text("#label-says")


def test_words_are_found_where_the_network_is_sure(tried: Page):
    tried.paste("#message", f"{SPAM} " * 12)
    tried.until(LABEL, lambda text: text == "spam")
    assert tried.run("document.querySelectorAll('#words .spam').length") > 0


def test_a_long_message_is_asked_for_in_a_few_requests(tried: Page):
    tried.paste("#message", "one two three four " * 200)
    tried.until(LABEL)
    assert "run of 4 words" in tried.text("#words-hint")
    assert sum(url.endswith(":predict") for url in tried.requests) <= 2


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_all_and_every_part_has_a_name(tried: Page, dark: bool):
    tried.resize(360, 740, dark=dark, phone=True)
    tried.paste("#message", SPAM)
    tried.until(LABEL)
    assert tried.run("document.documentElement.scrollWidth") <= 360
    background = tried.run("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", background))) > 3 * 128
    assert light is not dark
    nodes = tried.call("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "textbox", "combobox", "application", "image", "link", "list", "region"}
    roles = set()
    for node in nodes:
        role = node.get("role", {}).get("value")
        if role in named and not node.get("ignored"):
            roles.add(role)
            assert node.get("name", {}).get("value"), node
    assert {"button", "textbox", "application", "link", "list", "region"} <= roles


def test_what_is_not_served_is_said_and_a_server_that_ended_too(page: Page):
    server = Server(f"strict={runs.shipped('spam')}")
    page.open(server.address)
    page.until("document.getElementById('served').innerText.includes('strict (version 1)')")
    assert "No model that reads pictures is served here" in page.text("#digits")
    assert not page.run("document.querySelector('#digits .tool').checkVisibility()")
    assert server.end() == 0
    page.paste("#message", HAM)
    page.until("document.getElementById('spam-alert').innerText.includes('does not answer')")
    page.complaints.clear()  # the console's line about the connection


def test_a_wrong_answer_is_corrected(page: Page, tmp_path: Path):
    kept = tmp_path / "kept"
    started = Server(f"digits={runs.shipped('digits')}", "--corrections", kept)
    try:
        page.open(started.address)
        page.until("document.querySelectorAll('#bars li').length === 10")
        assert page.run("document.getElementById('wrong').hidden")
        assert not page.run("document.getElementById('keeps').hidden")
        page.drag("#paper", THREE)
        page.until(DIGIT, lambda text: text == "3")
        page.until("!document.getElementById('wrong').hidden")
        page.run("document.getElementById('right').value = '7'")
        page.click("#correct")
        page.until("document.getElementById('corrected').innerText", lambda t: t == "Saved as 7.")
        assert len(list(kept.glob("7/*.png"))) == 1
    finally:
        assert started.end() == 0


def test_a_page_asks_for_the_token(page: Page, tmp_path: Path):
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef")
    started = Server(f"spam={runs.shipped('spam')}", "--token-file", tokens)
    try:
        page.open(started.address + "docs")
        page.run("sessionStorage.setItem('token', '0123456789abcdef')")
        page.open(started.address)
        page.until("document.querySelector('#spam .tool').checkVisibility()")
        page.paste("#message", SPAM)
        page.until(LABEL, lambda text: text == "spam")
    finally:
        assert started.end() == 0
