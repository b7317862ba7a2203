"""A check that an export answers as its run does.

The export is asked in a process of its own.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from nnguide import logs
from nnguide.errors import WorkError
from nnguide.export import Format, process, samples
from nnguide.inference import validation
from nnguide.inference.decision import NONE, Decision
from nnguide.runs import Run

log = logging.getLogger(__name__)

CHECKED = 1000  # inputs of each kind
CLOSE = 1e-4  # between probabilities, from what the preprocessing takes on
READ = 0.02  # between probabilities where a picture file was read
UNDECIDED = 0.01  # the top two may change places where they are so close and a file was read

Answers = dict[str, np.ndarray]


def verify(run: Run, form: Format, folder: Path) -> dict[str, Any]:
    """Compare the answers of an export with the run's.

    The export in `folder` is loaded in a fresh process.

    Returns:
        How many inputs of each kind were compared, and how far apart the probabilities were.
    Raises:
        WorkError: it cannot be loaded, does not answer, or answers otherwise.
    """
    count = CHECKED
    log.info(f"checking {form} in a fresh process on {count:,} inputs of each kind")
    return run.task.kind.verify(run, form, folder, count)


def of_pictures(run: Run, form: Format, folder: Path, count: int) -> dict[str, Any]:
    """Verify pictures: levels, and for a SavedModel files too."""
    inputs: dict[str, Any] = {"image": samples.pictures(count)}
    kinds = ["image"]
    if form == "saved_model":
        inputs["image_bytes"], seen = zip(*samples.files(count), strict=True)
        kinds += ["examples", "image_bytes"]
    answers, _ = ask(form, folder, inputs, kinds, {"examples": "image"})
    wanted = run.outputs(validation.pictures(inputs["image"]), "keras")
    checked = {"image": compare(run, wanted, answers, "image", CLOSE, 2 * CLOSE)}
    if form == "saved_model":
        compare_scores(run, wanted, answers)
        wanted = run.outputs(validation.pictures(np.stack(seen)), "keras")
        checked["image_bytes"] = compare(run, wanted, answers, "image_bytes", READ, UNDECIDED)
    if form == "litert":
        loads(run, folder, inputs["image"][:10], "image")
    return checked


def of_rows(run: Run, form: Format, folder: Path, count: int) -> dict[str, Any]:
    """Verify rows of numbers."""
    rows = run.task.kind.samples(run, count)
    kinds = ["features", *(["examples"] if form == "saved_model" else [])]
    answers, _ = ask(form, folder, {"features": rows}, kinds, {"examples": "features"})
    wanted = run.outputs(rows, "keras")
    checked = compare(run, wanted, answers, "features", CLOSE, 2 * CLOSE)
    if form == "saved_model":
        compare_scores(run, wanted, answers)
    if form == "litert":
        loads(run, folder, rows[:10], "features")
    return {"features": checked}


def of_texts(run: Run, form: Format, folder: Path, texts: list[str]) -> dict[str, Any]:
    """Verify texts: their ids must be equal, whatever Unicode they hold."""
    from nnguide.models.saving import preprocessor

    encoded = [text.encode() for text in texts]
    kinds = ["text", "ids", *(["examples"] if form == "saved_model" else [])]
    sources = {"ids": "text", "examples": "text"}
    answers, _ = ask(form, folder, {"text": encoded}, kinds, sources)
    layer = preprocessor(run.model)
    batches = [process.ragged(np.asarray(layer(batch))) for batch in process.cut(encoded)]
    for name in ("ids", "lengths"):
        wanted_ids = np.concatenate([batch[name] for batch in batches])
        if not np.array_equal(answers[f"ids.{name}"], wanted_ids):
            raise WorkError("the export gives some texts other token ids than the run")
    wanted = run.outputs(validation.texts(texts), "keras")
    checked = compare(run, wanted, answers, "text", CLOSE, 2 * CLOSE)
    if form == "saved_model":
        compare_scores(run, wanted, answers)
    if form == "litert":
        loads(run, folder, encoded[:10], "text")
    return {"text": checked}


def right(decision: Decision, answers: Answers, kind: str, labels: np.ndarray) -> float:
    """Return the fraction of right answers, by the most probable label.

    Whether an input is refused does not matter, as in an evaluation.

    Args:
        answers: of `ask`.
        labels: (n,) int, of inputs of this kind.
    """
    rows = answers.get(f"{kind}.probabilities")
    rows = answers[f"{kind}.probability"][:, None] if rows is None else rows
    return float((decision.numbers(rows) == labels).mean())


def loads(run: Run, folder: Path, inputs: Any, kind: str) -> None:
    """Check that the 8-bit network loads and answers with probabilities.

    They may differ from the run's.
    """
    answers, _ = ask("litert_int8", folder, {kind: inputs}, [kind])
    probability = answers[f"{kind}.probability"]
    if not (np.isfinite(probability).all() and (abs(probability - 0.5) <= 0.51).all()):
        raise WorkError("the 8-bit network's outputs are not probabilities")


def compare(
    run: Run, wanted: np.ndarray, answers: Answers, kind: str, close: float, undecided: float
) -> dict[str, Any]:
    """Compare the answers to one kind of input with the run's.

    `wanted` (n, nodes) are the run's probabilities.

    Args:
        close: how far apart probabilities may be.
        undecided: labels may differ where the run's top two probabilities (for spam, its
            probability and the threshold) are so close.
    """
    if run.threshold is None:
        probabilities = answers[f"{kind}.probabilities"]
        top = np.sort(wanted, axis=1)
        margin = top[:, -1] - top[:, -2]
        winning = answers[f"{kind}.probability"] == probabilities.max(axis=1)
        if run.decision.refuse_below is not None:
            margin = np.minimum(margin, np.abs(top[:, -1] - np.float32(run.decision.refuse_below)))
    else:
        probabilities = answers[f"{kind}.probability"][:, None]
        margin = np.abs(wanted[:, 0].astype(float) - run.threshold)
        winning = np.ones(len(wanted), bool)
    labels = np.array(run.labels)[run.decision.numbers(wanted)]
    labels = np.where(run.decision.refused(wanted), NONE, labels)
    apart = (
        float(np.abs(probabilities - wanted).max())
        if probabilities.shape == wanted.shape
        else np.inf
    )
    if not apart <= close:  # NaN too
        raise WorkError(
            f"the export and its run are up to {apart:.3g} apart in their probabilities for "
            f"{kind}; at most {close:g} is expected"
        )
    other = (answers[f"{kind}.label"] != labels) & (margin > undecided)
    if other.any() or not winning.all():
        raise WorkError(f"the export gives {int(other.sum())} of {len(labels)} {kind} other labels")
    return {"n": len(wanted), "apart": apart}


def compare_scores(run: Run, wanted: np.ndarray, answers: Answers) -> None:
    """Compare the signature `classify` with the run's probabilities.

    `wanted` (n, nodes) are these probabilities.
    """
    scores = run.task.head(len(run.labels)).probabilities(wanted)
    names = answers["examples.classes"]
    if not (names == np.array(run.labels)).all():
        raise WorkError("the signature classify names other classes than the run")
    if not np.abs(answers["examples.scores"] - scores).max() <= CLOSE:
        raise WorkError("the signature classify gives other scores than the run")


def ask(
    form: str,
    folder: Path,
    inputs: dict[str, Any],
    kinds: Iterable[str],
    sources: dict[str, str] | None = None,
    seconds: float = 0.0,
) -> tuple[Answers, dict[str, float]]:
    """Ask an export in a fresh process; return its answers.

    They are by kind of input.

    Args:
        form: a key of nnguide.export.process.FORMS.
        inputs: arrays, or lists of byte strings.
        kinds: what to ask, each a name in `inputs` or in `sources`.
        sources: kind -> the name in `inputs` of its values.
        seconds: also take the time, for about so long a figure.
    Returns:
        `kind.name` -> array, and the figures.
    Raises:
        WorkError: the process failed.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        arrays: dict[str, np.ndarray] = {}
        for key, values in inputs.items():
            if isinstance(values, np.ndarray):
                arrays[key] = values
            else:
                arrays[f"{key}_bytes"], arrays[f"{key}_lengths"] = process.pack(values)
        np.savez(place / "inputs.npz", **arrays)  # type: ignore[arg-type]
        request = {
            "form": form,
            "folder": str(folder.resolve()),
            "kinds": list(kinds),
            "sources": sources or {},
            "seconds": seconds,
            "inputs": str(place / "inputs.npz"),
            "outputs": str(place / "outputs.npz"),
            "figures": str(place / "figures.json"),
        }
        (place / "request.json").write_text(json.dumps(request), encoding="utf-8")
        command = [sys.executable, "-P", "-B", process.__file__, str(place / "request.json")]
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if ended.returncode:
            if logs.verbose:
                sys.stderr.write(ended.stderr)
            last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
            raise WorkError(f"{form} failed in a fresh process: {last}")
        with np.load(place / "outputs.npz", allow_pickle=False) as file:
            answers = {key: file[key] for key in file.files}
        return answers, json.loads((place / "figures.json").read_text(encoding="utf-8"))
