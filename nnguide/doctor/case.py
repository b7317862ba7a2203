"""A case: the model and all that is known about it.

A rule that asks for more raises CannotCheckError.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from nnguide.doctor import data as data_
from nnguide.doctor import graph as graph_
from nnguide.doctor.data import TEXTS, Data, arrays, each
from nnguide.doctor.graph import Graph
from nnguide.doctor.losses import Ending, endings
from nnguide.doctor.rule import CannotCheckError
from nnguide.errors import InputError

if TYPE_CHECKING:
    from nnguide.doctor.probes import Forward, RateProbe

ROWS = 256  # examples that go through the network, at most
NUMBERS = 2**20  # of inputs that do: fewer rows of large pictures
FEWEST = 16  # rows, however large they are

History = Mapping[str, np.ndarray]


@dataclass(eq=False)
class Case:
    """The model, data and history that the rules check.

    Attributes:
        model: any Keras model; left as it was found.
        data: the sets there are, or None.
        history: column -> (epochs,) float64, or None.
        batch_size: of training, or None where it is not known.
        shuffles: whether training is known to shuffle.
        trained: whether the weights are known to have been trained.
        measures: metrics besides the compiled ones.
        probe: of the rate, once a rule has made it.
    """

    model: Any
    data: Data | None = None
    history: History | None = None
    batch_size: int | None = None
    shuffles: bool = False
    trained: bool = False
    measures: tuple[str, ...] = ()
    probe: RateProbe | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.model, keras.Model):
            raise InputError(f"expected a Keras model; got {type(self.model).__name__}")
        if self.data is not None:
            self._build(self.data.train.x)
            self._check_inputs()
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None and int(keras.ops.convert_to_numpy(optimizer.iterations)):
            self.trained = True

    def _build(self, x: Any) -> None:
        """Build a sequential model from its data, as `fit` would."""
        waits = isinstance(self.model, keras.Sequential) and not self.model.built
        if waits and isinstance(x, np.ndarray):
            try:
                self.model.build((None, *x.shape[1:]))
            except Exception as error:  # Keras raises whatever its layers raise
                raise InputError(
                    f"the model does not take inputs of shape {x.shape[1:]}"
                ) from error

    def _check_inputs(self) -> None:
        """Raise InputError for data that the model's inputs cannot take."""
        function = graph_.functional(self.model)
        if function is None:
            return
        inputs = arrays(self.require_data().train.x)
        wanted = [tuple(tensor.shape) for tensor in function.inputs]
        got = [array.shape for array in inputs]
        fits = len(wanted) == len(got) and all(map(_takes, wanted, got))
        if not fits:
            raise InputError(f"expected inputs of shape {_shown(wanted)}; got {_shown(got)}")

    def require_data(self) -> Data:
        """Return the data, or raise CannotCheckError."""
        if self.data is None:
            raise CannotCheckError("no data was given")
        return self.data

    def require_history(self) -> History:
        """Return the history, or raise CannotCheckError."""
        if self.history is None:
            raise CannotCheckError("no history was given")
        return self.history

    @functools.cached_property
    def sample(self) -> tuple[Any, Any]:
        """Some training inputs, as the model takes them, and labels.

        They are drawn with a fixed seed.
        """
        pair = self.require_data().train
        size = max(sum(int(np.prod(array.shape[1:])) for array in arrays(pair.x)), 1)
        rows = min(len(pair), max(min(ROWS, NUMBERS // size), FEWEST))
        chosen = np.sort(np.random.default_rng(0).choice(len(pair), rows, replace=False))
        return self._as_taken(each(pair.x, lambda a: a[chosen])), each(pair.y, lambda a: a[chosen])

    def _as_taken(self, x: Any) -> Any:
        """Return `x` with numbers in the type of the model's input."""
        function = graph_.functional(self.model)
        if function is None or not isinstance(x, np.ndarray):
            return x
        dtype = str(function.inputs[0].dtype)
        return x if dtype == "string" or x.dtype.kind in TEXTS else x.astype(dtype)

    @functools.cached_property
    def graph(self) -> Graph:
        """The model's graph.

        Raises CannotCheckError where it cannot be read.
        """
        example = None if self.data is None else self.sample[0]
        return graph_.read(self.model, example)

    @functools.cached_property
    def endings(self) -> list[Ending]:
        """The head, the loss and the labels of each output.

        Raises CannotCheckError if the model is not compiled.
        """
        y = None if self.data is None else self.data.train.y
        return endings(self.model, self.graph, y)

    @functools.cached_property
    def forward(self) -> Forward:
        """The observations of a forward pass of the sample.

        Raises CannotCheckError where the model cannot be run.
        """
        from nnguide.doctor.probes import forward

        return forward(self.model, self.graph, self.sample[0])

    @functools.cached_property
    def metric_names(self) -> list[str]:
        """The metrics of training.

        Raises CannotCheckError if the model is not compiled.
        """
        if not getattr(self.model, "compiled", False):
            raise CannotCheckError("the model is not compiled")
        compiled = self.model._compile_metrics
        metrics = (
            []
            if compiled is None
            else keras.tree.flatten([compiled._user_metrics, compiled._user_weighted_metrics])
        )
        names = [
            m
            if isinstance(m, str)
            else type(m).__name__
            if isinstance(m, keras.metrics.Metric)
            else getattr(m, "__name__", "a metric")
            for m in metrics
            if m is not None
        ]
        return [*names, *self.measures]

    def require_batch_size(self) -> int:
        """Return the batch size of training.

        Raises CannotCheckError where it is not known.
        """
        function = graph_.functional(self.model)
        fixed = self.batch_size or (function.inputs[0].shape[0] if function else None)
        if fixed:
            return int(fixed)
        raise CannotCheckError("the batch size is not known (--batch-size)")


def _takes(wanted: tuple[int | None, ...], got: tuple[int, ...]) -> bool:
    """Return whether an input shape accepts the shape of an array.

    `wanted` is the shape of the input, `got` that of the array.
    """
    if len(wanted) == len(got) + 1 and wanted[-1] == 1:  # Keras adds a last axis
        got = (*got, 1)
    return len(wanted) == len(got) and all(
        w is None or w == g for w, g in zip(wanted[1:], got[1:], strict=True)
    )


def _shown(shapes: list[Any]) -> str:
    text = ", ".join(f"({', '.join(map(str, shape[1:]))})" for shape in shapes)
    return f"{text} a row"


def read(model: Any, data: Any = None, history: Any = None, **facts: Any) -> Case:
    """Return the case of a model, with data and history checked.

    Raises:
        InputError: no Keras model, or data or a history of another form.
    """
    columns = None
    if history is not None:
        from nnguide.doctor.history import read as read_history

        columns = read_history(history)
    return Case(model, None if data is None else data_.read(data), columns, **facts)
