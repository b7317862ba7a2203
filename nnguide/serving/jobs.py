"""A request on its way through a model: what came, what it asks for, what `run` takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nnguide.serving import tensors
from nnguide.serving.inference_tensors import Inference

Method = Literal["predict", "classify", "regress", "infer"]
Key = Literal["instances", "inputs", "examples"]


@dataclass(frozen=True)
class Body:
    """What answers a request: JSON, with binary tensors behind it where `json` is its length."""

    content: bytes
    json: int | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """A request on its way: its body, and where its answer is awaited.

    Attributes:
        model, version: that it began with.
        json: the length of the JSON in its body, as a header says it; None where it has none.
    """

    method: Method
    body: bytes
    zipped: bool
    answer: asyncio.Future[Body]
    model: str
    version: int
    json: str | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """What a job asks for."""

    job: Job
    signature: str
    joins: bool  # whether rows of others may stand below its own
    key: Key  # where its rows stand
    inference: Inference | None = None  # of the Open Inference Protocol


@dataclass(frozen=True, eq=False)
class Call:
    """A job that was parsed and checked."""

    asked: Asked
    inputs: tensors.Arrays
    rows: int
    joins: bool
    bad: Mapping[int, str]  # instances that were refused alone, by their places

    @property
    def signature(self) -> str:
        return self.asked.signature

    @property
    def job(self) -> Job:
        return self.asked.job

    def encode(self, outputs: tensors.Arrays, bad: Mapping[int, str]) -> Body:
        """The body that answers it."""
        if inference := self.asked.inference:
            return Body(*inference.encode(outputs, self.job.model, self.job.version))
        if self.job.method == "predict":
            in_rows = self.asked.key == "instances"
            return Body((tensors.predictions if in_rows else tensors.columnar)(outputs, bad))
        classifies = self.job.method == "classify"
        return Body((tensors.classifications if classifies else tensors.regressions)(outputs, bad))
