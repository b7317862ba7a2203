"""Publishing an export as a new version, whole and checked.

It has its manifest; otherwise nothing is published.

    <out>/<task>/<version>/           a SavedModel, where TensorFlow Serving looks for it
    <out>/<task>-onnx/<version>/      model.onnx, preprocessing.json, front/
    <out>/<task>-litert/<version>/    model.tflite, model.int8.tflite, preprocessing.json, front/

A version is made in a workspace beside its own whose name is no number, so that no server takes it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide import __version__, logs
from nnguide.errors import ConfigError, DataError, RunError
from nnguide.export import Format, serving_config
from nnguide.files import sha256, workspace, write_json, writing_to
from nnguide.files.workspace import Workspace
from nnguide.runs import Run, schema

if TYPE_CHECKING:
    from nnguide.data.examples import Examples

log = logging.getLogger(__name__)

ROOT = Path("saved_models/exports")
MANIFEST = "manifest.json"
SCHEMA = 1


@dataclass(frozen=True)
class Exported:
    """A published version.

    Attributes:
        folder: that it lies in.
        manifest: what manifest.json holds.
        configuration: the files that --serving-config wrote.
    """

    folder: Path
    manifest: dict[str, Any]
    configuration: list[Path]


def export(
    run: Run,
    form: Format,
    out: Path = ROOT,
    *,
    version: int | None = None,
    serving: bool = False,
    force: bool = False,
) -> Exported:
    """Export a run as a new version below `out`.

    It is checked in a fresh process first.

    Args:
        run: any run of a task, an ensemble too.
        form: saved_model, onnx or litert.
        version: a positive number; None is the next after those there are.
        serving: write the files that TensorFlow Serving is started with too.
        force: replace a version that is there.
    Raises:
        ConfigError: the version is there, or options that do not go together.
        ExtraError: what the form takes is not installed.
        WorkError: the export does not answer as its run does; nothing is left of it.
        WriteError: the place cannot be written.
    """
    if serving and form != "saved_model":
        raise ConfigError("--serving-config is for saved_model, which TensorFlow Serving serves")
    if version is not None and version < 1:
        raise ConfigError(f"--version is a whole number from 1; got {version}")
    name = run.task.name if form == "saved_model" else f"{run.task.name}-{form}"
    base = out / name
    folder = base / str(version or newest(base) + 1)
    if folder.exists() and not force:
        raise ConfigError(
            f"{folder} already exists. Choose another --version, or --force to replace it."
        )
    logs.tensorflow()
    if form == "onnx":
        from nnguide.export import networks

        networks.require_onnx()
    with making(folder, out, force) as growth:
        log.info(f"writing {form} of {run.folder}")
        facts = write(run, form, growth)
        from nnguide.export.verify import verify

        manifest = {
            "schema": SCHEMA,
            "task": run.task.name,
            "format": form,
            "version": int(folder.name),
            "nnguide": __version__,
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "run": {"folder": run.folder.name, "files": run.manifest["files"]},
            "labels": list(run.labels),
            "threshold": run.threshold,
            "refuse_below": run.decision.refuse_below,
            **facts,
            "checked": verify(run, form, growth),
            "files": {
                path.relative_to(growth).as_posix(): sha256(path)
                for path in sorted(growth.rglob("*"))
                if path.is_file()
            },
        }
        write_json(growth / MANIFEST, manifest)
    configuration = serving_config.write(out, run.task.name) if serving else []
    return Exported(folder, manifest, configuration)


def newest(base: Path) -> int:
    """Return the highest version below `base`, 0 if there is none."""
    there = base.iterdir() if base.is_dir() else ()
    return max((int(path.name) for path in there if path.name.isdecimal()), default=0)


@contextlib.contextmanager
def making(folder: Path, out: Path, force: bool) -> Iterator[Path]:
    """Yield a folder to fill that then becomes the version `folder`.

    If it fails, the folder is removed.

    With `force` it replaces a version that is there, which goes only then. Folders that were made
    on the way go too if it fails, and what a killed export left below `out`.
    """
    base = folder.parent
    made = [path for path in (base, out, *out.parents) if not path.exists()]
    space = Workspace(folder, "export", check, force)
    if workspace.is_used(folder) and not force:
        raise ConfigError(
            f"{folder} already exists. Choose another --version, or --force to replace it."
        )
    try:
        with writing_to(folder):
            workspace.sweep(base, space.command)
        with space.claimed() as growth, writing_to(folder):
            yield growth
            space.publish()
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):  # something else is in it
                path.rmdir()
        raise


def check(folder: Path) -> None:
    """Raise RunError if a version differs from its manifest.

    Raises:
        RunError: one is missing or damaged.
    """
    manifest = schema.read(folder / MANIFEST, {"files": schema.HASHES})
    for name, wanted in manifest["files"].items():
        if not (folder / name).is_file() or sha256(folder / name) != wanted:
            raise RunError(f"{folder / name} is missing or does not match its manifest")


def write(run: Run, form: Format, folder: Path) -> dict[str, Any]:
    """Write the export into `folder`; return its entries for the manifest."""
    from nnguide.export import networks

    if form == "saved_model":
        from nnguide.export import saved_model

        return saved_model.write(run, folder)
    if form == "onnx":
        return networks.onnx(run, folder)
    held, what = calibration(run)
    arrays = run.task.kind.is_array
    facts = networks.litert(run, folder, held.inputs if arrays else None)
    if arrays:
        facts["int8"]["calibrated_on"] = what
    facts["int8"]["measured"] = accuracy(run, folder, held, what)
    return facts


def calibration(run: Run) -> tuple[Examples, dict[str, Any]]:
    """Return examples that are not of the test set.

    They are the run's validation set, or built-in ones.
    """
    from nnguide import data
    from nnguide.data.dataset_info import AUTO
    from nnguide.evaluation.evaluate import measured_data

    try:
        held = measured_data(run, None, "validation", None, None, None)
        return held.examples, {"dataset": held.source.name, "split": "validation"}
    except (DataError, ConfigError) as error:
        if run.task.name not in AUTO:  # it has no set of its own
            raise
        built_in = AUTO[run.task.name][1]
        log.info(f"note: {error} The 8-bit network is made with {built_in} instead.")
        examples = data.find(run.task.name, built_in).load("train")
        return examples, {"dataset": built_in, "split": "train"}


def accuracy(run: Run, folder: Path, held: Examples, what: dict[str, Any]) -> dict[str, Any] | None:
    """Return the accuracy of the float and the 8-bit network.

    It is measured on `held`, by the most probable label, whether the run refuses it or not; None
    where labels differ.
    """
    from nnguide.export.verify import ask, right

    if held.label_names != run.labels:
        return None
    kind, packed = run.task.kind.tensor, run.task.kind.packed(held.inputs)
    figures: dict[str, Any] = {**what, "n": len(held)}
    for form in ("litert", "litert_int8"):
        answers, _ = ask(form, folder, {kind: packed}, [kind])
        figures[form.removeprefix("litert_")] = right(run.decision, answers, kind, held.labels)
    figures["float32"] = figures.pop("litert")
    log.info(
        f"8-bit: {figures['int8']:.2%} right, float32 {figures['float32']:.2%}, of {len(held):,}"
    )
    return figures
