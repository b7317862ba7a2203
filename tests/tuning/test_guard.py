"""Who may speak with a chief: tokens, versions, TLS, and answers that cannot be true."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import keras_tuner
import pretended
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos

from nnguide.errors import ConfigError, InputError, WorkError
from nnguide.tuning import chief, guard, oracles, worker
from nnguide.tuning.guard import Guard, is_loopback

TOKEN = b"a secret of this test"
service = protos.get_service()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A chief's service under way: its oracle, its port and the lines about refusals."""
    running = []

    def begin(known: Guard, host: str = "127.0.0.1") -> Any:
        wanted, lines = pretended.search(trials=3), []
        made = pretended.oracle(wanted, tmp_path / "state")
        held = chief.serving(made, wanted, f"{host}:0", known, lines.append)
        running.append(held)
        _, port = held.__enter__()
        return made, port, lines

    yield begin
    for held in running:
        held.__exit__(None, None, None)


def stub(port: int, known: Guard, host: str = "127.0.0.1") -> Any:
    return protos.get_service_grpc().OracleStub(known.channel(f"{host}:{port}"))


def ask(client: Any, name: str = "first") -> Any:
    return client.CreateTrial(service.CreateTrialRequest(tuner_id=name), timeout=60).trial


def outcome(**changed: Any) -> str:
    found = {
        "score": 0.5,
        "figures": {"val_loss": 1.0, "val_accuracy": 0.5, "val_f1": 0.5},
        "epochs": 1,
        "best_epoch": 1,
        "seconds": 1.0,
        "config": {},
    }
    return json.dumps({**found, **changed})


def end(client: Any, trial: Any, said: Any, status: str = "COMPLETED") -> None:
    ended = Trial.from_proto(trial)
    ended.status = status
    if said is not None:
        ended.hyperparameters.values[oracles.OUTCOME] = said
    client.EndTrial(service.EndTrialRequest(trial=ended.to_proto()), timeout=60)


def refused(code: str, request: Callable[[], object]) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        request()
    assert raised.value.code() == getattr(grpc.StatusCode, code), raised.value
    return raised.value.details()


def test_equal_tokens_work_and_others_are_refused_and_logged(serve):
    made, port, lines = serve(Guard(TOKEN))
    for known in (Guard(), Guard(b"another")):
        said = refused("UNAUTHENTICATED", lambda known=known: ask(stub(port, known)))
        assert guard.TOKEN in said
    assert not made.trials
    assert len(lines) == 2 and all("127.0.0.1" in line for line in lines)
    mine = stub(port, Guard(TOKEN))
    end(mine, ask(mine), outcome())
    assert len(made.end_order) == 1
    assert len(lines) == 2


def test_a_plain_client_of_keras_tuner_is_refused(serve):
    made, port, _ = serve(Guard(TOKEN))
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    plain = protos.get_service_grpc().OracleStub(channel)
    for request in (
        lambda: ask(plain),
        lambda: plain.GetSpace(service.GetSpaceRequest(), timeout=60),
        lambda: plain.GetBestTrials(service.GetBestTrialsRequest(num_trials=1), timeout=60),
    ):
        refused("UNAUTHENTICATED", request)
    assert not made.trials


def test_a_request_heard_on_its_way_cannot_be_repeated(serve, monkeypatch):
    made, port, lines = serve(Guard(TOKEN))
    monkeypatch.setattr(guard.secrets, "token_hex", lambda count: "00" * count)
    mine = stub(port, Guard(TOKEN))
    ask(mine)
    assert "repeated" in refused("UNAUTHENTICATED", lambda: ask(mine))
    assert len(made.trials) == 1 and len(lines) == 1


def test_a_signed_request_counts_once_in_its_time_and_unchanged(monkeypatch):
    now, sent = 1_000_000, b"what is sent"
    clock = SimpleNamespace(time=lambda: float(now))
    monkeypatch.setattr(guard, "time", clock)
    refusing, known = guard.Refusing(TOKEN, print), guard.versions()

    def reason(
        nonce: str, when: str, received: bytes = sent, method: str = "EndTrial", to: Any = refusing
    ) -> str:
        said = [part.encode() for part in ("EndTrial", nonce, when, known, refusing._name)]
        headers = {
            guard.CHIEF: refusing._name,
            "nnguide-nonce": nonce,
            "nnguide-time": when,
            "nnguide-versions": known,
            guard.SIGNED: guard.signature(TOKEN, b"request", *said, sent),
        }
        return to._problem(method, headers, nonce, received)[1]

    for number, off in enumerate((-guard.SKEW, 0, guard.SKEW)):
        assert reason(f"{number}", str(now + off)) == ""
        assert "repeated" in reason(f"{number}", str(now + off))  # at the very same moment
    wrong = (str(now - guard.SKEW - 1), str(now + guard.SKEW + 1), "", "nan", "9" * 400)
    for number, when in enumerate(wrong):
        assert "clocks" in reason(f"wrong {number}", when)
    assert "not signed" in reason("new", str(now), b"what is sen")
    assert "not signed" in reason("new", str(now), method="CreateTrial")
    started_again = guard.Refusing(TOKEN, print)
    assert "before" in reason("new", str(now), to=started_again)
    assert reason("new", str(now)) == "" and not started_again._seen
    clock.time = lambda: now + 2.0 * guard.SKEW
    assert reason("2", str(now + guard.SKEW)) != ""  # the last moment at which it is in its time
    clock.time = lambda: now + 5.0 * guard.SKEW
    assert reason("later", str(now + 5 * guard.SKEW)) == ""
    assert len(refusing._seen) == 1


def test_a_worker_goes_on_with_a_chief_that_was_started_again(serve):
    """Its first request names the chief before, and is sent again with the new one's name."""
    _, port, _ = serve(Guard(TOKEN))
    mine = Guard(TOKEN).channel(f"127.0.0.1:{port}")
    ask(protos.get_service_grpc().OracleStub(mine))
    made, port, lines = serve(Guard(TOKEN))
    mine._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    ask(protos.get_service_grpc().OracleStub(mine))
    assert len(made.trials) == 1
    assert len(lines) == 1 and "a chief that was here before" in lines[0]


def test_a_chief_without_the_token_is_not_believed(serve):
    _, port, _ = serve(Guard())
    with pytest.raises(ConfigError, match=f"does not know {guard.TOKEN}"):
        ask(stub(port, Guard(TOKEN)))


def test_other_versions_are_refused_with_both_named(serve, monkeypatch):
    made, port, lines = serve(Guard())
    monkeypatch.setattr(guard, "versions", lambda: "nnguide 0.0.1, keras 3.0")
    said = refused("FAILED_PRECONDITION", lambda: ask(stub(port, Guard())))
    assert "nnguide 0.0.1, keras 3.0" in said and guard.__version__ in said
    assert not made.trials and len(lines) == 1


FORGED = {
    "nothing": None,
    "no JSON": "{",
    "a list": "[]",
    "NaN": outcome().replace("0.5", "NaN"),
    "a text as score": outcome(score="high"),
    "an infinite loss": outcome(figures={"val_loss": 1e999}).replace("Infinity", "1e999"),
    "no loss": outcome(figures={}),
    "a key too many": outcome(more=1),
    "no epochs": outcome(epochs=0),
    "true as epochs": outcome(best_epoch=True),
    "no settings": outcome(config=None),
}


def test_answers_that_cannot_be_true_are_refused_and_logged(serve):
    """The chief goes on, and the trial can still be ended by an answer that can."""
    made, port, lines = serve(Guard(TOKEN))
    client = stub(port, Guard(TOKEN))
    trial = ask(client)
    for said in FORGED.values():
        refused("INVALID_ARGUMENT", lambda said=said: end(client, trial, said))
    for status in ("RUNNING", "STOPPED"):
        refused("INVALID_ARGUMENT", lambda s=status: end(client, trial, outcome(), s))
    refused("INVALID_ARGUMENT", lambda: end(client, trial, json.dumps({"error": 3}), "FAILED"))
    other = Trial.from_proto(trial)
    other.trial_id = "99"
    refused("INVALID_ARGUMENT", lambda: end(client, other.to_proto(), outcome()))
    for request in (
        lambda: ask(client, ""),
        lambda: ask(client, "x" * 1000),
        lambda: client.GetTrial(service.GetTrialRequest(trial_id="99"), timeout=60),
        lambda: client.UpdateTrial(service.UpdateTrialRequest(trial_id="99"), timeout=60),
        lambda: client.UpdateSpace(service.UpdateSpaceRequest(), timeout=60),
    ):
        refused("INVALID_ARGUMENT", request)
    assert len(lines) == len(FORGED) + 9
    assert not made.end_order
    end(client, trial, outcome())
    assert made.end_order == [trial.trial_id]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=40)
@given(changed=st.dictionaries(st.sampled_from(sorted(oracles.OF_OUTCOME)), JSON, min_size=1))
def test_whatever_an_answer_holds_it_is_taken_or_refused(changed):
    """What is taken makes a row; anything else is an InputError, never another one."""
    from nnguide.tuning import rows

    trial = Trial(keras_tuner.HyperParameters(), "0", "COMPLETED")
    trial.hyperparameters.values[oracles.OUTCOME] = trial.message = outcome(**changed)
    try:
        oracles.check_end(trial)
    except InputError:
        return
    assert rows.row(trial).score == json.loads(trial.message)["score"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.binary(max_size=100))
def test_any_bytes_are_answered(serve_once, sent):
    """Signed or not, a request that is no request costs the chief nothing."""
    channel = grpc.insecure_channel(f"127.0.0.1:{serve_once}")
    for known in (b"", TOKEN):
        call = guard.SignedChannel(channel, known).unary_unary(
            guard.PREFIX + "EndTrial", request_serializer=bytes, response_deserializer=bytes
        )
        with pytest.raises(grpc.RpcError) as raised:
            call(sent, timeout=60)
        wanted = "INVALID_ARGUMENT" if known else "UNAUTHENTICATED"
        assert raised.value.code() == getattr(grpc.StatusCode, wanted)
    channel.close()


@pytest.fixture(scope="module")
def serve_once(tmp_path_factory):
    wanted = pretended.search()
    made = pretended.oracle(wanted, tmp_path_factory.mktemp("once") / "state")
    with chief.serving(made, wanted, "127.0.0.1:0", Guard(TOKEN), print) as (_, port):
        yield port


@pytest.mark.parametrize("said", [b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"])
def test_who_connects_and_asks_nothing_is_cut_off(serve, monkeypatch, said):
    """Else anyone could use up what the chief may open, and end its search."""
    monkeypatch.setattr(chief, "HANDSHAKE", 0.5)
    monkeypatch.setattr(chief, "IDLE", 0.5)
    _, port, _ = serve(Guard(TOKEN))
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(said)
        silent.settimeout(120)
        while silent.recv(4096):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "no.such.host.invalid"])
def test_other_machines_need_a_token(host, tmp_path):
    wanted = pretended.search()
    made = pretended.oracle(wanted, tmp_path / "state")
    with (
        pytest.raises(ConfigError, match=guard.TOKEN),
        chief.serving(made, wanted, f"{host}:0", Guard(), print),
    ):
        pass


def test_which_addresses_are_this_machine_alone():
    for host in ("127.0.0.1", "127.3.2.1", "localhost"):
        assert is_loopback(host)
    for host in ("0.0.0.0", "10.0.0.1", "::", "no.such.host.invalid"):
        assert not is_loopback(host)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A chief's key and its self-signed certificate for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    names = ("-subj", "/CN=chief", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    subprocess.run([*new, *names, *files], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_tls(serve, certificate, tmp_path):
    cert, key = certificate
    whole = {guard.CERTIFICATE: str(cert), guard.KEY: str(key), guard.TOKEN: TOKEN.decode()}
    made, port, _ = serve(Guard.of(whole))
    trusting = Guard.of({guard.AUTHORITY: str(cert), guard.TOKEN: TOKEN.decode()})
    client = stub(port, trusting)
    end(client, ask(client), outcome())
    assert len(made.end_order) == 1
    refused("UNAVAILABLE", lambda: ask(stub(port, Guard(TOKEN))))  # in the clear
    (tmp_path / "bad.pem").write_text("no certificate")
    (tmp_path / "empty.pem").write_text("\n")
    for broken, said in (
        ({guard.CERTIFICATE: str(cert)}, "belong together"),
        ({guard.AUTHORITY: str(tmp_path / "none.pem")}, "cannot read"),
        ({guard.AUTHORITY: str(tmp_path)}, "cannot read"),
        ({guard.AUTHORITY: str(tmp_path / "empty.pem")}, "is empty"),  # not: no TLS
        ({guard.AUTHORITY: str(tmp_path / "bad.pem")}, "no certificate in PEM"),
        ({guard.AUTHORITY: str(key)}, "no certificate in PEM"),
        ({**whole, guard.CERTIFICATE: str(tmp_path / "empty.pem")}, "is empty"),
        ({**whole, guard.KEY: str(tmp_path / "empty.pem")}, "is empty"),
    ):
        with pytest.raises(ConfigError, match=said):
            Guard.of(broken)
    bad = Guard.of({**whole, guard.CERTIFICATE: str(tmp_path / "bad.pem")})
    with pytest.raises(ConfigError, match="no pair in PEM"):
        serve(bad)


def test_a_worker_says_why_it_may_not_work(serve, monkeypatch):
    """At once, with the status of wrong use; and of something that is no chief, of failed work."""
    _, port, _ = serve(Guard(TOKEN))
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(port))
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "first")
    with pytest.raises(ConfigError, match="refused this worker: .*" + guard.TOKEN):
        worker.work("digits")
    monkeypatch.setattr(worker, "GREETING", 0.5)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nobody.listen()
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(nobody.getsockname()[1]))
        with pytest.raises(WorkError, match=f"not answer as a chief .* {guard.AUTHORITY}"):
            worker.work("digits")
