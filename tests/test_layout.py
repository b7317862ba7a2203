"""Imports point one way, and what the command line needs before work begins is light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nnguide

PACKAGE = Path(nnguide.__file__).parent
HEAVY = "tensorflow keras sklearn matplotlib torch tensorflow_datasets keras_tuner PIL numpy"


def test_nothing_heavy_is_imported_before_work_begins() -> None:
    """The names, defaults and help of everything, in one fresh process."""
    code = f"""
import importlib, pkgutil, sys
import nnguide, nnguide.config.presets, nnguide.data, nnguide.logs, nnguide.runs
from nnguide import cli, tasks
for name in tasks.names():
    assert tasks.get(name).defaults.task == name
for module in pkgutil.iter_modules(cli.__path__):
    importlib.import_module("nnguide.cli." + module.name)
print(*sorted(set("{HEAVY}".split()) & set(sys.modules)))
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == []


def test_a_message_is_judged_without_what_reads_files_or_prepares_data() -> None:
    """By the light form: what else a command can do is imported when it is asked for."""
    code = """
import sys
from nnguide import cli
try:
    cli.main(["predict", "spam", "see you at noon", "--no-feedback"])
finally:
    print(*sys.modules, file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.endswith("\tsee you at noon\n"), ended.stderr
    needless = {"difflib", "gzip", "jinja2", "keras", "matplotlib", "PIL", "rich", "tensorflow"}
    needless |= {f"nnguide.data.{name}" for name in ("tables", "preparation", "prepared")}
    assert needless & set(ended.stderr.split()) == set()


# The rooms of the house, in order: a room imports only from those before it.
# Data comes after the tasks, which say how a user's own data is read, and after preprocessing,
# because to read a picture is to decode it; inference before models, because it answers with NumPy
# alone; training after evaluation, the doctor and export, because a training measures and checks
# what it makes.
ORDER = (
    *("errors", "files", "logs", "pages", "config", "tasks", "preprocessing", "data"),
    *("inference", "models", "runs", "feedback", "evaluation", "doctor", "explain", "export"),
    *("training", "audit", "serving", "tuning", "sklearn", "blueprints", "learn", "cli"),
    "__main__",
)
# A task and the record of a kind of input are loaded by name: they know every room, and no room
# knows them.
BY_NAME = re.compile(r"nnguide\.tasks\.(kinds\.)?(?!kinds$)\w+$")


def origin(path: Path, node: ast.ImportFrom) -> str:
    """The module that an import takes names from, also where it goes by its place."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(PACKAGE.parent).parts[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def imported(path: Path) -> Iterator[str]:
    """The modules of nnguide that a file imports, at its top or inside a function.

    Imports under TYPE_CHECKING name types and import nothing.
    """
    body: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while body:
        node = body.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = origin(path, node)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            body += node.orelse
        else:
            body += ast.iter_child_nodes(node)


def graph() -> dict[str, set[str]]:
    """Module -> the modules of nnguide that it imports; the root module left out."""
    files = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in PACKAGE.rglob("*.py")
    }
    files.pop("nnguide")
    return {name: set(imported(path)) & files.keys() - {name} for name, path in files.items()}


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_room_has_its_place() -> None:
    assert {room(name) for name in graph()} == set(ORDER)


def test_no_module_imports_itself_by_a_detour() -> None:
    """A module may import its package's own names; otherwise imports form no circle."""
    edges = {
        name: {other for other in others if not name.startswith(f"{other}.")}
        for name, others in graph().items()
    }
    while leaves := {name for name, others in edges.items() if not others & edges.keys()}:
        edges = {name: others for name, others in edges.items() if name not in leaves}
    assert edges == {}


def test_imports_point_one_way() -> None:
    """A room imports only from the rooms before it, inside functions too."""
    wrong = [
        f"{name} imports {other}"
        for name, others in graph().items()
        for other in sorted(others)
        if BY_NAME.match(other)
        or (ORDER.index(room(other)) > ORDER.index(room(name)) and not BY_NAME.match(name))
    ]
    assert wrong == []


def test_blueprints_import_no_keras_model() -> None:
    """What is built by hand needs no training and no task but to save itself as a run."""
    for name, others in graph().items():
        if room(name) == "blueprints" and name != "nnguide.blueprints.save_run":
            assert not {room(other) for other in others} & {"training", "models", "tasks"}, name


def test_a_file_is_read_in_one_sitting() -> None:
    long = {path.name: n for path in PACKAGE.rglob("*.py") if (n := lines(path)) > 400}
    assert long == {}


KINDS = {"pictures", "texts", "numbers"}


def kinds_named_in(node: ast.AST) -> set[object]:
    """The kinds of input that a comparison or a mapping goes by."""
    if isinstance(node, ast.Compare):
        compared = [node.left, *node.comparators]
        nodes = [inner for one in compared for inner in (one, *getattr(one, "elts", ()))]
    elif isinstance(node, ast.Dict) and len(node.keys) > 1:
        nodes = [key for key in node.keys if key is not None]
    elif isinstance(node, ast.MatchValue):
        nodes = [node.value]
    else:
        return set()
    names = {one.value for one in nodes if isinstance(one, ast.Constant)} & KINDS
    return names if not isinstance(node, ast.Dict) or len(names) > 1 else set()


def test_nobody_asks_which_kind_of_input_it_is() -> None:
    """What differs is in the kind's record, so a task of any kind works everywhere."""
    asked = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}"  # type: ignore[attr-defined]
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "kinds"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if kinds_named_in(node)
        or (isinstance(node, ast.Compare) and "task.inputs" in ast.unparse(node))
    }
    assert asked == set()


def test_csv_is_read_and_written_in_one_place() -> None:
    users = [path.name for path in PACKAGE.rglob("*.py") if "csv" in imported(path)]
    assert users == ["csv_rows.py"]


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_variables_are_called_what_they_are() -> None:
    """Words that fit whatever a function has at hand say nothing of what it is."""
    vague = {"found", "given", "tell", "told", "one", "said"}
    assigned = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {name}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        if (name := node.arg if isinstance(node, ast.arg) else node.id) in vague
    }
    assert assigned == set()


def test_no_two_files_of_tests_share_a_name() -> None:
    """pytest imports them by name alone, and leaves the second one out."""
    names = [path.name for path in (PACKAGE.parent / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
