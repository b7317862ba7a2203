"""Answers to a data set of any size, in one file.

Memory is constant, and a killed command can be resumed. Beside the file grows the folder
`FILE.predict.unfinished`: what was asked, parts of the answers, and a count of what they hold. The
file itself appears whole, when all is answered.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide import data
from nnguide.errors import ConfigError, InputError
from nnguide.files import (
    as_utf8,
    expanded,
    folder_made,
    read_json,
    sha256,
    state,
    workspace,
    write_json,
    writing_to,
)
from nnguide.inference import bulk_inputs
from nnguide.inference.answers import Feedback, taken
from nnguide.inference.decision import Decision
from nnguide.runs import Engine, Run, outputs
from nnguide.runs.answer_files import Form, Row
from nnguide.runs.manifest import MANIFEST
from nnguide.runs.streaming import answered, decision_of

if TYPE_CHECKING:
    from nnguide.inference.bulk_inputs import Unread
    from nnguide.tasks.kinds import Asked

log = logging.getLogger(__name__)

COMMAND = "predict"
BATCH = 1024  # inputs that are answered together, at most
CHARACTERS = 2**22  # of the texts among them, somewhat more at most
PART = 16_384  # answers that are written together, at most
SECONDS = 5.0  # after which those that there are get written
SHOWN = 5  # failed inputs that a message names


@dataclass
class Progress:
    """Progress of answering.

    Attributes:
        rows: inputs of this shard that were answered or failed.
        labels: how many answers each label has.
        failed: inputs without an answer.
        errors: the first of them, by name, and why.
        parts: files that hold the answers.
        is_whole: these are joined to the file that takes its place.
        resumed: rows that an earlier process had answered.
    """

    rows: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    errors: list[list[str]] = field(default_factory=list)
    parts: int = 0
    is_whole: bool = False
    resumed: int = 0

    def count(self, rows: list[Row]) -> None:
        """Count the answers of a part."""
        bad = [
            [as_utf8(name), as_utf8(str(answer))]
            for _, name, answer in rows
            if isinstance(answer, InputError)
        ]
        counts = Counter(a.label for _, _, a in rows if not isinstance(a, InputError))
        self.rows += len(rows)
        self.failed += len(bad)
        self.errors += bad[: SHOWN - len(self.errors)]
        self.labels |= {name: self.labels.get(name, 0) + n for name, n in sorted(counts.items())}
        self.parts += 1


def answer(
    run: Run,
    dataset: str,
    out: Path,
    asked: Asked,
    *,
    shard: tuple[int, int] = (1, 1),
    engine: Engine | None = None,
    reject: bool = True,
    feedback: Feedback | None = None,
    resume: bool = False,
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Write the answer to each input of a data set.

    Args:
        dataset: a path, or the name of a data set.
        out: a .csv, .jsonl or .parquet file; its rows are in the order of the inputs.
        asked: the columns of a table, a threshold, and whether kinds of text are checked.
        shard: (i, n) takes the inputs i, i + n, i + 2 n and so on; i from 1.
        engine, reject, feedback: as for `Run.predict`.
        resume: go on where a process that was killed ended.
        force: replace the file, or what such a process left.
        report: told after every part.
    Raises:
        ConfigError: the file is there, or was begun with other options.
        InputError: nothing there can be read. Others as of `Kind.unread`, and `data.find`.
    """
    outputs.check_file(out, "--out")
    _check_apart(dataset, out)
    form = Form.of(run, out, feedback is not None)
    unread, identity = _inputs(run, dataset, asked)
    decision = decision_of(run, asked.threshold, reject)
    request = {
        "run": sha256(run.folder / MANIFEST),
        "dataset": identity,
        "shard": f"{shard[0]}/{shard[1]}",
        "text column": asked.text_column,
        "encoding": asked.encoding,
        "threshold": asked.threshold,
        "engine": engine or run.engine,
        "reject": reject,
        "corrections": getattr(feedback, "digest", None),
    }
    with _claimed(out, request, resume, force) as folder:
        progress = _before(folder)
        report(progress)
        if _is_placed(folder):  # a process was killed as it tidied up
            workspace.remove(folder)
            return progress
        chosen = _chosen(unread, shard, progress.rows)
        for rows in _parts(chosen, run, decision, engine, feedback):
            form.write_part(rows, _part(folder, progress.parts, form))
            progress.count(rows)
            _write(folder, progress)
            report(progress)
        if not progress.rows and shard[1] == 1:
            raise InputError(f"{dataset}: expected at least one input; got none")
        whole = folder / f"whole{form.suffix}"
        if not progress.is_whole:
            form.join([_part(folder, number, form) for number in range(progress.parts)], whole)
            progress.is_whole = True
            _write(folder, progress)
        with writing_to(out):
            whole.replace(out)
        workspace.remove(folder)
    return progress


def kinds(dataset: str) -> list[str]:
    """Return the kinds of text in a data set, without a run.

    They are those that can be known before a run is opened.
    """
    path = expanded(dataset)
    if dataset in data.names() or not path.exists():
        return list(data.known_kinds(dataset))
    try:
        return bulk_inputs.kinds_of_text(path)
    except InputError:  # it is said when it is read
        return []


def unfinished(out: Path) -> Path:
    """Return the folder in which the file `out` grows."""
    return workspace.beside(out, f".{COMMAND}{workspace.UNFINISHED}")


def _inputs(run: Run, dataset: str, asked: Asked) -> tuple[Unread, list[Any]]:
    """Return a data set's inputs, and what identifies it.

    The latter changes with the data.
    """
    path = expanded(dataset)
    if dataset not in data.names() and path.exists():
        unread = _to_its_end(run.task.kind.unread(run, path, asked), path)
        return unread, [as_utf8(str(path.absolute())), state(path)]
    if asked.threshold is not None and run.threshold is None:
        raise ConfigError(f"--threshold is for spam; {run.task.name} takes the most probable label")
    source = data.find(run.task.name, dataset, text_column=asked.text_column)
    if not asked.anyway:
        for kind in source.kinds:
            run.check_learned(kind)
    examples = source.load("all")
    return bulk_inputs.examples(source.name, examples.inputs), [source.name, len(examples)]


def _to_its_end(unread: Unread, path: Path) -> Unread:
    """Yield the inputs, and an error where a file is damaged.

    The error is the last item, after the inputs that could be read.
    """
    is_first = True
    try:
        for item in unread:
            yield item
            is_first = False
    except InputError as error:
        if is_first:
            raise
        yield str(path), _Damage(InputError(str(error).removeprefix(f"{path}: ")))


@dataclass(frozen=True)
class _Damage:
    """Last item of a damaged file, with the reason."""

    reason: InputError

    def __call__(self) -> InputError:
        return self.reason


def _check_apart(dataset: str, out: Path) -> None:
    """Raise a ConfigError for a file in the data set itself."""
    place, target = expanded(dataset).resolve(), out.resolve()
    if place.exists() and (target == place or (place.is_dir() and place in target.parents)):
        raise ConfigError(f"{out} is in the data set {dataset}. Choose another --out.")


@contextlib.contextmanager
def _claimed(out: Path, request: dict[str, Any], resume: bool, force: bool) -> Iterator[Path]:
    """Yield this process's own folder in which the file is made."""
    folder = unfinished(out)
    asked = folder / "request.json"
    with contextlib.ExitStack() as held:
        with writing_to(out):
            held.enter_context(folder_made(out.parent))
            held.enter_context(workspace.locked(out))
            workspace.remove(workspace.beside(folder, workspace.REMOVED))  # by a kill
        if folder.is_dir() and not (asked.is_file() and (resume or not _is_placed(folder))):
            workspace.remove(folder)  # it came to nothing, or its file has taken its place
        if out.exists() and not force and not (folder.is_dir() and _is_placed(folder)):
            raise ConfigError(f"{out} exists. Choose another file, or --force to replace it.")
        if folder.is_dir() and not resume and not force:
            raise ConfigError(
                f"{out} was interrupted before it was finished. Continue with --resume, or "
                "start over with --force."
            )
        if folder.is_dir() and resume:
            _check_same(out, asked, request)
        try:
            with writing_to(out):
                if folder.is_dir() and not resume:
                    workspace.remove(folder)
                folder.mkdir(exist_ok=True)
                for half_written in folder.glob(".*"):  # by a process that was killed
                    workspace.remove(half_written)
                write_json(asked, request)
            yield folder
        finally:
            if folder.is_dir() and not (folder / "progress.json").is_file():
                workspace.remove(folder)


def _check_same(out: Path, asked: Path, request: dict[str, Any]) -> None:
    try:
        before = read_json(asked)
    except (OSError, ValueError):
        before = None
    for name, value in request.items():
        if not isinstance(before, dict) or before.get(name) != value:
            raise ConfigError(
                f"{out} was begun with another {name}. Give the same, or start over with --force."
            )


def _before(folder: Path) -> Progress:
    """Return what an earlier process had done."""
    if not (folder / "progress.json").is_file():
        return Progress()
    try:
        progress = Progress(**read_json(folder / "progress.json"))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{folder} is damaged. Start over with --force.") from error
    progress.resumed = progress.rows
    return progress


def _write(folder: Path, progress: Progress) -> None:
    write_json(folder / "progress.json", vars(progress) | {"resumed": 0})


def _is_placed(folder: Path) -> bool:
    """Return whether the finished file has been moved to its place."""
    try:
        is_whole = read_json(folder / "progress.json")["is_whole"] is True
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return is_whole and not any(folder.glob("whole.*"))


def _part(folder: Path, number: int, form: Form) -> Path:
    return folder / f"{number:06d}{form.suffix}"


def _chosen(
    unread: Unread, shard: tuple[int, int], passed: int
) -> Iterator[tuple[int, str, Callable[[], Any]]]:
    """Yield row, name and reader of a shard's inputs.

    They are those that come after its first `passed`.
    """
    first, shards = shard
    for place, (name, read) in enumerate(unread):
        if isinstance(read, _Damage) and place % shards != first - 1:
            log.warning(f"{name}: {read.reason}", extra={"left_out": 1})  # in another shard's file
        if place % shards == first - 1 and place // shards >= passed:
            yield place + 1, name, read


def _parts(
    chosen: Iterator[tuple[int, str, Callable[[], Any]]],
    run: Run,
    decision: Decision,
    engine: Engine | None,
    feedback: Feedback | None,
) -> Iterator[list[Row]]:
    """Yield the answers in parts so small that few are lost.

    A kill loses those of one part.
    """
    rows: list[Row] = []
    began = time.monotonic()
    for numbers, batch in _batches(chosen, lambda value: taken(decision, value)):
        answers = answered(run, batch, decision, engine, feedback)
        rows += [
            (number, name, answer) for number, (name, answer) in zip(numbers, answers, strict=True)
        ]
        if len(rows) >= PART or time.monotonic() - began > SECONDS:
            yield rows
            rows, began = [], time.monotonic()
    if rows:
        yield rows


def _batches(
    chosen: Iterator[tuple[int, str, Callable[[], Any]]], take: Callable[[Any], Any]
) -> Iterator[tuple[list[int], list[tuple[str, Any]]]]:
    numbers: list[int] = []
    batch: list[tuple[str, Any]] = []
    size = 0
    for number, name, read in chosen:
        value = take(read())
        numbers.append(number)
        batch.append((name, value))
        size += len(value) if isinstance(value, str) else 0
        if len(batch) == BATCH or size >= CHARACTERS:
            yield numbers, batch
            numbers, batch, size = [], [], 0
    if batch:
        yield numbers, batch
