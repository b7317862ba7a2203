"""TensorFlow Datasets, kept quiet, off the network and inside the cache folder."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide import logs
from nnguide.data.prepared import writing_cache
from nnguide.errors import DataError, WriteError
from nnguide.files import cache_dir

if TYPE_CHECKING:
    import numpy as np

_log = logging.getLogger(__name__)


def folder() -> Path:
    """Return the folder of TensorFlow Datasets' own prepared sets."""
    return cache_dir() / "tfds"


def module(name: str) -> Any:
    """Import a module of nnguide.data that needs TensorFlow Datasets."""
    with _quiet():
        return importlib.import_module(f"nnguide.data.{name}")


def prepared(make: Callable[[], Any], source: Callable[[], Path]) -> Any:
    """Return a TensorFlow Datasets builder whose data are prepared.

    Call it under the set's lock.

    Args:
        make: makes the builder, with `folder()` as its data_dir.
        source: gives the folder of verified official files; asked only where the builder's
            data are not there yet.
    """
    with writing_cache():
        folder().mkdir(parents=True, exist_ok=True)
    with _quiet():
        builder = make()
        ready = builder.is_prepared()
    if not ready:
        files = source()
        _log.info("preparing %s from %s", builder.name, files)
        with _quiet():
            _prepare(builder, files)
    return builder


def _prepare(builder: Any, files: Path) -> None:
    import tensorflow_datasets as tfds

    beside = Path(builder.data_dir).parent
    for left_over in beside.glob("*incomplete*"):  # of a killed process
        shutil.rmtree(left_over, ignore_errors=True)
    with writing_cache():
        beside.mkdir(parents=True, exist_ok=True)
        unpacked = tempfile.mkdtemp(prefix="files.incomplete-", dir=beside)
    config = tfds.download.DownloadConfig(
        manual_dir=str(files), try_download_gcs=False, compute_stats="skip"
    )
    try:
        builder.download_and_prepare(download_dir=unpacked, download_config=config)
    except Exception as error:
        full = "No space left" in str(error)
        if full or isinstance(error, PermissionError):
            raise WriteError(
                f"cannot write the cache folder {cache_dir()}: "
                f"{'the disk is full' if full else 'permission denied'}. "
                "Set NNGUIDE_CACHE to another folder."
            ) from error
        raise
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def read(builder: Any, split: str) -> dict[str, np.ndarray]:
    """Return the examples of a prepared builder, by feature.

    Each feature is (n, ...), in the stored order.
    """
    import numpy as np

    try:
        with _quiet():
            import tensorflow_datasets as tfds

            data = builder.as_dataset(split=split, batch_size=1_000, shuffle_files=False)
            batches = list(tfds.as_numpy(data))
    except Exception as error:  # TensorFlow's errors for damaged records have no base of theirs
        raise DataError(
            f"the data that TensorFlow Datasets keeps in {builder.data_dir} cannot be read "
            f"({str(error).splitlines()[0]}). Delete that folder and run the command again."
        ) from error
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what TensorFlow and TensorFlow Datasets write, without -v.

    The latter prints to stdout, where it would spoil an answer in JSON.
    """
    logs.tensorflow()
    import tensorflow_datasets as tfds

    with (
        open(os.devnull, "w") as nowhere,  # noqa: PTH123
        contextlib.redirect_stdout(sys.stderr if logs.verbose else nowhere),
        logs.stderr_diverted(),
    ):
        if not logs.verbose:
            tfds.disable_progress_bar()
        yield
