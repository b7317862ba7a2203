"""`nnguide feedback` corrects, lists and takes back; predict and filter answer by it and say so."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import json_schema
import pytest

from nnguide import runs
from nnguide.data import spam_sample
from nnguide.feedback import journal
from nnguide.feedback.corrections import LabelledText, Layer, correct

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
        ("spam", "--take-over", "--ham", "ham.eml"),
        ("spam", "--take-over", "--list"),
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
    of = LabelledText.of
    monkeypatch.setattr(LabelledText, "of", lambda *words: read.append(words) or of(*words))
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
    correct(run, [LabelledText.of("x", label, one) for label, one in zip(said, wrong, strict=True)])
    layer = Layer.of(run)
    assert run.predict(wrong, "light", feedback=layer).labels == said
    assert (run.predict(others, "light", feedback=layer).probabilities == before).all()


def trained(folder, created, network=None):
    """A run of mail, as if it had been trained at that time."""
    shutil.copytree(network or runs.shipped("spam", ["mail"]), folder)
    path = folder / "manifest.json"
    facts = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(facts | {"created": created, "learned_from": ["mail"]}), "utf-8")
    return folder


def mean(nnguide, name):
    """Label of ham.eml by predict and filter, and what both say of corrections."""
    one = nnguide("predict", name, "--mail", "ham.eml")
    other = nnguide("filter", "--verdict", "--run", name, stdin=HAM)
    assert one.out[:4].split("\t")[0] == other.out[:4].split("\t")[0]
    assert one.err.count("note: you corrected") == other.err.count("note: you corrected")
    return one.out.split("\t")[0], one.err


@pytest.mark.parametrize("name", ["my-run", "spam"])
def test_a_network_trained_anew_says_what_it_does_not_use_and_takes_it_over(nnguide, box, name):
    folder = Path("my-run") if name == "my-run" else Path("saved_models/runs/spam-1")
    trained(folder, "2026-01-01T00:00:00")
    assert nnguide("feedback", name, "--spam", "ham.eml").status == 0
    assert mean(nnguide, name)[0] == "spam"
    if name == "my-run":
        shutil.rmtree(folder)
        trained(folder, "2026-01-02T00:00:00", runs.shipped("spam"))
    else:
        trained(folder.with_name("spam-2"), "2026-01-02T00:00:00", runs.shipped("spam"))
    label, said = mean(nnguide, name)
    assert label == "ham" and said.count("note: you corrected") == 1
    take_over = f"nnguide feedback {name} --take-over"
    assert take_over in said and folder.name in said
    assert "note" not in nnguide("predict", name, "--no-feedback", "--mail", "ham.eml").err
    ended = nnguide("predict", name, "--dataset", "ham.eml", "--out", "a.csv")
    assert ended.err.count(take_over) == 1
    assert nnguide("feedback", name, "--list").out == ""

    [answer] = lines(nnguide("feedback", name, "--take-over", "--json"))
    json_schema.check(answer, "--take-over")
    assert (answer["corrections"], len(answer["taken_over"])) == (1, 1)
    label, said = mean(nnguide, name)
    assert label == "spam" and "note" not in said
    [answer] = lines(nnguide("feedback", name, "--list", "--json"))
    json_schema.check(answer, "--list")
    assert answer["list"][0]["probability"] is None
    assert "\tspam\t-\t" in nnguide("feedback", name, "--list").out
    ended = nnguide("feedback", name, "--take-over")
    assert ended.status == 0 and "taken over: 0" in ended.err
    assert nnguide("feedback", name, "--forget", "ham.eml").status == 0
    assert mean(nnguide, name)[0] == "ham"
    if name == "spam":  # the network before keeps its own
        assert nnguide("predict", folder, "--mail", "ham.eml").out.startswith("spam")


def test_a_network_takes_over_no_text_that_it_was_corrected_on_itself(nnguide, box):
    trained(box / "run", "2026-01-01T00:00:00")
    nnguide("feedback", "run", "--spam", "ham.eml", "near.eml")
    shutil.rmtree(box / "run")
    trained(box / "run", "2026-01-02T00:00:00", runs.shipped("spam"))
    nnguide("feedback", "run", "--ham", "ham.eml")
    assert nnguide("feedback", "run", "--take-over").out.count("\n") == 1
    answers = [one["label"] for one in lines(nnguide(*_two("run")))]
    assert answers == ["ham", "spam"]
    nnguide("feedback", "run", "--spam", "near.eml")  # learned whole, now that it is at hand
    assert "-" not in [line.split("\t")[2] for line in nnguide(*_list("run")).out.splitlines()]


def _two(run):
    return ("predict", run, "--json", "--mail", "ham.eml", "--mail", "near.eml")


def _list(run):
    return ("feedback", run, "--list")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_file_of_answers_has_what_the_network_alone_answered(nnguide, box, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    made.as_mbox(box / "in.mbox", [HAM, SPAM])
    alone = predicted(nnguide, "in.mbox")
    nnguide("feedback", "spam", "--spam", "ham.eml")
    words = ("predict", "spam", "--dataset", "in.mbox", "--out")
    assert nnguide(*words, f"a.{suffix}").status == 0
    first, second = read_rows(box / f"a.{suffix}")
    if suffix == "jsonl":
        assert first["without_feedback"] == {k: alone[0][k] for k in ("label", "probability")}
        assert "without_feedback" not in second
    else:
        assert first["label_without_feedback"] == "ham"
        found = float(first["probability_without_feedback"])
        assert found == pytest.approx(alone[0]["probability"], rel=1e-6)
        assert not second["label_without_feedback"]
        assert not second["probability_without_feedback"]
    assert first["label"] == "spam"
    assert nnguide(*words, f"b.{suffix}", "--no-feedback").status == 0
    assert not any("without" in key for row in read_rows(box / f"b.{suffix}") for key in row)


def read_rows(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path).to_pylist()


def test_what_can_have_no_corrections_is_refused(nnguide, box):
    for wrong in (
        ("evaluate", "digits", "--with-feedback"),
        ("predict", "digits", "--no-feedback", "a.png"),
        ("predict", "digits", "--no-feedback", "--dataset", "a.png", "--out", "a.csv"),
    ):
        ended = nnguide(*wrong)
        assert ended.status == 2 and "feedback is for spam" in ended.err


@pytest.mark.parametrize("variable", ["NNGUIDE_FEEDBACK", "NNGUIDE_CACHE", "NNGUIDE_DATA_DIR"])
def test_a_variable_with_an_unknown_user_is_said(nnguide, box, monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-here/x")
    words = ("predict", "spam", "--mail", "ham.eml")
    if variable != "NNGUIDE_FEEDBACK":
        words = ("data", "list") if variable == "NNGUIDE_CACHE" else ("evaluate", "spam")
    ended = nnguide(*words)
    assert ended.status == 2 and "bug" not in ended.err
    assert f"{variable} is ~nobody-here/x: there is no user nobody-here" in ended.err


def test_measured_mails_that_were_corrected_are_said(nnguide, box, monkeypatch):
    monkeypatch.setattr(runs.Run, "outputs", light_outputs(runs.Run.outputs))
    for label in ("ham", "spam"):
        (box / "set" / label).mkdir(parents=True)
        shutil.copy(f"{label}.eml", box / "set" / label)
        shutil.copy(f"other{int(label == 'spam')}.eml", box / "set" / label)
    words = ("evaluate", "spam", "--dataset", "set", "--with-feedback", "--json")
    [answer] = lines(nnguide(*words))
    assert "corrected_copies" not in answer
    nnguide("feedback", "spam", "--spam", "near.eml")
    ended = nnguide(*words)
    [answer] = lines(ended)
    json_schema.check(answer, "spam", "--with-feedback and corrections")
    assert (answer["corrected_copies"], answer["blocked_ham"]) == (1, 0.5)
    assert "note: 1 of these 4 were corrected" in ended.err


def light_outputs(outputs):
    return lambda self, checked, engine=None: outputs(self, checked, "light")


def test_evaluate_measures_with_corrections_and_on_an_index(nnguide, box):
    (box / "index").write_text("ham ham.eml\nspam spam.eml\nham near.eml\nspam other1.eml\n")
    words = ("evaluate", "spam", "--trec", "index", "--json")
    for told in ("none", "immediate", "delayed"):
        [answer] = lines(nnguide(*words, "--feedback", told))
        json_schema.check(answer, "spam", "--trec")
        assert (answer["feedback"], answer["n"], answer["hm"]) == (told, 4, 0)
    assert "1-ROCA%" in nnguide("evaluate", "spam", "--trec", "index").out
    nnguide("feedback", "spam", "--spam", "ham.eml")
    ended = nnguide(*words, "--with-feedback")
    [answer] = lines(ended)
    json_schema.check(answer, "spam", "--trec", "--with-feedback and corrections")
    assert (answer["hm"], answer["corrected_copies"]) == (1, 2)
    assert "note: 2 of these 4 were corrected" in ended.err
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
