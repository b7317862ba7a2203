"""A server in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from numpy_models import Shelf, Start, Started

from nnguide.serving.bounds import Bounds


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a server: start(half=Shelf(v1=HalfPlus()), bounds=Bounds(rows=3))."""
    servers: list[Started] = []

    def started(bounds: Bounds | None = None, batching: bool = True, **shelves: Any) -> Started:
        shelves = {
            name: shelf if isinstance(shelf, Shelf) else Shelf(v1=shelf)
            for name, shelf in shelves.items()
        }
        servers.append(Started(bounds or Bounds(), batching, shelves))
        return servers[-1]

    yield started
    for server in servers:
        for model in server.serving.models.values():
            if model.current:
                model.current.batcher.close()
