"""Shell completion of commands, options and their values.

It imports little, because it runs at each Tab.

click knows commands, options and choices; here are tasks, runs, presets, data sets and settings.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from nnguide import tasks

# A shell sends what stands before the cursor and gets lines of three fields, cut by tabs: `plain`,
# what the typed word may become, and its meaning; or `file` or `dir`, where the shell completes
# names itself, and what of the word stands before such a name. click's own scripts cut a meaning at
# its first comma, lose the `--option=` before a value and put a space after `key=`.
_BASH = """\
%(complete_func)s() {
    local line type value
    COMPREPLY=()
    while IFS= read -r line; do
        IFS=$'\\t' read -r type value _ <<< "$line"
        case "$type" in
            dir) compopt -o plusdirs 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            plain)
                [[ "$value" == *= ]] && compopt -o nospace 2>/dev/null
                COMPREPLY+=("${line#*$'\\t'}") ;;
        esac
    done < <(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" %(complete_var)s=bash_complete $1)
    return 0
}
complete -F %(complete_func)s %(prog_name)s
"""
_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local line type value meaning before
    local -a fields keys values paths
    for line in "${(@f)$(COMP_WORDS="${(F)${(@Q)words[1,CURRENT-1]}}" COMP_CWORD="${(Q)PREFIX}" \
        %(complete_var)s=zsh_complete $words[1])}"; do
        fields=("${(@s:\t:)line}")
        type=$fields[1] value=$fields[2] meaning=$fields[3]
        case $type in
            dir) paths=(-/) before=$value ;;
            file) paths=(-f) before=$value ;;
            plain)
                value="${value//:/\\:}${meaning:+:$meaning}"
                if [[ $fields[2] == *= ]]; then keys+=("$value"); else values+=("$value"); fi ;;
        esac
    done
    (( $#keys )) && _describe -V %(prog_name)s keys -S ''
    (( $#values )) && _describe -V %(prog_name)s values
    (( $#paths )) && compset -P "${(b)before}" && _path_files $paths
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""
_FISH = """\
function %(complete_func)s
    set -l words (commandline -opc)
    set -lx COMP_WORDS (string join \\n -- $words | string collect)
    set -lx COMP_CWORD (string unescape -- (commandline -ct))
    set -lx %(complete_var)s fish_complete
    for line in ($words[1])
        set -l fields (string split \\t -- $line)
        set -l start (math (string length -- "$fields[2]") + 1)
        switch $fields[1]
            case dir
                for path in (__fish_complete_directories (string sub -s $start -- "$COMP_CWORD"))
                    echo $fields[2]$path
                end
            case file
                for path in (__fish_complete_path (string sub -s $start -- "$COMP_CWORD"))
                    echo $fields[2]$path
                end
            case plain
                string join \\t -- $fields[2..]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""
_SPECIAL = re.compile(r"[^\w@%+=:,./-]")  # characters that a shell does not take as they are


def _typed() -> str:
    """Return the line before the cursor, of bash."""
    line = os.environ["COMP_LINE"].encode("utf-8", "surrogateescape")
    return line[: int(os.environ["COMP_POINT"])].decode("utf-8", "replace")


def _in_quotes(line: str) -> bool:
    try:
        shlex.split(line)
    except ValueError:
        return True
    return False


class _Shell(ShellComplete):
    """Completion by whole words, whatever the shell makes of them."""

    def get_completion_args(self) -> tuple[list[str], str]:
        return os.environ["COMP_WORDS"].split("\n")[1:], os.environ["COMP_CWORD"]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        items = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        before = option + equals if equals and option.startswith("-") else ""
        for item in items:
            item.value = before + (item.value if item.type == "plain" else item.before or "")
        return [item for item in items if item.value.isprintable()]

    def format_completion(self, item: CompletionItem) -> str:
        meaning = " ".join((item.help or "").split())
        return f"{item.type}\t{item.value}\t{meaning}" if meaning else f"{item.type}\t{item.value}"


class _Bash(_Shell, BashComplete):
    """Completion for bash, which receives the whole line.

    Bash cuts words at = and : and puts back only what follows, and takes what it puts back as it
    is: what needs a backslash has one.
    """

    source_template = _BASH

    @staticmethod
    def _check_version() -> None:
        """Do nothing: every bash works.

        Asking for its version would start another process.
        """

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(_typed())
        if len(split_arg_string(f"{_typed()}_")) > len(words):  # the next letter begins a word
            words.append("")
        return words[1:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        items = super().get_completions(args, incomplete)
        kept = incomplete[: max(incomplete.rfind("="), incomplete.rfind(":")) + 1]
        for item in items:
            if item.type == "plain" and not _in_quotes(_typed()):
                item.value = _SPECIAL.sub(r"\\\g<0>", item.value.removeprefix(kept))
        return items

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type}\t{item.value}"


class _Zsh(_Shell, ZshComplete):
    """Completion for zsh."""

    source_template = _ZSH


class _Fish(_Shell, FishComplete):
    """Completion for fish."""

    source_template = _FISH


def install(command: click.Command) -> None:
    """Add completion to the parameters of a command and its subcommands."""
    for parameter in command.params:
        complete = _COMPLETERS.get(parameter.opts[0])
        if isinstance(parameter, click.Argument):
            shown = (parameter.metavar or parameter.name or "").removesuffix("...")
            complete = _ARGUMENTS.get(shown) or _ARGUMENTS.get(shown.strip("[]"))
        if complete is not None:
            parameter._custom_shell_complete = complete
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            install(inner)


def ready() -> None:
    """Replace click's completion by this module's."""
    for shell in (_Bash, _Zsh, _Fish):
        add_completion_class(shell)


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
    return [*_items(names, incomplete), CompletionItem("", type="dir")]


def _manifests(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*/manifest.json"))
    except OSError:
        return []


def _presets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from nnguide.config import presets

    known = dict.fromkeys(name for task in _asked() for name in presets.names(task))
    return _items(known, incomplete)


def _datasets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from nnguide.data.dataset_info import ALL

    before, plus = incomplete.rpartition("+")[:2]
    names = [facts.name for facts in ALL if facts.task in _asked()]
    known = [f"{before}{plus}{name}" for name in (names if plus else ["auto", *names])]
    return [*_items(known, incomplete), CompletionItem("", type="file", before=before + plus)]


def _served(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete runs, each perhaps after a name of its own."""
    name, equals, typed = incomplete.rpartition("=")
    items = _runs(ctx, _, typed)
    return [
        CompletionItem(name + equals + item.value, type=item.type, before=name + equals)
        for item in items
    ]


def _models(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [*_runs(ctx, _, incomplete), *_files(ctx, _, incomplete)]


def _files(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem("", type="file")]


def _pages(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from nnguide.cli.docs import PAGES

    return _items(sorted(path.stem.lower() for path in PAGES.glob("*.md")), incomplete)


def _commands(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the words of a command, for `nnguide help`."""
    command: click.Command | None = ctx.find_root().command
    for word in ctx.params.get("names") or ():
        if isinstance(command, click.Group):
            command = command.get_command(ctx, word)
    return (
        _items(command.list_commands(ctx), incomplete) if isinstance(command, click.Group) else []
    )


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


_ARGUMENTS = {  # by their metavar, or their name where they have none
    "TASK": _tasks,
    "RUN": _runs,
    "RUN|TASK": _runs,
    "A": _runs,
    "B": _runs,
    "[NAME=]PATH": _served,
    "MODEL": _models,
    "INPUT": _files,
    "PAGE": _pages,
    "COMMAND": _commands,
    "name": _datasets,
    "run": _runs,
}
_COMPLETERS = {
    "--preset": _presets,
    "--dataset": _datasets,
    "--data": _datasets,
    "--set": _settings,
    "--from": _runs,
    "--run": _runs,
}
