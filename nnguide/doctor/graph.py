"""A Keras model as a plain graph of its operations.

Each node knows what its operation does to its input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import layers

from nnguide.doctor.rule import CannotCheckError

SIGMOIDS = frozenset({"sigmoid", "hard_sigmoid", "hardsigmoid"})
TANHS = frozenset({"tanh", "hard_tanh", "hardtanh", "softsign"})
RELUS = frozenset({"relu", "relu6"})
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
WEIGHTED = (
    layers.Dense,
    layers.EinsumDense,
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
    *DEPTHWISE,
)
RECURRENT = (layers.RNN, layers.Bidirectional)  # LSTM, GRU and their like are RNNs
NORMALISING = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)
_LAYER_ACTIVATIONS = (layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax)
_OPS = "keras.src.ops."  # where the operations of keras.ops are
_ACTIVATION_OPS = re.compile(
    "relu6?|[esg]elu|leakyrelu|(hard|log)?sigmoid|(hard)?(tanh|silu)|softplus|softsign|"
    "(log)?softmax"
)
# By name, since a user's own layer may do as Keras's: they move numbers, and drop some of them.
_MOVING = re.compile(
    "Flatten|Reshape|Permute|Identity|Cast|Squeeze|ExpandDims|Transpose|GetItem|RepeatVector|"
    "ActivityRegularization|(ZeroPadding|Cropping|UpSampling)[123]D"
)
_AFFINE = re.compile(
    "BatchNormalization|Rescaling|Normalization|Mean|GaussianNoise|(Global)?AveragePooling[123]D"
)
_CONSTANT = frozenset({"Multiply", "Divide", "TrueDivide", "Add", "Subtract"})  # x / 255


@dataclass(eq=False)
class Node:
    """One call of an operation.

    `op` is a layer, or an operation of keras.ops.
    """

    op: Any
    inputs: tuple[Node, ...]
    shape: tuple[int | None, ...]
    dtype: str
    users: list[Node] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        return str(self.op.name)

    @property
    def inner(self) -> Any:
        """The layer itself, also where TimeDistributed wraps it."""
        return self.op.layer if isinstance(self.op, layers.TimeDistributed) else self.op

    @property
    def is_weighted(self) -> bool:
        """Whether it is a linear map with learned weights.

        It may have an activation behind it.
        """
        return isinstance(self.inner, WEIGHTED)

    @property
    def is_recurrent(self) -> bool:
        return isinstance(self.op, RECURRENT)

    @property
    def is_dropout(self) -> bool:
        return "Dropout" in type(self.op).__name__

    @property
    def is_input(self) -> bool:
        return isinstance(self.op, layers.InputLayer)

    @property
    def is_moving(self) -> bool:
        """Whether it only moves, repeats or drops numbers.

        It changes none.
        """
        return bool(_MOVING.fullmatch(type(self.inner).__name__)) or self.is_dropout

    @property
    def is_affine(self) -> bool:
        """Whether it is a fixed or normalising linear map of one input.

        A pool of maxima is not one.
        """
        kind = type(self.inner).__name__
        constant = kind in _CONSTANT and len(self.inputs) == 1
        linear = kind == "Activation" and self.activation == "linear"
        return bool(_AFFINE.fullmatch(kind)) or self.is_moving or constant or linear

    @property
    def is_pool(self) -> bool:
        return "MaxPooling" in type(self.inner).__name__

    @property
    def is_merge(self) -> bool:
        return len(self.inputs) > 1

    @property
    def activation(self) -> str | None:
        """The activation by its name in keras.activations, "linear" for none.

        None for an operation that can have none, or for one that cannot be known by name.
        """
        op = self.inner
        if isinstance(op, _LAYER_ACTIVATIONS):
            return type(op).__name__.lower()
        if type(op).__module__.startswith(_OPS):
            name = type(op).__name__.lower()
            return name if _ACTIVATION_OPS.fullmatch(name) else None
        if not isinstance(op, (*WEIGHTED, layers.Activation)):
            return None
        function = op.activation
        if function is None:
            return "linear"
        if isinstance(function, keras.Layer):
            return type(function).__name__.lower()
        name = getattr(function, "__name__", "")
        return name if getattr(keras.activations, name, None) is function else None

    @property
    def kernel(self) -> Any:
        """The weights that multiply the input, or None."""
        return getattr(self.inner, "kernel", None)

    def after(self) -> Iterator[Node]:
        """Yield all nodes that this one feeds, directly or not."""
        seen: set[int] = set()
        waiting = list(self.users)
        while waiting:
            node = waiting.pop()
            if id(node) not in seen:
                seen.add(id(node))
                waiting += node.users
                yield node

    def before(self, through: Callable[[Node], bool]) -> Iterator[Node]:
        """Yield the nearest earlier nodes that are not `through`."""
        waiting, seen = list(self.inputs), set[int]()
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if through(node):
                waiting += node.inputs
            else:
                yield node


@dataclass(frozen=True)
class Graph:
    """The nodes in the order of calculation, with inputs and outputs."""

    nodes: tuple[Node, ...]
    outputs: tuple[Node, ...]

    @property
    def weighted(self) -> list[Node]:
        return [node for node in self.nodes if node.is_weighted]

    def heads(self) -> set[int]:
        """Return the ids of the last weighted nodes.

        No weights come after them.
        """
        return {
            id(node)
            for node in self.weighted
            if not any(later.is_weighted or later.is_recurrent for later in node.after())
        }


def functional(model: Any) -> Any:
    """Return the Keras Function of a functional or sequential model.

    None for another kind of model.
    """
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_nodes_by_depth") else None


def read(model: Any, example: Any = None) -> Graph:
    """Return the graph of a model.

    Args:
        model: any Keras model.
        example: a batch of its inputs, with which a subclassed model's `call` is followed.
    Raises:
        CannotCheckError: a subclassed model whose `call` cannot be followed.
    """
    function = functional(model) or _followed(model, example)
    nodes: list[Node] = []
    places: dict[int, Node] = {}
    _wire(function, places, nodes)
    for node in nodes:
        for source in node.inputs:
            source.users.append(node)
    return Graph(tuple(nodes), tuple(places[id(tensor)] for tensor in function.outputs))


def _followed(model: Any, example: Any) -> Any:
    """Trace a subclassed model's `call` with symbolic inputs."""
    if example is None:
        raise CannotCheckError("the graph of this kind of model can only be read with data")
    try:
        symbols = keras.tree.map_structure(
            lambda a: keras.Input(a.shape[1:], dtype=keras.backend.standardize_dtype(a.dtype)),
            example,
        )
        return keras.Function(symbols, model.call(symbols))
    except Exception as error:  # the user's code may raise anything
        raise CannotCheckError(
            f"the graph of this subclassed model cannot be read ({type(error).__name__})"
        ) from error


def _wire(function: Any, places: dict[int, Node], nodes: list[Node]) -> None:
    """Add the nodes of `function`, including those of nested models."""
    for depth in sorted(function._nodes_by_depth, reverse=True):
        for call in function._nodes_by_depth[depth]:
            if all(id(tensor) in places for tensor in call.outputs):
                continue  # an input of a nested model, which is already included
            inside = functional(call.operation) if isinstance(call.operation, keras.Model) else None
            if inside is not None:
                for symbol, tensor in zip(inside.inputs, call.input_tensors, strict=True):
                    places[id(symbol)] = places[id(tensor)]
                inner: dict[int, Node] = {id(s): places[id(s)] for s in inside.inputs}
                _wire(inside, inner, nodes)
                for tensor, symbol in zip(call.outputs, inside.outputs, strict=True):
                    places[id(tensor)] = inner[id(symbol)]
                continue
            inputs = tuple(places[id(tensor)] for tensor in call.input_tensors)
            first = call.outputs[0]
            node = Node(call.operation, inputs, tuple(first.shape), str(first.dtype))
            nodes.append(node)
            places.update((id(tensor), node) for tensor in call.outputs)


def chain_lengths(nodes: Iterable[Node], chosen: set[int]) -> dict[int, int]:
    """Return the most `chosen` nodes on a path to each node.

    The node itself is included; keys are ids.
    """
    longest: dict[int, int] = {}
    for node in nodes:
        before = max((longest[id(source)] for source in node.inputs), default=0)
        longest[id(node)] = before + (id(node) in chosen)
    return longest
