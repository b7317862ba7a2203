"""A lesson's state as Python code that gives the same numbers.

It is the very code that ran.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from nnguide.learn.lesson import Lesson, State, arguments


def as_python(lesson: Lesson, state: State) -> str:
    """Return Python lines that compute each number of a state.

    The variables have the names on the page.
    """
    numbers, training = lesson.numbers, lesson.training
    functions = [training.begin, training.update] if training else []
    module = sys.modules[numbers.__module__]
    code = [*_needs(module, [numbers, *functions])]
    code += [inspect.getsource(function) for function in functions]
    used = arguments(numbers, state)
    lines = [f"{name} = {value!r}" for name, value in used.items()]
    if training:
        call = ", ".join(f"{k}={v!r}" for k, v in arguments(training.begin, state).items())
        lines += [
            f"run = {training.begin.__name__}({call})",
            f"for _ in range({state['step']}):",
            f"    {training.update.__name__}(run)",
        ]
    return "\n\n".join([*code, "\n".join(lines), _body(numbers)]).replace("\n\n\n", "\n\n") + "\n"


def names(lesson: Lesson) -> list[str]:
    """Return the variables that a lesson's Python defines."""
    end = _function(lesson.numbers).body[-1]
    assert isinstance(end, ast.Return) and isinstance(end.value, ast.Call)
    return [str(keyword.arg) for keyword in end.value.keywords]


def _function(function: Callable[..., Any]) -> ast.FunctionDef:
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


def _body(function: Callable[..., Any]) -> str:
    """Return a function's lines between its docstring and its return.

    The variables that the return sets are added.
    """
    tree = _function(function)
    source = textwrap.dedent(inspect.getsource(function)).splitlines()
    first = tree.body[1] if ast.get_docstring(tree) else tree.body[0]
    last = tree.body[-1]
    assert isinstance(last, ast.Return) and isinstance(last.value, ast.Call)
    lines = textwrap.dedent("\n".join(source[first.lineno - 1 : last.lineno - 1]))
    for keyword in last.value.keywords:
        if ast.unparse(keyword.value) != keyword.arg:
            lines += f"\n{keyword.arg} = {ast.unparse(keyword.value)}"
    return lines.strip("\n")


def _needs(module: ModuleType, functions: list[Callable[..., Any]]) -> Iterator[str]:
    """Yield the code of a module that some functions need.

    It is the imports, constants and functions that the body of the first function uses, and the
    whole of the others.
    """
    source = inspect.getsource(module)
    tree = ast.parse(source)
    own = {function.__name__ for function in functions}
    defined: dict[str, ast.stmt] = {}
    for node in tree.body:
        defined |= dict.fromkeys(_bound(node), node)
    body, *whole = (_function(function) for function in functions)
    wanted = {name for node in [*body.body, *whole] for name in _used(node)}
    needed: set[ast.stmt] = set()
    while wanted:
        name = wanted.pop()
        if name not in defined or name in own or (node := defined[name]) in needed:
            continue
        needed.add(node)
        if not isinstance(node, ast.Import | ast.ImportFrom):
            wanted |= set(_used(node))
    imports: list[str] = []
    others: list[str] = []
    for node in tree.body:
        if node in needed:
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            (imports if is_import else others).append(_source(source, node))
    yield "\n".join(["from __future__ import annotations", "", *imports])
    yield from others


def _source(source: str, node: ast.stmt) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _used(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
