"""Files that appear whole or not at all, hashes and standard folders."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnguide.errors import ConfigError, WriteError

HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # in JSON; alone it is no character


@contextlib.contextmanager
def writing_to(target: Path) -> Iterator[None]:
    """Raise a WriteError where the operating system refuses to write `target`."""
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
            errno.EEXIST: "it is a file, not a folder",
            errno.EISDIR: "it is a folder",
            errno.ENOENT: "its folder is missing and cannot be made",
            errno.ENAMETOOLONG: "the name is too long",
            errno.EFBIG: "the file is larger than is allowed here",
            errno.EIO: "the device reports an error",
            errno.EBUSY: "it is in use, or a mount point",
            errno.ELOOP: "its links lead back to themselves",
        }.get(error.errno or 0)
        if reason is None:
            raise
        raise WriteError(f"cannot write {target}: {reason}. Choose another place.") from error


@contextlib.contextmanager
def folder_made(folder: Path) -> Iterator[None]:
    """Make `folder` and its parents, and remove those that stay empty.

    The new folders that nothing was put into are removed at the end of the block.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the first that is not empty
            for path in missing:
                path.rmdir()


@contextlib.contextmanager
def atomic(target: Path | str, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `target`, renamed at the end.

    The caller writes to the temporary path, which then takes the name of `target`. A reader sees
    the old file or the new one, whole, whatever moment the process dies. The temporary path keeps
    the target's suffix, which some writers depend on.

    Args:
        target: the file.
        mode: its permissions, before it has the name; None: those of any new file.
    """
    import tempfile

    target = Path(target)
    with writing_to(target), folder_made(target.parent):
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent
        )
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            with beside.open("rb") as written:
                os.fsync(written.fileno())
            beside.chmod(0o666 & ~_umask() if mode is None else mode)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Make libraries put their temporary files into `folder`.

    The usual place for them may be full. This holds for the whole process: use
    it only while no other thread needs the usual place.
    """
    import tempfile

    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix=".temporary-", dir=folder) as inside:
        tempfile.tempdir = inside
        try:
            yield
        finally:
            tempfile.tempdir = before


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(target: Path | str, text: str) -> None:
    """Write UTF-8 `text` to `target`, atomically."""
    with atomic(target) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(target: Path | str, value: Any, indent: int = 2) -> None:
    """Write `value` as indented JSON, atomically.

    NaN and infinity are refused.

    Args:
        indent: spaces a level; 0 still gives each value a line, where there are very many.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    write_text(target, text + "\n")


def as_utf8(text: str) -> str:
    """Return `text` with its lone surrogates escaped.

    File names may hold such halves of a surrogate pair, which UTF-8 cannot.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def read_json(path: Path, most: int = 2**26) -> Any:
    """Read the JSON value in a file.

    The file has at most `most` bytes, 32 levels and no NaN.

    Raises:
        FileNotFoundError: there is no such file.
        OSError, ValueError: it cannot be read, is no regular file, or holds no such value.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for a writer
        raise ValueError("it is not a regular file")
    if path.stat().st_size > most:
        raise ValueError(f"it has {path.stat().st_size:,} bytes, more than {most:,}")
    return parse_json(path.read_text(encoding="utf-8"))


def parse_json(text: str, depth: int = 32) -> Any:
    """Parse `text` as JSON.

    The value has at most `depth` levels and no NaN.

    Raises:
        ValueError: it is not one.
    """

    def no_number(name: str) -> None:
        raise ValueError(f"{name} is not a number that JSON has")

    try:
        value = json.loads(text, parse_constant=no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if HALF_CHARACTER.search(text):
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a UnicodeError is a ValueError
    return _bounded(value, depth)


def parse_toml(text: str, depth: int = 32) -> dict[str, Any]:
    """Parse `text` as TOML of at most `depth` levels.

    Raises:
        ValueError: it is not one.
    """
    import tomllib

    try:
        return _bounded(tomllib.loads(text), depth)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _bounded(value: Any, depth: int) -> Any:
    """Return `value` after checking its depth and its numbers.

    It may have at most `depth` levels and no infinite number.
    """
    level, left = [value], depth
    while level := [item for item in level if isinstance(item, (dict, list))]:
        if (left := left - 1) < 0:
            raise ValueError("it is nested too deeply")
        below: list[Any] = []
        for node in level:
            items = node.values() if isinstance(node, dict) else node
            kinds = set(map(type, items))  # a vocabulary of many words is passed over at once
            numbers = (item for item in items if isinstance(item, float))
            if float in kinds and not all(map(math.isfinite, numbers)):
                raise ValueError("it holds a number that is too large")
            if dict in kinds or list in kinds:
                below += items
        level = below
    return value


def copy_folder(source: Path, target: Path) -> None:
    """Copy the files and folders in `source` into the folder `target`.

    Hidden ones are left out.
    """
    import shutil

    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if any(name.startswith(".") for name in inside.parts):
            continue
        if path.is_dir():
            (target / inside).mkdir(exist_ok=True)
        elif path.is_file():
            shutil.copyfile(path, target / inside)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state(path: Path) -> str:
    """Return a hash of the files at a path.

    It covers their names, sizes and times, not their contents.
    """
    files = [path]
    if path.is_dir():
        files = sorted(Path(top, name) for top, _, names in os.walk(path) for name in names)
    hashed = hashlib.sha256()
    for file in files:
        with contextlib.suppress(OSError):  # it cannot be read then, either
            status = file.stat()
            line = f"{file.relative_to(path)}\0{status.st_size}\0{status.st_mtime_ns}\n"
            hashed.update(line.encode("utf-8", "surrogateescape"))
    return hashed.hexdigest()


def expanded(path: str | Path, variable: str = "") -> Path:
    """Replace a leading `~` or `~user` by that home folder.

    Args:
        variable: the environment variable that it comes from, for the message.
    Raises:
        ConfigError: there is no such user, or no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0][1:]
        why = f"there is no user {user}" if user else "you have no home folder"
        named = f"{variable} is {path}" if variable else str(path)
        raise ConfigError(f"{named}: {why}. Give the whole path, without ~.") from error


def cache_dir() -> Path:
    """Return the folder of prepared data.

    It is NNGUIDE_CACHE, else the user's cache folder.
    """
    if chosen := os.environ.get("NNGUIDE_CACHE"):
        return expanded(chosen, "NNGUIDE_CACHE")
    import platformdirs

    return Path(platformdirs.user_cache_dir("nnguide"))


def data_dir() -> Path | None:
    """Return the folder of official data files.

    It is NNGUIDE_DATA_DIR; None if the user did not set it.
    """
    chosen = os.environ.get("NNGUIDE_DATA_DIR")
    return expanded(chosen, "NNGUIDE_DATA_DIR") if chosen else None
