"""`nnguide feedback` corrects, lists and takes back; predict and filter answer by it and say so."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import json_schema
import pytest

from nnguide import runs
from nnguide.data import spam_sample
from nnguide.feedback import journal
from nnguide.feedback.corrections import Given, Layer, correct

sys.path.append(str(Path(__file__).parents[1] / "data"))
import mails as made

HAM, SPAM = made.plain(1, made.HAM), made.plain(2)
OTHERS = [
    "Minutes\n\nThe notes of the meeting about the budget are in the shared folder.",
    "Cheap watches\n\nBuy cheap replica watches, free shipping, click here now!",
]
OTHER = {"spam": "ham", "ham": "spam"}


@pytest.fixture
def box(alone):
    (alone / "ham.eml").write_bytes(HAM)
    (alone / "spam.eml").write_bytes(SPAM)
    (alone / "near.eml").write_bytes(HAM.replace(b"Anna", b"Bea").replace(b"note 1", b"note 7"))
    for number, text in enumerate(OTHERS):
        (alone / f"other{number}.eml").write_bytes(b"Subject: " + text.encode() + b"\n")
    return alone


def lines(ended):
    return [json.loads(line) for line in ended.out.splitlines()]


def predicted(nnguide, *names):
    words = [word for name in names for word in ("--mail", name)]
    ended = nnguide("predict", "spam", *words, "--json")
    assert ended.status == 0, ended.err
    return lines(ended)


ALL = ("ham.eml", "near.eml", "spam.eml", "other0.eml", "other1.eml")


def test_a_correction_turns_a_mail_and_its_copies_and_can_be_undone(nnguide, box):
    alone = predicted(nnguide, *ALL)
    assert [one["label"] for one in alone] == ["ham", "ham", "spam", "ham", "spam"]
    ended = nnguide("feedback", "spam", "--spam", "ham.eml")
    assert ended.status == 0
    assert ended.out.startswith("spam\tham.eml\tham 0.") and ended.out.count("\n") == 1
    turned = predicted(nnguide, *ALL)
    assert [one["label"] for one in turned] == ["spam", "spam", "spam", "ham", "spam"]
    assert turned[2:] == alone[2:]
    for now, before in zip(turned[:2], alone[:2], strict=True):
        assert now["without_feedback"] == {key: before[key] for key in ("label", "probability")}
    words = ("predict", "spam", "--no-feedback", "--json", "--mail", "ham.eml")
    assert lines(nnguide(*words)) == alone[:1]

    assert nnguide("filter", "--verdict", stdin=HAM).status == 0
    ended = nnguide("filter", "--verdict", stdin=HAM)
    assert "feedback" in ended.out
    ended = nnguide("feedback", "spam", "--ham", "ham.eml")
    assert "was corrected to spam before" in ended.err
    assert predicted(nnguide, "near.eml")[0]["label"] == "ham"
    assert nnguide("feedback", "spam", "--forget", "ham.eml").status == 0
    assert predicted(nnguide, *ALL) == alone
    assert not list((box / "feedback").glob("*.jsonl"))


def test_its_json_is_as_documented(nnguide, box):
    [answer] = lines(nnguide("feedback", "spam", "--spam", "ham.eml", "gone", "--json"))
    json_schema.check(answer, "answered", "a mail that has one")
    assert answer["changes"][0]["after"]["label"] == "spam" and len(answer["errors"]) == 1
    [answer] = lines(nnguide("feedback", "spam", "--ham", "near.eml", "--json"))
    json_schema.check(answer, "answered", "a mail that has one")
    assert answer["changes"][0]["contradicts"][0]["label"] == "spam"
    [answer] = lines(nnguide("feedback", "spam", "--list", "--json"))
    json_schema.check(answer, "--list")
    first = answer["list"][0]["id"]
    [answer] = lines(nnguide("feedback", "spam", "--forget", first, "--json"))
    json_schema.check(answer, "answered")
    assert answer["changes"][0]["before"] is None
    for answer in predicted(nnguide, "ham.eml", "near.eml"):
        json_schema.check(answer, "an input", "answered", "corrected", "a mail that has one")


def test_a_mailbox_and_several_paths_are_corrected_at_once(nnguide, box):
    made.as_mbox(box / "in.mbox", [made.plain(n, text) for n, text in enumerate(OTHERS)])
    ended = nnguide("feedback", "spam", "--spam", "in.mbox", "ham.eml", "--ham", "spam.eml")
    assert ended.status == 0 and "corrections: 4" in ended.err
    labels = [one["label"] for one in predicted(nnguide, "in.mbox", "ham.eml", "spam.eml")]
    assert labels == ["spam"] * 3 + ["ham"]
    listed = nnguide("feedback", "spam", "--list").out.splitlines()
    assert [line.split("\t")[1] for line in listed] == ["spam"] * 3 + ["ham"]
    first = listed[0].split("\t")[0]
    assert nnguide("feedback", "spam", "--forget", first).status == 0
    assert nnguide("feedback", "spam", "--forget", "in.mbox").status == 4  # one is forgotten
    assert len(nnguide("feedback", "spam", "--list").out.splitlines()) == 2
    assert nnguide("feedback", "spam", "--spam", "-", stdin=HAM).status == 0


def test_what_holds_no_mail_costs_only_itself(nnguide, box):
    (box / "notes.txt").write_text("no mail")
    (box / "empty.eml").write_text("From: a@example.com\nMessage-ID: <1@x>\n\n")
    ended = nnguide("feedback", "spam", "--spam", "notes.txt", "gone", "empty.eml", "ham.eml")
    assert ended.status == 4 and ended.out.startswith("spam\tham.eml")
    assert all(name in ended.err for name in ("notes.txt", "gone", "empty.eml"))
    assert "corrections: 1" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("spam",),
        ("spam", "--spam"),
        ("spam", "--list", "--ham", "ham.eml"),
        ("spam", "--spam", "ham.eml", "--ham", "ham.eml"),
        ("spam", "--spam", ""),
        ("spam", "--ham", "ham.eml", "--spam="),
        ("spam", "--spam", "-", "-"),
        ("spam", "--spam", "-", "--ham", "-"),
        ("digits", "--list"),
    ],
)
def test_wrong_use_records_nothing(nnguide, box, words):
    ended = nnguide("feedback", *words)
    assert ended.status == 2 and "bug" not in ended.err
    assert not list((box / "feedback").glob("*.jsonl"))


def test_more_mails_than_a_journal_holds_are_refused_as_they_are_read(nnguide, box, monkeypatch):
    monkeypatch.setattr(journal, "MOST", 1)
    made.as_mbox(box / "in.mbox", made.several(9))
    read = []
    monkeypatch.setattr(Given, "of", lambda *one, of=Given.of: read.append(one) or of(*one))
    ended = nnguide("feedback", "spam", "--spam", "in.mbox")
    assert ended.status == 2 and "at most 1" in ended.err and len(read) < 9
    assert not list((box / "feedback").glob("*.jsonl"))


def test_a_correction_holds_at_another_threshold(nnguide, box):
    assert nnguide("feedback", "spam", "--ham", "ham.eml").status == 0
    ended = nnguide("predict", "spam", "--threshold", "0.00001", "--mail", "ham.eml")
    assert ended.status == 0 and ended.out.startswith("ham\t")


def test_a_run_that_never_saw_mail_is_refused(nnguide, box):
    messages = runs.shipped("spam")
    ended = nnguide("feedback", messages, "--spam", "ham.eml")
    assert ended.status == 2 and "not on mail" in ended.err
    assert nnguide("feedback", messages, "--spam", "ham.eml", "--anyway").status == 0


def test_the_shipped_run_is_not_written(nnguide, box):
    folder = runs.shipped("spam", ["mail"])
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert nnguide("feedback", "spam", "--spam", "ham.eml").status == 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_damaged_corrections_end_with_5_and_lose_no_mail(nnguide, box):
    nnguide("feedback", "spam", "--spam", "ham.eml")
    [path] = (box / "feedback").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-70])
    for words in (
        ("predict", "spam", "--mail", "ham.eml"),
        ("feedback", "spam", "--list"),
        ("feedback", "spam", "--ham", "ham.eml"),
        ("feedback", "spam", "--forget", "ham.eml"),
        ("evaluate", "spam", "--with-feedback"),
    ):
        ended = nnguide(*words)
        assert ended.status == 5 and str(path) in ended.err and not ended.out
    ended = nnguide("filter", stdin=HAM)
    assert (ended.status, ended.out) == (0, HAM.decode()) and str(path) in ended.err
    assert nnguide("filter", "--strict", stdin=HAM).status == 75
    assert nnguide("filter", "--verdict", stdin=HAM).status == 3
    assert nnguide("predict", "spam", "--no-feedback", "--mail", "ham.eml").status == 0


def test_other_verdicts_stay_as_they_are(box):
    """A thousand others, and ten wrong corrections: not one moves, not by a bit."""
    run = runs.Run.open(runs.shipped("spam", ["mail"]))
    texts = spam_sample.load().inputs
    wrong, others = texts[:10], texts[10:]
    before = run.predict(others, "light").probabilities
    said = [OTHER[label] for label in run.predict(wrong, "light").labels]
    correct(run, [Given.of("x", label, one) for label, one in zip(said, wrong, strict=True)])
    layer = Layer.of(run)
    assert run.predict(wrong, "light", feedback=layer).labels == said
    assert (run.predict(others, "light", feedback=layer).probabilities == before).all()


def test_evaluate_measures_with_corrections_and_on_an_index(nnguide, box):
    (box / "index").write_text("ham ham.eml\nspam spam.eml\nham near.eml\nspam other1.eml\n")
    words = ("evaluate", "spam", "--trec", "index", "--json")
    for told in ("none", "immediate", "delayed"):
        [answer] = lines(nnguide(*words, "--feedback", told))
        json_schema.check(answer, "spam", "--trec")
        assert (answer["feedback"], answer["n"], answer["hm"]) == (told, 4, 0)
    assert "1-ROCA%" in nnguide("evaluate", "spam", "--trec", "index").out
    nnguide("feedback", "spam", "--spam", "ham.eml")
    [answer] = lines(nnguide(*words, "--with-feedback"))
    assert answer["hm"] == 1
    (box / "index").write_text("ham ham.eml\nspam gone.eml\n")
    ended = nnguide(*words)
    assert ended.status == 4 and lines(ended)[0]["left_out"] == 1
    ended = nnguide("evaluate", runs.shipped("spam"), "--trec", "index", "--json")
    assert ended.status == 4 and "was trained on none" in ended.err
    for wrong in (
        ("evaluate", "spam", "--feedback", "immediate"),
        (*words, "--split", "test"),
        (*words, "--delay", 5),
        (*words, "--feedback", "delayed", "--delay", 0),
        ("evaluate", "digits", "--trec", "index"),
    ):
        assert nnguide(*wrong).status == 2
