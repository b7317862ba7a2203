"""Answers to a stream of inputs, in constant memory.

The inputs have names, and are answered in batches.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

from nnguide.errors import InputError
from nnguide.inference.answers import Feedback, corrected, taken
from nnguide.inference.decision import Answer, Decision
from nnguide.inference.sources import Named
from nnguide.runs import Engine, Run

BATCH = 256  # inputs that the network answers together, at most
WAIT = 0.25  # seconds that the first of them waits for the others, if they are slow to come


def predict(
    run: Run,
    named: Named,
    threshold: float | None = None,
    engine: Engine | None = None,
    reject: bool = True,
    feedback: Feedback | None = None,
) -> Iterator[tuple[str, Answer | InputError]]:
    """Yield the answer to each named input, in order.

    An input that failed keeps its error.

    Args:
        run: whose network answers.
        named: from `pictures` or `texts`; taken BATCH at a time, so that memory stays bounded,
            and sooner where it pauses or is slow.
        threshold: for spam, instead of the run's own.
        engine: as for `Run.outputs`.
        reject: answer `none` where no label fits, if the run can; else a label always wins.
        feedback: as for `Run.predict`.
    """
    decision = decision_of(run, threshold, reject)
    batch: list[tuple[str, Any]] = []
    began = time.monotonic()
    for item in named:
        if item is not None:
            batch.append((item[0], taken(decision, item[1])))
        late = item is None or time.monotonic() - began > WAIT
        if batch and (late or len(batch) == BATCH):
            yield from answered(run, batch, decision, engine, feedback)
            batch, began = [], time.monotonic()
    yield from answered(run, batch, decision, engine, feedback)


def decision_of(run: Run, threshold: float | None, reject: bool) -> Decision:
    """Return the run's decision with changes.

    They are another threshold, or no refusing.
    """
    decision = run.decision if reject else run.decision.always()
    return decision if threshold is None else dataclasses.replace(decision, threshold=threshold)


def answered(
    run: Run,
    batch: list[tuple[str, Any]],
    decision: Decision,
    engine: Engine | None,
    feedback: Feedback | None,
) -> Iterator[tuple[str, Answer | InputError]]:
    """Yield the answers to one batch of named inputs.

    Some of the inputs may be errors.
    """
    good = [value for _, value in batch if not isinstance(value, InputError)]
    made: Iterator[Answer | InputError] = iter(())
    if good:
        outputs = run.outputs(run.task.kind.stacked(good), engine)
        made = corrected(decision, outputs, good, feedback)
    for name, value in batch:
        yield name, value if isinstance(value, InputError) else next(made)
