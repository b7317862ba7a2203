"""Check of what a .keras file would build, before Keras builds it.

A model file is code: it names classes and functions that are looked up, imported and called while
it is loaded, and Keras's safe mode forbids Python lambdas alone. Here the file is read without
Keras: only classes of a list pass, with values that cannot name a file, a function or an amount
of memory beyond the bounds.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from nnguide.errors import RunError
from nnguide.models.allowed_classes import (
    ACTIVATIONS,
    DOCTOR_CLASSES,
    DTYPES,
    LOSS_FUNCTIONS,
    MEASURES,
    NNGUIDE,
    RUN_CLASSES,
)

MAX_FILE = 1 << 30  # bytes of all members, unpacked
MAX_CONFIG = 16 << 20  # bytes of config.json
MAX_DEPTH = 100  # levels of JSON
MAX_VALUES = 2_000_000  # of JSON
MAX_LAYERS = 2_000
MAX_INTEGER = 1 << 24  # of any size or count in the configuration
MAX_PARAMETERS = 100_000_000  # 400 MB in float32
MAX_SHAPE = 1 << 28  # values of one example between two layers
MAX_DATASETS = 20_000  # in the weights

_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_ASSET = re.compile(r"assets/(?:[\w .-]+/)*(?:[\w .-]+)?")
_NAME = re.compile(r"[\w .:/>-]{1,200}")
_OBJECT = {
    *("module", "class_name", "config", "registered_name", "build_config", "compile_config"),
    *("name", "inbound_nodes", "shared_object_id", "input_tensors"),
}
_COMPILE = {
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly"),
    *("steps_per_execution", "jit_compile", "auto_scale_loss"),
}
_VECTORIZE = {
    "standardize": (None, "lower_and_strip_punctuation", "lower", "strip_punctuation"),
    "split": (None, "whitespace", "character"),
}
_ANY_INTEGER = {"seed", "salt", "shared_object_id"}  # they are no sizes


def check(path: Path, *, run: bool) -> None:
    """Check that the .keras file may be given to Keras.

    Args:
        run: whether it is a run's own model, which has fewer kinds of layers than Keras.
    Raises:
        RunError: it is not a .keras file, or holds what is not on the list or beyond the bounds.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _members(path, archive)
            config = _json(path, archive.read("config.json"))
            weights = archive.read("model.weights.h5")
    except RunError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds of a damaged file
        raise RunError(f"{path} cannot be loaded as a Keras model: {error}") from error
    _Configuration(path, RUN_CLASSES if run else DOCTOR_CLASSES).check(config)
    _weights(path, weights)


def _refuse(path: Path, what: str) -> NoReturn:
    raise RunError(
        f"{path} holds {what}, so it was not loaded: a model file is code. Expected layers of "
        "Keras or nnguide within the bounds of docs/doctor.md, and no functions, paths or classes "
        "of others."
    )


def _members(path: Path, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        _refuse(path, "two members of one name")
    for name in names:
        if name not in _MEMBERS and (not _ASSET.fullmatch(name) or ".." in name):
            _refuse(path, f"the member {name[:100]!r}")
    if missing := [name for name in _MEMBERS if name not in names]:
        raise RunError(f"{path} cannot be loaded as a Keras model: it has no {missing[0]}")
    if (size := sum(entry.file_size for entry in entries)) > MAX_FILE:
        _refuse(path, f"{size:,} bytes, more than {MAX_FILE:,}")
    if archive.getinfo("config.json").file_size > MAX_CONFIG:
        _refuse(path, f"a configuration of more than {MAX_CONFIG >> 20} MB")


def _json(path: Path, content: bytes) -> Any:
    def constant(word: str) -> NoReturn:
        _refuse(path, f"the number {word}")

    try:
        return json.loads(content, parse_constant=constant)
    except RecursionError:
        _refuse(path, f"a configuration deeper than {MAX_DEPTH} levels")
    except ValueError as error:
        raise RunError(
            f"{path} cannot be loaded as a Keras model: its config.json is not valid JSON: {error}"
        ) from error


class _Configuration:
    """Check of one file's config.json."""

    def __init__(self, path: Path, classes: frozenset[tuple[str, str]]) -> None:
        self._path = path
        self._classes = classes
        self._values = 0
        self._layers = 0

    def check(self, config: Any) -> None:
        if not isinstance(config, dict) or "class_name" not in config:
            self._refuse("a configuration that describes no model")
        self._walk(config, "", 0)

    def _refuse(self, what: str) -> NoReturn:
        _refuse(self._path, what)

    def _walk(self, value: Any, key: str, depth: int) -> None:
        """Check `value`, which is under `key` or in its list."""
        self._values += 1
        if depth > MAX_DEPTH:
            self._refuse(f"a configuration deeper than {MAX_DEPTH} levels")
        if self._values > MAX_VALUES:
            self._refuse(f"a configuration of more than {MAX_VALUES:,} values")
        if isinstance(value, dict):
            if "class_name" in value:
                self._object(value)
            elif "module" in value or "registered_name" in value:
                self._refuse("an object without a class name")
            if key == "compile_config" and (strange := sorted(value.keys() - _COMPILE)):
                self._refuse(f"the setting {strange[0][:60]!r} of compile")
            for name, inner in value.items():
                if name in ("vocabulary", "idf_weights") and isinstance(inner, str):
                    self._refuse(f"the path of a {name} file, {inner[:60]!r}")
                self._walk(inner, name, depth + 1)
        elif isinstance(value, list):
            for inner in value:
                self._walk(inner, key, depth + 1)
        else:
            self._plain(value, key)

    def _object(self, value: dict[str, Any]) -> None:
        """Check a dictionary that Keras makes an object of."""
        module, name, registered = (
            value.get(key) for key in ("module", "class_name", "registered_name")
        )
        config = value.get("config")
        if strange := sorted(value.keys() - _OBJECT):
            self._refuse(f"the key {strange[0][:60]!r} in an object {str(name)[:60]}")
        if name == "__keras_tensor__" and module is None and registered is None:
            return
        if name == "function":
            if (
                module == "builtins"
                and registered in (None, "function", config)
                and config in LOSS_FUNCTIONS | ACTIVATIONS
            ):
                return
            self._refuse(f"the function {str(module)[:60]}.{str(config)[:60]}")
        if not isinstance(name, str) or not isinstance(config, dict):
            self._refuse(f"an object {str(name)[:60]} without a configuration")
        if name in NNGUIDE and registered == f"nnguide>{name}":
            self._layers += 1
        elif (module, name) in self._classes and registered in (None, name):
            self._layers += module == "keras.layers"
        else:
            shown = f"{module}.{name}" if registered in (None, name) else str(registered)
            self._refuse(f"the class {shown[:120]}, which is not on the list of allowed ones")
        if self._layers > MAX_LAYERS:
            self._refuse(f"more than {MAX_LAYERS:,} layers")
        if name == "TextVectorization":
            for key, allowed in _VECTORIZE.items():
                if config.get(key) not in allowed:
                    self._refuse(f"TextVectorization with {key} {str(config[key])[:60]!r}")

    def _plain(self, value: Any, key: str) -> None:
        """Check a number, a string or null."""
        if isinstance(value, bool) or value is None:
            if key == "unroll" and value:
                self._refuse("unroll=True, whose cost no configuration bounds")
        elif isinstance(value, int):
            if abs(value) > (2**64 if key in _ANY_INTEGER else MAX_INTEGER):
                self._refuse(f"{key} {value if abs(value) < 10**30 else 'of more digits'}")
        elif isinstance(value, float):
            if not math.isfinite(value):
                self._refuse(f"{key} {value}")
        else:
            self._text(value, key)

    def _text(self, value: str, key: str) -> None:
        shown = f"{key} {value[:60]!r}"
        if key.endswith("activation") and value not in ACTIVATIONS:
            self._refuse(f"the function {shown}")
        if key.endswith("dtype") and value not in DTYPES:
            self._refuse(shown)
        if key in ("loss", "metrics", "weighted_metrics") and value not in MEASURES:
            self._refuse(f"the function {shown}")
        if key == "name" and (not _NAME.fullmatch(value) or ".." in value or value[0] == "/"):
            self._refuse(shown)


def _weights(path: Path, content: bytes) -> None:
    """Check the HDF5 file of the weights.

    It has arrays of numbers, and links to nothing outside of it.
    """
    import h5py

    seen: set[int] = set()
    total = 0
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            for what, dataset in _datasets(file, seen):
                if what or dataset.is_virtual or dataset.external:
                    _refuse(path, what or f"weights in another file ({dataset.name})")
                if dataset.dtype.kind not in "fiub":
                    _refuse(path, f"weights that are not numbers ({dataset.name})")
                total += dataset.nbytes
                if total > MAX_FILE or len(seen) > MAX_DATASETS:
                    _refuse(path, f"weights above {MAX_FILE:,} bytes or {MAX_DATASETS:,} parts")
    except RunError:
        raise
    except Exception as error:  # h5py raises a dozen kinds of a damaged file
        raise RunError(
            f"{path} cannot be loaded as a Keras model: its weights cannot be read: {error}"
        ) from error


def _datasets(file: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield every array below an HDF5 group.

    For a link elsewhere it yields ("what is wrong", the group).
    """
    import h5py

    waiting = [file]
    while waiting:
        group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                yield f"weights in another file ({name[:60]})", group
                return
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                yield "", item


@contextlib.contextmanager
def bounded(path: Path) -> Iterator[None]:
    """Limit the weights that are made while a model loads.

    The limit holds whatever shapes the file asks for.

    Raises:
        RunError: at the weight that is one too many, before it takes memory.
    """
    import keras

    layer, own = keras.layers.Layer, threading.get_ident()
    add_weight = layer.add_weight
    total = 0

    def counted(self: Any, shape: Any = None, *args: Any, **named: Any) -> Any:
        nonlocal total
        if threading.get_ident() == own:
            total += math.prod(shape if isinstance(shape, (list, tuple)) else [shape or 1])
            if total > MAX_PARAMETERS:
                _refuse(path, f"more than {MAX_PARAMETERS:,} parameters")
        return add_weight(self, shape, *args, **named)

    layer.add_weight = counted
    try:
        yield
    except Exception:
        if total > MAX_PARAMETERS:  # Keras wraps what is raised while it builds
            _refuse(path, f"more than {MAX_PARAMETERS:,} parameters")
        raise
    finally:
        layer.add_weight = add_weight


def check_outputs(path: Path, model: Any) -> None:
    """Check the output sizes of a loaded model's layers.

    No layer may answer one example with more values than the bound.

    Raises:
        RunError: one does.
    """
    for layer in model._flatten_layers():
        for node in layer._inbound_nodes:
            for tensor in node.output_tensors:
                if (size := math.prod(side or 1 for side in tensor.shape)) > MAX_SHAPE:
                    _refuse(path, f"the layer {layer.name}, whose output has {size:,} values")
