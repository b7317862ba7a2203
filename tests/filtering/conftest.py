"""A run that answers mail, and the server of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filter_server import Server, run_of_mail


@pytest.fixture(scope="session")
def mail_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of_mail(tmp_path_factory.mktemp("runs") / "mail", "mail")


@pytest.fixture
def start(
    mail_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Starts a server; they are ended with the test."""
    servers = []

    def make(*words: object, run: Path = mail_run) -> Server:
        servers.append(Server(run, tmp_path_factory.mktemp("d"), *words))
        return servers[-1]

    yield make
    for server in servers:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def server(mail_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(mail_run, tmp_path_factory.mktemp("d"), "--allow-tell")
    yield one
    one.process.kill()
    one.process.wait()
