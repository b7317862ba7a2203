"""The scripts' own logic, with a Python and a pip that only pretend: no network, no waiting."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash") or "/bin/bash"
SCRIPTS = ("scripts/quickstart", "scripts/test", ".ci/run", "scripts/lib/environment.sh")

# Stands for a Python: a pretended `-m venv` and `-m pip`, which are written to calls.log, and real
# answers else. CAN_VENV=no plays a Debian without ensurepip, PIP_STATUS is pip's exit status.
PYTHON = """#!BASH
case "$1 ${2:-}" in
    "-m venv")
        echo venv >>"LOG"
        mkdir -p "$3/bin"
        cp "$0" "$3/bin/python"
        ;;
    "-m pip")
        echo "pip $*" >>"LOG"
        exit "${PIP_STATUS:-0}"
        ;;
    "-c import ensurepip, venv") [ "${CAN_VENV:-yes}" = yes ] ;;
    "-c import pip") ;;
    *) exec "REAL" "$@" ;;
esac
"""
OLD_PYTHON = f"#!{BASH}\nexit 1\n"


# Stands for the command: it writes down what it is asked; a training leaves what one leaves.
NNGUIDE = """#!BASH
echo "nnguide $*" >>"LOG"
[ "$1" = train ] || exit 0
while [ "$1" != --out ]; do shift; done
mkdir -p "$2"
echo '{"dataset": "a built-in set"}' | tee "$2/metrics.json" >"$2/manifest.json"
"""


class Checkout:
    """A folder with the scripts and a pretended python3 on its PATH, and nothing else."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.log = folder / "calls.log"
        self.log.touch()
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in ("bash", "dirname", "rm", "mkdir", "mv", "cp", "sed", "uname", "timeout"):
            (self.bin / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        for name in ("setup.cfg", "pyproject.toml", "requirements.txt", "requirements-dev.txt"):
            shutil.copy(ROOT / name, folder)

    def add_python(self, name: str = "python3", code: str = PYTHON) -> Path:
        python = self.bin / name
        for word, value in {"BASH": BASH, "LOG": self.log, "REAL": sys.executable}.items():
            code = code.replace(word, str(value))
        python.write_text(code)
        python.chmod(0o755)
        return python

    def prepare(self, extra: str = "", **variables: str) -> subprocess.CompletedProcess:
        """Source the library as the scripts do and prepare the environment."""
        code = f"""set -euo pipefail; ROOT="$PWD"; . scripts/lib/environment.sh
is_reachable() {{ false; }}
prepare_environment {extra}"""
        return subprocess.run(
            [BASH, "-c", code],
            cwd=self.folder,
            env={"PATH": str(self.bin), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def quickstart(self) -> subprocess.CompletedProcess:
        """Run scripts/quickstart, with a command that only pretends."""
        for tool in ("tee", "grep", "cat"):
            if not (self.bin / tool).exists():
                (self.bin / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        self.add_python("nnguide", NNGUIDE)
        return subprocess.run(
            [BASH, "scripts/quickstart"],
            cwd=self.folder,
            env={"PATH": str(self.bin)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def calls(self) -> list[str]:
        """What was called since the last time."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return lines

    def installs(self) -> list[str]:
        """What was asked of pip since the last time."""
        return [call for call in self.calls() if call.startswith("pip")]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS)
def test_bash_can_read_it(script):
    subprocess.run([BASH, "-n", str(ROOT / script)], check=True)


@pytest.mark.parametrize("script", ("scripts/quickstart", "scripts/test", ".ci/run"))
def test_it_can_be_run(script):
    assert os.access(ROOT / script, os.X_OK)


def test_without_a_python_it_says_what_to_install(checkout):
    checkout.add_python(code=OLD_PYTHON)

    result = checkout.prepare()

    assert result.returncode == 1
    assert "no Python 3.11, 3.12 or 3.13 found" in result.stderr
    assert "apt install python3 python3-venv" in result.stderr


def test_a_python_named_in_the_environment_must_be_one(checkout):
    checkout.add_python()

    result = checkout.prepare(PYTHON="/no/such/python")

    assert result.returncode == 1
    assert "PYTHON=/no/such/python is not a Python 3.11, 3.12 or 3.13" in result.stderr
    assert checkout.calls() == []


def test_an_older_python3_is_passed_over(checkout):
    checkout.add_python(code=OLD_PYTHON)
    checkout.add_python("python3.12")

    result = checkout.prepare()

    assert result.returncode == 0, result.stderr
    assert "making .venv with python3.12" in result.stdout


def test_without_venv_it_says_what_to_install(checkout):
    checkout.add_python()

    result = checkout.prepare(CAN_VENV="no")

    assert result.returncode == 1
    assert "lacks venv or ensurepip" in result.stderr
    assert "apt install python3-venv" in result.stderr
    assert not (checkout.folder / ".venv").exists()


def test_the_first_run_installs_the_tested_versions_and_the_second_nothing(checkout):
    checkout.add_python()

    first = checkout.prepare()
    assert first.returncode == 0, first.stderr
    venv, *installs = checkout.calls()
    assert venv == "venv"
    tools, needs, nnguide = installs
    for verified in (tools, needs):
        assert "--require-hashes --no-deps --no-build-isolation" in verified
    assert needs.endswith(f"--requirement {checkout.folder}/requirements.txt")
    assert nnguide.endswith(f"--no-deps --no-build-isolation --editable {checkout.folder}")
    pins = (checkout.folder / ".venv" / "pins.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in pins if "==" in line] == ["setuptools", "wheel"]
    assert sum("--hash=sha256:" in line for line in pins) == len(pins) - 2

    second = checkout.prepare(PIP_STATUS="1")
    assert second.returncode == 0, second.stderr
    assert "already installed" in second.stdout
    assert checkout.calls() == []


def test_the_tests_need_more_than_the_quickstart_and_not_the_other_way_round(checkout):
    checkout.add_python()
    checkout.prepare()
    assert not any("requirements-dev.txt" in call for call in checkout.installs())

    assert checkout.prepare("dev").returncode == 0
    assert any("requirements-dev.txt" in call for call in checkout.installs())

    assert checkout.prepare().returncode == 0
    assert checkout.prepare("dev").returncode == 0
    assert checkout.installs() == []


def test_a_change_of_what_is_asked_for_installs_again(checkout):
    checkout.add_python()
    checkout.prepare()
    checkout.calls()

    with (checkout.folder / "requirements.txt").open("a") as file:
        file.write("# another version\n")

    assert checkout.prepare().returncode == 0
    assert checkout.installs()


def test_an_installation_that_failed_is_finished_by_the_next_run(checkout):
    checkout.add_python()

    failed = checkout.prepare(PIP_STATUS="1")
    assert failed.returncode == 1
    assert "pip could not install" in failed.stderr
    assert "Run the same command again" in failed.stderr
    assert checkout.calls()[0] == "venv"

    assert checkout.prepare().returncode == 0
    assert {call.split()[0] for call in checkout.calls()} == {"pip"}


@pytest.mark.parametrize("damage", ("empty", "no interpreter", "broken interpreter", "a file"))
def test_a_half_made_environment_is_made_anew(checkout, damage):
    checkout.add_python()
    checkout.prepare()
    checkout.calls()
    environment = checkout.folder / ".venv"
    python = environment / "bin" / "python"
    if damage in ("empty", "a file"):
        shutil.rmtree(environment)
    if damage == "empty":
        environment.mkdir()
    elif damage == "a file":
        environment.touch()
    elif damage == "no interpreter":
        python.unlink()
    else:
        python.write_text(OLD_PYTHON)

    result = checkout.prepare()

    assert result.returncode == 0, result.stderr
    assert "it is made anew" in result.stdout
    venv, *installs = checkout.calls()
    assert venv == "venv" and installs


def test_the_quickstart_asks_the_shipped_networks_first_and_shadows_nothing(checkout):
    checkout.add_python()

    done = checkout.quickstart()

    assert done.returncode == 0, done.stderr
    asked = [call.split()[1:] for call in checkout.calls() if call.startswith("nnguide")]
    assert [words[:2] for words in asked[:2]] == [["predict", "digits"], ["predict", "spam"]]
    trained = [words for words in asked if words[0] == "train"]
    assert len(trained) == 2
    for words in trained:
        assert "saved_models" not in words[words.index("--out") + 1]
    assert asked[-1][:2] == ["predict", "quickstart/spam"]
    told = done.stdout[done.stdout.index("Look at") :]
    for said in ("http://localhost:8501", "docs/guide.md", "curves.png", ".venv/bin/activate"):
        assert said in told
    assert "a built-in set" in done.stdout

    again = checkout.quickstart()
    assert again.returncode == 0, again.stderr
    assert not any(call.startswith(("pip", "nnguide train")) for call in checkout.calls())


def test_what_pip_says_is_shown_when_it_fails_and_only_then(checkout):
    checkout.add_python(code=PYTHON.replace("exit ", "echo 'no such package' >&2; exit "))

    assert "no such package" not in (quiet := checkout.prepare()).stdout + quiet.stderr
    (checkout.folder / ".venv" / "nnguide-installed").unlink()
    assert "no such package" in checkout.prepare(PIP_STATUS="1").stderr
