"""Search for data sets by name or path.

A set is prepared where that is needed. A named set is looked for in the prepared cache, then in
NNGUIDE_DATA_DIR, then on the network. It is found or it is an error: nothing else takes its place,
except under "auto", which says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide.data.dataset_info import (
    ALL,
    AUTO,
    BY_NAME,
    KINDS,
    MEMORY,
    SPLITS,
    TRAIN_AND_TEST,
    Facts,
)
from nnguide.errors import ConfigError, DataError
from nnguide.files import expanded

if TYPE_CHECKING:
    from nnguide.config import Config
    from nnguide.data.examples import Examples


@dataclass(frozen=True)
class Source:
    """A data set that was found.

    Attributes:
        name: of the set, or the path as it was given.
        task: whose examples they are.
        is_fallback: "auto" had to take the built-in set.
        note: then one line for stderr: what was not found, what is used, what to do; else "".
        kinds: which kinds of text a named set holds; () for a path and for pictures.
        is_own: it is data of the user's own, a path or what a program holds.
    """

    name: str
    task: str
    read: Callable[[str], Examples] = field(repr=False, compare=False)
    is_fallback: bool = False
    note: str = ""
    kinds: tuple[str, ...] = ()
    is_own: bool = False

    @property
    def path(self) -> str | None:
        """Absolute path of a user's own data file; None for others."""
        if not self.is_own or self.name.startswith(MEMORY):
            return None
        return str(expanded(self.name).absolute())

    def load(self, split: str) -> Examples:
        """Return the split "train", "test" or "all".

        "all" is the first, then the second. Of a prepared set, "train" opens no file that holds
        anything of the test set.
        """
        if split not in SPLITS:
            raise ConfigError(f"a split is one of {', '.join(SPLITS)}; got {split!r}")
        return self.read(split)


def names(task: str | None = None) -> tuple[str, ...]:
    """Return the names of all data sets, or of one task's."""
    return tuple(facts.name for facts in ALL if task in (None, facts.task))


def find(
    task: str,
    dataset: str = "auto",
    *,
    split_seed: int = 0,
    label_column: str | None = None,
    text_column: str | None = None,
    encoding: str | None = None,
) -> Source:
    """Find `dataset` for `task`; prepare it if that is needed.

    Args:
        dataset: the name of a set, a path, or "auto": the real set, else the built-in one.
            Names joined by a plus, as in sms_spam+spamassassin, are one set, in which each text
            that stands in several of them is on one side, once.
        split_seed: from 0; divides a set that has no split of its own.
        label_column, text_column: of a table that has other columns than `label` and `text`.
        encoding: of a table that is not in UTF-8, as windows-1252.
    Raises:
        ConfigError: no such name or path, a set of another task, an argument that does not fit.
        DataError: the named set is not available, or what was found is damaged.
        WriteError: the cache folder cannot be written.
    """
    if split_seed < 0:
        raise ConfigError(f"data.split_seed is a whole number from 0; got {split_seed}")
    if dataset.startswith(MEMORY):
        raise DataError(
            f"{dataset} was in the memory of a Python program, which is gone. Give it again with "
            "data=, or other data: --dataset."
        )
    if dataset != "auto" and dataset not in BY_NAME and expanded(dataset).exists():
        return _at_path(task, dataset, split_seed, label_column, text_column, encoding)
    named = [_facts(name, task) for name in dataset.split("+")] if dataset != "auto" else []
    if label_column or text_column or encoding:
        raise ConfigError(
            f"--label-column, --text-column and --encoding are for a table; {dataset} is not one"
        )
    if named:
        return _joined(named, split_seed)
    if task not in AUTO:
        raise ConfigError(f"{task} has no data set of its own: give the path of one")
    from nnguide.data import download, preparation

    real, built_in = (BY_NAME[name] for name in AUTO[task])
    try:
        return _named(real, split_seed)
    except download.AbsentError as absent:
        note = (
            f"{real.name} was not found: {absent.reason}. Using the built-in {built_in.name} "
            f"instead, {built_in.title}. {preparation.advice(real)}"
        )
        return replace(_named(built_in, split_seed), is_fallback=True, note=note)


def hold(
    task: str,
    data: Any,
    *,
    split_seed: int = 0,
    label_column: str | None = None,
    text_column: str | None = None,
    encoding: str | None = None,
    labels: tuple[str, ...] | None = None,
) -> Source:
    """Return data of a program, or a named set, as a Source.

    `nnguide.data.memory` reads the first; names are as for `find`.

    Args:
        labels: in label order; None for those that data of the task has.
    Raises:
        InputError: data of another form, or that cannot be used. Others as `find`.
    """
    if isinstance(data, Source):
        return data
    if isinstance(data, (str, Path)):
        return find(
            task,
            str(data),
            split_seed=split_seed,
            label_column=label_column,
            text_column=text_column,
            encoding=encoding,
        )
    from nnguide import tasks
    from nnguide.data import memory

    chosen = tasks.get(task)
    if labels is None:
        labels = () if chosen.kind.any_labels else chosen.labels
    read, name = memory.reader(
        chosen.kind,
        labels,
        data,
        split_seed=split_seed,
        label_column=label_column,
        text_column=text_column,
        encoding=encoding,
    )
    return Source(name, task, read, is_own=True)


def of(config: Config) -> Source:
    """Return the data that a configuration names; raises as `find`."""
    return find(
        config.task,
        config.data.dataset,
        split_seed=config.data.split_seed,
        label_column=config.data.label_column or None,
        text_column=config.data.text_column or None,
        encoding=config.data.encoding or None,
    )


def prepare(name: str, manual_dir: Path | str | None = None) -> Path | None:
    """Prepare a set in the cache.

    The official files come from `manual_dir` if that is given. What is prepared already and intact
    stays; what is damaged is made again.

    Returns:
        The prepared folder; None for a set that is built in.
    Raises:
        As `find`.
    """
    facts = _facts(name)
    if facts.built_in:
        if manual_dir is not None:
            raise ConfigError(f"{name} is built in: it takes no --manual-dir")
        return None
    from nnguide.data import preparation

    files = None if manual_dir is None else expanded(manual_dir)
    if files is not None:
        preparation.check_manual(facts, files)
    return preparation.obtain(facts, 0, files)


def info(name: str) -> dict[str, Any]:
    """Return a set's description, origin, terms, flaws, state, and counts if prepared."""
    from nnguide.data import preparation, prepared

    facts = _facts(name)
    counts = None
    if facts.built_in:
        counts = {split: _built_in(facts, 0, split).counts() for split in TRAIN_AND_TEST}
    elif meta := prepared.read_meta(preparation.folder(facts, 0)):
        counts = meta["counts"]
    return {
        "name": facts.name,
        "task": facts.task,
        "description": facts.description,
        "origin": facts.origin,
        "terms": facts.terms,
        "labels": list(facts.labels),
        "flaws": list(facts.flaws),
        "built_in": facts.built_in,
        "state": state(name),
        "counts": counts,
        "files": [] if facts.built_in else list(preparation.module(facts).FILES),
    }


def state(name: str) -> str:
    """Return "built in", "prepared", "in NNGUIDE_DATA_DIR" or "not prepared"; reads no data."""
    facts = _facts(name)
    if facts.built_in:
        return "built in"
    from nnguide.data import preparation, prepared

    if prepared.read_meta(preparation.folder(facts, 0)):
        return "prepared"
    return "in NNGUIDE_DATA_DIR" if preparation.in_data_dir(facts) else "not prepared"


def _facts(name: str, task: str | None = None) -> Facts:
    """Return the facts of a set, one for `task` if given."""
    if name not in BY_NAME and _looks_like_a_path(name):
        raise ConfigError(
            f"no such file or folder: {name}. Expected a path, {'auto, ' if task else ''}or a data "
            f"set: {', '.join(names(task))}"
        )
    if name not in BY_NAME:
        import difflib

        known = names(task)
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"Did you mean {near[0]}? " if near else ""
        path = ", auto, or the path of a file or folder" if task else ""
        raise ConfigError(
            f"unknown data set {name!r}. {hint}Expected one of {', '.join(known)}{path}"
        )
    facts = BY_NAME[name]
    if task not in (None, facts.task):
        raise ConfigError(
            f"{name} is a data set for {facts.task}, not for {task}. "
            f"For {task}: {', '.join(names(task)) or 'a path'}"
        )
    return facts


def _looks_like_a_path(name: str) -> bool:
    """Return whether a name has a suffix or mark of a path."""
    first = name.replace("\\", "/").partition("/")[0]
    sets = {known.partition("/")[0] for known in BY_NAME}
    return bool(Path(name).suffix) or name[:1] in ".~/" or ("/" in name and first not in sets)


def _named(facts: Facts, split_seed: int) -> Source:
    from nnguide.data import preparation, prepared

    if facts.built_in:

        def read(split: str) -> Examples:
            return _built_in(facts, split_seed, split)

    else:
        target = preparation.folder(facts, split_seed)
        if prepared.read_meta(target) is None:
            preparation.obtain(facts, split_seed)

        def read(split: str) -> Examples:
            if split != "all":
                return prepared.load(target, split)
            return prepared.load(target, "train").join(prepared.load(target, "test"))

    return Source(facts.name, facts.task, read, kinds=facts.kinds)


def _joined(several: list[Facts], split_seed: int) -> Source:
    """Return several sets as one; a single one is itself."""
    if len(several) == 1:
        return _named(several[0], split_seed)
    names = [facts.name for facts in several]
    _check_apart(several, "+".join(names))
    from nnguide.data import joining, preparation, prepared

    sources = [_named(facts, split_seed) for facts in several]
    folders = [None if f.built_in else preparation.folder(f, split_seed) for f in several]
    target = joining.prepare(sources, folders, split_seed)
    kinds = tuple(kind for kind in KINDS if any(kind in facts.kinds for facts in several))

    def read(split: str) -> Examples:
        if split != "all":
            return prepared.load(target, split)
        return prepared.load(target, "train").join(prepared.load(target, "test"))

    return Source("+".join(names), several[0].task, read, kinds=kinds)


def _check_apart(several: list[Facts], listed: str) -> None:
    """Raise a ConfigError for sets of the same examples or several forms."""
    for place, facts in enumerate(several):
        for other in several[:place]:
            folders = facts.module == "enron_spam" and facts.variant and other.variant
            if facts.set == other.set and (facts.name == other.name or not folders):
                raise ConfigError(
                    f"{listed} joins a set with itself. Join different sets, as in "
                    "sms_spam+spamassassin."
                )
    if not several[0].kinds:
        raise ConfigError(f"{listed}: only sets of texts can be joined")


def kinds_of(source: Source, examples: Examples) -> tuple[str, ...]:
    """Return the kinds of text in examples; () for pictures.

    Of a user's own data, texts that were read from mail are mail, and texts that begin as those
    of a mail, with Subject:, where half of them do.
    """
    if source.kinds or not source.is_own:
        return source.kinds
    from nnguide import tasks

    return tasks.get(source.task).kind.learned_from(examples)


def known_kinds(dataset: str) -> tuple[str, ...]:
    """Return the kinds of text in named sets; () if unknown."""
    facts = [BY_NAME.get(name) for name in dataset.split("+")]
    if None in facts:
        return ()
    return tuple(kind for kind in KINDS if any(f is not None and kind in f.kinds for f in facts))


def _built_in(facts: Facts, split_seed: int, split: str) -> Examples:
    from nnguide.data import preparation, splits

    return splits.take(preparation.module(facts).load(), split, split_seed)


def _at_path(
    task: str,
    path: str,
    split_seed: int,
    label_column: str | None,
    text_column: str | None,
    encoding: str | None,
) -> Source:
    from nnguide import tasks
    from nnguide.files.reading import check_encoding

    place = expanded(path)
    check_encoding(encoding)
    known = tasks.get(task)

    def read(split: str) -> Examples:
        return known.kind.read(
            place,
            split,
            known.labels,
            split_seed=split_seed,
            label_column=label_column,
            text_column=text_column,
            encoding=encoding,
        )

    if text_column and not known.kind.takes_mail:
        raise ConfigError("--text-column is for tables of texts")
    return Source(path, task, read, is_own=True)
