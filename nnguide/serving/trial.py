"""A trial of a version in a separate process before it serves.

    python -P -m nnguide.serving.trial run|saved_model FOLDER [trust]

A damaged model can crash the process that loads it. It is therefore tried in this process, which
answers a few inputs; its output and exit status decide whether the server loads the version.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np

import nnguide
from nnguide.errors import NnguideError, RunError
from nnguide.inference.decision import NONE
from nnguide.serving.servable import RunServable, Servable
from nnguide.serving.signatures import DEFAULT, STRING

Kind = Literal["run", "saved_model"]
SECONDS = 180.0  # that loading and trying may take
NEAR = 1e-3  # of 1, for a sum of probabilities
TEXTS = ("", "See you at six", "WIN a FREE prize! Call 09061701461 now " * 50, "\u00fc\U0001f600\0")


def verify(kind: Kind, folder: Path, trust: bool = False) -> None:
    """Raise RunError if a model does not load and answer.

    It is tried in another process.

    Args:
        trust: whether a SavedModel may hold code.
    Raises:
        RunError: it does not, or ends that process.
    """
    home = str(Path(nnguide.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", __name__, kind, str(folder), *["trust"] * trust],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(f"{folder}: its model gave no answer within {SECONDS:g} s") from error
    if ended.returncode:
        reason = ended.stdout.decode("utf-8", "replace").strip()
        how = f"signal {-ended.returncode}" if ended.returncode < 0 else ended.returncode
        raise RunError(reason or f"{folder}: its model is damaged: it ends its process ({how})")


def check(servable: Servable, labels: tuple[Any, ...] | None, where: Path) -> None:
    """Raise RunError if a loaded model's labels or answers are wrong.

    Its threshold is checked too.

    Args:
        labels: of a run or an export of one; None for a model of other origin.
    Raises:
        RunError: they are not.
    """

    def wrong(what: str) -> RunError:
        return RunError(f"{where} cannot be served: {what}")

    threshold = servable.threshold
    if threshold is not None and not (
        isinstance(threshold, (int, float)) and math.isfinite(threshold) and 0 <= threshold <= 1
    ):
        raise wrong(f"its threshold is a number in [0, 1]; got {threshold!r}")
    if labels is None:
        return
    if (
        len(labels) < 2
        or not all(isinstance(label, str) and label for label in labels)
        or len(set(labels)) < len(labels)
    ):
        raise wrong(f"its labels are different names; got {str(labels)[:100]}")
    ((name, tensor),) = servable.signatures[DEFAULT].inputs.items()
    if tensor.dtype == STRING:
        inputs: np.ndarray = np.array(TEXTS, object)
    elif tensor.shape is not None and len(tensor.shape) == 2:  # rows of numbers
        inputs = np.random.default_rng(0).normal(size=(3, tensor.shape[1] or 1)).astype(np.float32)
    else:
        draw = np.random.default_rng(0)
        blank, stroke = np.zeros((28, 28)), np.zeros((28, 28))
        stroke[6:22, 13:16] = 255
        inputs = np.stack([blank, stroke, draw.integers(0, 256, (28, 28))]).astype(np.float32)
    outputs = servable.run(DEFAULT, servable.prepare(DEFAULT, {name: inputs}))
    known = {label if isinstance(label, str) else label.decode() for label in outputs["label"]}
    if not known <= {*labels, *([NONE] if servable.refuse_below is not None else [])}:
        raise wrong(f"it answers {sorted(known)}, its labels are {str(labels)[:100]}")
    rows = np.asarray(outputs.get("probabilities", outputs["probability"]), np.float64)
    if len(rows) != len(inputs) or not np.isfinite(rows).all() or rows.min() < 0 or rows.max() > 1:
        raise wrong("it answers with other numbers than one probability each in [0, 1]")
    if rows.ndim == 2 and (
        rows.shape[1] != len(labels) or np.abs(rows.sum(axis=1) - 1).max() > NEAR
    ):
        raise wrong(f"it answers with other than {len(labels)} probabilities that sum to 1")
    if rows.ndim == 1 and (len(labels) != 2 or threshold is None):
        raise wrong("one probability needs two labels and a threshold")


def main(kind: str, folder: str, trust: str = "") -> int:
    """Load and try a model; return the exit status.

    What is wrong goes to stdout.
    """
    try:
        if kind == "run":
            run = RunServable(Path(folder))
            check(run, run.labels, Path(folder))
        else:
            from nnguide.serving.saved_model import SavedModelServable

            saved = SavedModelServable(Path(folder), bool(trust))
            check(saved, saved.labels, Path(folder))
    except NnguideError as error:
        sys.stdout.write(str(error))
        return error.exit_code
    except Exception as error:  # of files that another program wrote
        sys.stdout.write(f"{folder} cannot be served: {type(error).__name__}: {str(error)[:300]}")
        return RunError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
