"""What lies beside a bare network: preprocessing.json, and a NumPy package `front` to use it.

The package is made of nnguide's own modules, copied with their imports made relative, so that
one source decides what a model is given wherever it runs.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import nnguide
from nnguide.files import write_json, write_text
from nnguide.models.light_form import describe
from nnguide.runs import Run

PACKAGE = Path(nnguide.__file__).parent
SCHEMA = 1
EVERY = {
    "export/front.py": "__init__.py",
    "inference/preprocessing.py": "batches.py",
    "inference/validation.py": "validation.py",
    "inference/decision.py": "decision.py",
    "inference/picture_inputs.py": "picture_inputs.py",
    "data/mail/text.py": "mail_text.py",
    "errors.py": "errors.py",
    **{
        f"preprocessing/{name}.py": f"{name}.py"
        for name in (
            *("tokens", "characters", "pictures", "picture_limits", "mnist_form", "ink", "grid"),
        )
    },
}
MOVED = (
    (r"^(\s*)from nnguide\.data\.mail import", r"\1from .mail_text import"),
    (r"^(\s*)from nnguide\.inference\.preprocessing import", r"\1from .batches import"),
    (r"^(\s*)from nnguide(?:\.inference|\.preprocessing)? import", r"\1from . import"),
    (r"^(\s*)from nnguide\.(?:inference\.|preprocessing\.)?(\w+) import", r"\1from .\2 import"),
)


def write(run: Run, folder: Path, network: dict[str, Any]) -> None:
    """Write preprocessing.json and the package `front` into `folder`.

    Args:
        network: the names of its file, its input and its output.
    """
    from nnguide.models.saving import preprocessor

    settings = {
        "schema": SCHEMA,
        "task": run.task.name,
        "inputs": run.task.inputs,
        "labels": list(run.labels),
        "threshold": run.threshold,
        "network": network,
        "preprocessing": describe(preprocessor(run.model)),
    }
    write_json(folder / "preprocessing.json", settings)
    for source, target in EVERY.items():
        text = (PACKAGE / source).read_text(encoding="utf-8")
        write_text(folder / "front" / target, relative(text))
    shutil.copyfile(PACKAGE / "preprocessing" / "characters.npz", folder / "front/characters.npz")


def relative(source: str) -> str:
    """A module's text with what it imports from nnguide taken from beside it."""
    for absolute, beside in MOVED:
        source = re.sub(absolute, beside, source, flags=re.MULTILINE)
    return source
