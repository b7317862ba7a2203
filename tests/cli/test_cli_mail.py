"""The command line on mail: each mail its own answer, and no answer to what was never learned."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "data"))
import mails as made

MAILS = made.several(6)
DECOY = made.multipart("alternative", b"\n" + made.HAM.encode(), made.spam_part("text/html"))
ONLY = made.multipart("alternative", made.spam_part("text/html"))


def answers(ended):
    return [json.loads(line) for line in ended.out.splitlines()]


@pytest.fixture(scope="module")
def of_kind(trained, tmp_path_factory):
    """A tiny run whose manifest says what it learned from; None is one of an older version."""
    import shutil

    def run(*kinds, **facts):
        folder = tmp_path_factory.mktemp("kinds") / "run"
        shutil.copytree(trained("spam").folder, folder)
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest.update(learned_from=list(kinds), **facts)
        if not kinds:
            del manifest["learned_from"]
        path.write_text(json.dumps(manifest))
        return folder

    return run


def test_a_run_records_what_it_learned_from(trained):
    assert trained("spam").manifest["learned_from"] == ["messages", "mail"]
    assert "learned_from" not in trained("digits").manifest


def test_each_form_gives_each_mail_its_answer(nnguide, trained, alone):
    run = trained("spam").folder
    box = made.as_mbox(alone / "in.mbox", MAILS)
    first = nnguide("predict", run, "--mail", "in.mbox", "--json")
    found = answers(first)
    assert first.status == 0
    assert [one["input"] for one in found] == [f"in.mbox#{n}" for n in range(1, 7)]
    assert [one["message_id"] for one in found] == [f"{n}@example.com" for n in range(6)]
    wanted = [one["probability"] for one in found]
    made.as_maildir(alone / "maildir", MAILS)
    made.as_mh(alone / "mh", MAILS)
    made.as_files(alone / "files", MAILS)
    for words, stdin in (
        (["--mail", "maildir"], b""),
        (["--mail", "mh"], b""),
        (["--mail", "files"], b""),
        (["--mail", "-"], box.read_bytes()),
        ([word for n in range(6) for word in ("--mail", f"files/{n}.eml")], b""),
        (["--mail", *(f"files/{n}.eml" for n in range(6))], b""),
    ):
        ended = nnguide("predict", run, *words, "--json", stdin=stdin)
        assert ended.status == 0
        assert [one["probability"] for one in answers(ended)] == wanted


def test_the_alternative_most_like_spam_counts_for_every_verb(nnguide, trained, alone):
    run = trained("spam")
    (alone / "decoy.eml").write_bytes(DECOY)
    (alone / "only.eml").write_bytes(ONLY)
    plain = made.multipart("alternative", b"\n" + made.HAM.encode())
    (alone / "plain.eml").write_bytes(plain)
    for engine in ("light", "keras"):
        ended = nnguide(
            "predict",
            run.folder,
            "--mail",
            *("decoy.eml", "only.eml", "plain.eml"),
            "--json",
            "--engine",
            engine,
        )
        by_name = {one["input"]: one["probability"] for one in answers(ended)}
        highest = max(by_name["only.eml"], by_name["plain.eml"])
        assert by_name["decoy.eml"] == pytest.approx(highest, abs=1e-6)
    from nnguide.data import mail

    texts = [text for _, text in mail.texts(alone)]
    in_python = [answer.probability for answer in run.predict(texts)]
    assert in_python == pytest.approx(
        [by_name[n] for n in ("decoy.eml", "only.eml", "plain.eml")], abs=1e-4
    )


def test_what_is_no_message_is_never_judged_as_one(nnguide, trained, alone):
    run = trained("spam").folder
    made.as_mbox(alone / "in.mbox", MAILS)
    (alone / "box").mkdir()
    for words, stdin in (
        (["in.mbox"], b""),
        (["box"], b""),
        (["box/"], b""),
        (["-"], (alone / "in.mbox").read_bytes()),
        (["-"], MAILS[0]),
        (["--file", "in.mbox"], b""),
    ):
        ended = nnguide("predict", run, *words, stdin=stdin)
        assert (ended.status, ended.out) == (4, "")
        assert "--mail" in ended.err
    ended = nnguide("predict", run, "-", "--mail", "-", stdin=b"x")
    assert (ended.status, ended.out) == (2, "")
    for line in (b"Subject: hello\n", b"From my side it is fine\n", b"To: you\n"):
        assert nnguide("predict", run, "-", stdin=line).status == 0


def test_mail_without_a_text_is_a_guess_whatever_the_threshold(nnguide, trained, alone):
    (alone / "empty.eml").write_bytes(b"From: a@example.com\nMessage-ID: <1@x>\n\n")
    for threshold in ("0.1", "0.9"):
        words = ("--mail", "empty.eml", "--threshold", threshold, "--json")
        [one] = answers(nnguide("predict", trained("spam").folder, *words))
        assert (one["label"], one["probability"], one["guess"]) == ("ham", 0.5, True)
        assert one["message_id"] == "1@x"


def test_evaluate_says_that_a_run_never_learned_from_such_data(nnguide, of_kind, alone):
    for number, label in enumerate(("ham", "spam") * 2):
        folder = alone / "mails" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.eml").write_bytes(MAILS[number])
    Path("rows.csv").write_text("label,text\nham,see you at six\nspam,win a prize\n")
    for known, other, same in (("messages", "mails", "rows.csv"), ("mail", "rows.csv", "mails")):
        ended = nnguide("evaluate", of_kind(known), "--dataset", other, "--json")
        assert ended.status == 0
        assert "was trained on none" in ended.err
        ended = nnguide("evaluate", of_kind(known), "--dataset", same, "--json")
        assert ended.status == 0
        assert "was trained on none" not in ended.err


def test_a_run_refuses_a_kind_that_it_never_learned_from(nnguide, of_kind, alone):
    (alone / "a.eml").write_bytes(MAILS[0])
    for run in (of_kind("messages"), of_kind(dataset="sms_spam")):
        ended = nnguide("predict", run, "--mail", "a.eml")
        assert (ended.status, ended.out) == (2, "")
        assert "was trained on text messages only" in ended.err
        assert "--preset mail" in ended.err
        assert "--anyway" in ended.err
        assert nnguide("explain", run, "--mail", "a.eml").status == 2
        assert nnguide("predict", run, "--mail", "a.eml", "--anyway").status == 0
        assert nnguide("predict", run, "hello").status == 0
    for run in (of_kind("mail"), of_kind(dataset="spamassassin+enron_spam/2")):
        assert nnguide("predict", run, "--mail", "a.eml").status == 0
        ended = nnguide("predict", run, "hello")
        assert (ended.status, ended.out) == (2, "")
        assert nnguide("predict", run, "hello", "--anyway").status == 0
    for run in (of_kind("messages", "mail"), of_kind(dataset="somewhere.csv")):
        assert nnguide("predict", run, "hello").status == 0
        assert nnguide("predict", run, "--mail", "a.eml").status == 0


def test_explain_reads_mail_and_explains_the_text_that_counts(nnguide, trained, alone):
    (alone / "decoy.eml").write_bytes(DECOY)
    (alone / "empty.eml").write_bytes(b"From: a@example.com\n\n")
    run = trained("spam").folder
    ended = nnguide("explain", run, "--mail", "decoy.eml", "--method", "gradient", "--json")
    [one] = answers(ended)
    predicted = answers(nnguide("predict", run, "--mail", "decoy.eml", "--json"))[0]
    assert one["probability"] == pytest.approx(predicted["probability"], abs=1e-4)
    ended = nnguide("explain", run, "--mail", "empty.eml", "--json")
    assert ended.status == 4
