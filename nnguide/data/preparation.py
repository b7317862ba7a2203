"""Preparation of a real set.

It comes from a folder of official files, or from the network.
"""

from __future__ import annotations

import functools
import importlib
import shutil
from pathlib import Path
from typing import Any

from nnguide.data import builders, download, prepared
from nnguide.data.dataset_info import Facts
from nnguide.errors import ConfigError, DataError
from nnguide.files import cache_dir, data_dir


def module(facts: Facts) -> Any:
    """Return the module of nnguide.data that reads the set."""
    return importlib.import_module(f"nnguide.data.{facts.module}")


def _maker(facts: Facts) -> Any:
    """Return the module of nnguide.data that makes the examples.

    It may import TensorFlow Datasets.
    """
    return builders.module(facts.builder) if facts.builder else module(facts)


def folder(facts: Facts, split_seed: int) -> Path:
    """Return the set's prepared folder, as mnist/official or sms_spam/seed-0."""
    own = facts.variant or "official"
    if facts.own_split:
        return cache_dir() / facts.set / own
    reading = f"reading-{facts.reading}-" if facts.reading > 1 else ""
    variant = f"{facts.variant}-" if facts.variant else ""
    return cache_dir() / facts.set / f"{variant}{reading}seed-{split_seed}"


def in_data_dir(facts: Facts) -> Path | None:
    """Return the set's folder in NNGUIDE_DATA_DIR, else None.

    It must hold any of the official files.
    """
    root = data_dir()
    if root is None or not module(facts).holds(root / facts.set):
        return None
    return root / facts.set


def check_manual(facts: Facts, manual_dir: Path) -> None:
    """Check that `manual_dir` holds all official files, intact.

    Raises:
        ConfigError: it is not a folder.
        DataError: a file is missing, damaged or another one.
    """
    if not manual_dir.is_dir():
        raise ConfigError(
            f"--manual-dir must be a folder of official files; {manual_dir} is not a folder"
        )
    if not module(facts).holds(manual_dir):
        raise DataError(
            f"no official file of {facts.set} in {manual_dir}; expected "
            f"{', '.join(module(facts).FILES)}"
        )
    module(facts).check(manual_dir)


def obtain(facts: Facts, split_seed: int, manual_dir: Path | None = None) -> Path:
    """Prepare the set unless it is prepared and intact.

    One process at a time does.

    Returns:
        The prepared folder.
    Raises:
        AbsentError: its files are not available.
        DataError: they were found, damaged.
        WriteError: the cache folder cannot be written.
    """
    target = folder(facts, split_seed)
    reader = module(facts)
    files = manual_dir or in_data_dir(facts)

    @functools.cache
    def source() -> Path:
        if files is None:
            return _downloaded(facts)
        reader.check(files)
        return files

    try:
        if files is None and not reader.is_made(facts.variant):
            _reach(facts)  # before a write: where it fails, "auto" needs no cache at all
        with prepared.lock(facts.set):
            if not prepared.is_intact(target):  # another process may have been quicker
                splits = _maker(facts).read_splits(source, facts.variant, split_seed)
                prepared.save(target, splits, facts.name)
    except download.AbsentError as absent:
        reason = f"{_searched()}, and {absent.reason}"
        raise download.AbsentError(reason, advice(facts), facts.name) from None
    return target


def advice(facts: Facts) -> str:
    """Return what a user can type to get the set."""
    if not module(facts).DOWNLOADS:
        return (
            f"To get it, fetch {module(facts).NEEDED} into a folder DIR, and run "
            f"nnguide data prepare {facts.name} --manual-dir DIR"
        )
    return (
        f"To get it, run nnguide data prepare {facts.name} where there is a network, or with "
        f"--manual-dir DIR, where DIR holds {module(facts).NEEDED}"
    )


def _searched() -> str:
    root = data_dir()
    if root is None:
        place = "NNGUIDE_DATA_DIR is not set"
    elif not root.is_dir():
        place = f"NNGUIDE_DATA_DIR ({root}) is not a folder"
    else:
        place = f"it is not in NNGUIDE_DATA_DIR ({root})"
    return f"it is not prepared, {place}"


def _downloads(facts: Facts) -> Path:
    return cache_dir() / "downloads" / facts.set


def _reach(facts: Facts) -> None:
    """Check that what is still to be downloaded probably can be."""
    if not module(facts).DOWNLOADS:
        raise download.AbsentError("nnguide does not download it")
    for file in module(facts).DOWNLOADS:
        if not (_downloads(facts) / file.name).exists():
            return download.probe(file.url)
    return None


def _downloaded(facts: Facts) -> Path:
    """Return the folder of downloaded files, checked.

    If anything in it is damaged, it is removed.
    """
    for file in module(facts).DOWNLOADS:
        with prepared.writing_cache():
            download.download(file, _downloads(facts))
    try:
        module(facts).check(_downloads(facts))
    except DataError:
        shutil.rmtree(_downloads(facts), ignore_errors=True)
        raise
    return _downloads(facts)
