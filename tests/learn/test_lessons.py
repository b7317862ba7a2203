"""Every number that a lesson shows is the library's, in any state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import learners
import numpy as np
import pytest
from starlette.testclient import TestClient

from nnguide.blueprints.experiments.learning_rates import rates
from nnguide.errors import InputError
from nnguide.learn import app, lessons
from nnguide.learn.session import Session

FEW, MANY = 6, 200  # states of a lesson


class Clock:
    """Time that passes by the second at each look, so that nothing comes too fast."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def ask(session: Session, **message: Any) -> dict[str, Any]:
    return json.loads(session.answer(json.dumps({"id": 1} | message)))


def sweep(name: str, seeds: range) -> None:
    lesson = lessons.get(name)
    session = Session(Clock())
    for seed in seeds:
        state = learners.random_state(lesson, seed)
        answer = ask(session, lesson=name, state=state)
        assert "error" not in answer, (state, answer)
        found = learners.variables(lesson, lesson.state(state))
        assert learners.compare(answer["figures"], found, lesson.state(state)) > 3


@pytest.mark.parametrize("name", learners.every_lesson())
def test_every_number_is_what_the_copied_python_gives(name: str):
    sweep(name, range(FEW))


@pytest.mark.slow
@pytest.mark.parametrize("name", learners.every_lesson())
def test_every_number_in_two_hundred_states(name: str):
    sweep(name, range(30 if name == "broken" else MANY))  # it has ten states, each a training


@pytest.mark.parametrize("name", learners.every_lesson())
def test_a_lesson_is_complete(name: str):
    """A question with one right answer, code, a text for each picture, and a state that returns."""
    lesson = lessons.get(name)
    session = Session(Clock())
    first = ask(session, lesson=name)
    assert first["state"] == json.loads(json.dumps(lesson.defaults))
    assert all(figure["alt"] and "nan" not in figure["alt"] for figure in first["figures"])
    assert any(figure["kind"] != "note" for figure in first["figures"])

    checked = ask(session, lesson=name, ask="check")
    assert checked["right"] in range(len(lesson.question.choices))
    assert checked["state"] == json.loads(json.dumps(lesson.state(lesson.question.state)))

    code = ask(session, lesson=name, ask="code")["code"]
    assert code and all(one["path"].startswith("nnguide/") for one in code)
    assert any("nnguide/learn" not in one["path"] for one in code)

    again = Session(Clock())
    for seed in (1, 2):
        state = learners.random_state(lesson, seed)
        ask(session, lesson=name, state=state)
        answers = [ask(one, lesson=name, state=state)["figures"] for one in (session, again)]
        assert answers[0] == answers[1], "the same state gives the same figures, bit for bit"


@pytest.mark.parametrize("name", [n for n in learners.every_lesson() if lessons.get(n).training])
def test_a_film_shows_what_a_jump_shows(name: str):
    """Step by step, in leaps and back again: a step has one picture."""
    session = Session(Clock())
    shown = {}
    for step in (0, 1, 2, 5, 9, 3):
        shown[step] = ask(session, lesson=name, state={"step": step})["figures"]
    for step, figures in shown.items():
        assert ask(Session(Clock()), lesson=name, state={"step": step})["figures"] == figures


@pytest.mark.parametrize("name", learners.every_lesson())
def test_what_no_control_can_have_is_refused_by_name(name: str):
    lesson = lessons.get(name)
    for key, control in lesson.all_controls.items():
        for wrong in (None, float("inf"), [], {}, "no such thing" * 1000, -(10**9)):
            if wrong == [] and isinstance(control.described()["default"], tuple | list):
                continue
            with pytest.raises(InputError, match=r"^\S"):
                lesson.state({key: wrong})
    with pytest.raises(InputError, match="no control 'nothing'"):
        lesson.state({"nothing": 1})


def test_a_neuron_without_bias_answers_zero_with_its_activation_of_zero():
    numbers = lessons.get("neuron").compute(
        lessons.get("neuron").state({"x1": 0, "x2": 0, "b": 0, "w1": 2.5})
    )
    assert numbers["z"] == 0 and numbers["a"] == 0.5 and numbers["distance"] == 0


@pytest.mark.parametrize("seed", range(10))
def test_the_chain_rule_of_the_page_is_the_measured_slope(seed: int):
    lesson = lessons.get("backward")
    state = lesson.state(learners.random_state(lesson, seed) | {"activation": "tanh"})
    numbers = lesson.compute(state)
    assert numbers["gradient"] == pytest.approx(numbers["measured"], rel=1e-5, abs=1e-8)


def test_the_limit_of_the_rate_is_where_descent_turns():
    lesson = lessons.get("descent")
    limit = lesson.compute(lesson.state({}))["limit"]
    assert limit == pytest.approx(rates()["largest_rate"])
    for factor, ends_lower in ((0.98, True), (1.02, False)):
        state = lesson.state({"alpha": factor * limit, "step": 200})
        losses = lesson.compute(state)["loss_path"]
        assert (losses[-1] < losses[0]) == ends_lower


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app.create(), base_url="http://localhost") as found:
        yield found


@pytest.mark.parametrize("name", learners.every_lesson())
def test_the_page_of_a_lesson_has_the_guides_text(client: TestClient, name: str):
    lesson = lessons.get(name)
    page = client.get(f"/{name}")
    assert page.status_code == 200 and lesson.title in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    text = page.text.partition('aria-label="The guide">')[2].partition("</section>")[0]
    assert len(text) > 200 and "<p>" in text and "```" not in text


def test_links_of_the_guide_lead_somewhere(client: TestClient):
    import re

    for start in ("/docs/guide", *(f"/{name}" for name in learners.every_lesson())):
        page = client.get(start).text
        for link in set(re.findall(r'(?:href|src)="([^"#:]+)', page)):
            address = client.base_url.join(start).join(link)
            assert client.get(address).status_code == 200, (start, link)


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/docs/nothing", "/source/setup.py", "/source/nnguide/../setup.cfg", "/a/b/c"],
)
def test_what_is_not_there_is_said_to_be_missing(client: TestClient, path: str):
    answer = client.get(path)
    assert answer.status_code == 404 and "Traceback" not in answer.text


def test_divergence_is_shown_and_not_hidden():
    figures = ask(Session(Clock()), lesson="descent", state={"alpha": 6, "step": 400})["figures"]
    assert figures[0]["mark"] and "will diverge" in figures[0]["text"]
    loss = dict(learners.named(figures))["loss"]
    assert np.isnan(loss) or loss > 1e100


# A lesson and a state of it with a saved network; what comes with nnguide is on every machine.
WITH_RUNS: list[tuple[str, dict[str, Any]]] = [
    ("pixels", {"run": "shipped/digits"}),
    ("pixels", {"run": "shipped/digits", "label": "drawn", "drawn": ""}),
    ("words", {"run": "shipped/spam"}),
    ("words", {"run": "shipped/mail", "text": "Subject: hi\n\nsee you at six"}),
    ("words", {"run": "shipped/spam", "text": ""}),
    ("blackbox", {"run": "shipped/spam", "hidden": "2 4"}),
    ("convolution", {"kernel": "learned", "number": 128}),
]


@pytest.mark.parametrize(("name", "given"), WITH_RUNS)
def test_a_saved_network_is_shown_without_tensorflow(name: str, given: dict[str, Any]):
    lesson = lessons.get(name)
    state = lesson.state(given)
    answer = ask(Session(Clock()), lesson=name, state=given)
    assert "error" not in answer, answer
    assert learners.compare(answer["figures"], learners.variables(lesson, state), state) > 3


@pytest.mark.slow
def test_the_gradient_of_a_saved_network_is_that_of_explain():
    given = {"run": "shipped/spam", "guess": 4}
    lesson = lessons.get("blackbox")
    answer = ask(Session(Clock()), lesson="blackbox", state=given)
    state = lesson.state(given)
    found = learners.variables(lesson, state)
    assert learners.compare(answer["figures"], found, state) > 40
    assert np.abs(found["gradient"]).max() > 0.01


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("pixels", {"run": "/etc"}, "Network is one of by hand"),
        ("pixels", {"run": "shipped/spam"}, "Network is one of by hand"),
        ("words", {"run": "shipped/../spam"}, "Network is one of by hand"),
        ("words", {"run": ["by hand"]}, "Network is one of by hand"),
        ("convolution", {"run": "shipped/spam"}, "Learned by is one of"),
    ],
)
def test_what_is_no_saved_network_is_refused(name: str, given: dict[str, Any], says: str):
    assert says in ask(Session(Clock()), lesson=name, state=given)["error"]
