"""Inputs of kinds that people had trouble with, through the command line, each with its answer."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import case
from PIL import Image, ImageDraw

from nnguide.preprocessing import heif

LINES = ["WINNER! Claim your 1000 pound cash prize now, call 09061700000", "Lunch tomorrow at one?"]


def seven(size: int = 200) -> Image.Image:
    picture = Image.new("L", (size, size), 250)
    line = [(0.35 * size, 0.25 * size), (0.65 * size, 0.25 * size), (0.45 * size, 0.75 * size)]
    ImageDraw.Draw(picture).line(line, fill=20, width=size // 16, joint="curve")
    return picture


def checkerboard() -> Image.Image:
    y, x = np.mgrid[:400, :400]
    return Image.fromarray(np.where((x // 8 + y // 8) % 2, 255, 200).astype(np.uint8))


def dashed_frame() -> Image.Image:
    y, x = np.mgrid[:200, :200]
    rim = (np.minimum(x, y) < 2) | (np.maximum(x, y) > 197)
    return Image.fromarray(np.where(rim & ((x + y) // 4 % 2 == 0), 0, 255).astype(np.uint8))


def two_digits() -> Image.Image:
    picture = Image.new("L", (600, 400), 250)
    draw = ImageDraw.Draw(picture)
    draw.line([(180, 100), (190, 300)], fill=20, width=18)
    draw.ellipse((330, 100, 470, 300), outline=20, width=18)
    return picture


def circled() -> Image.Image:
    picture = Image.new("L", (400, 400), 250)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((30, 30, 370, 370), outline=20, width=5)
    draw.line([(195, 120), (205, 280)], fill=20, width=22)
    return picture


REFUSED = {
    "f29-checkerboard.png": checkerboard,
    "f29-dashed-frame.png": dashed_frame,
    "f15-ten.png": two_digits,
    "f15-circled-1.png": circled,
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("made", [True, False], ids=["drawn", "case"])
def test_marks_that_are_no_single_digit_are_refused_beside_good_ones(nnguide, alone, name, made):
    seven().save(alone / "seven.png")
    if made:
        REFUSED[name]().save(alone / name)
    else:
        shutil.copy(case(f"pictures/{name}"), alone)
    ended = nnguide("predict", "digits", "seven.png", name, "seven.png")
    assert ended.out.count("seven.png") == 2
    if ended.status == 0:
        assert f"\t{name}\n" in ended.out and ended.out.splitlines()[1].startswith("none\t")
    else:
        assert ended.status == 4
        assert name in ended.err and "digit" in ended.err


def test_every_form_of_picture_in_a_folder_is_read(nnguide, alone):
    (alone / "box" / "more").mkdir(parents=True)
    for place in ("a.png", "b.jfif", "c.webp", "more/d.jpe", "more/e.tif"):
        form = {"jfif": "JPEG", "jpe": "JPEG", "tif": "TIFF"}.get(place.split(".")[-1])
        seven().save(alone / "box" / place, form)
    (alone / "box" / "f.jp2").write_bytes(b"\0\0\0\x18ftypjp2 ")
    ended = nnguide("predict", "digits", "box")
    assert ended.status == 4
    assert len(ended.out.splitlines()) == 5
    assert "box/f.jp2: expected a PNG" in ended.err
    assert nnguide("predict", "digits", case("folders/f12-predict")).out.count("\n") == 3


def test_a_picture_without_its_reader_costs_none_of_its_neighbours(nnguide, alone, monkeypatch):
    monkeypatch.setattr(heif, "is_there", lambda: False)
    (alone / "box").mkdir()
    seven().save(alone / "box" / "seven.png")
    (alone / "box" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    ended = nnguide("predict", "digits", "box")
    assert ended.status == 6
    assert len(ended.out.splitlines()) == 1
    assert "box/phone.heic: this needs pillow-heif" in ended.err
    assert "pip install 'nnguide[heic]'" in ended.err


def test_a_picture_comes_on_standard_input(nnguide, alone):
    seven().save(alone / "seven.png")
    content = (alone / "seven.png").read_bytes()
    by_path = nnguide("predict", "digits", "seven.png").out.split("\t")[:2]
    ended = nnguide("predict", "digits", "-", stdin=content)
    assert ended.status == 0
    assert ended.out.split("\t") == [*by_path, "standard input\n"]
    ended = nnguide("predict", "digits", "-", "seven.png", stdin=b"no picture")
    assert ended.status == 4 and ended.out.count("seven.png") == 1


def rows_of_pixels(path: Path, header: bool, count: int = 3) -> Path:
    levels = np.asarray(Image.open(case("pictures/f16-dark-on-white-28-2.png")))
    lines = ["label," + ",".join(f"pixel{i}" for i in range(784))] if header else []
    lines += ["2," + ",".join(map(str, (255 - levels).ravel()))] * count
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("header", [True, False])
def test_a_table_has_a_picture_a_row(nnguide, alone, header):
    rows_of_pixels(alone / "digits.csv", header)
    with (alone / "digits.csv").open("a") as file:
        file.write("2,1,2\n")
    ended = nnguide("predict", "digits", "digits.csv")
    assert ended.status == 4
    assert [line.split("\t")[0] for line in ended.out.splitlines()] == ["2", "2", "2"]
    assert f"digits.csv, line {4 + header}" in ended.err


def encoded(lines: list[str], form: str) -> bytes:
    ends = {"cr": "\r", "crlf": "\r\n"}
    text = ends.get(form, "\n").join(lines)
    return text.encode("utf-8-sig" if form == "bom" else "utf-8")


@pytest.mark.parametrize("form", ["lf", "cr", "crlf", "bom"])
def test_lines_may_end_in_any_way(nnguide, alone, form):
    (alone / "lines.txt").write_bytes(encoded(LINES, form))
    ended = nnguide("predict", "spam", "--file", "lines.txt")
    assert [line.split("\t")[2] for line in ended.out.splitlines()] == LINES
    assert ended.status == 0


@pytest.mark.parametrize("name", ["l1-bom.txt", "l4-cr.txt", "l10.csv"])
def test_the_cases_of_lines_are_answered_as_plain_lines(nnguide, name):
    def answers(file: str) -> list[str]:
        ended = nnguide("predict", "spam", "--file", case(f"lines/{file}"))
        return [line.split("\t")[1] for line in ended.out.splitlines()]

    plain = answers("l0.txt")
    assert answers(name) == plain[: len(answers(name))] != []


TABLE = [("spam", LINES[0]), ("ham", 'say "hi", then'), ("ham", LINES[1])]


@pytest.mark.parametrize("form", ["csv", "semicolon", "sep", "cr", "gz", "jsonl", "v1v2"])
def test_a_table_is_read_by_its_column_of_texts(nnguide, alone, form):
    comma = ";" if form in ("semicolon", "sep") else ","
    quoted = [f'{label}{comma}"' + text.replace('"', '""') + '"' for label, text in TABLE]
    header = "v1,v2" if form == "v1v2" else f"label{comma}text"
    lines = [header, *quoted]
    if form == "sep":
        lines.insert(0, "sep=;")
    if form == "jsonl":
        lines = [json.dumps({"label": label, "text": text}) for label, text in TABLE]
    content = encoded(lines, form)
    suffix = {"gz": ".csv.gz", "jsonl": ".jsonl"}.get(form, ".csv")
    path = alone / f"table{suffix}"
    path.write_bytes(gzip.compress(content) if form == "gz" else content)
    ended = nnguide("predict", "spam", "--file", path, "--json")
    assert [json.loads(line)["input"] for line in ended.out.splitlines()] == [t for _, t in TABLE]
    assert ended.status == 0
    figures = json.loads(nnguide("evaluate", "spam", "--dataset", path, "--json").out)
    assert figures["n"] == 3


@pytest.mark.parametrize("name", ["t02-semicolon.csv", "t05-cr.csv", "t05-crlf.csv", "t22.csv.gz"])
def test_the_cases_of_tables_are_read(nnguide, name):
    ended = nnguide("evaluate", "spam", "--dataset", case(f"tables/{name}"), "--json")
    assert (ended.status, json.loads(ended.out)["n"]) == (0, 12)


def test_another_encoding_is_read_where_it_is_named(nnguide, alone):
    content = "v1,v2,,,\nham,Café at six then,,,\nspam,WIN a prize,,,\n".encode("latin-1")
    (alone / "spam.csv").write_bytes(content)
    ended = nnguide("evaluate", "spam", "--dataset", "spam.csv")
    assert ended.status == 4 and "--encoding windows-1252" in ended.err
    words = ("--dataset", "spam.csv", "--encoding", "windows-1252", "--json")
    ended = nnguide("evaluate", "spam", *words)
    assert json.loads(ended.out)["n"] == 2
    assert "'v1' as label and 'v2' as text" in ended.err
    (alone / "lines.txt").write_bytes("\n".join(LINES).encode("utf-16"))
    assert nnguide("predict", "spam", "--file", "lines.txt").status == 4
    ended = nnguide("predict", "spam", "--file", "lines.txt", "--encoding", "utf-16")
    assert ended.out.count("\n") == 2
    assert nnguide("predict", "spam", "--file", "lines.txt", "--encoding", "x").status == 2


NO_TEXT = {
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "gzip": gzip.compress(b"win\n"),
    "utf-16": "win".encode("utf-16"),
    "utf-16 without mark": "win a prize".encode("utf-16-le"),
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("kind", NO_TEXT)
def test_what_is_no_text_is_never_judged(nnguide, alone, kind):
    (alone / "file").write_bytes(NO_TEXT[kind])
    for words in (("--file", "file"), ("-",), ("file",)):
        ended = nnguide("predict", "spam", *words, stdin=NO_TEXT[kind])
        assert (ended.status, ended.out) == (4, "")


@pytest.mark.parametrize("name", ["notmail/a.png", "notmail/b.eml.gz", "lines/l2-utf16le-bom.txt"])
def test_the_cases_that_are_no_text_are_never_judged(nnguide, name):
    ended = nnguide("predict", "spam", "--file", case(name))
    assert (ended.status, ended.out) == (4, "")


def test_several_files_are_all_read(nnguide, alone):
    for number, line in enumerate(LINES):
        (alone / f"{number}.txt").write_text(line)
    ended = nnguide("predict", "spam", "--file", "0.txt", "--file", "1.txt")
    assert [line.split("\t")[2] for line in ended.out.splitlines()] == LINES


def class_folders(folder: Path) -> Path:
    """Sevens and vertical strokes, some in folders of their own, one that is no picture."""
    for label in ("1", "7"):
        for number in range(6):
            place = folder / label / ("writer" if number % 2 else ".")
            place.mkdir(parents=True, exist_ok=True)
            picture = seven(100 + 10 * number)
            if label == "1":
                picture = Image.new("L", (120, 120), 250)
                line = [(60, 20), (60 + number, 100)]
                ImageDraw.Draw(picture).line(line, fill=20, width=10)
            picture.save(place / f"{number}.png")
    return folder


def test_one_bad_picture_in_a_folder_costs_none_of_the_others(nnguide, alone):
    class_folders(alone / "data")
    (alone / "data" / "7" / "bad.png").write_bytes(b"no picture")
    ended = nnguide("evaluate", "digits", "--dataset", "data", "--json")
    assert ended.status == 4
    assert json.loads(ended.out)["n"] == 12
    assert "1 of the 13 pictures in data" in ended.err and "7/bad.png" in ended.err


def test_parts_may_be_called_as_people_call_them(nnguide, alone):
    for names in (("training", "testing"), ("Train", "Test"), ("train", "valid")):
        folder = alone / "-".join(names)
        for name in names:
            class_folders(folder / name)
        words = ("--dataset", folder, "--split", "test", "--json")
        assert json.loads(nnguide("evaluate", "digits", *words).out)["n"] == 12
    class_folders(folder / "test")
    ended = nnguide("evaluate", "digits", *words)
    assert json.loads(ended.out)["n"] == 12 and "valid is not used" in ended.err
    for name, n in (("f27-training-testing", 16), ("f12-nested", 16)):
        ended = nnguide("evaluate", "digits", "--dataset", case(f"folders/{name}"), "--json")
        assert json.loads(ended.out)["n"] == n


def test_zeros_and_ones_are_read_as_black_and_white(nnguide, alone):
    def accuracy(file: Path) -> float:
        ended = nnguide("evaluate", "digits", "--dataset", file, "--json")
        assert ended.status == 0
        return json.loads(ended.out)["accuracy"]

    with np.load(case("f04-binary0255.npz")) as file:
        np.savez(alone / "ones.npz", x=(file["x"] > 0).astype(np.uint8), y=file["y"])
        assert accuracy(alone / "ones.npz") == accuracy(case("f04-binary0255.npz")) > 0.5
        assert accuracy(case("f04-binary01.npz")) == accuracy(case("f04-binary0255.npz"))


@pytest.mark.parametrize("form", ["toml", "json"])
def test_a_byte_order_mark_is_no_part_of_a_configuration(nnguide, alone, form):
    content = '{"train": {"epochs": 0}}' if form == "json" else "[train]\nepochs = 0\n"
    (alone / f"c.{form}").write_bytes(b"\xef\xbb\xbf" + content.encode())
    ended = nnguide("train", "digits", "--config", f"c.{form}")
    assert ended.status == 2 and "train.epochs" in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix closes the streams")
def test_closed_streams_are_told_in_words(alone):
    def run(words: str) -> subprocess.CompletedProcess[str]:
        command = f"{sys.executable} -m nnguide predict spam {words}"
        return subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, env=dict(os.environ)
        )

    ended = run("win >&-")
    assert ended.returncode == 9 and "standard output is closed" in ended.stderr
    ended = run("- <&-")
    assert ended.returncode == 4 and "standard input is closed" in ended.stderr
    ended = run("win 2>&-")
    assert ended.returncode == 0 and ended.stdout.endswith("\twin\n")
    ended = run("win <&- 2>&-")
    assert ended.returncode == 0 and ended.stdout.endswith("\twin\n")


def test_data_info_says_how_a_path_would_be_read(nnguide, alone):
    class_folders(alone / "data")
    (alone / "data" / "7" / "bad.png").write_bytes(b"no picture")
    ended = nnguide("data", "info", "data", "--out", "seen.png")
    assert ended.status == 4
    assert "a folder, read for digits" in ended.out
    assert "left out 1" in ended.out and "@@" in ended.out
    assert Image.open(alone / "seen.png").size == (2 * 28 * 8, 28 * 8)


def test_evaluate_says_that_examples_were_learned_from(nnguide, alone):
    path = class_folders(alone / "data")
    nnguide("train", "digits", "--dataset", path, "--epochs", 1, "--out", "run")
    shutil.copytree(path, alone / "copy")
    ended = nnguide("evaluate", "run", "--dataset", "copy", "--json")
    assert json.loads(ended.out)["training_copies"] >= 8
    assert "are in the run's training set too" in ended.err


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("whole", [1, 255])
def test_a_table_of_pixels_as_people_have_it(nnguide, alone, last, numbered, whole):
    """Rows numbered as pandas does, the label last, levels in [0, 1]: the same pictures."""
    plain = pixels(alone / "plain.csv")
    other = pixels(alone / "other.csv", last, numbered, whole)
    wanted = nnguide("predict", "digits", plain)
    ended = nnguide("predict", "digits", other)
    assert (wanted.status, ended.status) == (0, 0), ended.err
    assert ended.out == wanted.out.replace("plain.csv", "other.csv")


def test_labels_in_the_last_column_of_a_table_without_a_header(nnguide, alone):
    plain = nnguide("data", "info", pixels(alone / "plain.csv"), "--json")
    ended = nnguide("data", "info", pixels(alone / "other.csv", True, header=False), "--json")
    assert (plain.status, ended.status) == (0, 0), ended.err
    assert ended.err.count("reading the last column as label") == 1
    assert json.loads(ended.out)["counts"] == json.loads(plain.out)["counts"]


def pixels(path, last=False, numbered=False, whole=255, header=True):
    """Twenty pictures of zeros and ones as a table."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(20):
        picture = Image.new("L", (28, 28), 0)
        draw, left = ImageDraw.Draw(picture), int(random.integers(3, 9))
        if number % 2:
            draw.line([(left + 4, 4), (left + 6, 23)], fill=255, width=3)
        else:
            draw.ellipse((left, 4, left + 10 + number // 2 % 4, 23), outline=255, width=3)
        levels = [f"{level / 255 * whole:g}" for level in np.asarray(picture).ravel().tolist()]
        label = [str(number % 2)]
        rows.append([str(number)] * numbered + (levels + label if last else label + levels))
    names = [f"pixel{place}" for place in range(784)]
    names = ["Unnamed: 0"] * numbered + ([*names, "label"] if last else ["label", *names])
    lines = [names, *rows] if header else rows
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    return path


OTHER_FORMS = {
    "book.xlsx": (b"PK\x03\x04", "office document"),
    "old.xls": (b"\xd0\xcf\x11\xe0", "office document"),
    "frame.parquet": (b"PAR1", "Parquet"),
    "scan.csv": (b"%PDF-1.7", "PDF"),
    "packed.tsv": (b"BZh9", "bzip2"),
    "array.npy": (b"\x93NUMPY", "NumPy array"),
}


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_a_file_of_another_form_is_named_for_what_it_is(nnguide, alone, name):
    """Never is an encoding advised, with which it could not be read either."""
    start, said = OTHER_FORMS[name]
    (alone / name).write_bytes(start + bytes(range(256)) * 4)
    for command in (("data", "info", alone / name), ("predict", "spam", "--file", name)):
        ended = nnguide(*command)
        assert (ended.status, ended.out) == (4, "")
        assert said in ended.err and "--encoding" not in ended.err


def test_json_is_not_judged_by_its_braces(nnguide, alone):
    (alone / "all.json").write_text(json.dumps([{"text": line} for line in LINES], indent=1))
    ended = nnguide("predict", "spam", "--file", "all.json")
    assert (ended.status, ended.out) == (4, "") and ".jsonl" in ended.err
    (alone / "all.jsonl").write_text("".join(json.dumps({"text": one}) + "\n" for one in LINES))
    assert nnguide("predict", "spam", "--file", "all.jsonl").status == 0


def test_quotes_after_a_blank_are_quotes(nnguide, alone):
    text = "".join(f'ham, "see you, at {n}"\n' for n in range(6))
    (alone / "a.csv").write_text(f'label, text\n{text}spam, "win, now"\nspam, "cash, now"\n')
    ended = nnguide("data", "info", "a.csv", "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["left_out"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "digits", ""),
        ("predict", "spam", "--mail", ""),
        ("predict", "spam", "--file", ""),
        ("evaluate", "spam", "--plots", ""),
        ("export", "spam", "--format", "onnx", "--out", ""),
        ("train", "spam", "--out", ""),
        ("explain", "digits", ""),
    ],
)
def test_an_empty_name_is_not_the_current_folder(nnguide, alone, words):
    Image.new("L", (40, 40), 255).save(alone / "a.png")
    ended = nnguide(*words)
    assert ended.status in (2, 4) and ended.out == "" and "empty" in ended.err
    assert [path.name for path in alone.iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", ["loop.png", "gone.png", "fifo"])
def test_what_is_at_no_path_is_said_so(nnguide, alone, name):
    (alone / "loop.png").symlink_to("loop.png")
    (alone / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(alone / "fifo")
    ended = nnguide("data", "info", f"./{name}")
    assert ended.status in (2, 4) and ended.out == ""
    assert ("pipe or device" if name == "fifo" else "no such file or folder") in ended.err


FAIL = [
    ("train", "spam", "--dataset", "bad.csv"),
    ("train", "spam", "--dataset", "gone.csv"),
    ("train", "digits", "--dataset", "bad.csv", "--out", "a/b/c"),
    ("tune", "spam", "--dataset", "bad.csv"),
    ("tune", "spam", "--dataset", "bad.csv", "--out", "a/b/c"),
    ("audit", "spam", "--dataset", "bad.csv", "--out", "a/audit.html"),
    ("evaluate", "spam", "--dataset", "bad.csv", "--plots", "a/plots"),
    ("explain", "digits", "gone.png", "--out", "a/why.html"),
    ("export", "gone", "--format", "onnx", "--out", "a/b"),
    ("ensemble", "gone", "lost", "--out", "a/b"),
    ("threshold", "gone", "--max-blocked-ham", "0.01", "--out", "a/b"),
    ("pull", "gone", "--out", "a/b"),
]


@pytest.mark.parametrize("words", FAIL, ids=lambda words: " ".join(words[:1] + words[-1:]))
def test_what_failed_before_it_had_anything_leaves_nothing(nnguide, alone, words):
    (alone / "bad.csv").write_text("label,text\nyes,hello\nno,goodbye\n")
    ended = nnguide(*words)
    assert ended.status not in (0, 1), ended.out
    assert [path.name for path in alone.iterdir()] == ["bad.csv"]
