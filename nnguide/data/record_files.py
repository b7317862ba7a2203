"""Writing of labelled texts or pictures as record files.

There may be any number of them; see `records`.
"""

from __future__ import annotations

import copy
import itertools
import logging
from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.data import (
    class_folders,
    picture_stream,
    record_store,
    records,
    text_files,
    tfrecord,
    user_data,
)
from nnguide.data.class_folders import Lost
from nnguide.data.examples import LeftOut
from nnguide.data.mail import MailText
from nnguide.data.picture_stream import Row
from nnguide.data.tables import Columns
from nnguide.errors import ConfigError, InputError, WriteError
from nnguide.files import as_utf8, atomic, read_json, sha256, state, write_json, writing_to
from nnguide.files.workspace import Workspace

log = logging.getLogger(__name__)
COMMAND = "data"
ASKED, PROGRESS = "request.json", "progress.json"
SUFFIX = ".records"


@dataclass
class Progress:
    """Progress of writing.

    Attributes:
        rows: inputs that were read, those left out too.
        inputs: that were written.
        names: of the labels, as they were found.
        counts: set -> label -> inputs.
        bad: inputs that are left out.
        left_out: the first of them, name and reason.
        mails: texts that were read from mail.
        subjects: texts that begin with Subject:, as those of mails do in tables.
        lost: set -> what its picture files lost, by `Lost.to_list`.
        sha256: of each file that is whole.
    """

    rows: int = 0
    inputs: int = 0
    names: list[str] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    bad: int = 0
    left_out: list[list[str]] = field(default_factory=list)
    mails: int = 0
    subjects: int = 0
    lost: dict[str, list[int]] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)


def prepare(
    source: Path,
    columns: Columns,
    out: Path | None = None,
    *,
    of: str | None = None,
    resume: bool = False,
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> tuple[Path, Progress]:
    """Write labelled texts or pictures as record files in a folder.

    Args:
        source: a table, a folder or a file, as `text_files` or `picture_files` read it.
        columns: of a table, and the labels of texts.
        out: None is the source's name with `.records` behind it.
        of: "texts" or "pictures"; None: what the source looks like.
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
    if of is None:
        is_pictures = picture_stream.is_at(source, columns.label, columns.encoding)
        of = records.PICTURES if is_pictures else records.TEXTS
    reading = _Pictures(source, columns) if of == records.PICTURES else _Texts(source, columns)
    request["inputs"] = of
    space = Workspace(out, COMMAND, _check_whole, force, lambda path: (path / PROGRESS).is_file())
    with space.claimed(resume) as folder:
        progress = _before(out, folder, request)
        try:
            progress = _write(reading, folder, progress, report)
            _finish(reading, folder, progress)
        except InputError:  # nothing is worth going on from
            (folder / PROGRESS).unlink(missing_ok=True)
            raise
        space.publish()
    shown = [LeftOut(*entry) for entry in progress.left_out]
    user_data.leave_out(source, reading.each, shown, progress.rows, progress.bad)
    for lost in progress.lost.values():
        for note in Lost.of_list(lost).notes:
            log.info(note)
    progress.counts = in_label_order(progress.counts, reading.in_order(progress))
    return out, progress


def in_label_order(
    counts: dict[str, dict[str, int]], labels: list[str]
) -> dict[str, dict[str, int]]:
    """Return counts of every label of every set."""
    return {split: {name: of.get(name, 0) for name in labels} for split, of in counts.items()}


def _before(out: Path, folder: Path, request: dict[str, Any]) -> Progress:
    """Return what an earlier process had done."""
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
    reading: _Texts | _Pictures,
    folder: Path,
    progress: Progress,
    report: Callable[[Progress], None],
) -> Progress:
    """Write the files that are missing; return the total progress."""
    rows = reading.rows(progress.rows)
    for first in rows:
        progress = _write_file(itertools.chain([first], rows), reading, folder, progress)
        write_json(folder / PROGRESS, asdict(progress))
        report(progress)
    return progress


def _write_file(
    rows: Iterator[Row], reading: _Texts | _Pictures, folder: Path, before: Progress
) -> Progress:
    """Write the next file, and return the progress after it.

    It is written input by input; `before` is the progress before it.
    """
    now = copy.deepcopy(before)
    now.names = now.names or list(reading.labels)
    number = {name: place for place, name in enumerate(now.names)}
    name = f"{before.inputs // record_store.SHARD:05d}"
    inputs, arrays = folder / f"{name}.tfrecord", folder / f"{name}.npz"
    lengths, labels, keys, sets = array("I"), array("B"), array("Q"), array("B")
    with atomic(inputs) as beside, beside.open("wb") as file:
        writer = tfrecord.Writer(file)
        for row in rows:
            now.rows += 1
            if isinstance(row.labelled, InputError):
                now.bad += 1
                if len(now.left_out) < user_data.SHOWN:
                    now.left_out.append([as_utf8(row.place), as_utf8(str(row.labelled))])
                continue
            label, value = row.labelled
            if label not in number:
                reading.check_new(label, now.names)
                number[label] = len(now.names)
                now.names.append(label)
            record = record_store.to_record(value)
            writer.write(record)
            lengths.append(len(record))
            labels.append(number[label])
            keys.append(records.key(value))
            sets.append(row.split == "test")
            split = row.split or "all"
            counts = now.counts.setdefault(split, {})
            counts[label] = counts.get(label, 0) + 1
            if isinstance(value, str):
                now.mails += isinstance(value, MailText)
                now.subjects += records.has_subject(value)
            if row.lost.pictures:
                now.lost[split] = (Lost.of_list(now.lost.get(split, [])) + row.lost).to_list()
            if len(labels) == record_store.SHARD:
                break
        writer.flush()
    if not labels:  # the last rows are all bad
        inputs.unlink()
        return now
    with atomic(arrays) as beside, beside.open("wb") as file:
        np.savez(
            file,
            lengths=np.array(lengths, np.uint32),
            labels=np.array(labels, np.uint8),
            keys=np.array(keys, np.uint64),
            sets=np.array(sets, np.uint8),
        )
    now.inputs += len(labels)
    now.sha256 |= {path.name: sha256(path) for path in (inputs, arrays)}
    return now


def _finish(reading: _Texts | _Pictures, folder: Path, progress: Progress) -> None:
    """Join the arrays of all files and describe the folder."""
    names = sorted(name for name in progress.sha256 if name.endswith(".npz"))
    if not progress.inputs:
        reasons = "".join(f" {': '.join(entry)}." for entry in progress.left_out[:1])
        raise InputError(f"{reading.source}: expected labelled {reading.of}; it has none.{reasons}")
    if not (folder / records.FILE).is_file():  # else all was done but to tidy up
        _join(reading, folder, progress, names)
    for name in (*(path.name for path in folder.glob("*.npz")), ASKED, PROGRESS):
        (folder / name).unlink()


def _join(reading: _Texts | _Pictures, folder: Path, progress: Progress, names: list[str]) -> None:
    for name in names:
        if sha256(folder / name) != progress.sha256[name]:
            raise WriteError(f"{folder / name} is damaged. Start over with --force.")
    is_divided = "all" not in progress.counts
    labels = reading.in_order(progress)
    place = np.array([labels.index(name) for name in progress.names], np.uint8)
    arrays = [np.load(folder / name, allow_pickle=False) for name in names]
    hashes = {name: known for name, known in progress.sha256.items() if not name.endswith(".npz")}
    for what in ("lengths", "labels", "keys", *(["sets"] if is_divided else [])):
        joined = np.concatenate([archive[what] for archive in arrays])
        joined = place[joined] if what == "labels" else joined
        with atomic(folder / f"{what}.npy") as beside, beside.open("wb") as file:
            np.save(file, joined)
        hashes[f"{what}.npy"] = sha256(folder / f"{what}.npy")
    write_json(
        folder / records.FILE,
        {
            "format": records.FORMAT,
            "inputs": reading.of,
            "source": as_utf8(str(reading.source)),
            "labels": labels,
            "counts": in_label_order(progress.counts, labels),
            "left_out": progress.left_out,
            "kinds": reading.kinds(progress),
            "notes": {split: Lost.of_list(lost).notes for split, lost in progress.lost.items()},
            "sha256": hashes,
        },
    )


def _check_whole(folder: Path) -> None:
    with writing_to(folder):
        known = read_json(folder / records.FILE)["sha256"]
        if any((folder / name).stat().st_size == 0 for name in known):
            raise WriteError(f"what was written to {folder} cannot be read. Is the disk full?")


class _Texts:
    """Texts with known labels.

    Attributes:
        of, each: what they are, and what each is called where it is left out.
    """

    of, each = records.TEXTS, "rows"

    def __init__(self, source: Path, columns: Columns) -> None:
        self.source, self.columns, self.labels = source, columns, columns.labels

    def rows(self, passed: int) -> Iterator[Row]:
        """Yield every labelled text but the first `passed`.

        They are in order, of each set in turn.
        """
        source = self.source
        splits = text_files.found_splits(source) if source.is_dir() else {}
        every = (
            Row(split, name, row if isinstance(row, InputError) else (self.labels[row[0]], row[1]))
            for split, place in splits.items() or [("", source)]
            for name, row in text_files.labelled(place, self.columns)
        )
        return itertools.islice(every, passed, None)

    def check_new(self, label: str, known: list[str]) -> None:
        """Accept any label: every one is known."""

    def in_order(self, progress: Progress) -> list[str]:
        """Return the labels.

        Raises:
            InputError: all texts have one.
        """
        seen = {name for counts in progress.counts.values() for name, n in counts.items() if n}
        if len(seen) < 2:
            raise InputError(
                f"{self.source}: expected {' and '.join(self.labels[::-1])}; all "
                f"{progress.inputs:,} texts are {seen.pop()}."
            )
        return list(self.labels)

    def kinds(self, progress: Progress) -> tuple[str, ...]:
        """Return the kinds of text."""
        return records.kinds_of(progress.inputs, progress.mails, progress.subjects)


class _Pictures:
    """Pictures with the labels of the training set.

    Attributes as of `_Texts`.
    """

    of, each = records.PICTURES, "pictures"

    def __init__(self, source: Path, columns: Columns) -> None:
        if columns.text:
            raise ConfigError("--text-column is for tables of texts")
        self.source, self.columns = source, columns
        self.labels = picture_stream.labels(source)

    def rows(self, passed: int) -> Iterator[Row]:
        """Yield every labelled picture but the first `passed`.

        They are in order, of each set in turn.
        """
        columns = self.columns
        return picture_stream.each(self.source, columns.label, columns.encoding, passed)

    def check_new(self, label: str, known: list[str]) -> None:
        """Raise an InputError at the first label too many."""
        if len(known) == user_data.LABELS_ALLOWED[-1]:
            raise InputError(
                f"{self.source}: expected 2 to 100 different labels; got more: "
                f"{user_data.listed(known)}."
            )

    def in_order(self, progress: Progress) -> list[str]:
        """Return the labels in their order.

        Raises:
            InputError: too few, or a test set with others.
        """
        if self.labels:
            return list(self.labels)
        counts = progress.counts
        known = counts.get("train") or next(iter(counts.values()))
        if len(known) < 2:
            raise InputError(
                f"{self.source}: expected 2 to 100 different labels; got {len(known)}: "
                f"{user_data.listed(list(known))}."
            )
        if strange := [name for name in progress.names if name not in known]:
            raise InputError(
                f"{self.source}: expected only labels that the training set has; got also "
                f"{user_data.listed(strange)}."
            )
        return sorted(known, key=class_folders.natural)

    def kinds(self, progress: Progress) -> tuple[str, ...]:
        """Return (): pictures are not texts."""
        return ()
