"""The journal is whole or refused, holds no text, and loses no correction of two processes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnguide import feedback, runs
from nnguide.data.mail import MailText
from nnguide.errors import ConfigError, RunError, WriteError
from nnguide.feedback import journal as journals
from nnguide.feedback.corrections import LabelledText, Layer, correct, journal
from nnguide.feedback.journal import Journal
from nnguide.feedback.learner import Learner
from nnguide.serving.filtering import judge as judges
from nnguide.serving.filtering.judge import Judge

TEXTS = [f"Offer {n}\nBuy number {n} of our very best things today, Mr Quincy" for n in range(8)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("NNGUIDE_FEEDBACK", str(tmp_path / "feedback"))
    return runs.Run.open(runs.shipped("spam", ["mail"]))


def given(text, label="spam"):
    return LabelledText.of(text[:9], label, text)


def answered(run):
    found = Layer.of(run)
    return run.predict(TEXTS, "light", feedback=found).probabilities[:, 1].tolist()


def test_what_is_taken_back_leaves_nothing(run):
    alone = answered(run)
    correct(run, [given(TEXTS[0])])
    one = answered(run)
    correct(run, [given("Minutes\nNotes of the meeting on the budget, as promised", "ham")])
    correct(run, [given(TEXTS[0], "ham")])
    assert answered(run) != one
    correct(run, [given(TEXTS[0], "forget")])
    correct(run, [given(TEXTS[0], "spam")])
    correct(run, [given("Minutes\nNotes of the meeting on the budget, as promised", "forget")])
    assert answered(run) == one
    correct(run, [given(TEXTS[0], "forget")])
    assert answered(run) == alone
    assert not journal(run).path.exists()


def test_no_text_is_kept_and_no_one_else_reads_it(run):
    correct(run, [given(TEXTS[0])])
    path = journal(run).path
    content = path.read_text("utf-8").lower()
    assert not any(word in content for word in ("offer", "quincy", "things", "today"))
    assert path.stat().st_mode & 0o077 == 0


def test_a_damaged_journal_is_refused_in_words(run):
    """Whatever byte is changed, wherever it is cut: it answers as before, or status 5."""
    correct(run, [given(text) for text in TEXTS[:3]])
    path = journal(run).path
    whole = path.read_bytes()
    chance = random.Random(14)
    for _ in range(200):
        content = bytearray(whole)
        place = chance.randrange(len(content))
        if chance.random() < 0.5:
            del content[place:]
        else:
            content[place] = (content[place] + chance.randrange(1, 256)) % 256
        path.write_bytes(content)
        with pytest.raises(RunError, match="damaged"):
            Layer.of(run)
    path.write_bytes(b"")
    with pytest.raises(RunError, match="damaged"):
        correct(run, [given(TEXTS[4])])
    assert path.read_bytes() == b""
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError):
        Layer.of(run)


def test_a_journal_that_was_made_to_match_is_checked_too(run):
    correct(run, [given(text) for text in TEXTS[:3]])
    path = journal(run).path
    head, *lines = map(json.loads, path.read_text("utf-8").splitlines()[:-1])

    def write(*changed):
        body = "".join(json.dumps(line) + "\n" for line in changed).encode()
        path.write_bytes(body + journals._end_of(body))

    odd = (None, True, -1, 2**70, "x", "", [], {}, "a" * 5_000, "AAAA", "AAAAAAAAAAA=")
    for number, line in enumerate([head, *lines]):
        for key in line:
            for value in odd:
                changed = [head, *lines]
                changed[number] = {**line, key: value}
                if changed[number] == line or (key, value) in (("run", value), ("made", value)):
                    continue
                if (key, value) == ("probability", None):  # of one that was taken over
                    continue
                write(*changed)
                if key in ("words", "beginning") and value in ("", "AAAA"):
                    continue
                with pytest.raises(RunError):
                    Layer.of(run)
    for changed in ([], [head, *lines, lines[0]], [[], *lines], [head, None], lines):
        write(*changed)
        with pytest.raises(RunError):
            Layer.of(run)


def test_a_copy_has_the_same_corrections_and_another_network_none(run):
    correct(run, [given(TEXTS[0])])
    digits = runs.Run.open(runs.shipped("digits"))
    other = journal(runs.Run.open(runs.shipped("spam")))
    assert other.read() == () and other.path != journal(run).path
    copy = Journal(journal(run).network, Path("elsewhere"))
    assert [one.label for one in copy.read()] == ["spam"]
    with pytest.raises(ConfigError):
        journal(digits)
    assert Layer.of(digits) is None


def test_two_labels_at_once_record_nothing(run):
    with pytest.raises(ConfigError, match="Nothing was recorded"):
        correct(run, [given(TEXTS[1]), given(TEXTS[0]), given(TEXTS[0].upper(), "ham")])
    assert Layer.of(run) is None


def test_contradictions_are_said_and_each_keeps_its_label(run):
    correct(run, [given(TEXTS[0])])
    [change] = correct(run, [given(TEXTS[1], "ham")])
    [(other, similarity)] = change.contradicts
    assert other.label == "spam" and 0.5 < similarity <= 1
    assert [one.label for one in run.predict(TEXTS[:2], feedback=Layer.of(run))] == ["spam", "ham"]
    [change] = correct(run, [given(TEXTS[0], "ham")])
    assert change.known.label == "spam" and not change.contradicts


def test_there_is_a_bound(run, monkeypatch):
    monkeypatch.setattr(journals, "MOST", 2)
    correct(run, [given(text) for text in TEXTS[:2]])
    with pytest.raises(ConfigError, match="at most 2"):
        correct(run, [given(TEXTS[2])])
    assert len(journal(run).read()) == 2


def test_a_folder_that_cannot_be_written_is_said(run, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NNGUIDE_FEEDBACK", str(tmp_path / "file" / "feedback"))
    assert Layer.of(run) is None and feedback.layer(run) is None
    with pytest.raises(WriteError):
        correct(run, [given(TEXTS[0])])
    monkeypatch.setenv("NNGUIDE_FEEDBACK", str(tmp_path / "feedback"))
    path = journal(run).path
    path.with_name(f".{path.name}.lock").mkdir(parents=True)
    with pytest.raises(WriteError):
        correct(run, [given(TEXTS[0])])


def test_a_folder_that_cannot_be_read_is_said(run, tmp_path, monkeypatch):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("NNGUIDE_FEEDBACK", str(tmp_path / "loop"))
    with pytest.raises(RunError, match="NNGUIDE_FEEDBACK"):
        feedback.layer(run)


def test_a_run_may_have_any_name(run):
    correct(run, [given(TEXTS[0])])
    corrections = journal(run).read()
    odd = Journal("0" * 64, Path("run-\udcff"))  # bytes that are no UTF-8
    odd.change(lambda before: corrections)
    assert len(odd.read()) == 1
    assert [(path, head["run"]) for path, head in journals.heads() if path == odd.path] == [
        (odd.path, journals.as_json(odd.run))
    ]


def test_what_a_killed_process_left_goes_and_is_no_earlier_network(run):
    correct(run, [given(TEXTS[0])])
    path = journal(run).path
    left = path.with_name(f".{path.stem}-x1.jsonl")
    left.write_bytes(path.read_bytes())
    assert [path for path, _ in journals.heads()] == [path]
    correct(run, [given(TEXTS[0], "forget")])
    assert list(path.parent.iterdir()) == []


def test_another_threshold_moves_no_correction_to_its_other_side(run):
    correct(run, [given(TEXTS[0], "ham"), given("Minutes\nNotes of the meeting", "spam")])
    texts = [TEXTS[0], "Minutes\nNotes of the meeting"]
    for threshold in (1e-5, 0.5, 0.9999):
        ham, spam = feedback.layer(run, threshold)(texts, np.full((2, 1), 0.5, np.float32))[:, 0]
        assert ham <= np.float32(threshold) < spam


def words(number):
    return f"Text {number}\n" + " ".join(f"w{number * k % 997}" for k in range(1, 60))


def test_one_more_correction_is_learned_alone_and_nothing_is_read_again(run, monkeypatch):
    """What a TELL costs does not grow with what was learned before."""
    judge = Judge(str(run.folder))
    correct(run, [given(words(n), ("ham", "spam")[n % 2]) for n in range(100)])
    judge.refresh()
    counts = {"learned": 0, "parsed": 0}
    learn, parse = Learner.learn, journals._correction
    monkeypatch.setattr(
        Learner, "learn", lambda *one: (counts.update(learned=counts["learned"] + 1), learn(*one))
    )
    monkeypatch.setattr(
        journals,
        "_correction",
        lambda line: counts.update(parsed=counts["parsed"] + 1) or parse(line),
    )
    for n in range(100, 105):
        judge.tell(f"Subject: {words(n)}".replace("\n", "\n\n", 1).encode(), "spam")
        judge.refresh()
    assert counts == {"learned": 5, "parsed": 0}
    assert len(judge._layer.corrections) == 105
    correct(run, [given(words(400))])  # as another process
    counts.update(learned=0, parsed=0)
    judge.refresh()
    assert counts == {"learned": 1, "parsed": 1}


def test_learned_bit_by_bit_is_learned_at_once(run):
    """Whatever is corrected and taken back, in whatever order: not a bit tells how it came."""
    chance = random.Random(14)
    judge = Judge(str(run.folder))
    texts = np.array([None, *map(words, range(30))], object)[1:]
    outputs = run.outputs(texts)
    for _ in range(25):
        number = chance.randrange(30)
        mail = f"Subject: {words(number)}".replace("\n", "\n\n", 1).encode()
        judge.tell(mail, chance.choice(["spam", "ham", "ham", "forget"]))
        judge.refresh()
        anew = Layer(run.threshold, journal(run).read())
        assert judge._layer(texts, outputs).tolist() == anew(texts, outputs).tolist()


def test_corrections_that_cannot_be_read_for_a_moment_are_tried_again(run, monkeypatch):
    monkeypatch.setattr(judges, "RETRY", 0.0)
    judge = Judge(str(run.folder))
    correct(run, [given(TEXTS[0])])
    read = Journal._read_anew

    def fail(self):
        raise RunError("the disk is busy")

    monkeypatch.setattr(Journal, "_read_anew", fail)
    with pytest.raises(RunError, match="busy"):
        judge.refresh()
    judge.refresh()  # tried again, and not said again
    assert not judge._layer.corrections
    monkeypatch.setattr(Journal, "_read_anew", read)
    judge.refresh()
    assert len(judge._layer.corrections) == 1
    monkeypatch.setattr(Journal, "_read_anew", fail)
    correct_elsewhere = Journal(journal(run).network, run.folder)
    correct_elsewhere._read_anew = lambda: read(correct_elsewhere)
    correct_elsewhere.change(lambda before: ())
    with pytest.raises(RunError, match="busy"):  # another time is said anew
        judge.refresh()
    assert len(judge._layer.corrections) == 1


def test_many_corrections_are_counted_among_measured_texts(run):
    correct(run, [given(TEXTS[0])])
    layer = Layer.of(run)
    assert layer.copies(["Minutes of the meeting", TEXTS[0], TEXTS[1], MailText("")]) == 2


MANY = """
import sys
from nnguide import runs
from nnguide.feedback import journal
from nnguide.feedback.corrections import LabelledText, correct
journal.PATIENCE = 1800  # a busy machine is no finding
run = runs.Run.open(runs.shipped("spam", ["mail"]))
for n in range(10):
    text = f"{sys.argv[1]} text number {n} " + "word%d " % n * 30
    correct(run, [LabelledText.of("x", "spam", text)])
"""


def test_two_processes_lose_nothing_of_each_other(run):
    started = [
        subprocess.Popen([sys.executable, "-c", MANY, name], env={**os.environ})
        for name in ("anna", "bert", "cleo")
    ]
    seen = 0
    while any(one.poll() is None for one in started):
        count = len(journal(run).read())  # never half written
        assert count >= seen
        seen = count
    assert [one.wait() for one in started] == [0, 0, 0]
    assert len(journal(run).read()) == 30


def test_outputs_are_float32_and_the_given_ones_stay(run):
    correct(run, [given(TEXTS[0])])
    outputs = np.full((2, 1), 0.25, np.float32)
    changed = Layer.of(run)([TEXTS[0], "something else entirely"], outputs)
    assert changed.dtype == np.float32 and outputs.tolist() == [[0.25], [0.25]]
    assert changed[0, 0] > 0.5 and changed[1, 0] == np.float32(0.25)
