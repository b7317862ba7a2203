"""The files in docs/deploy: they ask for what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nnguide.cli.serve import command

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "docs" / "deploy"


def test_the_light_image_has_the_tested_versions() -> None:
    tested = (TOP / "requirements.txt").read_text()
    blocks = re.split(r"\n(?=[a-z])", (DEPLOY / "requirements-light.txt").read_text())[1:]
    assert len(blocks) > 20
    for block in blocks:
        assert block.strip() in tested, block.split()[0]
    assert not any(block.startswith(("tensorflow", "keras", "torch")) for block in blocks)


@pytest.mark.parametrize("name", ["Containerfile", "compose.yaml", "nnguide.service"])
def test_options_are_those_of_serve(name: str) -> None:
    known = {word for parameter in command.params for word in parameter.opts}
    text = (DEPLOY / name).read_text()
    asked = {
        "Containerfile": re.findall(r'"(--[a-z-]+)', text),
        "compose.yaml": re.findall(r"- (--[a-z-]+)", text),
        "nnguide.service": re.findall(r" (--[a-z-]+) ", text.partition("[Service]")[2]),
    }[name]
    assert asked
    assert set(asked) <= known


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    unit = tmp_path / "nnguide.service"
    text = (DEPLOY / "nnguide.service").read_text()
    unit.write_text(text.replace("/opt/nnguide/bin/nnguide", "/bin/true"))

    def said(*words: str) -> str:
        ended = subprocess.run(
            ["systemd-analyze", *words, str(unit)], capture_output=True, text=True, timeout=300
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr

    assert "nnguide.service" not in said("verify")
    exposure = re.search(r"exposure level .*: (\d+\.\d)", said("security", "--offline=true"))
    assert float(exposure[1]) <= 2
