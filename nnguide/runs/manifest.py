"""Manifest of a run: proof that it is whole and unchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nnguide import __version__, tasks
from nnguide.errors import ConfigError, RunError
from nnguide.files import sha256, write_json
from nnguide.runs import schema

SCHEMA = 1
MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint.npz"  # what a training goes on from; no answer depends on it
DETERMINES = ("config.json", "model.keras", "decision.json")  # what every run has
OWN = ("schema", "nnguide", "files", "resumes_from")  # keys that `write` makes itself
LOGS = (MANIFEST, CHECKPOINT, "metrics.json", "history.csv")  # how it went
PICTURES = (".png", ".md")


def write(folder: Path, task: str, **facts: Any) -> None:
    """Write the manifest of the run in `folder`.

    The folder lacks nothing else. It has the SHA-256 of every file but logs and pictures: whatever
    determines an answer or a later choice is among them, also what a newer nnguide adds.
    `resumes_from` has that of the checkpoint, which may be deleted.
    """
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in LOGS and path.suffix not in PICTURES
    ]
    checkpoint = folder / CHECKPOINT
    manifest = {
        "schema": SCHEMA,
        "task": task,
        "nnguide": __version__,
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **facts,
        "files": {path.name: sha256(path) for path in files},
        "resumes_from": {CHECKPOINT: sha256(checkpoint)} if checkpoint.exists() else {},
    }
    write_json(folder / MANIFEST, manifest)


def verify(folder: Path) -> dict[str, Any]:
    """Verify every file of a run and return its manifest.

    Raises:
        RunError: no run, or one that is damaged or does not match its manifest.
    """
    path = folder / MANIFEST
    if schema.read(path, {}).get("schema") != SCHEMA:
        raise RunError(f"{path} is not a manifest that nnguide {__version__} reads")
    if schema.read(path, {}).get("task") == "blueprint":
        raise RunError(
            f"{folder} was made by `nnguide blueprint train` in a format of its own, which is "
            "no longer read. Make a run that every command takes: "
            "nnguide blueprint train --data digits|spam|FILE.csv --out DIR; "
            "a toy problem is drawn instead: --data moons --plot moons.png"
        )
    manifest = schema.read(path, schema.MANIFEST)
    files, task = manifest["files"], manifest["task"]
    if task not in tasks.names():
        raise RunError(f"{path} is damaged: it names no task of nnguide")
    if missing := sorted(set(DETERMINES) - files.keys()):
        raise RunError(f"{path} is damaged: it has no hash of {', '.join(missing)}")
    for name, wanted in files.items():
        check(folder, name, wanted)
    schema.read(folder / "decision.json", schema.DECISION)
    schema.read(folder / "metrics.json", schema.METRICS)
    config = schema.read(folder / "config.json", {})
    try:
        tasks.get(task).defaults.merge(config)
    except ConfigError as error:
        raise RunError(f"{folder / 'config.json'} is damaged: {error}") from error
    return manifest


def check(folder: Path, name: str, wanted: str) -> None:
    """Check that a run's file has the SHA-256 `wanted`."""
    path = folder / name
    if Path(name).name != name or not path.is_file():
        raise RunError(f"{folder} has no file {name}, which its manifest lists")
    try:
        same = sha256(path) == wanted
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    if not same:
        raise RunError(
            f"{path} does not match its manifest: it is damaged or was changed. Train the run "
            f"again, or restore the file."
        )
