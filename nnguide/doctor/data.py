"""The data of a case: training, validation and test set.

Each has inputs and labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide.errors import InputError

TEXTS = "OUS"  # kinds of arrays of texts
NAMES = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
EXPECTED = (
    "expected data as (x, y), or a dict with x_train, y_train and perhaps x_val, y_val, "
    "x_test, y_test"
)


@dataclass(frozen=True, eq=False)
class Pair:
    """Inputs and labels as `fit` takes them.

    They are arrays, or lists or dicts of arrays.
    """

    x: Any
    y: Any

    def __len__(self) -> int:
        return len(arrays(self.x)[0])


@dataclass(frozen=True, eq=False)
class Data:
    """The available data sets."""

    train: Pair
    validation: Pair | None = None
    test: Pair | None = None


def arrays(value: Any) -> list[np.ndarray]:
    """Return the arrays in an array, a list or a dict.

    Those of a dict are in the order of its keys.
    """
    if isinstance(value, Mapping):
        return [array for key in sorted(value) for array in arrays(value[key])]
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays(item)]
    return [value]


def each(value: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """Return the same structure with `change` applied to every array."""
    if isinstance(value, Mapping):
        return {key: each(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [each(item, change) for item in value]
    return change(value)


def read(data: Any) -> Data:
    """Return the user's data as a checked `Data`.

    Args:
        data: (x, y), or a mapping with x_train, y_train and perhaps x_val, y_val, x_test, y_test.
            Each is an array (n, …), or a list or dict of them for several inputs or outputs.
    Raises:
        InputError: of another form, sets that are incomplete, empty or of unequal lengths.
    """
    if isinstance(data, Data):
        return data
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return Data(_pair("", data[0], data[1]))
    if not isinstance(data, Mapping):
        raise InputError(f"{EXPECTED}; got {type(data).__name__}")
    if foreign := sorted(map(str, set(data) - set(NAMES))):
        raise InputError(f"{EXPECTED}; got {', '.join(foreign)}")
    if not {"x_train", "y_train"} <= set(data):
        raise InputError(f"{EXPECTED}; got {', '.join(sorted(data)) or 'nothing'}")
    checked = {}
    for name in ("train", "val", "test"):
        x, y = data.get(f"x_{name}"), data.get(f"y_{name}")
        if (x is None) != (y is None):
            raise InputError(f"expected both x_{name} and y_{name}; got one of them")
        checked[name] = None if x is None else _pair(f"_{name}", x, y)
    assert checked["train"] is not None
    return Data(checked["train"], checked["val"], checked["test"])


def _pair(suffix: str, x: Any, y: Any) -> Pair:
    pair = Pair(_checked(f"x{suffix}", x), _checked(f"y{suffix}", y))
    sizes = {len(array) for array in [*arrays(pair.x), *arrays(pair.y)]}
    if len(sizes) != 1:
        raise InputError(
            f"expected as many rows in x{suffix} as in y{suffix}; "
            f"got {', '.join(map(str, sorted(sizes)))}"
        )
    return pair


def _checked(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)) and not all(hasattr(item, "shape") for item in value):
        return _array(name, value)  # plain Python numbers, in rows or not
    array = each(value, lambda item: _array(name, item))
    if not arrays(array):
        raise InputError(f"expected arrays in {name}; got none")
    return array


def _array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever stands there may raise anything
        raise InputError(f"expected an array in {name}; got {type(value).__name__}") from error
    texts = array.dtype.kind == "O" and all(isinstance(item, str) for item in array.flat)
    if array.ndim == 0 or not (texts or array.dtype.kind in "biufUSV"):
        raise InputError(
            f"expected an array of numbers or texts in {name}, a row an example; "
            f"got {array.dtype} of shape {array.shape}"
        )
    if not len(array):
        raise InputError(f"expected examples in {name}; got none")
    return array
