"""Runs: what a run folder holds, how it comes to be whole, how it is found and verified."""

from nnguide.inference.decision import Answer, Decision
from nnguide.runs.manifest import CHECKPOINT, DETERMINES, MANIFEST, SCHEMA
from nnguide.runs.run import (
    ROOT,
    Engine,
    Run,
    all_shipped,
    default_folder,
    finish,
    finished,
    load,
    shipped,
)

__all__ = [
    "CHECKPOINT",
    "DETERMINES",
    "MANIFEST",
    "ROOT",
    "SCHEMA",
    "Answer",
    "Decision",
    "Engine",
    "Run",
    "default_folder",
    "finish",
    "finished",
    "load",
    "shipped",
    "all_shipped",
]
