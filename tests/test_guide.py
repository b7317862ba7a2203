"""docs/guide.md: its commands run, and its outputs are what they print today."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_docs import resolve

from nnguide.runs import Run

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")
ROUNDING = 1e-9  # how nearly two ways agree differs from machine to machine
# A training amplifies the rounding of its processor: its figures are of this size. What a command
# calculates without a training is the same everywhere.
TRAINED, CALCULATED = 0.3, 0.01
CALCULATES = {"neuron", "activations", "linear", "trace", "losses"}

FIGURES = runpy.run_path(str(ROOT / "scripts" / "figures"))
BLOCKS = list(FIGURES["blocks"](GUIDE))
SHOWN = [block for block in BLOCKS if block.output is not None]


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in but for the picture of a digit; no data folder, no network."""
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "digit.png", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NNGUIDE_OFFLINE", "1")
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    return tmp_path


def same(found: str, said: str, nearly: float = TRAINED) -> None:
    """Hold an output to the guide: the same words, and numbers as near as their share."""

    def words(text: str) -> str:
        return " ".join(NUMBER.sub("0", text).split())

    def numbers(text: str) -> list[float]:
        return [float(number.replace(",", "")) for number in NUMBER.findall(text)]

    assert words(found) == words(said)
    assert numbers(found) == pytest.approx(numbers(said), rel=nearly, abs=ROUNDING)


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.commands[0].split()[2])
def test_the_outputs_are_what_the_commands_print(block: Any, alone: Path) -> None:
    if "PyTorch" in block.output:
        pytest.importorskip("torch")
    printed = FIGURES["trimmed"](FIGURES["printed"](block.commands), block.output)
    experiments = {command.split()[2] for command in block.commands}
    same(printed, block.output, CALCULATED if experiments <= CALCULATES else TRAINED)
    for name, made in block.pictures:
        assert (alone / made).stat().st_size > 10_000, name


def test_every_picture_is_made_by_a_command_and_small() -> None:
    made = {name for block in BLOCKS for name, _ in block.pictures}
    assert made == set(re.findall(r"\(figures/(\w+\.png)\)", GUIDE))
    for name in made:
        assert 5_000 < (ROOT / "docs" / "figures" / name).stat().st_size < 100_000
    assert made <= {path.name for path in (ROOT / "docs" / "figures").iterdir()}


def test_scripts_figures_writes_the_guide_and_its_pictures(alone: Path) -> None:
    FIGURES["main"](["linear.png", "scaling", "--out", str(alone / "out")])
    same((alone / "out" / "guide.md").read_text("utf-8"), GUIDE)
    (picture,) = (alone / "out" / "figures").iterdir()
    assert picture.name == "linear.png" and picture.stat().st_size < 100_000
    with pytest.raises(SystemExit, match="no command of the guide"):
        FIGURES["main"](["nothing of the kind"])


def test_a_trimmed_output_keeps_its_ends() -> None:
    assert FIGURES["trimmed"]("a\nb\nc\nd\n", "x\n…\ny\nz\n") == "a\n…\nc\nd\n"
    assert FIGURES["trimmed"]("a\nb\n", "x\n…\n") == "a\n…\n"
    assert FIGURES["trimmed"]("a\nb\n", "") == "a\nb\n"


def test_every_file_that_is_named_exists() -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", GUIDE)]
    for link in filter(None, links):
        assert (ROOT / "docs" / link).exists(), link
    for path in re.findall(r"`((?:nnguide|tests|scripts)/[\w/.]+)", GUIDE):
        assert (ROOT / path).exists(), path
    headings = re.findall(r"^## (.+)$", GUIDE, re.MULTILINE)
    for anchor in re.findall(r"\]\(#([^)]+)\)", GUIDE):
        assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}


def test_every_command_named_in_a_line_exists() -> None:
    for command in re.findall(r"`nnguide ([^`\n]+)`", GUIDE):
        resolve(shlex.split(command))


def serve() -> None:
    """Run the Python of the guide that asks the run it trained before, `my-digits`."""
    names: dict[str, Any] = {}
    for source in re.findall(r"```py\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(source, "guide.md", "exec"), names)
    assert names["run"].folder.name == "my-digits"
    assert names["model"].count_params() > 0


def test_a_run_is_served_from_python(alone: Path, trained: Callable[[str], Run]) -> None:
    shutil.copytree(trained("digits").folder, alone / "my-digits")
    serve()


@pytest.mark.slow
def test_every_command_runs_in_the_order_of_the_guide(alone: Path) -> None:
    pytest.importorskip("torch")
    for block in BLOCKS:
        FIGURES["printed"](block.commands)
    serve()


def test_the_guide_quotes_the_whole_network() -> None:
    source = (ROOT / "nnguide" / "blueprints" / "network.py").read_text("utf-8")
    assert f"```python\n{source}```\n" in GUIDE


def test_the_reading_order_names_files_that_exist() -> None:
    folder = ROOT / "nnguide" / "blueprints"
    links = re.findall(r"\]\(([^)#]+)\)", (folder / "README.md").read_text("utf-8"))
    for link in links:
        assert link.startswith("http") or (folder / link).exists(), link
    here = {path.name for path in folder.glob("*.py")} - {"__init__.py", "canvas.py", "twins.py"}
    assert here <= set(links)
