"""nnguide predict --dataset --out: whole data sets, answered once each whatever happens."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import processes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

sys.path.append(str(Path(__file__).parents[1] / "data"))
import mails

from nnguide import runs
from nnguide.cli.predict import _Pace
from nnguide.data import table_files
from nnguide.errors import ConfigError, InputError
from nnguide.files import workspace
from nnguide.runs import bulk
from nnguide.tasks.kinds import Asked

MESSAGES = ("See you at six", "WINNER! Claim your free prize, call 09061700000 now", "ok, lunch")
ASKED = Asked((), io.BytesIO())


def table(path: Path, count: int) -> Path:
    """A table of messages, each unlike the others."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "text"])
        writer.writerows(["ham", f"{MESSAGES[n % 3]} {n}"] for n in range(count))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of answers, without what is empty."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        rows = parquet.read_table(path).to_pylist()
    else:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    return [
        {name: cell for name, cell in row.items() if cell not in (None, "", "false", False)}
        for row in rows
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_each_row_has_the_answer_that_predict_gives(nnguide, alone, trained, form):
    run, out = trained("spam"), alone / f"answers.{form}"
    if form == "parquet":
        pytest.importorskip("pyarrow")
    table(alone / "messages.csv", 7)
    ended = nnguide("predict", run.folder, "--dataset", "messages.csv", "--out", out, "--json")
    assert (ended.status, json.loads(ended.out)["n"]) == (0, 7), ended.err
    plain = nnguide("predict", run.folder, "--file", "messages.csv", "--json").out.splitlines()
    for number, (row, line) in enumerate(zip(read(out), plain, strict=True), 1):
        known = json.loads(line)
        assert (int(row["row"]), row["input"]) == (number, f"messages.csv, line {number + 1}")
        assert row["label"] == known["label"]
        assert float(row["probability"]) == known["probability"]
    assert [path.name for path in alone.iterdir() if "answers" in path.name] == [out.name]


BAD = (
    b"spam,caf\xe9 prize",
    b"spam,a NUL \0 inside",
    b"spam,one,field too many",
    b"alone",
    b'spam,"quotes that do not end',
    b'spam,"quotes" that end early',
    b"spam,   ",
    b"spam," + b"x" * 1_000_001,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
def test_a_bad_row_costs_no_neighbour(tmp_path, data):
    """Whatever stands between them, and wherever, all good rows are read, each once."""
    lines = [f"ham,good {n}".encode() for n in range(6)]
    for bad in data.draw(st.lists(st.sampled_from(BAD), max_size=5)):
        lines.insert(data.draw(st.integers(1, len(lines))), bad)
    path = tmp_path / "t.csv"
    path.write_bytes(b"label,text\n" + b"\n".join(lines) + b"\n")
    from nnguide.data.tables import Columns
    from nnguide.data.unlabelled import texts

    found = list(texts(path, Columns()))
    good = [(line, text) for line, text in found if not isinstance(text, InputError)]
    assert [text for _, text in good] == [f"good {n}" for n in range(6)]
    assert [line for line, _ in good] == [n for n, line in enumerate(lines, 2) if b"good" in line]
    assert len(found) == len(lines)


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")),
                 min_size=2, max_size=2), max_size=8
    )
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_sound_table_is_read_alike_by_both_readers(tmp_path, rows):
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["label", "text"], *rows])
    lenient = list(table_files.each_record(path, None, ","))
    assert lenient == list(table_files.records(path, None, ","))


def test_bad_lines_of_json_and_of_other_files(nnguide, alone, trained):
    run = trained("spam").folder
    (alone / "m.jsonl").write_bytes(
        b'{"text": "one"}\nno json\n{"text": 5}\n{"other": "x"}\n{"text": "caf\xe9"}\n'
        b'{"text": "two"}\n'
    )
    (alone / "lines.txt").write_bytes(b"one\ncaf\xe9\n\ntwo\n")
    (alone / "collection").write_bytes(b"ham\tone\nspam\tcaf\xe9\nham\ttwo\n")
    for name, good, bad in (("m.jsonl", 2, 4), ("lines.txt", 2, 1), ("collection", 2, 1)):
        ended = nnguide("predict", run, "--dataset", name, "--out", f"{name}.csv")
        rows = read(alone / f"{name}.csv")
        assert (ended.status, len(rows)) == (4, good + bad), (name, ended.err)
        assert [row["row"] for row in rows] == [str(n) for n in range(1, good + bad + 1)]
        assert sum("error" in row for row in rows) == bad
        assert ended.err.count(f"nnguide: {name}, line") == bad
    assert nnguide("predict", run, "one", "two", "--json").out.count('"label"') == 2


def test_pictures_mails_and_rows_of_numbers(nnguide, alone, trained):
    (alone / "scans").mkdir()
    for name, x in (("a.png", 12), ("b.png", 14)):
        picture = Image.new("L", (28, 28), 255)
        ImageDraw.Draw(picture).line([(x, 4), (x, 24)], fill=0, width=3)
        picture.save(alone / "scans" / name)
    (alone / "scans" / "c.png").write_bytes(b"cut")
    ended = nnguide("predict", trained("digits").folder, "--dataset", "scans", "--out", "d.jsonl")
    first, _, bad = read(alone / "d.jsonl")
    assert (ended.status, first["input"], len(first["probabilities"])) == (4, "scans/a.png", 10)
    assert "error" in bad
    plain = nnguide("predict", trained("digits").folder, "scans/a.png", "--json").out
    assert json.loads(plain)["probabilities"] == first["probabilities"]

    (alone / "in.mbox").write_bytes(
        b"".join(b"From a@b Mon Feb  3 10:00:00 2025\n" + mails.plain(n) + b"\n" for n in range(3))
    )
    words = ("--dataset", "in.mbox", "--out", "m.csv")
    refused = nnguide("predict", runs.shipped("spam"), *words)
    assert refused.status == 2 and "not on mail" in refused.err
    answered = nnguide("predict", "spam", *words)
    assert answered.status == 0 and answered.err.rstrip().endswith("mail")
    rows = read(alone / "m.csv")
    assert [row["input"] for row in rows] == [f"in.mbox#{n}" for n in (1, 2, 3)]
    assert rows[1]["message_id"] == "1@example.com"

    features = trained("table").features
    (alone / "t.csv").write_text(
        ",".join(features)
        + "\n"
        + "1," * len(features[1:])
        + "1\n"
        + "x," * len(features[1:])
        + "1\n"
    )
    ended = nnguide("predict", trained("table").folder, "--dataset", "t.csv", "--out", "t.jsonl")
    good, bad = read(alone / "t.jsonl")
    assert ended.status == 4 and "label" in good and "expected a number" in bad["error"]


@pytest.fixture
def small_parts(monkeypatch):
    """Many parts of few answers."""
    monkeypatch.setattr(bulk, "BATCH", 4)
    monkeypatch.setattr(bulk, "PART", 8)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_killed_anywhere_it_goes_on_to_the_same_bytes(tmp_path, trained, small_parts, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    run, source = trained("spam"), str(table(tmp_path / "m.csv", 50))
    whole, cut = tmp_path / f"whole.{form}", tmp_path / f"cut.{form}"
    assert bulk.answer(run, source, whole, ASKED).rows == 50
    seen = []

    def stop(progress):
        seen.append(progress.rows)
        if progress.rows > progress.resumed:
            raise KeyboardInterrupt

    for _ in range(6):
        with pytest.raises(KeyboardInterrupt):
            bulk.answer(run, source, cut, ASKED, resume=True, report=stop)
        assert not cut.exists()
    with pytest.raises(ConfigError, match="--resume"):
        bulk.answer(run, source, cut, ASKED)
    done = bulk.answer(run, source, cut, ASKED, resume=True)
    assert (done.rows, sum(done.labels.values()), done.resumed) == (50, 50, 48)
    assert cut.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob("*unfinished"))


@pytest.mark.parametrize("moment", ["before", "after", "half removed"])
def test_killed_at_the_very_end_it_leaves_nothing(
    tmp_path, trained, small_parts, monkeypatch, moment
):
    """As the file takes its place, and as the folder in which it grew goes."""
    run, source = trained("spam"), str(table(tmp_path / "m.csv", 20))
    whole, out = tmp_path / "whole.csv", tmp_path / "cut.csv"
    bulk.answer(run, source, whole, ASKED)

    class Killed(BaseException):
        pass

    def kill(path: Path, target: Path | None = None) -> None:
        if moment == "half removed":
            path.rename(workspace.beside(path, workspace.REMOVED))
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "before":
            patch.setattr(Path, "replace", lambda path, target: kill(path) if target == out else
                          path.rename(target))  # fmt: skip
        else:
            tidy = workspace.remove
            patch.setattr(
                workspace,
                "remove",
                lambda path: kill(path) if path == bulk.unfinished(out) else tidy(path),
            )
        with pytest.raises(Killed):
            bulk.answer(run, source, out, ASKED)
    assert out.exists() == (moment != "before")
    if moment == "half removed":
        with pytest.raises(ConfigError, match="exists"):
            bulk.answer(run, source, out, ASKED, resume=True)
    else:
        done = bulk.answer(run, source, out, ASKED, resume=True)
        assert (done.rows, done.resumed) == (20, 20)
    assert out.read_bytes() == whole.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"m.csv", "whole.csv", "cut.csv"}


def test_every_shard_of_a_damaged_archive_says_so(nnguide, alone, trained):
    """Its rows are answered once each, the damage stands in one file, and no status is 0."""
    drawn = random.Random(0)
    lines = [f"ham,see you at {drawn.randbytes(1000).hex()}" for _ in range(1200)]
    packed = gzip.compress("\n".join(["label,text", *lines]).encode())
    (alone / "m.csv.gz").write_bytes(packed[: len(packed) // 2])
    rows, damage = [], 0
    for shard in (1, 2, 3):
        words = ("--dataset", "m.csv.gz", "--shard", f"{shard}/3", "--out", f"{shard}.csv")
        ended = nnguide("predict", trained("spam").folder, *words)
        assert ended.status == 4 and "m.csv.gz" in ended.err, ended
        answers = read(alone / f"{shard}.csv")
        damage += sum("error" in row for row in answers)
        rows += [int(row["row"]) for row in answers]
    assert damage == 1
    assert sorted(rows) == list(range(1, len(rows) + 1)) and len(rows) > 100


def test_a_disk_that_is_full_at_once_leaves_nothing(nnguide, alone, trained, monkeypatch):
    def full(*given, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    (alone / "m.csv").write_text("text\nwin a prize\n", encoding="utf-8")
    monkeypatch.setattr(bulk, "write_json", full)
    ended = nnguide("predict", trained("spam").folder, "--dataset", "m.csv", "--out", "a.csv")
    assert ended.status == 9
    assert "the disk is full" in ended.err
    assert sorted(path.name for path in alone.iterdir() if path.name[0] != ".") == ["m.csv"]


def test_another_request_is_not_gone_on_with(tmp_path, trained, small_parts):
    run, source, out = trained("spam"), table(tmp_path / "m.csv", 30), tmp_path / "a.csv"

    def stop(progress):
        if progress.rows:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bulk.answer(run, str(source), out, ASKED, report=stop)
    for asked, shard, said in (
        (Asked((), io.BytesIO(), threshold=0.9), (1, 1), "another threshold"),
        (ASKED, (1, 2), "another shard"),
    ):
        with pytest.raises(ConfigError, match=said):
            bulk.answer(run, str(source), out, asked, shard=shard, resume=True)
    source.write_bytes(source.read_bytes() + b"ham,one more\n")
    with pytest.raises(ConfigError, match="another dataset"):
        bulk.answer(run, str(source), out, ASKED, resume=True)
    assert bulk.answer(run, str(source), out, ASKED, force=True).rows == 31


@given(shards=st.integers(1, 9), count=st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_shards_have_each_row_once(tmp_path_factory, trained, shards, count):
    folder = tmp_path_factory.mktemp("shards")
    run, source = trained("spam"), str(table(folder / "m.csv", count))
    bulk.answer(run, source, folder / "whole.jsonl", ASKED)
    rows = []
    for shard in range(1, shards + 1):
        out = folder / f"{shard}.jsonl"
        bulk.answer(run, source, out, ASKED, shard=(shard, shards))
        rows += read(out)
    assert sorted(rows, key=lambda row: row["row"]) == read(folder / "whole.jsonl")


def test_what_cannot_be_asked(nnguide, alone, trained):
    run = trained("spam").folder
    source = table(alone / "m.csv", 2)
    (alone / "there.csv").write_text("mine")
    (alone / "folder").mkdir()
    (alone / "folder" / "m.csv").write_bytes(source.read_bytes())
    (alone / "empty.csv").write_text("text\n")
    (alone / "other.csv").write_text("a,b\n1,2\n")
    for words, status, said in (
        (("--dataset", "m.csv"), 2, "--out"),
        (("--out", "a.csv"), 2, "--dataset"),
        (("--dataset", "m.csv", "--out", "a.txt"), 2, ".parquet"),
        (("--dataset", "m.csv", "--out", "there.csv"), 2, "--force"),
        (("--dataset", "m.csv", "--out", "m.csv", "--force"), 2, "in the data set"),
        (("--dataset", "folder", "--out", "folder/a.csv"), 2, "in the data set"),
        (("--dataset", "m.csv", "--out", "a.csv", "--shard", "0/2"), 2, "from 1 to N"),
        (("--dataset", "m.csv", "--out", "a.csv", "--shard", "3/2"), 2, "from 1 to N"),
        (("--dataset", "nowhere.csv", "--out", "a.csv"), 2, "no such file"),
        (("--dataset", "", "--out", "../a.csv"), 2, "empty"),
        (("--dataset", "empty.csv", "--out", "a.csv"), 4, "at least one input"),
        (("--dataset", "empty.csv", "--out", "new/folder/a.csv"), 4, "at least one input"),
        (("--dataset", "other.csv", "--out", "a.csv"), 4, "--text-column"),
        (("--dataset", "spam_sample", "--out", "a.csv", "--threshold", "nan"), 2, "[0, 1]"),
        (("--dataset", "m.csv", "--out", "/proc/a.csv"), 9, "cannot write"),
        (("hello", "--dataset", "m.csv", "--out", "a.csv"), 2, "no INPUT"),
    ):
        ended = nnguide("predict", run, *words)
        assert ended.status == status and said in ended.err, (words, ended)
        assert not (alone / "a.csv").exists()
    assert (alone / "there.csv").read_text() == "mine"
    assert not (alone / "new").exists()
    assert not list(alone.rglob("*unfinished"))


def test_a_name_that_is_no_text_is_gone_on_with(tmp_path, trained, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    monkeypatch.setattr(bulk, "PART", 1)
    folder, out = tmp_path / os.fsdecode(b"d\xff"), tmp_path / "a.csv"
    folder.mkdir()
    (folder / "z.txt").write_text("See you at six")
    (folder / os.fsdecode(b"a\xff.txt")).write_bytes(b" ")

    def stop(progress):
        if progress.failed:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bulk.answer(trained("spam"), str(folder), out, ASKED, report=stop)
    done = bulk.answer(trained("spam"), str(folder), out, ASKED, resume=True)
    assert (done.rows, done.failed, done.resumed) == (2, 1, 1)
    assert done.errors[0][0].endswith("a\\udcff.txt")
    assert read(out)[0]["input"].endswith("a\\udcff.txt")


def test_a_terminal_that_cannot_draw_gets_a_line_a_minute(monkeypatch):
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    for kind, is_live in (("dumb", False), ("xterm", True)):
        monkeypatch.setenv("TERM", kind)
        assert _Pace().live is is_live


def test_a_data_set_by_its_name(nnguide, alone, trained):
    ended = nnguide(
        *("predict", trained("spam").folder, "--dataset", "spam_sample", "--out", "a.csv")
    )
    assert ended.status == 0, ended.err
    assert read(alone / "a.csv")[0]["input"] == "spam_sample, row 1"


def test_a_real_kill_and_no_tensorflow(tmp_path, trained):
    """SIGKILL at any moment; what goes on imports no TensorFlow, so it starts in no time."""
    source = table(tmp_path / "m.csv", 60_000)
    words = ("predict", trained("spam").folder, "--dataset", source, "--out", tmp_path / "a.csv")
    started = subprocess.Popen(processes.words(*words), env=processes.environment())
    progress = tmp_path / "a.csv.predict.unfinished" / "progress.json"
    while started.poll() is None and not progress.exists():
        time.sleep(0.02)
    started.send_signal(signal.SIGKILL)
    started.wait()
    code = (
        "import sys; from nnguide.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *map(str, words), "--resume"],
        env=processes.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0 or "exists" in ended.stderr, ended.stderr
    assert ended.stdout.endswith("[]\n")
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        assert [int(row["row"]) for row in csv.DictReader(file)] == list(range(1, 60_001))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_data(tmp_path):
    peaks = []
    for count in (20_000, 200_000):
        source = table(tmp_path / f"{count}.csv", count)
        words = ("predict", "spam", "--dataset", source, "--out", tmp_path / f"{count}.jsonl")
        started = subprocess.Popen(processes.words(*words), env=processes.environment())
        _, status, used = os.wait4(started.pid, 0)
        assert status == 0
        peaks.append(used.ru_maxrss / 1024)  # MB
    assert peaks[1] < peaks[0] + 40, peaks
