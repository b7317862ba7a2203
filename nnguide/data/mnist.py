"""MNIST: 60,000 and 10,000 handwritten digits, through TensorFlow Datasets.

The official files are the four gzipped IDX files of the original distribution. Those exact
files go through TensorFlow Datasets, which checks their SHA-256 once more. Files that are
uncompressed, or compressed by somebody else, are not what it accepts; they are read here
instead, after a check of the SHA-256 of their uncompressed content. Either way the result is
the same bytes in the official order, which is checked at the end.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide.data import builders
from nnguide.data.download import Download
from nnguide.errors import DataError
from nnguide.files import sha256

if TYPE_CHECKING:
    import numpy as np

    from nnguide.data.examples import Examples

_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
LABELS = tuple("0123456789")

# Published SHA-256 of the compressed files.
_COMPRESSED = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
# SHA-256 of their uncompressed content, header included.
_CONTENT = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_HEADERS = {  # magic number and shape, in front of the bytes
    "train-images-idx3-ubyte": (2051, 60_000, 28, 28),
    "train-labels-idx1-ubyte": (2049, 60_000),
    "t10k-images-idx3-ubyte": (2051, 10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (2049, 10_000),
}
_AGAIN = f"Download it again from {_URL}"
_LONGEST = 48 * 2**20  # bytes of uncompressed content

_VERSION = "3.0.1"  # of the builder in TensorFlow Datasets
NEEDED = "its four official .gz files"
FILES = tuple(f"{name}.gz" for name in _COMPRESSED)
DOWNLOADS = tuple(
    Download(f"{_URL}{name}.gz", f"{name}.gz", known, 10 * 2**20)
    for name, known in _COMPRESSED.items()
)


def holds(folder: Path) -> bool:
    """Return whether `folder` holds any official file.

    It may be compressed or not.
    """
    return any(_find(folder, name) for name in _CONTENT)


def is_made(variant: str) -> bool:
    """Return whether TensorFlow Datasets has prepared its own form.

    Then no file is needed.
    """
    return (builders.folder() / "mnist" / _VERSION).is_dir()


def check(folder: Path) -> None:
    """Check that `folder` holds the four official files.

    Raises:
        DataError: one is missing, damaged or another file.
    """
    for name in _CONTENT:
        _content(folder, name)


def read_splits(source: Callable[[], Path], variant: str, split_seed: int) -> dict[str, Examples]:
    """Return the splits "train" and "test".

    `source()` gives the checked folder. MNIST has one split of its own, so neither `variant` nor
    `split_seed` changes it.
    """
    from nnguide.data.examples import Examples

    if is_made(variant) or _is_original(source()):
        arrays = _through_tfds(source)
    else:
        arrays = _from_idx(source())
    inputs, labels = "images-idx3-ubyte", "labels-idx1-ubyte"
    return {
        split: Examples(arrays[f"{file}-{inputs}"], arrays[f"{file}-{labels}"], LABELS)
        for split, file in (("train", "train"), ("test", "t10k"))
    }


def _through_tfds(source: Callable[[], Path]) -> dict[str, np.ndarray]:
    """Return arrays by official file name, from TensorFlow Datasets."""
    builder = builders.prepared(_builder, source)
    arrays = {}
    for file, split in (("train", "train"), ("t10k", "test")):
        stored = builders.read(builder, split)
        arrays[f"{file}-images-idx3-ubyte"] = stored["image"][..., 0]
        arrays[f"{file}-labels-idx1-ubyte"] = stored["label"]
    for name, array in arrays.items():
        header = b"".join(number.to_bytes(4, "big") for number in _HEADERS[name])
        if hashlib.sha256(header + array.astype("uint8").tobytes()).hexdigest() != _CONTENT[name]:
            raise DataError(
                f"TensorFlow Datasets did not give back {name} byte for byte. "
                f"Delete {builder.data_dir} and run the command again."
            )
    return arrays


def _builder() -> Any:
    import tensorflow_datasets as tfds

    builder = tfds.builder(f"mnist:{_VERSION}", data_dir=builders.folder())
    # It would store the pictures shuffled; this keeps the order of the official files.
    builder.info.as_proto.disable_shuffling = True
    return builder


def _from_idx(folder: Path) -> dict[str, np.ndarray]:
    """Return arrays by official file name, from the files."""
    import numpy as np

    arrays = {}
    for name, (_, *shape) in _HEADERS.items():
        content = _content(folder, name)
        array = np.frombuffer(content, np.uint8, offset=4 * (1 + len(shape))).reshape(shape)
        arrays[name] = array if len(shape) == 3 else array.astype(np.int64)
    return arrays


def _is_original(folder: Path) -> bool:
    """Return whether the compressed files are the original ones, byte by byte."""
    return all(
        (folder / f"{name}.gz").is_file() and sha256(folder / f"{name}.gz") == known
        for name, known in _COMPRESSED.items()
    )


def _find(folder: Path, name: str) -> Path | None:
    """Return a file in `folder`, compressed or not; else None."""
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _content(folder: Path, name: str) -> bytes:
    """Return the verified uncompressed content of an official file."""
    path = _find(folder, name)
    if path is None:
        raise DataError(
            f"{name}.gz is missing in {folder}. MNIST is these four files, as they are or "
            f"uncompressed: {', '.join(FILES)}"
        )
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(_LONGEST)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or cannot be read ({error}). {_AGAIN}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != _CONTENT[name]:
        raise DataError(
            f"{path} is damaged or not the official file: the SHA-256 of its uncompressed "
            f"content is {digest}, not {_CONTENT[name]}. {_AGAIN}"
        )
    return content
