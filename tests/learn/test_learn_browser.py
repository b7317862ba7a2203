"""The lessons in a real Chromium, by keyboard and pointer."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import chromium
import learners
import pytest
from chromium import Page

from nnguide.learn import lessons
from nnguide.learn.controls import Choice, Control, Numbers, Picture, Slider, Switch, Text
from nnguide.learn.exercises import folder, progress

PROGRAM = chromium.find()
pytestmark = pytest.mark.skipif(
    PROGRAM is None,
    reason="no Chromium on PATH nor in $CHROMIUM. Debian: sudo apt-get install chromium",
)
FRAMES = "Number(document.documentElement?.dataset.frames || 0)"
# The figures are those of the state as it is now, and the address holds it.
SETTLED = (
    "document.documentElement?.dataset.shown && "
    "document.documentElement.dataset.shown === location.hash"
)
# Every number that is written on the page: [name, all its digits, what is shown].
WRITTEN = (
    "[...document.querySelectorAll('#figures [data-value]')].map(e => "
    "[e.dataset.name, e.dataset.value, e.textContent])"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    assert PROGRAM
    with chromium.opened(PROGRAM, tmp_path_factory.mktemp("profile") / "browser") as opened:
        yield opened


@pytest.fixture
def page(browser: Page, address: str) -> Iterator[Page]:
    """A page that may ask its own server alone, and has nothing to complain of."""
    browser.requests.clear()
    browser.complaints.clear()
    browser.resize(1280, 900)
    yield browser
    assert browser.complaints == []
    own = (address, address.replace("http", "ws"))
    assert [url for url in browser.requests if not url.startswith((*own, "data:", "about:"))] == []


def visit(page: Page, address: str, hash: str = "") -> None:
    leave(page)
    page.call("Page.navigate", url=address + hash)
    page.until(f"{FRAMES} > 0")


def leave(page: Page) -> None:
    """Go to an empty page: another hash alone would load nothing anew."""
    page.call("Page.navigate", url="about:blank")
    page.until("location.href === 'about:blank'")


def written(page: Page) -> list[list[str]]:
    return page.run(WRITTEN)


def in_address(state: dict[str, Any]) -> str:
    """A state as the page writes it into its address."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list | tuple):
            return ",".join(
                " ".join(map(repr, v)) if isinstance(v, list | tuple) else repr(v) for v in value
            )
        return str(value)

    from urllib.parse import urlencode

    return "#" + urlencode({name: text(value) for name, value in state.items()})


def shown_number(text: str) -> float:
    """What a person reads, as a number."""
    digits = text.strip("()").replace("−", "-").removeprefix("δ ")
    mantissa, _, power = digits.partition("·10")
    power = power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
    return float(mantissa) * 10 ** int(power or 0)


@pytest.mark.parametrize("name", learners.every_lesson())
def test_every_number_on_the_page_is_the_librarys(page: Page, address: str, name: str):
    """In a state that keys and pointer lead to; its link gives the same again, bit for bit."""
    walk(page, address, name, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", learners.every_lesson())
def test_every_number_on_the_page_in_ten_states(page: Page, address: str, name: str):
    walk(page, address, name, 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", learners.every_lesson())
def test_every_number_on_the_page_in_ten_states_of_links(page: Page, address: str, name: str):
    lesson = lessons.get(name)
    for seed in range(10):
        visit(page, address + name, in_address(lesson.state(learners.random_state(lesson, seed))))
        compare(page, lesson)


def walk(page: Page, address: str, name: str, states: int) -> None:
    """Move every control, one after the other, as a hand does; compare `states` times."""
    lesson, chance = lessons.get(name), random.Random(name)
    visit(page, address + name)
    controls = [*lesson.all_controls.values()] * states
    chance.shuffle(controls)
    for turn in range(states):
        for control in controls[turn::states]:
            move(page, control, chance)
        numbers = compare(page, lesson)
        if turn == 0:
            link = page.run("location.href")
            visit(page, link)
            assert written(page) == numbers


def move(page: Page, control: Control, chance: random.Random) -> None:
    """Change a control by its keys or by the pointer."""
    place = f"#control-{control.name}"
    if control.name == "step":
        for _ in range(chance.randint(1, 4)):
            page.click("#forward")
    elif isinstance(control, Slider) and chance.random() < 0.5:
        focus(page, place)
        key = chance.choice([("ArrowLeft", 37), ("ArrowRight", 39), ("Home", 36), ("End", 35)])
        for _ in range(chance.randint(1, 3)):
            page.press(*key)
    elif isinstance(control, Slider):
        write(page, f"#exact-{control.name}", learners.value(control, chance))
    elif isinstance(control, Choice):
        focus(page, place)
        for _ in range(chance.randint(1, 4)):
            page.press("ArrowDown", 40)
    elif isinstance(control, Switch):
        focus(page, place)
        page.press(" ", 32)
    elif isinstance(control, Text) and control.name != "hidden":
        write(page, place, learners.value(control, chance))
    elif isinstance(control, Numbers):
        cells = f"[aria-label^={json.dumps(control.label)}]"
        write(page, f"{cells}:nth-of-type({chance.randint(1, 9)})", round(chance.uniform(-3, 3), 2))
    elif isinstance(control, Picture):
        page.drag(place, [(chance.random(), chance.random()) for _ in range(4)])


def focus(page: Page, selector: str) -> None:
    page.run(f"document.querySelector({json.dumps(selector)}).focus()")


def write(page: Page, selector: str, value: Any) -> None:
    """Type into a field what it shall hold, and leave it."""
    page.run(f"(e => {{ e.focus(); e.select(); }})(document.querySelector({json.dumps(selector)}))")
    page.call("Input.insertText", text=str(value) or " ")
    page.run("document.activeElement.blur()")


def compare(page: Page, lesson: lessons.Lesson) -> list[list[str]]:
    """Hold every number on the page against the library, in the state that the address has."""
    page.until(SETTLED)
    assert page.text("#alert") == ""
    state = from_address(lesson, page.run("location.hash"))
    found = {**state, **learners.variables(lesson, state)}
    numbers = written(page)
    for reference, exact, shown in numbers:
        if not reference:
            continue  # a rate, measured on this machine
        wanted = float(learners.lookup(found, reference))
        if exact == "":
            assert not abs(wanted) < float("inf") and shown == "∞"
            continue
        assert float(exact) == pytest.approx(wanted, rel=1e-6, abs=1e-6), reference
        assert shown_number(shown) == pytest.approx(wanted, rel=6e-3, abs=1e-6), reference
    return numbers


def from_address(lesson: lessons.Lesson, hash: str) -> dict[str, Any]:
    """The state that the page has written into its address."""

    def value(text: str, default: Any) -> Any:
        if isinstance(default, bool):
            return text == "true"
        if isinstance(default, int | float):
            return float(text)
        if isinstance(default, tuple):
            parts = [[float(v) for v in part.split()] for part in text.split(",") if part]
            return [part if len(part) > 1 else part[0] for part in parts]
        return text

    given = dict(parse_qsl(hash.removeprefix("#"), keep_blank_values=True))
    return lesson.state({name: value(text, lesson.defaults[name]) for name, text in given.items()})


@pytest.mark.parametrize("name", learners.every_lesson())
def test_a_lesson_by_keyboard_and_pointer(page: Page, address: str, name: str):
    """Guess and check, step, copy, read the code, reset: each without a mouse or with it."""
    visit(page, address + name)
    before = page.run("document.getElementById('figures').innerHTML.replaceAll(/clip-\\d+/g, '')")
    page.run("document.querySelector('#guess input').focus()")
    page.press(" ", 32)
    page.run("document.getElementById('check').focus()")
    page.press(" ", 32)
    page.until("document.getElementById('verdict').textContent.match(/^(Yes|No)\\. .{20}/)")
    right = page.run("document.querySelectorAll('#guess label.right').length")
    assert right == 1

    page.click("#show-code")
    page.until("document.querySelectorAll('#code pre').length > 0")
    page.click("#reset")
    page.until(
        "document.getElementById('figures').innerHTML.replaceAll(/clip-\\d+/g, '') === "
        + json.dumps(before)
    )
    if lessons.get(name).training:
        page.click("#forward")
        page.until("document.getElementById('step-says').textContent === 'step 1'")
        page.click("#back")
        page.until("document.getElementById('step-says').textContent === 'step 0'")
        frames = page.run(FRAMES)
        page.run("document.getElementById('play').focus()")
        page.press(" ", 32)
        page.until(f"{FRAMES} > {frames} + 3")
        page.press(" ", 32)
        page.until("document.getElementById('play').textContent !== 'Pause'")


def test_a_slider_moves_by_keys_and_a_point_by_the_pointer(page: Page, address: str):
    visit(page, address + "neuron")
    page.run("document.getElementById('control-w1').focus()")
    for _ in range(3):
        page.press("ArrowRight", 39)
    page.until("location.hash.includes('w1=1.3')")
    page.drag(".plane .grip", [(0.5, 0.5), (0.6, 0.4), (0.9, 0.1)])
    page.until("Number(document.getElementById('exact-x1').value) > 2")
    page.until("Number(document.getElementById('exact-x2').value) > 2")


@pytest.mark.parametrize("name", ["", *learners.every_lesson()])
def test_it_fits_a_phone_and_every_picture_has_words(page: Page, address: str, name: str):
    page.resize(360, 740, dark=len(name) % 2 == 1, phone=True)
    page.open(address + name)
    if name:
        page.until("document.querySelectorAll('#figures figure').length > 0")
    assert page.run("document.documentElement.scrollWidth") <= 360
    silent = (
        "[...document.querySelectorAll('svg[role=img], canvas')].filter(e => "
        "!e.getAttribute('aria-label') && !e.getAttribute('aria-hidden')).length"
    )
    assert page.run(silent) == 0
    unnamed = (
        "[...document.querySelectorAll('input, select, textarea, button')].filter(e => "
        "!e.labels?.length && !e.getAttribute('aria-label') && !e.textContent.trim()).length"
    )
    assert page.run(unnamed) == 0


def test_points_and_a_table_of_ones_own(page: Page, address: str, tmp_path: Path):
    visit(page, address + "scratch", "#data=yours&points=")
    for x, y in ((0.3, 0.3), (0.7, 0.6)):
        page.drag(".plane .grip", [(x, y), (x, y)])
    page.until("document.getElementById('control-points').textContent.endsWith(': 2')")
    rows = "\n".join(f"{i},{i * i % 11},{'yes' if i > 15 else 'no'}" for i in range(30))
    (tmp_path / "mine.csv").write_text(f"a,b,label\n{rows}\n")
    page.choose_file("#file-points", tmp_path / "mine.csv")
    page.until("document.getElementById('control-points').textContent.endsWith(': 30')")
    page.until("document.querySelectorAll('#figures .class1').length === 14")
    (tmp_path / "mine.csv").write_text("a,b,label\n1,x,yes\n")
    page.choose_file("#file-points", tmp_path / "mine.csv")
    page.until("document.getElementById('alert').textContent.includes('your table')")


def test_a_drawn_digit_is_read(page: Page, address: str):
    visit(page, address + "pixels")
    page.drag("#control-drawn", [(0.5, 0.15), (0.5, 0.3), (0.5, 0.5), (0.5, 0.7), (0.5, 0.85)])
    page.until("document.querySelector('#figures .best span')?.textContent === '1'")
    page.until("location.hash.length > 900")  # the link holds the picture


def test_words_are_hidden_by_their_buttons(page: Page, address: str):
    visit(page, address + "blackbox")
    page.click(".message button:nth-of-type(2)")
    page.until("document.getElementById('control-hidden').value === '2'")
    page.run("document.querySelector('.message button:nth-of-type(4)').focus()")
    page.press(" ", 32)
    page.until("document.getElementById('control-hidden').value === '2 4'")


def test_the_page_shows_what_passes_when_it_is_looked_at_again(
    page: Page, address: str, tmp_path: Path
):
    """The folder is the one that was used last; the link of an exercise opens it."""
    folder.start(tmp_path / "mine")
    exercise, path = folder.locate(tmp_path / "mine", ["neuron"])[0]
    visit(page, address + "neuron")
    assert page.text("[data-exercise=neuron] .state") == "not checked yet"
    progress.note(exercise, path, "passed", progress.digest(path))
    page.run("window.dispatchEvent(new Event('focus'))")
    page.until(
        "document.querySelector('[data-exercise=neuron].passed .state')?.innerText === 'passes'"
    )
    page.click("#exercises a")
    page.until("document.querySelector('details[open] pre')?.id === 'neuron'")


def test_without_motion_a_training_goes_in_leaps(page: Page, address: str):
    page.call(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-reduced-motion", "value": "reduce"}],
    )
    visit(page, address + "descent")
    page.click("#play")
    page.until("Number(document.getElementById('step').value) >= 30")
    page.run("document.getElementById('play').click()")


def test_a_server_that_ends_is_missed_and_said_so(page: Page, tmp_path: Path):
    command = [sys.executable, "-m", "nnguide", "learn", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        place = re.search(r"ready at (http://\S+)", process.stderr.readline())
        assert place
        visit(page, place[1] + "neuron")
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    page.until("document.getElementById('alert').textContent.includes('server')")
    leave(page)
    page.requests.clear()
    page.complaints.clear()  # of the connection that was refused


@pytest.mark.slow
@pytest.mark.skipif(
    "AXE_CORE" not in os.environ,
    reason="$AXE_CORE names no axe.min.js: npm pack axe-core, and unpack it",
)
@pytest.mark.parametrize("wide", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        *("", "exercises", "docs/guide", *learners.every_lesson()),
        "pixels#run=shipped%2Fdigits",
        "words#run=shipped%2Fspam",
        "blackbox#guess=4",
        "convolution#kernel=learned",
    ],
)
def test_axe_finds_nothing_serious(page: Page, address: str, name: str, dark: bool, wide: int):
    page.resize(wide, 900, dark=dark, phone=wide == 360)
    leave(page)
    page.open(address + name)
    if name.partition("#")[0] in lessons.NAMES:
        page.until(f"{FRAMES} > 0")
    page.call("Runtime.evaluate", expression=Path(os.environ["AXE_CORE"]).read_text("utf-8"))
    found = page.run(
        "axe.run(document).then(r => r.violations.map(v => "
        "[v.id, v.impact, v.nodes.map(n => n.html.slice(0, 90))]))"
    )
    assert [one for one in found if one[1] in ("serious", "critical")] == []
