"""`nnguide filterd` answers as spamd does, whatever it is sent, and loses no mail."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import zlib
from pathlib import Path

import mails as made
import pytest
from filter_server import everything, run_of_mail
from test_envelope import removed

from nnguide import runs
from nnguide.data.mail.message import read_mail
from nnguide.errors import RunError
from nnguide.feedback.corrections import LabelledText, correct, journal
from nnguide.serving.filtering import daemon, protocol
from nnguide.serving.filtering.judge import Judge

SPAM, HAM = made.plain(1), made.plain(0, made.HAM)
EMPTY = b"From: a@example.com\nMessage-ID: <1@x>\n\n"
WITH_MAIL = ("CHECK", "SYMBOLS", "REPORT", "REPORT_IFSPAM", "PROCESS", "HEADERS")


def request(command, mail=SPAM, version="1.5", length=None, **fields):
    length = len(mail) if length is None else length
    lines = [f"{command} SPAMC/{version}", f"Content-length: {length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode() + mail


def split(answer):
    """Status line, fields and body of a response."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in rest), body


@pytest.mark.parametrize("unix", [False, True])
def test_every_command_has_its_response(server, unix):
    assert server.ask(b"PING SPAMC/1.2\r\n\r\n", unix) == b"SPAMD/1.5 0 PONG\r\n"
    for command in WITH_MAIL:
        first, fields, body = split(server.ask(request(command, User="anna"), unix))
        assert first == "SPAMD/1.1 0 EX_OK"
        assert int(fields["Content-length"]) == len(body)
        said = "Yes" if command == "REPORT_IFSPAM" else "True"
        assert re.fullmatch(rf"{said} ; [01]\.\d{{6}} / 0\.5\d*", fields["Spam"])
        if command == "CHECK":
            assert body == b""
        elif command == "SYMBOLS":
            assert all(word in SPAM for word in body.split(b","))
        elif command.startswith("REPORT"):
            assert body.startswith(b"nnguide: spam\r\n")
        elif command == "PROCESS":
            assert body.startswith(b"X-Spam-Flag: YES\n") and body.endswith(SPAM)
        else:
            assert body.startswith(b"X-Spam-Flag: YES\n") and body.endswith(b"\n\n")
            assert SPAM.startswith(body.split(b"\n", 3)[3])
    for command, said in (("CHECK", "False"), ("REPORT_IFSPAM", "No")):
        _, fields, body = split(server.ask(request(command, HAM), unix))
        assert (fields["Spam"].split(" ")[0], body) == (said, b"")


def test_older_clients_have_older_responses(server):
    _, fields, body = split(server.ask(request("CHECK", version="1.2")))
    assert list(fields) == ["Spam"] and body == b""
    _, fields, body = split(server.ask(request("PROCESS", version="1.2")))
    assert list(fields) == ["Content-length"] and body.endswith(SPAM)
    assert b"Spam: True" in server.ask(b"REPORT SPAMC/1.0\r\n\r\n" + SPAM)
    without = server.ask(b"PROCESS SPAMC/1.5\r\nUser: x\r\n\r\n" + SPAM)
    assert split(without)[2].endswith(SPAM)


def tell(server, mail, **fields):
    return split(server.ask(request("TELL", mail, **fields)))


def label(server, mail):
    return split(server.ask(request("CHECK", mail)))[1]["Spam"].split(" ")[0]


def test_a_client_corrects_and_takes_back(start):
    server = start("--allow-tell")
    mail, near = made.plain(3, made.HAM), made.plain(4, made.HAM.replace("Anna", "Bea"))
    before = server.ask(request("PROCESS", mail))
    short = request("TELL", mail, length=len(mail) - 1, Message_class="spam", Set="local")
    assert server.ask(short).startswith(b"SPAMD/1.1 76 ") and not server.feedback.exists()
    assert tell(server, mail, Message_class="spam", Set="local")[1]["DidSet"] == "local"
    assert [label(server, one) for one in (mail, near, SPAM)] == ["True"] * 3
    assert b"X-Nnguide-Reason: feedback" in server.ask(request("PROCESS", near))
    assert server.ask(request("SYMBOLS", near)).endswith(b"\r\n\r\nfeedback")
    assert "DidSet" not in tell(server, mail, Message_class="spam", Set="local")[1]
    assert "DidSet" not in tell(server, near, Message_class="spam", Set="remote")[1]
    assert tell(server, mail, Message_class="ham", Set="local, remote")[1]["DidSet"] == "local"
    assert label(server, near) == "False"
    assert tell(server, mail, Remove="local")[1]["DidRemove"] == "local"
    assert "DidRemove" not in tell(server, mail, Remove="local")[1]
    assert server.ask(request("PROCESS", mail)) == before
    assert not list(server.feedback.glob("*.jsonl"))


def test_corrections_of_another_process_are_used_at_once(start, mail_run, monkeypatch):
    server = start("--allow-tell")
    monkeypatch.setenv("NNGUIDE_FEEDBACK", str(server.feedback))
    run, ham = runs.Run.open(mail_run), made.plain(3, made.HAM)
    assert label(server, ham) == "False"
    text = read_mail(ham).text
    correct(run, [LabelledText.of("x", "spam", text)])
    assert label(server, ham) == "True"
    path = journal(run).path
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert label(server, ham) == "True"
    server.started.wait_for("the corrections stay as they were")
    first, _, _ = tell(server, ham, Remove="local")
    assert first.startswith("SPAMD/1.1 70 ")
    path.write_bytes(whole)
    correct(run, [LabelledText.of("x", "forget", text)])
    assert label(server, ham) == "False"
    assert "Traceback" not in server.started.text


def test_a_server_learns_only_where_it_may(start):
    server = start()
    assert tell(server, SPAM, Message_class="ham", Set="local")[0].startswith("SPAMD/1.1 69 ")
    assert label(server, SPAM) == "True"


def test_a_compressed_mail_is_unpacked_and_a_bomb_is_not(server):
    answer = server.ask(request("PROCESS", zlib.compress(SPAM), Compress="zlib"))
    assert split(answer)[2].endswith(SPAM)
    bomb = zlib.compress(b"a" * (protocol.MAX_BYTES + 1))
    for content, status in ((bomb, 65), (SPAM, 76), (zlib.compress(SPAM)[:-9], 76)):
        first, _, _ = split(server.ask(request("PROCESS", content, Compress="zlib")))
        assert first.startswith(f"SPAMD/1.1 {status} ")


def test_a_mail_without_text_has_an_answer(server):
    first, fields, body = split(server.ask(request("PROCESS", EMPTY)))
    assert (first, fields["Spam"]) == ("SPAMD/1.1 0 EX_OK", "False ; 0.500000 / 0.500000")
    assert b"guess" in body and body.endswith(EMPTY)


@pytest.mark.parametrize(
    "sent, status",
    [
        (request("TELL"), 64),
        (request("TELL", Message_class="spam"), 64),
        (request("TELL", Set="local"), 64),
        (request("TELL", Message_class="eggs", Set="local"), 64),
        (request("TELL", Message_class="spam", Set="moon"), 64),
        (request("TELL", Message_class="spam", Set="local", Remove="local"), 64),
        (request("TELL", EMPTY, Message_class="spam", Set="local"), 65),
        (request("CHECK", length=len(SPAM) + 1), 76),
        (request("CHECK", length=len(SPAM) - 1), 76),
        (request("CHECK", length=26 * 2**20), 65),
        (request("CHECK", length=-1), 76),
        (request("CHECK", Compress="gzip"), 76),
        (request("CHECK", b"\x89PNG\r\n\x1a\n"), 65),
        (request("CHECK", b"no header"), 65),
        (request("CHECK", b""), 65),
        (b"CHECK SPAMC/1.5\r\nContent-length: 3\r\nContent-length: 4\r\n\r\nabc", 76),
        (b"CHECK SPAMC/1.5\r\nno field\r\n\r\n", 76),
        (b"CHECK SPAMC/1.5\r\nUser: " + b"a" * 20_000 + b"\r\n\r\n", 76),
        (b"CHECK SPAMC/1.5\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(99)) + b"\r\n", 76),
        (b"EAT SPAMC/1.5\r\n\r\n", 76),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 76),
        (b"\0\xff\r\n", 76),
    ],
)
def test_what_cannot_be_answered_has_an_error_of_one_line(server, sent, status):
    answer = server.ask(sent)
    assert re.fullmatch(rb"SPAMD/1\.1 %d EX_[A-Z]+ [ -~]+\r\n\r\n" % status, answer)


def test_an_answer_needs_no_end_of_the_clients_side(server):
    assert split(server.ask(request("CHECK"), ends=False))[0] == "SPAMD/1.1 0 EX_OK"
    assert server.ask(b"PING SPAMC/1.2\r\n\r\n", ends=False) == b"SPAMD/1.5 0 PONG\r\n"
    assert server.ask(b"") == b""


def test_mutated_requests_cost_nothing_but_themselves(server):
    mutate(server, 300)


@pytest.mark.slow
def test_ten_thousand_mutated_requests(server):
    mutate(server, 10_000)


def mutate(server, count):
    draw = random.Random(14)
    seeds = [request(command) for command in protocol.COMMANDS]
    seeds += [
        request("PROCESS", zlib.compress(SPAM), Compress="zlib"),
        request("TELL", Message_class="spam", Set="local, remote"),
        request("PROCESS", made.multipart("mixed", made.spam_part("text/html"))),
    ]
    pieces = [
        b"\r\n",
        b"\n\n",
        b": ",
        b"\0",
        b"Content-length: 9\r\n",
        b"SPAMC/",
        b"\xff",
        b"9" * 30,
    ]
    for _ in range(count):
        sent = bytearray(draw.choice(seeds))
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(sent) + 1)
            end = place + draw.randint(0, 9)
            sent[place:end] = draw.choice([b"", draw.choice(pieces), draw.randbytes(3)])
        answer = server.ask(bytes(sent))
        assert re.match(rb"SPAMD/1\.[15] \d+ |\Z", answer)
        assert not re.match(rb"SPAMD/1\.1 70", answer)
    assert server.ask(b"PING SPAMC/1.2\r\n\r\n") == b"SPAMD/1.5 0 PONG\r\n"
    text = server.started.text
    assert "Traceback" not in text and "failed" not in text


def test_connections_and_time_are_bounded(start):
    server = start("--connections", 2, "--timeout", 1)
    waiting = [server.connect(), server.connect()]
    server_saw = server.ask(b"PING SPAMC/1.2\r\n\r\n")
    assert server_saw.startswith((b"SPAMD/1.1 75 ", b"SPAMD/1.5 0 "))  # the others may be timed out
    for client in waiting:
        assert everything(client).startswith(b"SPAMD/1.1 79 ")
        client.close()
    slow = server.connect()
    slow.sendall(request("CHECK")[:-5])
    assert everything(slow).startswith(b"SPAMD/1.1 79 ")
    slow.close()
    while not server.ask(b"PING SPAMC/1.2\r\n\r\n").startswith(b"SPAMD/1.5 0 "):
        time.sleep(0.05)


def test_a_hangup_picks_up_a_new_run_and_keeps_the_old_one_where_that_fails(
    start, mail_run, tmp_path
):
    run = tmp_path / "run"
    run.symlink_to(mail_run)
    server = start(run=run)
    run.unlink()
    run.symlink_to(run_of_mail(tmp_path / "never", "messages"))
    server.process.send_signal(signal.SIGHUP)
    server.started.wait_for("the run stays as it is")
    assert split(server.ask(request("CHECK")))[0] == "SPAMD/1.1 0 EX_OK"
    run.unlink()
    run.symlink_to(run_of_mail(tmp_path / "new", "mail"))
    server.process.send_signal(signal.SIGHUP)
    server.started.wait_for("SIGHUP: run: ")
    assert split(server.ask(request("CHECK")))[0] == "SPAMD/1.1 0 EX_OK"


def test_a_run_that_cannot_be_read_for_a_moment_is_tried_again(monkeypatch, mail_run, caplog):
    monkeypatch.setattr(daemon, "RETRY", 0)
    caplog.set_level("INFO", "nnguide")
    first, second = Judge(str(mail_run)), Judge(str(mail_run))
    coming = iter([first, RunError("busy"), OSError("busy"), second, *3 * [RunError("gone")]])

    def opened():
        made = next(coming)
        if isinstance(made, Exception):
            raise made
        return made

    server = daemon.Daemon(opened, daemon.Bounds())
    asyncio.run(server._opened_anew())
    assert server.judge is second and caplog.messages == [f"SIGHUP: run: {second.run.folder}"]
    asyncio.run(server._opened_anew())
    assert server.judge is second
    assert caplog.messages[1:] == ["SIGHUP: the run stays as it is: gone"]


def test_several_processes_answer_at_one_place_and_learn_of_each_other(start):
    """What one is told the other knows, and a hangup reaches each."""
    server = start("--workers", 2, "--allow-tell")
    mail = made.plain(3, made.HAM)
    assert tell(server, mail, Message_class="spam", Set="local")[1]["DidSet"] == "local"
    answers = [label(server, mail) for _ in range(20)]
    assert answers == ["True"] * 20
    server.process.send_signal(signal.SIGHUP)
    server.started.wait_until(lambda: server.started.text.count("SIGHUP: run: ") == 2)
    assert [label(server, mail) for _ in range(10)] == ["True"] * 10
    assert server.ends(signal.SIGTERM) == 0
    assert not server.path.exists() and "Traceback" not in server.started.text


def test_workers_that_cannot_start_end_with_their_status(tmp_path):
    from started import Started

    words = ("filterd", "--run", tmp_path / "gone", "--port", 0, "--workers", 2)
    started = Started(*words, place=tmp_path)
    assert started.ends() == 5
    assert "gone" in started.text and "Traceback" not in started.text


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_what_was_begun_is_answered_before_the_end(start, number, status):
    server = start()
    client = server.connect()
    sent = request("PROCESS")
    client.sendall(sent[:40])
    server.ask(b"PING SPAMC/1.2\r\n\r\n")  # so the one before is accepted
    server.process.send_signal(number)
    refused = False
    while not refused:
        try:
            server.connect().close()
        except OSError:
            refused = True
    client.sendall(sent[40:])
    assert split(everything(client))[2].endswith(SPAM)
    client.close()
    assert server.started.ends() == status
    assert not server.path.exists()
    assert "Traceback" not in server.started.text


def test_a_place_that_is_taken_is_wrong_use(server, start, tmp_path, mail_run):
    from started import Started

    (tmp_path / "file").touch()
    for words, said in (
        (("--port", server.port), "in use"),
        (("--socket", server.path), "in use"),
        (("--socket", tmp_path / "file"), "not a socket"),
        (("--socket", tmp_path / ("a" * 200)), "cannot be used"),
        (("--port", 0, "--connections", 0), "--connections"),
        (("--port", 0, "--timeout", 0), "--timeout"),
    ):
        started = Started("filterd", "--run", mail_run, *words, place=tmp_path)
        assert started.ends() == 2
        assert said in started.text and "Traceback" not in started.text
    assert server.path.exists() and (tmp_path / "file").exists()
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left"))
    left.close()
    again = start("--socket", tmp_path / "left")
    assert (tmp_path / "left").exists() and again.process.poll() is None


def spamc(server, raw, *words):
    return subprocess.run(
        ["spamc", "-d", "127.0.0.1", "-p", str(server.port), *words], input=raw, capture_output=True
    )


needs_spamc = pytest.mark.skipif(not shutil.which("spamc"), reason="spamc is not installed")


@needs_spamc
def test_spamc_works_unchanged(server):
    ended = spamc(server, SPAM)
    assert ended.returncode == 0 and ended.stdout.endswith(SPAM)
    assert ended.stdout.startswith(b"X-Spam-Flag: YES\n")
    assert spamc(server, SPAM, "-c").returncode == 1
    assert spamc(server, HAM, "-c").returncode == 0
    assert spamc(server, SPAM, "-K").returncode == 0
    assert b"nnguide: spam" in spamc(server, SPAM, "-R").stdout
    assert spamc(server, HAM, "-r").stdout == b""
    assert b"," in spamc(server, SPAM, "-y").stdout
    assert spamc(server, SPAM, "--headers").stdout == ended.stdout
    assert spamc(server, SPAM, "-z").stdout in (ended.stdout, b"")  # where it is built with zlib
    unix = subprocess.run(["spamc", "-U", str(server.path)], input=SPAM, capture_output=True)
    assert unix.stdout == ended.stdout
    assert spamc(server, b"no mail").stdout == b"no mail"
    ham = made.plain(5, made.HAM)
    for words in ("spam", "forget"):
        assert b"successfully un/learned" in spamc(server, ham, "-L", words).stdout
        assert spamc(server, ham, "-c").returncode == (words == "spam")


@needs_spamc
def test_no_mail_is_lost_when_the_server_is_killed_and_started_again(start):
    lose(start, 40)


@needs_spamc
@pytest.mark.slow
def test_no_mail_of_a_thousand_is_lost(start):
    lose(start, 1000)


def lose(start, count):
    """Filter mails by spamc in two threads; the server is killed midway and another started."""
    servers = [start()]
    mails = [
        raw.replace(b"Subject: ", b"X-Spam-Flag: NO\nSubject: ") for raw in made.several(count)
    ]
    came = {}

    def send(numbers):
        for n in numbers:
            came[n] = spamc(servers[-1], mails[n], "--retry-sleep=1")
            if n == count // 2:
                servers[-1].process.kill()

    threads = [threading.Thread(target=send, args=(range(k, count, 2),)) for k in range(2)]
    for thread in threads:
        thread.start()
    servers[0].process.wait(timeout=1800)
    servers.append(start())
    for thread in threads:
        thread.join()
    judged = 0
    for n, raw in enumerate(mails):
        assert came[n].returncode == 0
        out = came[n].stdout
        judged += out != raw
        assert out == raw or removed(out) == removed(raw)
    assert judged >= count // 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_speed_and_memory(server):
    """20,000 mails over four connections at once: how quick, and whether memory grows."""
    mails = [request("PROCESS", raw) for raw in made.several(10)]
    times = []

    def send(count):
        for n in range(count):
            before = time.perf_counter()
            assert server.ask(mails[n % 10]).startswith(b"SPAMD/1.1 0 ")
            times.append(time.perf_counter() - before)

    def memory():
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    send(500)
    begun, started = memory(), time.perf_counter()
    times.clear()
    threads = [threading.Thread(target=send, args=(5000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(times) / (time.perf_counter() - started)
    times.sort()
    print(f"{rate:.0f} mails a second, p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms")
    assert memory() < begun * 1.1 + 10_000
