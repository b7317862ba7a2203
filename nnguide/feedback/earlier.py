"""Corrections of earlier networks.

A run's folder or a task's name meant those networks before. Each network has corrections of its
own, so one that was trained again begins without any. Its owner is told of those before, and may
take them over. Corrected mails and their near copies then change at once. The linear model begins
again, since it learns beside what the network itself says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nnguide import runs
from nnguide.feedback.corrections import journal
from nnguide.feedback.journal import Corrections, Journal, as_json, heads
from nnguide.runs import Run


def journals(run: Run, name: str) -> Iterator[Journal]:
    """Yield the journals of other networks that RUN meant before.

    RUN is given as `name`. For a folder they are those of that folder; for a task's name also those
    of the other runs that it may mean.
    """
    own = journal(run)
    folders = {as_json(run.folder)}
    by_name = not Path(name).is_dir()
    if by_name:
        folders |= set(map(as_json, runs.all_shipped(run.task.name)))
    for path, head in heads():
        folder, network = head.get("run"), head.get("network")
        if path == own.path or not isinstance(folder, str) or not isinstance(network, str):
            continue
        if folder in folders or (by_name and Path(folder).parent == runs.ROOT.absolute()):
            earlier = Journal(network, Path(folder))
            if earlier.path == path:
                yield earlier


def note(run: Run, name: str) -> str:
    """Return a note for the owner on unused corrections.

    "" where there are none.
    """
    names = [str(earlier.run) for earlier in journals(run, name)]
    if not names:
        return ""
    return (
        f"note: you corrected another network before ({', '.join(names)}); this one, "
        f"{run.folder}, does not use those corrections. Take them over with: "
        f"nnguide feedback {name} --take-over"
    )


def take_over(run: Run, name: str) -> Corrections:
    """Copy the corrections of earlier networks to a run.

    Where it has one of the same text, that one stays.

    Returns:
        Those that were taken over.
    Raises:
        ConfigError: there are too many.
        RunError: a journal is damaged.
        WriteError: one cannot be written.
    """
    before = list(journals(run, name))
    taken = sorted(
        (correction for each in before for correction in each.read()),
        key=lambda correction: correction.made,
    )
    newest = {correction.identifier: replace(correction, probability=None) for correction in taken}
    new: list[Corrections] = []

    def edit(corrections: Corrections) -> Corrections:
        known = {correction.identifier for correction in corrections}
        new.append(tuple(correction for key, correction in newest.items() if key not in known))
        return (*new[-1], *corrections)

    if newest:
        journal(run).change(edit)
    for each in before:
        each.release()
    return new[-1] if new else ()
