"""`nnguide filter`: no mail is lost, and its statuses are those its help lists."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import mails as made
import pytest
from filter_server import ROOT, run_of_mail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnguide.cli import main

EMPTY = b"From: a@example.com\nMessage-ID: <1@x>\n\n"


@pytest.fixture
def piped(capfdbinary, monkeypatch):
    """Run the command in this process: status, stdout and stderr as bytes."""

    def run(*words, stdin=b""):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["filter", *map(str, words)])
        return int(ended.value.code or 0), *capfdbinary.readouterr()

    return run


def added(out, raw):
    """The headers in front of a mail that is otherwise unchanged."""
    assert out.endswith(raw)
    return out.removesuffix(raw)


@pytest.mark.parametrize("words", [(), ("--passthrough",), ("--passthrough", "--strict")])
def test_a_mail_goes_through_with_headers_in_front(piped, mail_run, words):
    raw = made.plain(1)
    status, out, _ = piped("--run", mail_run, *words, stdin=raw)
    assert status == 0
    flag, state, reason = added(out, raw).decode().splitlines()
    assert flag == "X-Spam-Flag: YES"
    assert state.startswith("X-Spam-Status: Yes, score=") and "required=" in state
    said = reason.removeprefix("X-Nnguide-Reason: ").split(", ")
    assert 1 <= len(said) <= 5
    assert all(word.encode() in raw for word in said)
    _, out, _ = piped("--run", mail_run, *words, stdin=made.plain(0, made.HAM))
    assert out.startswith(b"X-Spam-Flag: NO\n")


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_leaves_unchanged_but_for_headers(piped, mail_run, rest, is_mail):
    raw = b"Subject: a\n" + rest if is_mail else rest
    status, out, err = piped("--run", mail_run, "--passthrough", stdin=raw)
    assert status == 0
    place = out.find(b"X-Spam-Flag: ")
    if err or place < 0:
        assert out == raw
    else:
        for _ in range(3):
            after = out.index(b"\n", place) + 1
            while out.startswith(b" =?utf-8?b?", after):  # the reason goes on
                after = out.index(b"\n", after) + 1
            out = out[:place] + out[after:]
        assert out == raw


def test_the_statuses_of_a_verdict(piped, mail_run, tmp_path):
    status, out, _ = piped("--verdict", "--run", mail_run, stdin=made.plain(1))
    label, probability, threshold, words = out.decode().rstrip("\n").split("\t")
    assert (status, label) == (0, "spam")
    assert float(probability) > float(threshold) and words
    status, out, _ = piped("--verdict", "--run", mail_run, stdin=made.plain(0, made.HAM))
    assert (status, out[:4]) == (1, b"ham\t")
    status, out, _ = piped("--verdict", "--run", mail_run, stdin=EMPTY)
    assert (status, out[:13]) == (1, b"ham\t0.500000\t") and b"guess" in out
    strict = run_of_mail(tmp_path / "strict", "mail")
    rethreshold(strict, 1.0)
    status, out, _ = piped("--verdict", "--run", strict, stdin=made.plain(1))
    assert (status, out[:7]) == (2, b"unsure\t")


def rethreshold(run, threshold):
    import hashlib
    import json

    decision, manifest = run / "decision.json", run / "manifest.json"
    content = {**json.loads(decision.read_text()), "threshold": threshold}
    decision.write_text(json.dumps(content))
    facts = json.loads(manifest.read_text())
    facts["files"]["decision.json"] = hashlib.sha256(decision.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(facts))


def failures(tmp_path):
    """Options and mails that cannot be judged."""
    good = made.plain(1)
    never = run_of_mail(tmp_path / "never", "messages")
    broken = run_of_mail(tmp_path / "broken", "mail")
    (broken / "light.tflite").write_bytes(b"no network")
    yield ("--run", never), good
    yield ("--run", broken), good
    yield ("--run", tmp_path / "nowhere"), good
    yield ("--run", "digits"), good
    yield ("--run", "spam", "--anyway"), b"\x89PNG\r\n\x1a\n no mail"
    yield ("--run", "spam", "--anyway"), b""
    yield ("--run", "spam", "--anyway"), b"Subject: x\n\n" + b"a" * 26 * 2**20


def test_after_a_failure_the_mail_is_unchanged_or_comes_later(piped, tmp_path):
    for words, raw in failures(tmp_path):
        status, out, err = piped(*words, "--passthrough", stdin=raw)
        assert (status, out) == (0, raw)
        assert err.startswith(b"nnguide: ") or b"\nnnguide: " in err
        assert b"Traceback" not in err
        assert piped(*words, "--passthrough", "--strict", stdin=raw)[:2] == (75, b"")
        assert piped(*words, "--verdict", stdin=raw)[:2] == (3, b"")


def test_a_mistyped_command_loses_no_mail(piped):
    raw = made.plain(1)
    for words in (("--pasthrough",), ("--passthrough", "more"), ("--passthrough", "--run")):
        status, out, err = piped(*words, stdin=raw)
        assert (status, out) == (0, raw) and err
    assert piped("--passthrough", "--strict", "--rnu", "x", stdin=raw)[:2] == (75, b"")
    assert piped("--verdict", "--rnu", "x", stdin=raw)[:2] == (3, b"")
    assert piped("--verdict", "--passthrough", stdin=raw)[:2] == (3, b"")
    assert piped("--rnu", "x")[:2] == (2, b"")


def test_a_mailbox_is_not_one_mail(piped, mail_run, tmp_path):
    raw = made.as_mbox(tmp_path / "box", made.several(3)).read_bytes()
    status, out, err = piped("--verdict", "--run", mail_run, stdin=raw)
    assert (status, out) == (3, b"") and b"predict RUN --mail -" in err


def pipe(*words, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "nnguide", "filter", *map(str, words)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **more,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_mail_that_cannot_be_written_comes_later(mail_run):
    with Path("/dev/full").open("wb") as full:
        started = pipe("--run", mail_run, stdout=full)
        _, err = started.communicate(made.plain(1))
    assert started.returncode == 75 and b"Traceback" not in err
    reading, writing = os.pipe()
    os.close(reading)
    started = pipe("--run", mail_run, stdout=writing)
    os.close(writing)
    _, err = started.communicate(made.plain(1))
    assert started.returncode == 75 and b"Traceback" not in err


def test_an_interrupted_filter_says_later(mail_run):
    started = pipe("--run", mail_run, stdout=subprocess.PIPE)
    assert started.stdin is not None
    started.stdin.write(made.plain(1))
    started.stdin.flush()
    while (status := started.poll()) is None:
        started.send_signal(signal.SIGTERM)
        time.sleep(2)  # it may not have come to where it listens
    started.stdin.close()
    assert started.stdout is not None and started.stdout.read() == b""
    assert status in (75, 130, -signal.SIGTERM)


@pytest.mark.skipif(not shutil.which("procmail"), reason="procmail is not installed")
@pytest.mark.parametrize("works", [True, False])
def test_procmail_delivers_every_mail(mail_run, tmp_path, works):
    recipes = tmp_path / "procmailrc"
    run = mail_run if works else tmp_path / "nowhere"
    recipes.write_text(
        f"SHELL=/bin/sh\nDEFAULT={tmp_path}/in/\nLOGFILE={tmp_path}/log\n"
        f":0fw\n| env PYTHONPATH={ROOT} {sys.executable} -m nnguide filter --run {run}\n"
        f":0\n* ^X-Spam-Flag: YES\n{tmp_path}/junk/\n"
    )
    recipes.chmod(0o600)
    mails = [raw.rstrip() for raw in (made.plain(0, made.HAM), made.plain(1), EMPTY)]
    for raw in mails:
        subprocess.run(["procmail", str(recipes)], input=raw, check=True)
    found = {
        box: sorted(p.read_bytes().rstrip() for p in (tmp_path / box / "new").glob("*"))
        for box in ("in", "junk")
        if (tmp_path / box).exists()
    }
    assert sum(map(len, found.values())) == 3
    if works:
        assert len(found["junk"]) == 1 and found["junk"][0].endswith(mails[1])
    else:
        assert found["in"] == sorted(mails)


@pytest.mark.slow
def test_a_cold_start_is_quick(mail_run):
    def seconds():
        before = os.times()
        pipe("--run", mail_run, stdout=subprocess.DEVNULL).communicate(made.plain(1))
        after = os.times()
        return after.children_user + after.children_system - before[2] - before[3]

    assert min(seconds() for _ in range(10)) < 0.6
