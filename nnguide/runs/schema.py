"""Schemas of a run's JSON files, checked when they are read.

A wrong file is a RunError. Keys that are not listed may be there too, so that a file of a newer
nnguide can be read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnguide.errors import RunError
from nnguide.files import read_json


@dataclass(frozen=True)
class Value:
    """Check of a key's value, and a description for messages."""

    holds: Callable[[Any], bool]
    expected: str
    needed: bool = True

    def or_null(self) -> Value:
        return Value(lambda v: v is None or self.holds(v), f"{self.expected} or null", self.needed)

    def optional(self) -> Value:
        return Value(self.holds, self.expected, False)


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


TEXT = Value(lambda v: isinstance(v, str) and len(v) < 10_000, "a text")
FLAG = Value(lambda v: isinstance(v, bool), "true or false")
COUNT = Value(lambda v: type(v) is int and 0 <= v < 2**53, "a whole number from 0")
NUMBER = Value(_number, "a number")
AMOUNT = Value(lambda v: _number(v) and v >= 0, "a number from 0")
FRACTION = Value(lambda v: _number(v) and 0 <= v <= 1, "a number in [0, 1]")
LABELS = Value(
    lambda v: _texts(v) and 2 <= len(v) == len(set(v)) <= 1000 and all(v), "2 labels or more"
)
FEATURES = Value(lambda v: _texts(v) and 1 <= len(v) == len(set(v)) and all(v), "column names")
HASHES = Value(
    lambda v: (
        isinstance(v, dict)
        and all(
            isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
            for digest in v.values()
        )
    ),
    "an object of SHA-256s by file name",
)
KINDS = Value(lambda v: _texts(v) and bool(v) and set(v) <= {"messages", "mail"}, "messages, mail")
OBJECT = Value(lambda v: isinstance(v, dict), "an object")

Schema = Mapping[str, Value]

MANIFEST: Schema = {
    "schema": COUNT,
    "task": TEXT,
    "nnguide": TEXT,
    "created": TEXT,
    "dataset": TEXT,
    "dataset_is_fallback": FLAG,
    "dataset_path": TEXT.or_null().optional(),
    "learned_from": KINDS.optional(),
    "versions": OBJECT.optional(),
    "files": HASHES,
    "resumes_from": HASHES.optional(),
}
DECISION: Schema = {
    "labels": LABELS,
    "features": FEATURES.optional(),
    "threshold": FRACTION.optional(),
    "refuse_below": FRACTION.optional(),
    "refusal": OBJECT.optional(),
    "calibration": OBJECT.optional(),
    "choice": OBJECT.optional(),
}
METRICS: Schema = {
    "run": TEXT,
    "task": TEXT,
    "dataset": TEXT,
    "dataset_is_fallback": FLAG,
    "epochs": COUNT,
    "best_epoch": COUNT,
    "train_seconds": AMOUNT,
    "val_accuracy": FRACTION.or_null(),
    "val_loss": NUMBER.or_null(),
    "n_train": COUNT.optional(),
    "n_validation": COUNT.optional(),
    "parameters": COUNT.optional(),
    "interrupted": FLAG.optional(),
    "runtime": TEXT.optional(),
    "members": Value(_texts, "a list of texts", needed=False),
}


MOST = 2**20  # bytes of a file


def read(path: Path, schema: Schema) -> dict[str, Any]:
    """Return the object in a JSON file of a run.

    Raises:
        RunError: the file is missing, damaged or not what `schema` says.
    """
    try:
        tree = read_json(path, MOST)
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} is not a run: it has no {path.name}") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    if not isinstance(tree, dict):
        raise RunError(f"{path} is damaged: expected an object; got {_brief(tree)}")
    for key, value in schema.items():
        if key not in tree:
            if value.needed:
                raise RunError(f"{path} is damaged: it has no {key}")
        elif not value.holds(tree[key]):
            raise RunError(
                f"{path} is damaged: {key} must be {value.expected}; got {_brief(tree[key])}"
            )
    return tree


def _brief(value: Any) -> str:
    written = repr(value)
    return written if len(written) <= 60 else f"{written[:57]}..."
