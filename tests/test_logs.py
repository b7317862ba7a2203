"""nnguide says what it does through logging: nothing by default, lines for who asks."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

import pytest
import tiny

import nnguide
from nnguide import logs

LOG = logging.getLogger("nnguide.some.module")


def state() -> tuple[int, bool, int]:
    return logs.LOG.level, logs.LOG.propagate, len(logs.LOG.handlers)


def test_lines_go_to_who_asks_and_the_logger_is_as_before() -> None:
    before, lines = state(), []
    with pytest.raises(KeyboardInterrupt), logs.shown_by(lines.append):
        LOG.info("work: 100%")
        LOG.warning("warning")
        LOG.debug("nothing")
        raise KeyboardInterrupt
    LOG.info("later")
    with logs.shown_by(None):
        LOG.info("to nobody")
    assert lines == ["work: 100%", "warning"]
    assert state() == before


def test_each_thread_hears_itself() -> None:
    before, both = state(), threading.Barrier(2)
    heard: dict[str, list[str]] = {"a": [], "b": []}

    def work(name: str) -> None:
        with logs.shown_by(heard[name].append):
            both.wait(60)
            LOG.info(name)
            both.wait(60)
        if name == "a":
            both.wait(60)
        else:
            both.wait(60)
            with logs.shown_by(heard[name].append):
                LOG.info("b again")

    threads = [threading.Thread(target=work, args=(name,)) for name in heard]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"a": ["a"], "b": ["b", "b again"]}
    assert state() == before


def test_a_program_that_configures_logging_hears_all(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []
    with caplog.at_level("INFO", "nnguide"), logs.shown_by(lines.append):
        LOG.info("both")
        with logs.warnings_alone():
            LOG.info("neither")
            LOG.warning("both again")
    assert lines == [record.getMessage() for record in caplog.records] == ["both", "both again"]


QUIET = """
import logging, nnguide.logs
log = logging.getLogger("nnguide.some.module")
log.info("work")
logging.basicConfig(level="INFO", format="%(name)s %(message)s")
log.info("work")
"""


def test_work_is_silent_until_logging_is_configured() -> None:
    ended = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("", "nnguide.some.module work\n")


def test_evaluate_logs_what_the_command_line_shows(trained, caplog, capfd, tmp_path) -> None:
    run = trained("digits")
    lines: list[str] = []
    with caplog.at_level("INFO", "nnguide"):
        nnguide.evaluate(run, tiny.built_in("digits"), plots=tmp_path, say=lines.append)
    ours = [record for record in caplog.records if record.name.startswith("nnguide")]
    assert [record.getMessage() for record in ours] == lines
    assert f"pictures: {tmp_path}" in lines
    assert capfd.readouterr().out == ""
