"""The documentation as a site and as notebooks: made from docs/*.md, whole, without a request."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = runpy.run_path(str(ROOT / "scripts" / "docs"))
NOTEBOOKS = runpy.run_path(str(ROOT / "scripts" / "notebooks"))
GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
SHOWN = [dict(DOCS["TAB"].findall(group[0])) for group in DOCS["TABS"].finditer(GUIDE)]


def test_each_idea_is_shown_in_three_frameworks() -> None:
    assert len(SHOWN) >= 8
    assert all(list(group) == ["numpy", "torch", "keras"] for group in SHOWN)
    assert len(re.findall("^```python (?:numpy|torch|keras)$", GUIDE, re.M)) == 3 * len(SHOWN)


@pytest.mark.parametrize("group", SHOWN, ids=range(len(SHOWN)))
def test_three_frameworks_print_the_same_numbers(group: dict[str, str]) -> None:
    pytest.importorskip("torch")
    printed = {}
    for name, source in group.items():
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(source, name, "exec"), {})
        printed[name] = [float(number) for number in NUMBER.findall(out.getvalue())]
    assert printed["numpy"]
    assert printed["torch"] == pytest.approx(printed["numpy"], rel=1e-3, abs=1e-5)
    assert printed["keras"] == pytest.approx(printed["numpy"], rel=1e-3, abs=1e-5)


def test_blocks_of_several_frameworks_become_tabs_and_others_stay() -> None:
    numpy, torch = "```python numpy\na = 1\n```\n", "```python torch\nb = 2\n```\n"
    made = DOCS["tabbed"](f"Before.\n\n{numpy}\n{torch}\nAfter.\n")
    assert made.startswith("Before.\n\n::::{tab-set}\n")
    assert made.endswith("::::\n\nAfter.\n")
    assert re.findall(r":::\{tab-item\} (\w+)", made) == ["NumPy", "PyTorch"]
    assert re.findall(r"```python\n(.*)\n", made) == ["a = 1", "b = 2"]
    alone = f"Before.\n\n{numpy}\nBetween.\n\n```python\nc\n```\n"
    assert DOCS["tabbed"](alone) == alone


def test_a_number_in_a_table_stays_beside_its_sign() -> None:
    text = "99.5 % of 3\n| a | 99.02 ± 0.06 % | ≥ 99.05 % |\n```text\n| 5 % |\n```\n"
    assert DOCS["bound"]("| 99.02 ± 0.06 % | ≥ 5 |") == "| 99.02\xa0±\xa00.06\xa0% | ≥\xa05 |"
    assert DOCS["bound"](text).startswith("99.5 % of 3\n| a | 99.02\xa0±")
    assert DOCS["Pages"](ROOT).linked(text, "docs/a.md", "a").endswith("\n| 5 % |\n```\n")


def test_a_link_leads_to_a_page_of_the_site(tmp_path: Path) -> None:
    pages = DOCS["Pages"](tmp_path)
    text = (
        "[a](runs.md#resuming) [b](../nnguide/errors.py) [c](https://example.org/x.md) "
        "[d](../CHANGELOG.md) ![e](figures/moons.png) [f](#here)\n\n```md\n[g](runs.md)\n```\n"
    )
    assert pages.linked(text, "docs/guide.md", "guide") == (
        "[a](runs.md#resuming) [b](source/nnguide/errors.py.md) [c](https://example.org/x.md) "
        "[d](CHANGELOG.md) ![e](figures/moons.png) [f](#here)\n\n```md\n[g](runs.md)\n```\n"
    )
    assert pages.shown == {"nnguide/errors.py"}
    assert pages.linked("[a](../mail.md)", "docs/notebooks/mail.md", "notebooks/mail") == (
        "[a](../mail.md)"
    )
    with pytest.raises(SystemExit, match=r"docs/guide\.md: \.\./nothing\.py does not exist"):
        pages.linked("[a](../nothing.py)", "docs/guide.md", "guide")


def test_a_dead_link_and_a_request_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.html").write_text(
        '<p id="here"><a href="../two.html#there">x</a><a href="#here">y</a>'
        '<a href="https://example.org">z</a><a href="../two.html#nowhere">w</a>'
    )
    (tmp_path / "two.html").write_text(
        '<p id="there"><a href="none.html">x</a><img src="https://example.org/a.png">'
    )
    assert DOCS["dead_links"](tmp_path) == [
        "a/one.html: ../two.html#nowhere leads nowhere",
        "two.html: loads https://example.org/a.png",
        "two.html: none.html leads nowhere",
    ]


def test_the_site_builds_without_a_warning_or_a_dead_link(tmp_path: Path, capfd) -> None:
    for name in ("sphinx", "furo", "myst_parser", "sphinx_design", "jupytext"):
        pytest.importorskip(name, reason="needs the extra docs")
    site = tmp_path / "site"
    status = DOCS["build"](site, "someone/nnguide")
    assert (status, capfd.readouterr().err) == (0, "")
    guide = (site / "guide.html").read_text("utf-8")
    assert guide.count('class="sd-tab-set') == len(SHOWN)
    assert "https://colab.research.google.com/github/someone/nnguide/blob/gh-pages" in guide
    assert (site / "source" / "nnguide" / "blueprints" / "network.py.html").exists()
    assert "backpropag" in (site / "searchindex.js").read_text("utf-8")
    for name in NOTEBOOKS["ORDER"]:
        assert (site / "notebooks" / f"{name}.ipynb").exists()


def test_a_folder_that_holds_something_else_stays(tmp_path: Path, capsys) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert DOCS["main"](["--out", str(tmp_path)]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("name", NOTEBOOKS["ORDER"])
def test_a_notebook_has_the_cells_of_its_page(name: str) -> None:
    pytest.importorskip("jupytext", reason="needs the extra docs")
    import nbformat

    made = NOTEBOOKS["notebook"](name, "someone/nnguide")
    nbformat.validate(made)
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert "git+https://github.com/someone/nnguide" in code[0]
    assert "git+" not in str(NOTEBOOKS["notebook"](name))
    for source in code:
        plain = re.sub(r"^( *)([!%])(.*)$", r"\1pass", source, flags=re.MULTILINE)
        ast.parse(plain)
        assert "```" not in source
    prose = "".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    assert not re.search(r"^```(?:python|sh|text)", prose, re.MULTILINE)
    assert not re.search(r"\]\((?!https?:)", prose)
    commands = [line for source in code for line in source.splitlines() if line[:1] == "!"]
    page = NOTEBOOKS["page"](name).read_text("utf-8").replace("\\\n", " ")
    written = "".join(re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert [line[1:].split() for line in commands] == [
        line.split() for line in written.splitlines()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS["ORDER"])
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("jupytext", "nbclient", "ipykernel", "torch"):
        pytest.importorskip(needed, reason="needs the extras docs and torch")
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NNGUIDE_OFFLINE", "1")
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    made = NOTEBOOKS["execute"](NOTEBOOKS["notebook"](name), tmp_path)
    outputs = [output for cell in made.cells for output in cell.get("outputs", ())]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]
