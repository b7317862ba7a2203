"""Write a table or folders of labelled texts, of any size, as record files; see `records`."""

from __future__ import annotations

import itertools
from collections import Counter
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
from nnguide.files import atomic, read_json, sha256, state, write_json, writing_to
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
        sha256: of each file that is whole.
    """

    rows: int = 0
    texts: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    bad: int = 0
    left_out: list[list[str]] = field(default_factory=list)
    mails: int = 0
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
    out = out or source.with_name(source.name + SUFFIX)
    if source.is_dir() and source.resolve() in (out.resolve(), *out.resolve().parents):
        raise ConfigError(f"{out} is in the data {source}. Choose another --out.")
    request = {**asdict(columns), "labels": list(columns.labels), "source": str(source.absolute())}
    request["files"] = state(source)
    space = Workspace(out, COMMAND, _check_whole, force, lambda path: (path / PROGRESS).is_file())
    with space.claimed(resume) as folder:
        progress = _before(out, folder, request)
        _write(source, columns, folder, progress, report)
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
) -> None:
    """Write the files that are not there yet."""
    rows = itertools.islice(_rows(source, columns), progress.rows, None)
    good: list[tuple[str, int, str]] = []
    read = 0
    bad: list[list[str]] = []

    def keep() -> None:
        nonlocal good, bad, read
        name = f"{progress.texts // records.SHARD:05d}"
        _write_shard(folder, name, good)
        for file in (f"{name}.array_record", f"{name}.npz"):
            progress.sha256[file] = sha256(folder / file)
        for (part, number), n in sorted(Counter((part, at) for part, at, _ in good).items()):
            of_part = progress.counts.setdefault(part or "all", {})
            label = columns.labels[number]
            of_part[label] = of_part.get(label, 0) + n
        progress.rows, progress.texts = progress.rows + read, progress.texts + len(good)
        progress.mails += sum(isinstance(text, MailText) for *_, text in good)
        progress.bad += len(bad)
        progress.left_out += bad[: user_data.SHOWN - len(progress.left_out)]
        write_json(folder / PROGRESS, asdict(progress))
        report(progress)
        good, bad, read = [], [], 0

    for part, name, found in rows:
        read += 1
        if isinstance(found, InputError):
            bad.append([name, str(found)])
        else:
            good.append((part, *found))
        if len(good) == records.SHARD:
            keep()
    if read:
        keep()


def _write_shard(folder: Path, name: str, good: list[tuple[str, int, str]]) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    with atomic(folder / f"{name}.array_record") as beside:
        writer = ArrayRecordWriter(str(beside), "group_size:1")
        try:
            for *_, text in good:
                writer.write(text.encode("utf-8", "replace"))
        finally:
            writer.close()
    with atomic(folder / f"{name}.npz") as beside, beside.open("wb") as file:
        np.savez(
            file,
            labels=np.array([label for _, label, _ in good], np.uint8),
            keys=np.fromiter((records.key(text) for *_, text in good), np.uint64, len(good)),
            sets=np.array([part == "test" for part, *_ in good], np.uint8),
        )


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
        joined = np.concatenate([array[what] for array in arrays])
        if what == "labels" and len(np.unique(joined)) < 2:
            raise InputError(
                f"{source}: expected {' and '.join(columns.labels[::-1])}; all "
                f"{len(joined):,} texts are {columns.labels[int(joined[0])]}."
            )
        with atomic(folder / f"{what}.npy") as beside, beside.open("wb") as file:
            np.save(file, joined)
        hashes[f"{what}.npy"] = sha256(folder / f"{what}.npy")
    kinds = {"messages": progress.mails < progress.texts, "mail": progress.mails > 0}
    write_json(
        folder / records.FILE,
        {
            "format": records.FORMAT,
            "source": str(source),
            "labels": list(columns.labels),
            "counts": progress.counts,
            "left_out": progress.left_out,
            "kinds": [kind for kind, is_there in kinds.items() if is_there],
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
    found = text_files.found_parts(source) if source.is_dir() else {}
    for part, place in found.items() or [("", source)]:
        for name, row in text_files.labelled(place, columns):
            yield part, name, row


def count(progress: Progress) -> Counter[str]:
    """Texts of each label, in all sets."""
    total: Counter[str] = Counter()
    for of_part in progress.counts.values():
        total.update(of_part)
    return total
