"""How true explanations are to the network: areas under deletion and insertion curves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nnguide import data, runs
from nnguide.evaluation.evaluate import own_dataset
from nnguide.explain import METHODS, explain_all, installed, subjects
from nnguide.explain.faithful import AREAS
from nnguide.runs import Run

INPUTS = 100
QUICK_INPUTS = 20


def explanations(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Every method on the newest runs of both tasks, on test inputs drawn from a seed.

    Each input is explained for the label that it got. Of texts only those answered with spam:
    without words a text is ham already, so nothing is to be seen when words of ham go.
    """
    count = QUICK_INPUTS if quick else INPUTS
    rows: list[dict[str, Any]] = []
    notes = []
    for task in ("digits", "spam"):
        run = runs.load(task)
        raws = _inputs(run, count)
        notes.append(f"{task}: {len(raws)} test inputs of {own_dataset(run)}, {run.folder.name}")
        for method in METHODS:
            if not installed(method):
                notes.append(f"{task}: {method} left out, it needs the extra explain")
                continue
            say(f"{task}: {method}, {len(raws)} inputs")
            started = time.perf_counter()
            found = explain_all(run, raws, method)
            seconds = (time.perf_counter() - started) / len(raws)
            for name in AREAS:
                mean = float(np.mean([one.checks[name] for one in found]))
                what = f"{task}: {name.replace('_', ', ')}"
                rows.append({"what": what, "side": method, "values": [mean], "unit": "area"})
            rows.append(
                {"what": f"{task}: time", "side": method, "values": [seconds], "unit": "s/input"}
            )
            complete = [one.checks["complete"] for one in found]
            if complete[0] is not None:
                share = float(np.mean(complete))
                what = f"{task}: sums within 1 %"
                rows.append({"what": what, "side": method, "values": [share], "unit": "fraction"})
    notes.append("deletion: less than at random is better; insertion: more is")
    return {"rows": rows, "notes": notes}


def _inputs(run: Run, count: int) -> list[Any]:
    source = data.find(run.task.name, own_dataset(run), split_seed=run.config.data.split_seed)
    pool = source.load("test").inputs
    pool = pool[np.random.default_rng(0).permutation(len(pool))]
    if run.threshold is not None:
        of = subjects.subject(run)
        pool = pool[of.answered([of.check(raw) for raw in pool])[1] == 1]
    return list(pool[:count])
