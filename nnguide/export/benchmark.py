"""A benchmark of one run in every available form.

Each form is measured in a process of its own.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.errors import DataError, ExtraError, WorkError
from nnguide.inference import light
from nnguide.runs import Run

log = logging.getLogger(__name__)

# form -> the export it is in (None: the run itself), and the files that it needs
FORMS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "keras": (None, ("model.keras", "decision.json")),
    "light": (None, (*light.FILES, "decision.json")),
    "saved_model": ("saved_model", ("saved_model.pb", "variables/*")),
    "onnx": ("onnx", ("model.onnx", "preprocessing.json", "front/**/*.*")),
    "litert": ("litert", ("model.tflite", "preprocessing.json", "front/**/*.*")),
    "litert_int8": ("litert", ("model.int8.tflite", "preprocessing.json", "front/**/*.*")),
}
INPUTS = 1000  # built-in inputs that are asked where the run's test set is not at hand
SECONDS = 3.0  # that a figure is measured for, about


@dataclass(frozen=True)
class Form:
    """The measurements of one form.

    Attributes:
        form: its name.
        bytes: of the files that it needs.
        load_seconds: from an interpreter that runs to a model that answers, imports included.
        latency_seconds: median of an answer to one raw input.
        throughput: raw inputs answered a second, 256 at once.
        accuracy: on the test set; None where the test set is not available.
        missing: why there are no figures; None where there are.
    """

    form: str
    bytes: int | None = None
    load_seconds: float | None = None
    latency_seconds: float | None = None
    throughput: float | None = None
    accuracy: float | None = None
    missing: str | None = None


def benchmark(run: Run) -> dict[str, Any]:
    """Measure a run in every form.

    A form that cannot be made says why.

    Returns:
        run, task, dataset and split that were measured on (None where the data is not available),
        n, and forms: the fields of `Form` for each.
    """
    from nnguide.evaluation import evaluate

    dataset: str | None = None
    split: str | None = None
    labels: np.ndarray | None = None
    try:
        measured = evaluate.measured_data(run, None, None, None, None, None)
        raw, dataset, split = measured.examples.inputs, measured.source.name, measured.split
        labels = measured.examples.labels
    except DataError as error:
        log.info(f"note: accuracy is not measured: {error}")
        raw = run.task.kind.samples(run, INPUTS)
    with tempfile.TemporaryDirectory() as name:
        forms = list(_measure(run, raw, labels, Path(name)))
    return {
        "run": str(run.folder),
        "task": run.task.name,
        "dataset": dataset,
        "split": split,
        "n": len(raw),
        "forms": [asdict(form) for form in forms],
    }


def _measure(run: Run, raw: np.ndarray, labels: np.ndarray | None, place: Path) -> Iterable[Form]:
    """Return the measurements of each form.

    An export is written below `place`.
    """
    from nnguide.export import publish
    from nnguide.export.verify import ask, right

    kind = run.task.kind.tensor
    packed = run.task.kind.packed(raw)
    made: dict[str, str] = {}  # export -> why it could not be made, or ""
    for number, (form, (export, files)) in enumerate(FORMS.items(), start=1):
        log.info(f"{number} of {len(FORMS)}: {form}")
        folder = run.folder if export is None else place / export
        try:
            if export is not None and export not in made:
                made[export] = ""
                folder.mkdir()
                publish.write(run, export, folder)  # type: ignore[arg-type]
            elif form == "light" and run.engine != "light":
                raise WorkError("this run has no light form, or this platform cannot run it")
        except (ExtraError, WorkError) as error:
            made[export or form] = str(error)
        if reason := made.get(export or form):
            yield Form(form, missing=reason)
            continue
        answers, figures = ask(form, folder, {kind: packed}, [kind], seconds=SECONDS)
        share = None if labels is None else right(run.decision, answers, kind, labels)
        size = sum(f.stat().st_size for name in files for f in folder.glob(name) if f.is_file())
        yield Form(form, size, accuracy=share, missing=None, **figures)


HEAD = ("form", "size", "load", "batch 1", "throughput", "right")


def title(figures: dict[str, Any]) -> str:
    """Return a title that says what `benchmark` measured on."""
    where = f"{figures['dataset']}, {figures['split']}" if figures["dataset"] else "built-in inputs"
    return f"{figures['n']:,} inputs: {where}"


def rows(figures: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the results of `benchmark` as texts below `HEAD`.

    A form that is missing says why.
    """
    return [
        (row["form"], row["missing"], *[""] * 4)
        if row["missing"]
        else (
            row["form"],
            f"{row['bytes'] / 1000:,.0f} kB",
            f"{row['load_seconds']:.2f} s",
            f"{row['latency_seconds'] * 1000:.2f} ms",
            f"{row['throughput']:,.0f}/s",
            "-" if row["accuracy"] is None else f"{row['accuracy']:.2%}",
        )
        for row in figures["forms"]
    ]


def line(cells: tuple[str, ...]) -> str:
    """Return a row as a line with stable columns."""
    form, size, load, latency, throughput, right = cells
    text = f"{form:<12} {size:>10} {load:>8} {latency:>10} {throughput:>12} {right:>8}"
    return text if load else f"{form:<12} {size}"
