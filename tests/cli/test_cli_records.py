"""nnguide data prepare --records, and the commands that take what it writes."""

from __future__ import annotations

import csv
import json

import json_schema
import tiny


def test_records_from_the_command_line(nnguide, alone):
    with (alone / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "text"])
        writer.writerows(["spam" if n % 3 else "ham", f"word{n % 4} {n}"] for n in range(60))
        writer.writerow(["cat", "an animal"])
    ended = nnguide("data", "prepare", "t.csv", "--records", "--json")
    assert ended.status == 4 and "line 62" in ended.err
    answer = json.loads(ended.out)
    json_schema.check(answer)
    assert (answer["folder"], answer["counts"]) == (
        "t.csv.records",
        {"all": {"ham": 20, "spam": 40}},
    )
    again = nnguide("data", "prepare", "t.csv", "--records")
    assert again.status == 2 and "--force" in again.err
    assert nnguide("data", "prepare", "nowhere.csv", "--records").status == 3
    for words in (("prepare", "", "--records"), ("prepare", "t.csv", "--records", "--out", "")):
        assert nnguide("data", *words).status == 2, words
    assert nnguide("data", "prepare", "spam_sample", "--out", "x").status == 2

    words = [part for word in tiny.words("spam") for part in ("--set", word)]
    assert (
        nnguide("train", "spam", *words, "--dataset", "t.csv.records", "--out", "run").status == 0
    )
    ended = nnguide("evaluate", "run", "--json")
    assert (ended.status, json.loads(ended.out)["n"]) == (0, 12), ended.err
    predict = ("predict", "run", "--dataset", "t.csv.records", "--out", "a.jsonl")
    assert nnguide(*predict).status == 0
    first = json.loads((alone / "a.jsonl").read_text().splitlines()[0])
    assert first["input"] == "t.csv.records, record 1"
    refused = nnguide("train", "digits", "--dataset", "t.csv.records", "--out", "other")
    assert refused.status == 4, refused
