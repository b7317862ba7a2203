"""What an operator asks for: tokens, HTTPS, an access log, several workers, a bound on memory."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy_models import Blocked, HalfPlus, Shelf, Start
from starlette.testclient import TestClient
from test_process import serve  # noqa: F401

from nnguide import runs
from nnguide.errors import ConfigError, WriteError
from nnguide.serving import app, bearer, intake
from nnguide.serving.access_log import AccessLog, RequestIds
from nnguide.serving.bounds import Bounds
from nnguide.serving.servable import RunServable
from nnguide.serving.server import check_tls

TOKEN = "0123456789abcdef"
OTHER = "fedcba9876543210"


def guarded(start: Start, *tokens: str) -> TestClient:
    """A client of a server that asks for one of the tokens."""
    serving = start(half=HalfPlus()).serving
    made = app.create(
        *(serving.models, serving.bounds, serving.metrics, serving.decoders),
        tokens=tokens,
    )
    return TestClient(made, base_url="http://localhost")


def test_without_a_known_token_nothing_is_answered_but_probes_and_pages(start: Start):
    client = guarded(start, TOKEN, OTHER)
    asked = ["/v1/models/half", "/v2", "/v2/models/half", "/metrics", "/page/models", "/nothing"]
    for path in asked:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        assert "Authorization: Bearer" in answer.json()["error"]
    for path in (
        "/healthz",
        "/readyz",
        "/v2/health/live",
        "/v2/health/ready",
        "/",
        "/page/page.js",
    ):
        assert client.get(path).status_code == 200, path
    for kind, token in (("Bearer", TOKEN), ("bearer", OTHER)):
        headers = {"Authorization": f"{kind} {token}"}
        for path in asked:
            assert client.get(path, headers=headers).status_code == (404 if "noth" in path else 200)
        answer = client.post("/v1/models/half:predict", json={"instances": [2]}, headers=headers)
        assert answer.json() == {"predictions": [3.0]}


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(word=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40))
def test_no_other_word_is_the_token(start: Start, word: str):
    client = guarded(start, TOKEN)
    for value in (word, f"Bearer {word}", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"):
        headers = {"Authorization": value.encode("latin-1")}
        assert client.get("/v1/models/half", headers=headers).status_code == 401
    twice = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {word[:0]}x")]
    assert client.get("/v1/models/half", headers=twice).status_code == 401


def test_a_file_of_tokens(tmp_path: Path):
    path = tmp_path / "tokens"
    path.write_text(f"# ours\n{TOKEN}\n\n  {OTHER}\n")
    assert bearer.read(path) == [TOKEN, OTHER]
    for content, said in (
        (b"", "holds no token"),
        (b"# none\n", "holds no token"),
        (b"short\n", "token 1 .* at least 16"),
        (TOKEN.encode() + b"\nwith a space in it\n", "token 2"),
        (b"\xff" * 20, "cannot be read"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=said) as refused:
            bearer.read(path)
        assert "with a space" not in str(refused.value)  # a token is never shown
    with pytest.raises(ConfigError, match="cannot be read"):
        bearer.read(tmp_path / "missing")


def test_every_answer_has_an_id_and_every_request_a_line(start: Start, tmp_path: Path):
    path = tmp_path / "access.log"
    path.write_text("before\n")
    log = AccessLog(str(path))
    half = start(half=HalfPlus())
    client = TestClient(RequestIds(half.app, log), base_url="http://localhost")
    body = {"instances": ["SECRET"]}
    answers = [
        client.get("/healthz", headers={"X-Request-Id": "from-a-proxy.1"}),
        client.get("/v1/models/none?secret=1", headers={"X-Request-Id": 'a"b c'}),
        client.post("/v1/models/half:predict", json=body),
        client.get("/healthz", headers={"Host": "evil.example"}),
    ]
    log.close()
    assert answers[0].headers["x-request-id"] == "from-a-proxy.1"
    first, *lines = path.read_text().splitlines()
    assert first == "before"
    found = [json.loads(line) for line in lines]
    assert [one["request_id"] for one in found] == [a.headers["x-request-id"] for a in answers]
    assert [one["status"] for one in found] == [200, 404, 400, 421]
    assert all(re.fullmatch(r"[0-9a-f]{32}", one["request_id"]) for one in found[1:])
    assert [one["bytes"] for one in found] == [len(answer.content) for answer in answers]
    assert found[1]["path"] == "/v1/models/none"
    assert found[2]["method"] == "POST"
    assert all(one["seconds"] >= 0 and one["time"].endswith("Z") for one in found)
    assert "secret" not in path.read_text().lower()


def test_a_log_that_cannot_be_written(tmp_path: Path):
    with pytest.raises(WriteError, match="--access-log: cannot write"):
        AccessLog(str(tmp_path / "none" / "access.log"))


def test_above_its_memory_the_server_takes_on_no_more_beside_others(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    assert intake.resident() > 1 << 20
    monkeypatch.setattr(intake, "resident", lambda: 101)
    model = Blocked()
    server = start(blocked=model, bounds=Bounds(memory=100))
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(server.post, "blocked:predict", {"inputs": [2]})
        while not model.asked:
            time.sleep(0.01)
        status, answer = server.post("blocked:predict", {"inputs": [2]})
        assert (status, "no memory left" in answer["error"]) == (429, True)
        model.free.set()
        assert first.result()[0] == 200
    assert server.post("blocked:predict", {"inputs": [2]})[0] == 200


def test_labels_and_confidence_are_counted(start: Start, trained: Any):
    folders = {name: trained(name).folder for name in ("spam", "digits")}
    server = start(**{name: Shelf(v1=RunServable(path)) for name, path in folders.items()})
    texts = ["win a prize now", "see you at six", "call me"]
    answers = trained("spam").predict(texts)
    server.post("spam:predict", {"instances": texts})
    server.post("spam:classify", {"signature_name": "classify", "examples": [{"text": texts[0]}]})
    server.post("digits:predict", {"instances": [[[0] * 28] * 28]})
    server.post("spam:predict", {"instances": [5]})
    lines = server.client.get("/metrics").text
    counted = {
        (model, label): float(count)
        for label, model, count in re.findall(
            r'nnguide_answers_total\{label="(.*?)",model="(.*?)"\} (\S+)', lines
        )
    }
    expected = [answer.label for answer in [*answers, answers[0]]]
    for label in ("ham", "spam"):
        assert counted.get(("spam", label), 0) == expected.count(label)
    assert sum(count for (model, _), count in counted.items() if model == "digits") == 1
    total = re.search(r'nnguide_answer_confidence_sum\{model="spam"\} (\S+)', lines)
    p = [a.probability if a.label == "spam" else 1 - a.probability for a in [*answers, answers[0]]]
    assert float(total[1]) == pytest.approx(sum(p), abs=1e-5)


def test_files_for_https(tmp_path: Path):
    assert check_tls(None, None) is None
    with pytest.raises(ConfigError, match="got one of them"):
        check_tls(tmp_path / "cert.pem", None)
    (tmp_path / "cert.pem").write_text("no certificate")
    for name in ("cert.pem", "missing.pem"):
        with pytest.raises(ConfigError, match="no certificate in PEM"):
            check_tls(tmp_path / name, tmp_path / "cert.pem")


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_https_with_workers_names_and_a_log_in_one_process_tree(serve: Any, tmp_path: Path):  # noqa: F811
    cert, key, log = (tmp_path / name for name in ("cert.pem", "key.pem", "access.log"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    tokens = tmp_path / "tokens"
    tokens.write_text(TOKEN)
    server = serve(
        *(runs.shipped("spam"), "--workers", 2, "--token-file", tokens, "--access-log", log),
        *("--tls-cert", cert, "--tls-key", key, "--allow-host", "models.example"),
        *("--cors-origin", "https://app.example", "--max-memory", 2000),
    )
    trusting = ssl.create_default_context(cafile=str(cert))

    def ask(path: str, body: object = None, **headers: str) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"https://localhost:{server.port}{path}",
            data,
            {"Authorization": f"Bearer {TOKEN}", **headers},
        )
        with urllib.request.urlopen(request, timeout=600, context=trusting) as answer:
            return answer.read().decode()

    body = {"instances": ["win a prize"]}
    while len({json.loads(line)["worker"] for line in lines_of(log)}) < 2:  # both answer
        assert '"label"' in ask("/v1/models/spam:predict", body, Origin="https://app.example")
    asked = len(lines_of(log))
    assert f'{{label="spam",model="spam"}} {asked}.0' in ask("/metrics", Host="models.example")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask("/v1/models/spam", Authorization="Bearer wrong")
    with pytest.raises(urllib.error.HTTPError, match="421"):
        ask("/v1/models/spam", Host="other.example")

    workers = {json.loads(line)["worker"] for line in lines_of(log)}
    assert server.end(signal.SIGTERM) == 0
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def lines_of(log: Path) -> list[str]:
    """The whole lines in a log; its writer may lag behind the answers."""
    time.sleep(0.05)
    return log.read_text().splitlines() if log.exists() else []


def test_workers_that_cannot_start_end_with_the_status_of_one(nnguide_serve: Any):
    status, said = nnguide_serve("--workers", "2", "--port", "0", "nothing")
    assert (status, "there is no run 'nothing'" in said) == (5, True), said


@pytest.fixture
def nnguide_serve():
    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "nnguide", "serve", *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        return ended.returncode, ended.stderr

    return run


def test_a_worker_that_dies_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Processes that only write down that they live; the one that is killed has a successor."""
    code = """
import os, sys, time
from pathlib import Path
from nnguide.serving import workers

workers.FORBEARANCE = 0.0
folder = Path(sys.argv[1])

def work(number, ready):
    (folder / f"{number}.{os.getpid()}").touch()
    ready()
    while True:
        time.sleep(60)

sys.exit(workers.run(2, work, lambda: (folder / "ready").touch()))
"""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    until(lambda: (tmp_path / "ready").exists())
    (first,) = tmp_path.glob("0.*")
    os.kill(int(first.suffix[1:]), signal.SIGKILL)
    until(lambda: len(list(tmp_path.glob("0.*"))) == 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(600) == 130


def until(condition: Any) -> None:
    """Wait for something that another process does, minutes at most."""
    ends = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)
