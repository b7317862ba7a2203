"""Wrong use is told at once: before a framework is imported, in one line, and nothing is lost."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import processes
import pytest

HEAVY = ("tensorflow", "keras", "keras_tuner", "torch", "sklearn", "matplotlib", "scipy")
# What the command, in a fresh process, has imported when it ends goes to the last line.
PROBE = f"""
import sys
from nnguide.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print("ended", ended.code, *sorted(set({HEAVY!r}) & set(sys.modules)))
"""

WRONG = [  # what is typed, the status, and what the message says
    ("train digits --dataset nowhere.csv", 2, "no such file or folder: nowhere.csv"),
    ("train spam --dataset nosuchset", 2, "unknown data set 'nosuchset'"),
    ("train digits --dataset optdigits --out full", 2, "full is not empty"),
    ("train digits --out file.txt", 2, "file.txt is a file"),
    ("train digits --preset nope", 2, "unknown preset 'nope'"),
    ("train digits --config missing.toml", 2, "cannot read missing.toml"),
    ("train digits --config broken.toml", 2, "not valid TOML"),
    ("train digits --config broken.json", 2, "not valid JSON"),
    ("train digits --epochs 0", 2, "train.epochs must be 1 or more"),
    ("train digits --learning-rate 0", 2, "above 0"),
    ("train digits --set train.nope=1", 2, "unknown setting"),
    ("train digits --model nope", 2, "unknown digits model"),
    ("train nope", 2, "unknown task"),
    ("config show nope", 5, "there is no run 'nope'. RUN is a run's folder or a task"),
    ("config show dgits", 5, "Did you mean digits?"),
    ("data info empty.csv", 4, "empty.csv cannot be read"),
    ("predict spam --file -", 4, "give - without --file"),
    ("train spam --dataset bad.csv", 4, "expected a header with the columns"),
    ("train spam --dataset empty.csv", 4, "empty.csv"),
    ("train spam --dataset onelabel.csv", 4, "onelabel.csv"),
    ("train spam --dataset emptydir", 4, "emptydir"),
    ("train digits --dataset emptydir", 4, "emptydir"),
    ("train digits --dataset optdigits --label-column x", 2, "--label-column"),
    ("train spam --max-blocked-ham 2", 2, "calibration.max_blocked_ham"),
    ("train digits --max-blocked-ham 0.1", 2, "is for spam"),
    ("tune digits --trials 0", 2, "--trials must be 1 or more"),
    ("tune digits --dataset nowhere", 2, "unknown data set 'nowhere'"),
    ("tune digits --dataset ./nowhere", 2, "no such file or folder"),
    ("tune spam --dataset bad.csv", 4, "expected a header with the columns"),
    ("tune digits --dataset optdigits --out full", 2, "full is not empty"),
    ("tune digits --space missing.toml", 2, "cannot read missing.toml"),
    ("tune digits --space broken.toml", 2, "not valid TOML"),
    ("tune digits --space unknown.toml", 2, "unknown setting"),
    ("tune digits --objective nope", 2, "unknown --objective"),
    ("tune digits --max-epochs 0", 2, "--max-epochs must be 1 or more"),
    ("tune digits --folds 1", 2, "--folds must be 2 or more"),
    ("tune digits --executions 0", 2, "--executions must be 1 or more"),
    ("tune digits --workers 0", 2, "--workers must be 1 or more"),
    ("tune digits --compare -1", 2, "--compare must be 0 or more"),
    ("tune digits --minutes 0", 2, "--minutes must be above 0"),
    ("tune digits --tuner hyperband --trials 3", 2, "hyperband has no --trials"),
    ("tune digits --factor 3", 2, "for --tuner hyperband"),
    ("evaluate nowhere", 5, "there is no run"),
    ("evaluate digits --dataset nowhere.csv", 2, "no such file or folder"),
    ("evaluate spam --dataset bad.csv", 4, "expected a header with the columns"),
    ("evaluate digits --threshold 0.5", 2, "is for spam"),
    ("evaluate spam --threshold 2", 2, "probability in [0, 1]"),
    ("evaluate spam --threshold nan", 2, "probability in [0, 1]"),
    ("evaluate digits --split nope", 2, "nope"),
    ("evaluate digits --plots file.txt", 2, "takes a folder; file.txt is a file"),
    ("evaluate digits --plots run", 2, "the folder of a run"),
    ("predict nowhere x", 5, "there is no run"),
    ("serve =digits", 2, "a model's name is of letters"),
    ("predict digits", 2, "expected image files or folders"),
    ("predict digits nowhere.png", 4, "nowhere.png"),
    ("predict digits file.png", 4, "file.png"),
    ("predict spam --file missing.txt", 4, "missing.txt"),
    ("predict spam --mail missing --anyway", 4, "missing"),
    ("predict spam x --threshold 2", 2, "probability in [0, 1]"),
    ("predict digits file.png --file file.txt", 2, "for spam"),
    ("explain nowhere x", 5, "there is no run"),
    ("explain digits", 2, "expected INPUT"),
    ("explain digits nowhere.png", 4, "nowhere.png"),
    ("explain digits file.png", 4, "file.png"),
    ("explain digits file.png --target z", 2, "one of the run's labels"),
    ("explain digits file.png --method nope", 2, "nope"),
    ("explain digits file.png --method shap --compare", 2, "--compare"),
    ("explain digits file.png --out why.txt", 2, "ends in .png, .html, .json"),
    ("explain digits file.png --out run/curves.png", 2, "belongs to the run"),
    ("explain digits file.png --out file.png", 2, "file.png is an input, which would be replaced"),
    ("explain spam ''", 4, "empty"),
    ("audit nowhere", 5, "there is no run"),
    ("audit digits --dataset nowhere.csv", 2, "no such file or folder"),
    ("audit spam --dataset bad.csv", 4, "expected a header with the columns"),
    ("audit digits --out full", 2, "takes a file; full is a folder"),
    ("audit digits --out run/manifest.json", 2, "belongs to the run"),
    ("audit spam --dataset onelabel.csv --out onelabel.csv", 2, "ends in .html"),
    ("audit digits --seed -1", 2, "--seed"),
    ("benchmark nowhere", 5, "there is no run"),
    ("export nowhere --format onnx", 5, "there is no run"),
    ("export digits --format nope", 2, "nope"),
    ("export digits --format onnx --version 0", 2, "--version"),
    ("ensemble nowhere nowhere2 --out new", 5, "there is no run"),
    ("ensemble digits --out new", 2, "ensemble"),
    ("ensemble digits digits --out full", 2, "full is not empty"),
    ("threshold digits --max-blocked-ham 0.1", 2, "is for spam"),
    ("threshold spam --max-blocked-ham 2 --out new", 2, "--max-blocked-ham"),
    ("threshold spam --max-blocked-ham 0.1", 2, "--out"),
    ("threshold spam --max-blocked-ham 0.1 --out full", 2, "full is not empty"),
    ("serve nowhere", 5, "there is no run"),
    ("serve digits --port 99999999", 2, "--port"),
    ("serve digits --poll 0", 2, "--poll"),
    ("doctor nowhere", 5, "there is no run"),
    ("doctor missing.py:build", 5, "missing.py"),
    ("data info nowhere", 2, "unknown data set"),
    ("data prepare nowhere", 2, "unknown data set"),
    ("data prepare mnist --manual-dir nowhere", 2, "--manual-dir"),
    ("data prepare onelabel.csv", 2, "is a path, which needs no preparing"),
    ("data info onelabel.csv --encoding base64", 2, "--encoding takes the name of a text encoding"),
    ("data info onelabel.csv --encoding idna", 2, "--encoding takes the name of a text encoding"),
    ("runs nowhere", 2, "nowhere"),
    ("runs compare nowhere digits", 5, "there is no run"),
    ("docs nowhere", 2, "unknown page"),
    ("docs json#nowhere", 2, "unknown section"),
    ("help nowhere", 2, "unknown command"),
    ("help train digits", 2, "no commands of its own"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands above are wrong about."""
    folder = tmp_path_factory.mktemp("wrong")
    files = {
        "full/x": "",
        "file.txt": "hello",
        "file.png": "not a picture",
        "bad.csv": "a,b\n1,2\n",
        "empty.csv": "",
        "onelabel.csv": "label,text\nspam,win\nspam,prize\n",
        "broken.toml": "[train\n",
        "broken.json": "{",
        "unknown.toml": "[train]\nnope = 1\n",
        "run/manifest.json": "{}",
        "run/curves.png": "",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    (folder / "emptydir").mkdir()
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """The files in a folder, but the caches."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "cache" not in str(path.relative_to(folder))
    }


@pytest.mark.parametrize(("typed", "status", "said"), WRONG, ids=[typed for typed, *_ in WRONG])
def test_wrong_use_is_told_before_a_framework_is_imported(place, typed, status, said):
    before = snapshot(place)
    environment = {**processes.environment(), "NNGUIDE_OFFLINE": "1"}
    environment |= {"NNGUIDE_REGISTRY": str(place / "cache-registry")}
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, *shlex.split(typed)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines()[-1].split() == ["ended", str(status)], ended.stderr
    assert said in ended.stderr and "Traceback" not in ended.stderr
    assert snapshot(place) == before


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("train digits --lr 0.1", "--learning-rate"),
        ("train digits --bs 4", "--batch-size"),
        ("train digits --batch 4", "--batch-size"),
        ("train digits --epoch 4", "--epochs"),
        ("train digits --learning_rate 4", "--learning-rate"),
        ("train digits --rate 4", "--learning-rate"),
        ("train digits --output x", "--out"),
        ("train digits --data x", "--dataset"),
        ("train digits --sed 4", "--seed"),
        ("tune digits --n-trials 4", "--trials"),
        ("evaluate spam --thresh 4", "--threshold"),
    ],
)
def test_the_option_that_was_meant_is_named(nnguide, typed, meant):
    ended = nnguide(*typed.split())
    assert ended.status == 2
    assert f"Did you mean {meant}?" in ended.err


def test_an_option_like_nothing_is_no_guess(nnguide):
    ended = nnguide("train", "digits", "--zzqq")
    assert ended.status == 2 and "Did you mean" not in ended.err


@pytest.mark.parametrize("name", ["messages.csv", "./mail", "~/x", "data/mine", "scan.png", "/x/y"])
@pytest.mark.parametrize("task", ["digits", "spam"])
def test_a_missing_file_is_no_mistyped_data_set(nnguide, task, name):
    ended = nnguide("train", task, "--dataset", name)
    assert ended.status == 2
    assert f"no such file or folder: {name}" in ended.err
    assert "Did you mean" not in ended.err


@pytest.mark.parametrize(
    "words", [("predict", "digits", "\x1b[31mred.png"), ("\x1b[2J",), ("predict", "\x1b[2J", "x")]
)
def test_no_name_in_a_message_rules_the_terminal(nnguide, words):
    ended = nnguide(*words)
    assert ended.status in (2, 4, 5)
    assert "\x1b" not in ended.err and "\\x1b[" in ended.err
