"""The NumPy package `front` and preprocessing.json of an exported network.

They prepare the inputs of a bare network.

The package is a copy of nnguide's own modules in folders of the same names, so that the inputs
are prepared by the same code wherever it runs. The modules use relative imports only
(`from ..errors import`), which work in the copy too.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nnguide
from nnguide.files import write_json, write_text
from nnguide.models.light_form import describe
from nnguide.runs import Run

PACKAGE = Path(nnguide.__file__).parent
SCHEMA = 1
COPIED = (
    "errors.py",
    "files/reading.py",
    "data/containers.py",
    "data/mail/text.py",
    *(
        f"inference/{name}.py"
        for name in ("front", "decision", "preprocessing", "validation", "picture_inputs")
    ),
    *(
        f"preprocessing/{name}"
        for name in (
            *("tokens.py", "characters.py", "characters.npz", "pictures.py", "grey_levels.py"),
            *("picture_limits.py", "heif.py", "mnist_form.py", "many.py", "touching.py"),
            *("margins.py", "ink.py", "grid.py", "joined.py", "joined.f16", "sheets.py"),
        )
    ),
)
INIT = '''"""What stands before and after the network that lies beside this folder, in NumPy."""

from .inference.front import Front

__all__ = ["Front"]
'''


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
        "refuse_below": run.decision.refuse_below,
        "network": network,
        "preprocessing": describe(preprocessor(run.model)),
    }
    write_json(folder / "preprocessing.json", settings)
    write_text(folder / "front" / "__init__.py", INIT)
    for name in COPIED:
        target = folder / "front" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, target)
