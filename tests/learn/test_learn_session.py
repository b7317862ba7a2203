"""The WebSocket under whatever is sent to it: a clear answer or a clean close."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from nnguide.learn import app, tables
from nnguide.learn.session import BURST, MOST_BYTES, REFUSALS, Session, TooMuchError

SOCKET = "ws://localhost/socket"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app.create(), base_url="http://localhost") as found:
        yield found


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[1, 2]", "JSON object"),
        ('{"lesson": "neuron", "state": {"w1": NaN}}', "JSON"),
        ('{"lesson": "neuron", "state": {"w1": 1e999}}', ""),
        ('{"lesson": "neuron", "state": {"w1": "2"}}', "number from -3 to 3"),
        ('{"lesson": "neuron", "state": {"w1": true}}', "number from -3 to 3"),
        ('{"lesson": "neuron", "state": 7}', "an object"),
        ('{"lesson": "nothing"}', "unknown lesson"),
        ('{"lesson": ["neuron"]}', "unknown lesson"),
        ('{"lesson": "../app"}', "unknown lesson"),
        ("{}", "unknown lesson"),
        ('{"lesson": "neuron", "ask": "everything"}', "ask is"),
        ('{"lesson": "descent", "state": {"step": 1000000000}}', "Step is a whole number"),
        ('{"lesson": "descent", "state": {"step": 1.5}}', "Step is a whole number"),
        ('{"lesson": "neuron", "ask": "points", "table": 3}', "text of a CSV"),
    ],
)
def test_what_cannot_be_answered_is_answered_with_an_error(client, message, says):
    with client.websocket_connect(SOCKET) as socket:
        socket.send_text(message)
        answer = json.loads(socket.receive_text())
        assert set(answer) == {"id", "error"} and says in answer["error"]
        socket.send_text('{"id": 5, "lesson": "neuron"}')  # and the connection goes on
        assert json.loads(socket.receive_text())["id"] == 5


def test_a_bug_of_a_lesson_is_an_error_and_not_the_end(client, monkeypatch):
    monkeypatch.setattr(Session, "_numbers", lambda *_: 1 / 0)
    with client.websocket_connect(SOCKET) as socket:
        for _ in range(2):
            socket.send_text('{"lesson": "neuron"}')
            assert "this is a bug: ZeroDivisionError" in json.loads(socket.receive_text())["error"]


def test_bytes_are_no_message(client):
    with client.websocket_connect(SOCKET) as socket:
        socket.send_bytes(b"\x00\xff")
        assert "JSON" in json.loads(socket.receive_text())["error"]


@settings(max_examples=60)
@given(ANYTHING, st.sampled_from(["neuron", "descent", "backward"]), ANYTHING)
def test_any_json_is_answered(value, lesson, ask):
    session = Session()
    for message in (value, {"lesson": lesson, "state": value}, {"lesson": lesson, "ask": ask}):
        try:
            text = json.dumps(message)
        except ValueError:
            continue
        answer = json.loads(session.answer(text))
        assert "id" in answer


def test_too_many_messages_are_refused_and_then_end_the_connection():
    session = Session(clock=lambda: 0.0)
    answers = [session.answer("{}") for _ in range(int(BURST) + REFUSALS)]
    assert b"unknown lesson" in answers[0] and b"too fast" in answers[-1]
    with pytest.raises(TooMuchError):
        session.answer("{}")


def test_a_flood_ends_in_a_clean_close(client, monkeypatch):
    monkeypatch.setattr("nnguide.learn.session.RATE", 0.0)  # a slow machine sends no flood
    monkeypatch.setattr("nnguide.learn.session.BURST", 5.0)
    with client.websocket_connect(SOCKET) as socket, pytest.raises(WebSocketDisconnect) as end:
        for _ in range(REFUSALS + 10):
            socket.send_text("{}")
            socket.receive_text()
    assert end.value.code == 1008


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://example.org"},
        {"origin": "null"},
        {"host": "example.org"},
        {"host": "example.org", "origin": "http://example.org"},
    ],
)
def test_pages_of_others_get_neither_the_socket_nor_a_page(client, headers):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
        pass
    answer = client.get("/neuron", headers=headers)
    assert answer.status_code in (403, 421) and "--allow" not in answer.text


def test_a_page_of_its_own_gets_the_socket(client):
    with client.websocket_connect(SOCKET, headers={"origin": "http://localhost"}) as socket:
        socket.send_text('{"lesson": "neuron"}')
        assert "figures" in json.loads(socket.receive_text())


def test_only_so_many_learn_at_once(client, monkeypatch):
    monkeypatch.setattr(app, "MOST_LEARNERS", 1)
    with (
        client.websocket_connect(SOCKET),
        client.websocket_connect(SOCKET) as second,
        pytest.raises(WebSocketDisconnect) as end,
    ):
        second.receive_text()
    assert end.value.code == 1013


def test_a_table_becomes_points():
    rows = "\n".join(f"{i},{i * i},{'yes' if i > 6 else 'no'}" for i in range(12))
    points = tables.points(f"a,b,label\n{rows}")
    assert len(points) == 12 and {k for _, _, k in points} == {0, 1}
    assert abs(sum(x for x, _, _ in points)) < 0.01  # standardised
    many = "\n".join(f"{i % 17},{i % 13},{i % 2}" for i in range(2000))
    assert 200 < len(tables.points(f"a,b,label\n{many}")) <= tables.MOST_POINTS


def test_what_is_huge_or_never_read_ends_a_connection_and_not_the_server(address):
    place = address.replace("http", "ws") + "socket"
    with (
        connect(place, proxy=None, max_size=None) as socket,
        pytest.raises(ConnectionClosed) as end,
    ):
        socket.send("x" * (MOST_BYTES + 1))
        socket.recv()
    assert end.value.rcvd and end.value.rcvd.code == 1009  # too big (RFC 6455)

    with connect(place, proxy=None, max_size=None) as socket, suppress(ConnectionClosed):
        for _ in range(1000):
            socket.send('{"lesson": "neuron"}')  # and no answer is taken

    with connect(place, proxy=None, max_size=None) as socket:
        socket.send('{"lesson": "neuron"}')
        assert "figures" in json.loads(socket.recv())
