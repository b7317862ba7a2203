"""LIME and SHAP in a process of their own.

SHAP can patch TensorFlow's gradients and leave them so, and both draw from NumPy's global random
state. Neither can disturb a process that never imports them: a child opens the run by its light
form, explains, and ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nnguide
from nnguide.errors import WorkError
from nnguide.explain.features import Patches
from nnguide.explain.score import Score
from nnguide.explain.subjects import Subject, load


class Weighed(NamedTuple):
    """The result of a method for one input.

    Attributes:
        weights: (28, 28) or (parts,).
        ends: f(baseline) and f(x).
        checks: the method's own figures.
    """

    weights: np.ndarray
    ends: tuple[float, float]
    checks: dict[str, Any]


def weigh_all(
    of: Subject, method: str, raws: Sequence[Any], labels: Sequence[int], seed: int
) -> list[Weighed]:
    """Explain checked inputs by LIME or SHAP in another process.

    Raises:
        WorkError: that process failed; its last words are in the message.
    """
    asked = {
        "folder": str(Path(of.folder).absolute()),
        "method": method,
        "seed": seed,
        "labels": list(labels),
        "raws": [raw if isinstance(raw, str) else np.asarray(raw).tolist() for raw in raws],
    }
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "question.json", Path(folder) / "answer.json"
        question.write_text(json.dumps(asked), encoding="utf-8")
        home = str(Path(nnguide.__file__).parent.parent)
        paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
        ended = subprocess.run(
            [sys.executable, "-P", "-m", __name__, str(question), str(answer)],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if ended.returncode or not answer.exists():
            last = (ended.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise WorkError(f"{method} failed in its process ({ended.returncode}): {last}")
        rows = json.loads(answer.read_text(encoding="utf-8"))
    return [Weighed(np.array(row["weights"]), tuple(row["ends"]), row["checks"]) for row in rows]


def _weigh(of: Subject, method: str, raw: Any, label: int, seed: int) -> dict[str, Any]:
    """Return one input's result as JSON values."""
    from nnguide.explain import lime, shap

    module = lime if method == "lime" else shap
    parts = of.parts(raw, module.PATCH)
    score = Score(of.output, label, len(of.labels))

    def f(masks: np.ndarray) -> np.ndarray:
        return score(of.sums(parts.keep(masks)))[0].astype(np.float64)

    count = len(parts.differs)
    ends = f(np.repeat([[False], [True]], count, axis=1))
    weights, checks = module.weigh(f, count, seed) if count else (np.zeros(0), {})
    if isinstance(parts, Patches):
        weights = parts.spread(weights)
    return {"weights": weights.tolist(), "ends": ends.tolist(), "checks": checks}


def main(question: str, answer: str) -> None:
    """Read the question's file, write the answer's."""
    asked = json.loads(Path(question).read_text(encoding="utf-8"))
    of = load(asked["folder"])
    raws = [raw if isinstance(raw, str) else np.array(raw) for raw in asked["raws"]]
    checked = [of.check(raw) for raw in raws]
    rows = [
        _weigh(of, asked["method"], raw, label, asked["seed"])
        for raw, label in zip(checked, asked["labels"], strict=True)
    ]
    Path(answer).write_text(json.dumps(rows, allow_nan=False), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
