"""Write a table or folders of labelled texts, of any size, as record files; see `records`."""

from __future__ import annotations

import copy
import itertools
from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.data import records, text_files, user_data
from nnguide.data.examples import LeftOut
from nnguide.data.mail import MailText
from nnguide.data.tables import Columns
from nnguide.errors import ConfigError, InputError, WriteError
from nnguide.files import as_utf8, atomic, read_json, sha256, state, write_json, writing_to
from nnguide.workspace import Workspace

COMMAND = "data"
ASKED, PROGRESS = "request.json", "progress.json"
SUFFIX = ".records"

# The set, "train", "test" or "", the input's name, and its label and text, or why it has none.
Row = tuple[str, str, tuple[int, str] | InputError]


@dataclass
class Progress:
    """How far it is.

    Attributes:
        rows: inputs that were read, those left out too.
        texts: that were written.
        counts: set -> label -> texts.
        bad: inputs that are left out.
        left_out: the first of them, name and reason.
        mails: texts that were read from mail.
        subjects: texts that begin with Subject:, as those of mails do in tables.
        sha256: of each file that is whole.
    """

    rows: int = 0
    texts: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    bad: int = 0
    left_out: list[list[str]] = field(default_factory=list)
    mails: int = 0
    subjects: int = 0
    sha256: dict[str, str] = field(default_factory=dict)


def prepare(
    source: Path,
    columns: Columns,
    out: Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> tuple[Path, Progress]:
    """Write the labelled texts at `source` as record files in the folder `out`.

    Args:
        source: a table, or a folder as `text_files.read` takes it.
        columns: of a table, and the labels.
        out: None is the source's name with `.records` behind it.
        resume: go on where a process that was killed ended.
        force: replace the folder.
        report: told after every file.
    Returns:
        The folder, and what it holds.
    Raises:
        ConfigError: the folder is there, or was begun from other data.
        InputError: nothing there can be used, or one label only.
    """
    user_data.check(source, "all")
    if records.is_records(source):
        raise ConfigError(f"{source} holds records already")
    named = source if source.name not in ("", "..") else source.resolve()
    out = out or named.with_name(named.name + SUFFIX)
    if source.is_dir() and source.resolve() in (out.resolve(), *out.resolve().parents):
        raise ConfigError(f"{out} is in the data {source}. Choose another --out.")
    request = {**asdict(columns), "labels": list(columns.labels), "files": state(source)}
    request["source"] = as_utf8(str(source.absolute()))
    space = Workspace(out, COMMAND, _check_whole, force, lambda path: (path / PROGRESS).is_file())
    with space.claimed(resume) as folder:
        progress = _before(out, folder, request)
        progress = _write(source, columns, folder, progress, report)
        try:
            _finish(source, columns, folder, progress)
        except InputError:  # nothing is worth going on from
            (folder / PROGRESS).unlink(missing_ok=True)
            raise
        space.publish()
    shown = [LeftOut(*one) for one in progress.left_out]
    user_data.leave_out(source, "rows", shown, progress.rows, progress.bad)
    return out, progress


def _before(out: Path, folder: Path, request: dict[str, Any]) -> Progress:
    """What an earlier process had done."""
    if not (folder / PROGRESS).is_file():
        write_json(folder / ASKED, request)
        return Progress()
    try:
        if read_json(folder / ASKED) == request:
            return Progress(**read_json(folder / PROGRESS))
    except (OSError, ValueError, TypeError):
        pass
    raise ConfigError(f"{out} was begun from other data or columns. Start over with --force.")


def _write(
    source: Path,
    columns: Columns,
    folder: Path,
    progress: Progress,
    report: Callable[[Progress], None],
) -> Progress:
    """Write the files that are not there yet; what all hold."""
    rows = itertools.islice(_rows(source, columns), progress.rows, None)
    for first in rows:
        progress = _write_file(itertools.chain([first], rows), columns, folder, progress)
        write_json(folder / PROGRESS, asdict(progress))
        report(progress)
    return progress


def _write_file(rows: Iterator[Row], columns: Columns, folder: Path, before: Progress) -> Progress:
    """Write the next file, text by text; `before` and what it holds."""
    from array_record.python.array_record_module import ArrayRecordWriter

    now = copy.deepcopy(before)
    name = f"{before.texts // records.SHARD:05d}"
    texts, arrays = folder / f"{name}.array_record", folder / f"{name}.npz"
    labels, keys, sets = array("B"), array("Q"), array("B")
    with atomic(texts) as beside:
        writer = ArrayRecordWriter(str(beside), "group_size:1")
        try:
            for part, place, found in rows:
                now.rows += 1
                if isinstance(found, InputError):
                    now.bad += 1
                    if len(now.left_out) < user_data.SHOWN:
                        now.left_out.append([as_utf8(place), as_utf8(str(found))])
                    continue
                number, text = found
                writer.write(records.to_record(text))
                labels.append(number)
                keys.append(records.key(text))
                sets.append(part == "test")
                of_part = now.counts.setdefault(part or "all", dict.fromkeys(columns.labels, 0))
                of_part[columns.labels[number]] += 1
                now.mails += isinstance(text, MailText)
                now.subjects += records.has_subject(text)
                if len(labels) == records.SHARD:
                    break
        finally:
            writer.close()
    if not labels:  # the last rows are all bad
        texts.unlink()
        return now
    with atomic(arrays) as beside, beside.open("wb") as file:
        np.savez(
            file,
            labels=np.array(labels, np.uint8),
            keys=np.array(keys, np.uint64),
            sets=np.array(sets, np.uint8),
        )
    now.texts += len(labels)
    now.sha256 |= {path.name: sha256(path) for path in (texts, arrays)}
    return now


def _finish(source: Path, columns: Columns, folder: Path, progress: Progress) -> None:
    """Join the arrays of all files, and say what the folder holds."""
    names = sorted(name for name in progress.sha256 if name.endswith(".npz"))
    if not progress.texts:
        reasons = "".join(f" {': '.join(one)}." for one in progress.left_out[:1])
        raise InputError(f"{source}: expected labelled texts; it has none.{reasons}")
    if not (folder / records.FILE).is_file():  # else all was done but to tidy up
        _join(source, columns, folder, progress, names)
    for name in (*(path.name for path in folder.glob("*.npz")), ASKED, PROGRESS):
        (folder / name).unlink()


def _join(
    source: Path, columns: Columns, folder: Path, progress: Progress, names: list[str]
) -> None:
    for name in names:
        if sha256(folder / name) != progress.sha256[name]:
            raise WriteError(f"{folder / name} is damaged. Start over with --force.")
    is_divided = "all" not in progress.counts
    arrays = [np.load(folder / name, allow_pickle=False) for name in names]
    hashes = {name: known for name, known in progress.sha256.items() if not name.endswith(".npz")}
    for what in ("labels", "keys", *(["sets"] if is_divided else [])):
        joined = np.concatenate([one[what] for one in arrays])
        if what == "labels" and len(np.unique(joined)) < 2:
            raise InputError(
                f"{source}: expected {' and '.join(columns.labels[::-1])}; all "
                f"{len(joined):,} texts are {columns.labels[int(joined[0])]}."
            )
        with atomic(folder / f"{what}.npy") as beside, beside.open("wb") as file:
            np.save(file, joined)
        hashes[f"{what}.npy"] = sha256(folder / f"{what}.npy")
    write_json(
        folder / records.FILE,
        {
            "format": records.FORMAT,
            "source": as_utf8(str(source)),
            "labels": list(columns.labels),
            "counts": progress.counts,
            "left_out": progress.left_out,
            "kinds": records.kinds_of(progress.texts, progress.mails, progress.subjects),
            "sha256": hashes,
        },
    )


def _check_whole(folder: Path) -> None:
    with writing_to(folder):
        known = read_json(folder / records.FILE)["sha256"]
        if any((folder / name).stat().st_size == 0 for name in known):
            raise WriteError(f"what was written to {folder} cannot be read. Is the disk full?")


def _rows(source: Path, columns: Columns) -> Iterator[Row]:
    """Every labelled text at `source`, in order, of each set in turn."""
    found = text_files.found_splits(source) if source.is_dir() else {}
    for part, place in found.items() or [("", source)]:
        for name, row in text_files.labelled(place, columns):
            yield part, name, row
