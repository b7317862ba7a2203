"""Completion in bash, zsh and fish: what a Tab offers, in each shell that is installed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from nnguide.cli import command_line

OFFERED = {  # typed, and what its last word may become
    "nnguide train --preset=dense-": "--preset=dense-augmented",
    "nnguide train digits --dataset mnist+opt": "mnist+optdigits",
    "nnguide train spam --set train.optimiz": "train.optimizer=",
    "nnguide train spam --set=train.optimizer=mom": "--set=train.optimizer=momentum",
    "nnguide predict saved_models/runs/m": "saved_models/runs/my run",
    "nnguide serve first=saved_models/runs/m": "first=saved_models/runs/my run",
    "nnguide help exercise hi": "hint",
}
OF_BASH = (  # it takes words apart at =, and needs a backslash before a space
    *("dense-augmented", "mnist+optdigits", "train.optimizer=", "momentum"),
    *(r"saved_models/runs/my\ run", r"saved_models/runs/my\ run", "hint"),
)
# zsh's own functions, as the completion calls them: print what it would offer
ZSH = """
compdef() { }
compset() { }
_path_files() { paths_of=$1 }
_describe() { print -r -- "${(P)3[1]}" }
source ./script
ask() { words=("${(@)argv}") CURRENT=$# PREFIX=${argv[-1]}; _nnguide_completion }
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program `nnguide`, and a run whose name has a space."""
    home = tmp_path_factory.mktemp("home")
    program = home / "nnguide"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m nnguide "$@"\n')
    program.chmod(0o755)
    run = home / "saved_models" / "runs" / "my run"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    (home / "a file.csv").touch()
    return home


def answers(home: Path, shell: str, program: str) -> list[str]:
    """What `shell` prints for a program that begins with its completion script."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = CliRunner().invoke(command_line, ["completion", shell])
    assert script.exit_code == 0
    (home / "script").write_text(script.stdout)
    root = str(Path(__file__).parents[2])
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{home}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
    }
    found = subprocess.run(
        [shell, "-c", program],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr == ""
    return found.stdout.splitlines()


def test_bash(home: Path) -> None:
    program = "source ./script\n"
    for line in OFFERED:
        program += (
            f"COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; _nnguide_completion nnguide; "
            'printf "%s\\n" "${COMPREPLY[*]}"\n'
        )
    assert tuple(answers(home, "bash", program)) == OF_BASH


def test_zsh(home: Path) -> None:
    program = ZSH + "".join(
        "ask " + " ".join(shlex.quote(word) for word in line.split()) + "\n" for line in OFFERED
    )
    offered = [answer.split(":")[0] for answer in answers(home, "zsh", program)]
    assert offered == list(OFFERED.values())


def test_fish(home: Path) -> None:
    program = "source ./script\n" + "".join(f"complete -C {shlex.quote(x)}\n" for x in OFFERED)
    offered = [answer.split("\t")[0] for answer in answers(home, "fish", program)]
    assert [name for name in offered if not name.endswith("/")] == list(OFFERED.values())


def test_a_meaning_keeps_its_commas_and_files_are_offered(home: Path) -> None:
    program = "source ./script\ncomplete -C 'nnguide config show x --reso'\n"
    program += "complete -C 'nnguide predict digits a'\n"
    assert answers(home, "fish", program) == [
        "--resolved\tEvery setting, with what it means.",
        "a file.csv",
    ]
