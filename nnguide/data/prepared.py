"""Prepared sets in the cache, as quickly loaded arrays and texts.

One folder for each set and split, for example `mnist/official` or `sms_spam/seed-0`:

    meta.json                              format, label names, counts, SHA-256 of each file
    train-inputs.npy, train-labels.npy     pictures (n, 28, 28) uint8, labels (n,) int64
    train.jsonl                            texts, one {"label": ..., "text": ...} a line
    test-...                               likewise, so that training never opens them

A folder gets its name when it is complete, so a kill leaves none that is half prepared.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide.errors import DataError, WriteError
from nnguide.files import cache_dir, read_json, workspace
from nnguide.files.workspace import Workspace

if TYPE_CHECKING:
    from nnguide.data.examples import Examples

FORMAT = 1


@contextlib.contextmanager
def writing_cache() -> Iterator[None]:
    """Raise a WriteError that names NNGUIDE_CACHE where writing fails."""
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"cannot write the cache folder {cache_dir()}: {error.strerror or error}. "
            "Set NNGUIDE_CACHE to a folder that can be written."
        ) from error


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Allow one process at a time to prepare the set `name`.

    The others wait. The lock goes with the process that holds it, so a kill leaves none behind.
    """
    with contextlib.ExitStack() as held:
        with writing_cache():
            cache_dir().mkdir(parents=True, exist_ok=True)
            held.enter_context(workspace.locked(cache_dir() / name, wait=-1))
        yield


def read_meta(folder: Path) -> dict[str, Any] | None:
    """Return the meta.json of a prepared folder, else None.

    None too where it is of another format.
    """
    try:
        meta = read_json(folder / "meta.json")
    except (OSError, ValueError):
        return None
    return meta if isinstance(meta, dict) and meta.get("format") == FORMAT else None


def is_intact(folder: Path) -> bool:
    """Return whether all files of a prepared folder match their SHA-256."""
    meta = read_meta(folder)
    try:
        return meta is not None and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == known
            for name, known in meta["sha256"].items()
        )
    except OSError:
        return False


def save(folder: Path, splits: Mapping[str, Examples], name: str) -> None:
    """Write the splits "train" and "test" of a set as `folder`.

    The folder appears whole or not at all. Call it under the set's lock.
    """
    label_names = splits["train"].label_names
    space = Workspace(folder, "data", _check_intact, force=True)
    with writing_cache():
        folder.parent.mkdir(parents=True, exist_ok=True)
        workspace.sweep(folder.parent, space.command)
        with space.claimed() as place:
            for split, examples in splits.items():
                for file, content in _encode(split, examples):
                    (place / file).write_bytes(content)
            meta = {
                "format": FORMAT,
                "name": name,
                "label_names": list(label_names),
                "counts": {split: examples.counts() for split, examples in splits.items()},
                "sha256": {
                    file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                    for file in sorted(place.iterdir())
                },
            }
            (place / "meta.json").write_text(json.dumps(meta, indent=2), encoding="utf-8")
            space.publish()


def _check_intact(folder: Path) -> None:
    if not is_intact(folder):
        raise WriteError(f"what was written to {folder} cannot be read again. Is the disk full?")


def _encode(split: str, examples: Examples) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each file of a split."""
    import numpy as np

    if examples.inputs.dtype == object:
        lines = (
            json.dumps({"label": int(label), "text": text})
            for label, text in zip(examples.labels, examples.inputs, strict=True)
        )
        yield f"{split}.jsonl", "".join(f"{line}\n" for line in lines).encode("ascii")
    else:
        for what, array in (("inputs", examples.inputs), ("labels", examples.labels)):
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            yield f"{split}-{what}.npy", content.getvalue()


def load(folder: Path, split: str) -> Examples:
    """Load and verify a split of a prepared folder.

    The split is "train" or "test"; the files of the other are not opened.

    Raises:
        DataError: a file is missing or does not have its SHA-256.
    """
    import numpy as np

    from nnguide.data.examples import Examples

    meta = read_meta(folder)
    files = [name for name in meta["sha256"] if name.startswith(split)] if meta else []
    if not meta or not files:
        raise DataError(f"nothing is prepared in {folder}. Run: nnguide data list")
    contents = {name: _verified(folder / name, meta) for name in files}
    if f"{split}.jsonl" in contents:
        rows = [json.loads(line) for line in contents[f"{split}.jsonl"].splitlines()]
        inputs = np.empty(len(rows), object)
        inputs[:] = [row["text"] for row in rows]
        labels = np.array([row["label"] for row in rows], np.int64)
    else:
        inputs, labels = (
            np.load(io.BytesIO(contents[f"{split}-{what}.npy"]), allow_pickle=False)
            for what in ("inputs", "labels")
        )
    return Examples(inputs, labels, tuple(meta["label_names"]))


def _verified(path: Path, meta: dict[str, Any]) -> bytes:
    try:
        content = path.read_bytes()
        damage = hashlib.sha256(content).hexdigest() != meta["sha256"][path.name]
    except OSError as error:
        raise DataError(f"cannot read the prepared file {path}: {error.strerror}") from error
    if damage:
        raise DataError(
            f"the prepared file {path} is damaged: its SHA-256 is wrong. Prepare it again: nnguide "
            f"data prepare {meta['name']}"
        )
    return content
