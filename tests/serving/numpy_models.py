"""Models that need no training - those of TensorFlow Serving's own tests, computed in NumPy, and
others that are slow or refuse - and a server of them in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from nnguide.errors import InputError, RunError
from nnguide.serving import app
from nnguide.serving.bounds import Bounds
from nnguide.serving.server import Serving
from nnguide.serving.signatures import CLASSIFY, REGRESS, STRING, Signature, Tensor
from nnguide.serving.versions import Model

NUMBER = Tensor("float32", (None,), "x:0")
EXAMPLES = Tensor(STRING, (None,), "tf_example:0")
COLUMN = Tensor("float32", (None, 1), "y:0")


class HalfPlus:
    """x / 2 + `more`, as the models half_plus_two and half_plus_three of TensorFlow Serving."""

    origin = "a test"
    gains = True
    platform = "numpy"
    labels = None

    def __init__(self, more: float = 2.0) -> None:
        self.more = more
        self.batches: list[int] = []
        self.signatures = {
            "serving_default": Signature({"x": Tensor("float32", None, "x:0")}, {"y": NUMBER}),
            "rows": Signature({"x": NUMBER}, {"y": NUMBER}),
            "classify_x_to_y": Signature({"inputs": EXAMPLES}, {"scores": COLUMN}, CLASSIFY),
            "regress_x_to_y": Signature({"inputs": EXAMPLES}, {"outputs": COLUMN}, REGRESS),
        }

    def prepare(self, name: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if "x" not in given:
            raise InputError("these examples were never parsed")
        if (given["x"] == 13).any():
            raise InputError("13 is refused at the door")
        return given

    def pictures(self, name: str, given: dict[str, np.ndarray]) -> list[bytes] | None:
        return None

    def examples(self, name: str, given: list[dict[str, Any]]) -> dict[str, np.ndarray]:
        return {"x": np.array([example["x"][1] for example in given], np.float32)}

    def run(self, name: str, prepared: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        x = prepared["x"]
        self.batches.append(len(np.atleast_1d(x)))
        if (x < 0).any():
            raise InputError("the model refuses what is negative")
        out = self.signatures[name].outputs
        return {key: (x / 2 + self.more).astype(np.float32) for key in out}


class Blocked(HalfPlus):
    """The same, which answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.asked = 0

    def run(self, name: str, prepared: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.asked += 1
        assert self.free.wait(600)
        return super().run(name, prepared)


class Echo:
    """Every input comes back under its own name."""

    origin = "a test"
    gains = True
    platform = "numpy"
    labels = None

    def __init__(self, **tensors: Tensor) -> None:
        self.signatures = {"serving_default": Signature(tensors, tensors)}

    def prepare(self, name: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return given

    def pictures(self, name: str, given: dict[str, np.ndarray]) -> list[bytes] | None:
        return None

    def examples(self, name: str, given: list[dict[str, Any]]) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def run(self, name: str, prepared: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return prepared


class Shelf:
    """Versions in memory instead of on the disk; None is one that cannot be loaded."""

    def __init__(self, **versions: Any) -> None:
        self.versions = {int(name.removeprefix("v")): model for name, model in versions.items()}

    def scan(self) -> dict[int, tuple[Any, ...]]:
        return {version: (id(model),) for version, model in self.versions.items()}

    def load(self, version: int) -> Any:
        if self.versions[version] is None:
            raise RunError("it is broken")
        return self.versions[version]


class Started:
    """A client of a server of models in memory."""

    def __init__(self, bounds: Bounds, batching: bool, shelves: dict[str, Shelf]) -> None:
        self.serving = Serving(bounds, batching)
        for name, shelf in shelves.items():
            self.serving.models[name] = Model(name, shelf, self.serving._start)
            self.serving.models[name].refresh()
        self.app = app.create(
            self.serving.models, bounds, self.serving.metrics, self.serving.decoders
        )
        self.client = TestClient(self.app, base_url="http://localhost")

    def post(self, path: str, body: Any, **more: Any) -> tuple[int, Any]:
        """The status and the JSON of the answer to `body`, bytes as they are or JSON."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = self.client.post(f"/v1/models/{path}", **content, **more)
        assert answer.headers["content-type"] == "application/json"
        return answer.status_code, answer.json()

    def get(self, path: str) -> tuple[int, Any]:
        answer = self.client.get(path)
        return answer.status_code, answer.json()


Start = Callable[..., Started]
