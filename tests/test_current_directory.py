"""A module that lies beside the user's data is never imported, in no process of ours."""

from __future__ import annotations

import re
import types
from pathlib import Path

import pytest

import nnguide
from nnguide.errors import WorkError

NAMES = ("random", "json", "string", "typing", "numpy", "click", "lime", "shap", "sitecustomize")


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with modules in it that leave a trace when they are imported."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("open('it_ran', 'w').write(__name__)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "it_ran"


def test_every_child_process_leaves_the_current_directory_out():
    for path in Path(nnguide.__file__).parent.rglob("*.py"):
        for words in re.findall(r"sys\.executable,([^\]\n]*)", path.read_text("utf-8")):
            assert words.split(",")[0].strip() == '"-P"', f"{path}: {words}"


def test_lime_and_shap_import_nothing_from_there(planted: Path):
    from nnguide.explain import subprocess_methods

    nothing = types.SimpleNamespace(folder="nowhere")
    for method in ("lime", "shap"):
        with pytest.raises(WorkError, match="there is no run"):
            subprocess_methods.weigh_all(nothing, method, ["hello"], [1], 0)
    assert not planted.exists()


def test_a_worker_of_a_search_imports_nothing_from_there(planted: Path, tmp_path: Path):
    chief = pytest.importorskip("nnguide.tuning.chief")
    worker = chief.LocalWorker(0, "spam", ("127.0.0.1", 1), [], tmp_path / "log", {})
    try:
        worker.process.stdin.close()  # it ends with the process that started it
        worker.process.wait(600)
    finally:
        worker.process.kill()
        worker.process.wait()
    assert not planted.exists()
