"""Corrections by a run's owner, as a layer over its network.

The layer learns from a journal.

    from nnguide import feedback, load
    run = load("spam", ["mail"])
    answers = run.predict(mails, feedback=feedback.layer(run))

The run itself is never written. Its journal, in the user's data folder, has the corrections: hashes
and numbers, no text. All else is made from it when it is opened, so that a correction that is taken
back leaves nothing.

Read the files in this order:

    learner.py      corrections to what they change: near copies, and a linear model
    journal.py      the file of corrections: whole, hashed, one process at a time
    corrections.py  a run's journal opened: what answers, and what corrects
    earlier.py      the corrections of the network before, and how they are taken over
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nnguide.files import expanded

VARIABLE = "NNGUIDE_FEEDBACK"  # a folder of journals, instead of the user's data folder

if TYPE_CHECKING:
    from nnguide.feedback.corrections import Layer
    from nnguide.runs import Run


def layer(run: Run, threshold: float | None = None) -> Layer | None:
    """Return the corrections of `run` as a layer, or None.

    None where there are none.

    Args:
        run: of spam; others have none.
        threshold: instead of the run's own, where the answers are decided by another.
    Raises:
        RunError: the journal is damaged or cannot be read.
    """
    if not _is_any():
        return None
    from nnguide.feedback.corrections import Layer

    return Layer.of(run, threshold)


def unused(run: Run, name: str) -> str:
    """Return a note on corrections that `run` does not use.

    They are of a network before; "" without any.

    Args:
        run: any.
        name: the RUN that it was opened by.
    """
    if not _is_any() or run.threshold is None or not run.task.kind.takes_mail:
        return ""
    from nnguide.feedback import earlier

    return earlier.note(run, name)


def _is_any() -> bool:
    """Return whether anything was corrected at all.

    Mostly nothing was, and then nothing has to be imported.
    """
    try:
        folder().stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # reading the journal says why
    return True


def folder() -> Path:
    """Return the folder of the journals."""
    if place := os.environ.get(VARIABLE):
        return expanded(place, VARIABLE)
    import platformdirs

    return Path(platformdirs.user_data_path("nnguide")) / "feedback"
