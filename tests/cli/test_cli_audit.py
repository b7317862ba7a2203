"""nnguide audit as a person uses it."""

from __future__ import annotations

import json
import shutil

from nnguide.audit import collect


def test_it_writes_a_page_and_says_what_to_look_at(nnguide, trained, alone):
    ended = nnguide("audit", trained("spam").folder)
    assert ended.status == 0, ended.err
    page = (alone / "report.html").read_text("utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "what to look at first" in ended.out and ended.out.endswith("\nreport.html\n")
    assert "spam caught" in ended.out
    assert "measuring" in ended.err and "change: upper case" in ended.err


def test_a_table_of_messages_with_other_columns(nnguide, trained, alone):
    (alone / "own.csv").write_text("kind,body\nham,see you\nspam,win a prize\n", encoding="utf-8")
    columns = ("--label-column", "kind", "--text-column", "body")
    ended = nnguide(
        "audit",
        trained("spam").folder,
        "--dataset",
        "own.csv",
        *columns,
        "--json",
        "--out",
        "a/b.html",
    )
    assert ended.status == 0, ended.err
    report = json.loads(ended.out)
    assert report["data"]["n"] == 2 and report["data"]["split"] == "all"
    assert (alone / "a" / "b.html").read_text("utf-8").lower().startswith("<!doctype html>")


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    nnguide, trained, alone, monkeypatch
):
    def never(*given, **more):
        raise AssertionError("the work began")

    monkeypatch.setattr(collect, "audit", never)
    (alone / "file").write_text("")
    run = trained("spam").folder
    assert nnguide("audit", run, "--out", "file/report.html").status == 9
    (alone / "folder").mkdir()
    ended = nnguide("audit", run, "--out", "folder")
    assert ended.status == 2 and "folder/report.html" in ended.err


def test_a_run_or_data_that_is_missing(nnguide, trained, alone):
    assert nnguide("audit", "nowhere").status == 5
    run = shutil.copytree(trained("digits").folder, alone / "run")
    ended = nnguide("audit", run, "--dataset", "mnist")
    assert ended.status == 3 and len(ended.err.strip().splitlines()) == 2
    assert not (alone / "report.html").exists()
    assert nnguide("audit", run, "--dataset", "spam_sample").status == 2
    (run / "decision.json").write_text("{}")
    assert nnguide("audit", run).status == 5
