"""A request at each stage: as received, parsed and prepared for `run`."""

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
    """The body of an answer.

    It is JSON, with binary tensors behind it where `json` is the JSON's length.
    """

    content: bytes
    json: int | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """A request in progress: its body and where its answer is awaited.

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
    """The request that a job makes."""

    job: Job
    signature: str
    joins: bool  # whether it may share a batch with the rows of others
    key: Key  # the key of its rows
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
        """Return the body of the answer."""
        if inference := self.asked.inference:
            return Body(*inference.encode(outputs, self.job.model, self.job.version))
        if self.job.method == "predict":
            in_rows = self.asked.key == "instances"
            return Body((tensors.predictions if in_rows else tensors.columnar)(outputs, bad))
        classifies = self.job.method == "classify"
        return Body((tensors.classifications if classifies else tensors.regressions)(outputs, bad))
