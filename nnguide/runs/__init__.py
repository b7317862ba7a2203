"""Runs: what a run folder holds, how it comes to be whole, how it is found and verified."""

from nnguide.inference.decision import Answer, answer
from nnguide.runs.run import (
    CHECKPOINT,
    DETERMINES,
    MANIFEST,
    ROOT,
    SCHEMA,
    Engine,
    Run,
    finished,
    load,
    shipped,
)
from nnguide.runs.workspace import Workspace, default_folder

__all__ = [
    "CHECKPOINT",
    "DETERMINES",
    "MANIFEST",
    "ROOT",
    "SCHEMA",
    "Answer",
    "Engine",
    "Run",
    "Workspace",
    "answer",
    "default_folder",
    "finished",
    "load",
    "shipped",
]
