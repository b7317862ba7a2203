"""Run folders: their content, and how they are found and verified.

They appear whole or not at all.
"""

from nnguide.inference.answers import Answers
from nnguide.inference.decision import Answer, Decision
from nnguide.runs.finding import (
    ROOT,
    all_shipped,
    default_folder,
    finish,
    finished,
    load,
    shipped,
)
from nnguide.runs.manifest import CHECKPOINT, DETERMINES, MANIFEST, SCHEMA
from nnguide.runs.run import Engine, Run

__all__ = [
    "CHECKPOINT",
    "DETERMINES",
    "MANIFEST",
    "ROOT",
    "SCHEMA",
    "Answer",
    "Answers",
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
