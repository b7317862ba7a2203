"""Files that appear whole or not at all, their hashes, and the user's cache folder."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnguide.errors import WriteError


@contextlib.contextmanager
def writing_to(target: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `target` into a WriteError."""
    try:
        yield
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        reason = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EROFS: "the file system is read-only",
            errno.EACCES: "permission denied",
            errno.EPERM: "not permitted",
            errno.ENOTDIR: "a part of the path is a file, not a folder",
            errno.EEXIST: "a file is there, not a folder",
            errno.EISDIR: "it is a folder",
            errno.ENOENT: "its folder is missing and cannot be made",
            errno.ENAMETOOLONG: "the name is too long",
            errno.EFBIG: "the file is larger than is allowed here",
            errno.EIO: "the device reports an error",
        }.get(error.errno or 0)
        if reason is None:
            raise
        raise WriteError(f"cannot write {target}: {reason}. Choose another place.") from error


@contextlib.contextmanager
def atomic(target: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `target` to write; it takes the name at the end.

    A reader sees the old file or the new one, whole, whatever moment the process dies.
    The temporary path keeps the target's suffix, since some writers go by it.
    """
    target = Path(target)
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent
        )
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            with beside.open("rb") as written:
                os.fsync(written.fileno())
            beside.chmod(0o666 & ~_umask())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(target: Path | str, text: str) -> None:
    """Write UTF-8 `text` to `target`, atomically."""
    with atomic(target) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(target: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinity are refused."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_dir() -> Path:
    """Where prepared data lies: NNGUIDE_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("NNGUIDE_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("nnguide"))


def data_dir() -> Path | None:
    """The folder of official data files, NNGUIDE_DATA_DIR, if the user set it."""
    chosen = os.environ.get("NNGUIDE_DATA_DIR")
    return Path(chosen).expanduser() if chosen else None
