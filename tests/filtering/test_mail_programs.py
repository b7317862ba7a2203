"""Real mail programs deliver every mail through filterd, killed and started again midway."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nnguide.serving.filtering import daemon

SCRIPT = Path(__file__).parents[2] / "scripts" / "mail_test"


@pytest.fixture(scope="module")
def mail_test():
    loader = importlib.machinery.SourceFileLoader("mail_test", str(SCRIPT))
    spec = importlib.util.spec_from_loader("mail_test", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def deliver(mail_test, way, count):
    if why := mail_test.missing(way):
        pytest.skip(why)
    ended = subprocess.run(
        [sys.executable, SCRIPT, "--mails", str(count), "--only", way],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{way}: {count} mails: 0 lost, 0 changed" in ended.stdout


@pytest.mark.parametrize("way", ["maildrop", "postfix"])
def test_no_mail_is_lost_or_changed(mail_test, way):
    deliver(mail_test, way, 9)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["spamc", "procmail", "maildrop", "postfix", "dovecot"])
def test_no_mail_of_a_thousand_is_lost_or_changed(mail_test, way):
    deliver(mail_test, way, 1000)


def test_what_is_lost_changed_or_comes_twice_is_counted(mail_test):
    """The script itself: it would not pass what it is there to find."""
    sent = mail_test.mails(6)
    came = [b"X-Spam-Flag: YES\n" + mail for mail in sent.values()]
    assert mail_test.compare(sent, came)[:2] == (0, 0)
    assert mail_test.compare(sent, came[1:])[:2] == (1, 0)
    assert mail_test.compare(sent, [*came, came[0]])[:2] == (1, 0)
    for old, new in ((b"lunch", b"Lunch"), (b"note", b"Note"), (b"\n\n", b"\n\n\n\n")):
        changed = [came[0].replace(old, new), *came[1:]]
        assert mail_test.compare(sent, changed)[:2] == (0, 1)


def test_a_port_is_reserved_for_the_server_alone(mail_test):
    """Between its death and its restart no one else gets it."""
    held = mail_test.reserved()
    port = held.getsockname()[1]
    assert not mail_test.answers(port)
    with socket.socket() as other, pytest.raises(OSError):
        other.bind(("127.0.0.1", port))
    for _ in range(2):
        with daemon.bind_port(port) as server:
            server.listen()
            assert mail_test.answers(port)
        assert not mail_test.answers(port)
    held.close()


@pytest.mark.parametrize(
    "words", ["procmail,", "maildrop,", "Postfix with spamass-milter", "Dovecot with Sieve"]
)
def test_the_recipes_are_those_of_the_page(mail_test, words):
    block = mail_test.recipe(words)
    assert block.strip() and "```" not in block
