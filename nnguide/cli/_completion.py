"""Shell completion of commands, options and their values.

It imports little, because it runs at each Tab.

click knows commands, options and choices; here are tasks, runs, presets, data sets and settings.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from nnguide import tasks

# Bash cuts words at = and : and puts back only what follows; click's own script does not know that.
_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' reply word kept
    reply=$(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" %(complete_var)s=bash_complete $1)
    word="${COMP_LINE:0:COMP_POINT}"; word="${word##* }"
    kept="${word%%"${word##*[=:]}"}"
    COMPREPLY=()
    for completion in $reply; do
        local type="${completion%%%%,*}" value="${completion#*,}"
        case "$type" in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            plain)
                [[ "$value" == *= ]] && compopt -o nospace 2>/dev/null
                COMPREPLY+=("${value#"$kept"}") ;;
        esac
    done
    return 0
}
complete -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    """Bash completion that receives the whole line.

    Bash's own splitting at = then does not matter.
    """

    source_template = _BASH

    @staticmethod
    def _check_version() -> None:
        """Do nothing: every bash works.

        Asking for its version would start another process.
        """

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"].encode()[: int(os.environ["COMP_POINT"])].decode()
        words = click.shell_completion.split_arg_string(line)
        ended = not line or line[-1].isspace()
        return (words[1:], "") if ended else (words[1:-1], words[-1] if words else "")


def install(command: click.Command) -> None:
    """Add completion to the parameters of a command and its subcommands."""
    for parameter in command.params:
        complete = _COMPLETERS.get(parameter.opts[0])
        if isinstance(parameter, click.Argument):
            complete = _ARGUMENTS.get(str(parameter.metavar).strip("[]."))
        if complete is not None:
            parameter._custom_shell_complete = complete
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            install(inner)


def ready() -> None:
    """Replace click's bash completion by this module's."""
    add_completion_class(_Bash, "bash")


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _tasks(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _items(tasks.names(), incomplete)


def _runs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete tasks, runs and folders.

    The runs are those under saved_models and below the folder that is typed.
    """
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    places = dict.fromkeys((Path("saved_models/runs"), Path("saved_models"), folder))
    folders = [str(path.parent) for place in places for path in _manifests(place)]
    names = dict.fromkeys([*tasks.names(), *folders])
    return [*_items(names, incomplete), CompletionItem(incomplete, type="dir")]


def _manifests(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*/manifest.json"))
    except OSError:
        return []


def _presets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from nnguide.config import presets

    return _items([n for task in _asked() for n in presets.names(task)], incomplete)


def _datasets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from nnguide.data.dataset_info import ALL

    before, plus = incomplete.rpartition("+")[:2]
    names = [facts.name for facts in ALL if facts.task in _asked()]
    known = [f"{before}{plus}{name}" for name in (names if plus else ["auto", *names])]
    return [*_items(known, incomplete), CompletionItem(incomplete, type="file")]


def _settings(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete settings: keys that end in =, then their values.

    Keys have their meaning; values are listed where they can be.
    """
    from nnguide.config.values import flat

    key, equals, _typed = incomplete.partition("=")
    items: dict[str, CompletionItem] = {}
    for task in _asked():
        chosen = tasks.get(task)
        for kind in chosen.models:
            config = chosen.defaults.merge({"model": {"kind": kind}})
            if equals:
                if key not in flat(config.to_dict()):
                    continue
                for value in _values(config, key, list(chosen.models)):
                    items[value] = CompletionItem(f"{key}={value}")
                continue
            for row in config.describe():
                if row.name.startswith(incomplete):
                    items[row.name] = CompletionItem(f"{row.name}=", help=row.meaning)
    return [item for item in items.values() if str(item.value).startswith(incomplete)]


def _values(config: Any, key: str, kinds: Sequence[str]) -> list[str]:
    """Return the values of a setting that takes one of a few."""
    if key == "model.kind":
        return list(kinds)
    [takes] = [row.takes for row in config.describe() if row.name == key] or [""]
    if takes == "true or false":
        return ["true", "false"]
    words = takes.split(", ")
    return words if len(words) > 1 and all(word.isidentifier() for word in words) else []


def _asked() -> list[str]:
    """Return the task that the line names, or every task.

    click has no task while an option waits for its value.
    """
    words = (os.environ.get("COMP_LINE") or os.environ.get("COMP_WORDS", "")).split()
    return [name for name in tasks.names() if name in words] or list(tasks.names())


_ARGUMENTS = {"TASK": _tasks, "RUN": _runs, "RUN|TASK": _runs, "A": _runs, "B": _runs}
_COMPLETERS = {
    "--preset": _presets,
    "--dataset": _datasets,
    "--set": _settings,
    "--from": _runs,
}
