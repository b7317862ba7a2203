"""The end of a network: head activation, loss and label format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from nnguide.doctor.data import arrays
from nnguide.doctor.graph import Graph, Node
from nnguide.doctor.rule import CannotCheckError

Family = Literal["categorical", "sparse", "binary", "distance", "other"]
FAMILIES: dict[str, Family] = {
    "categoricalcrossentropy": "categorical",
    "categoricalfocalcrossentropy": "categorical",
    "kldivergence": "categorical",
    "sparsecategoricalcrossentropy": "sparse",
    "binarycrossentropy": "binary",
    "binaryfocalcrossentropy": "binary",
    "meansquarederror": "distance",
    "meanabsoluteerror": "distance",
    "meansquaredlogarithmicerror": "distance",
    "huber": "distance",
    "logcosh": "distance",
}
TITLES = {
    "categorical": "categorical cross-entropy",
    "sparse": "sparse categorical cross-entropy",
    "binary": "binary cross-entropy",
    "distance": "a distance between numbers",
}
PROBABILITIES = ("softmax", "sigmoid")


@dataclass(frozen=True, eq=False)
class Ending:
    """One output of a network with its loss and labels.

    Attributes:
        name: of the layer that gives the output.
        nodes: numbers on the last axis, or None where the shape is open.
        rank: axes of the output, the batch's included.
        activation: of the head by its name in keras.activations; None where it is not known.
        loss: its name in lower case, such as "meansquarederror"; None for a user's own.
        family: what kind of labels and head the loss is for.
        from_logits: whether the loss squashes the outputs itself.
        labels: (n, …) as given, or None without data.
        ignored: a label that the loss passes over, such as -1 for padding.
    """

    name: str
    nodes: int | None
    rank: int
    activation: str | None
    loss: str | None
    family: Family
    from_logits: bool
    labels: np.ndarray | None
    ignored: int | None = None

    @property
    def title(self) -> str:
        """The loss in words."""
        return TITLES.get(self.family, "the loss")

    @property
    def require_activation(self) -> str:
        if self.activation is None:
            raise CannotCheckError("the activation of the head cannot be read")
        return self.activation

    @property
    def require_labels(self) -> np.ndarray:
        if self.labels is None:
            raise CannotCheckError("no data was given")
        return self.labels

    @property
    def is_one_hot(self) -> bool:
        """Whether the labels are one-hot.

        They have the output's shape and exactly one 1 a row, else 0.
        """
        y = self.require_labels
        if self.nodes is None or self.nodes < 2 or y.ndim != self.rank or y.shape[-1] != self.nodes:
            return False
        return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=-1) == 1).all())

    @property
    def numbers(self) -> np.ndarray | None:
        """The labels as class numbers, or None.

        They are (n, …) without a last axis of 1.
        """
        y = self.require_labels
        if y.dtype.kind not in "biuf":
            return None
        if y.ndim == self.rank and y.shape[-1] == 1 and self.rank > 1:
            y = y[..., 0]
        whole = y.ndim == self.rank - 1 and bool((y == np.round(y)).all())
        return y[y != self.ignored] if whole else None


def endings(model: Any, graph: Graph, y: Any) -> list[Ending]:
    """Return how each output of a compiled model ends.

    Raises:
        CannotCheckError: not compiled, no loss, or a loss in an unknown form.
    """
    compiled = getattr(model, "_compile_loss", None)
    if not getattr(model, "compiled", False):
        raise CannotCheckError("the model is not compiled")
    if compiled is None:
        raise CannotCheckError("the model is compiled without a loss")
    names = list(getattr(model, "output_names", None) or [])
    losses = _spread(compiled._user_loss, names, len(graph.outputs))
    labels = _spread_labels(y, names, len(graph.outputs))
    ends = []
    for index, (node, loss) in enumerate(zip(graph.outputs, losses, strict=True)):
        if loss is None:
            continue  # an output that nothing judges
        name, family, from_logits = describe(loss)
        ends.append(
            Ending(
                names[index] if index < len(names) else node.name,
                node.shape[-1] if node.shape else None,
                len(node.shape),
                activation(node),
                name,
                family,
                from_logits,
                labels[index],
                getattr(loss, "ignore_class", None),
            )
        )
    return ends


def _spread(loss: Any, names: list[str], outputs: int) -> list[Any]:
    """Return the loss of each output.

    `compile` assigns the losses to the outputs in the same way.
    """
    if isinstance(loss, Mapping):
        return [loss.get(name) for name in names] if names else [next(iter(loss.values()))]
    if isinstance(loss, (list, tuple)):
        if len(loss) != outputs:
            raise CannotCheckError("the losses are not one for each output")
        return list(loss)
    return [loss] * outputs


def _spread_labels(y: Any, names: list[str], outputs: int) -> list[np.ndarray | None]:
    if y is None:
        return [None] * outputs
    if isinstance(y, Mapping):
        return [y.get(name) for name in names] if names else list(arrays(y))
    labels = arrays(y)
    if len(labels) != outputs:
        return [None] * outputs
    return list(labels)


def describe(loss: Any) -> tuple[str | None, Family, bool]:
    """Return a loss's name, family and `from_logits`.

    The loss may have any form that `compile` takes.
    """
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return None, "other", False
    if isinstance(loss, type):
        loss = loss()
    if isinstance(loss, keras.losses.Loss):
        kwargs = getattr(loss, "_fn_kwargs", {})
        logits = bool(kwargs.get("from_logits", getattr(loss, "from_logits", False)))
        name = type(loss).__name__.lower()
        if name not in FAMILIES and hasattr(loss, "fn"):
            name = getattr(loss.fn, "__name__", "").replace("_", "").lower()
    else:
        logits, name = False, getattr(loss, "__name__", "").replace("_", "").lower()
        if getattr(keras.losses, getattr(loss, "__name__", ""), None) is not loss:
            name = ""
    return (name, FAMILIES[name], logits) if name in FAMILIES else (name or None, "other", False)


def activation(node: Node) -> str | None:
    """Return the activation at the very end of a network.

    It is the activation's name, "linear" for none, None for unknown.
    """
    while node.is_moving and node.inputs:
        node = node.inputs[0]
    kind = type(node.inner).__name__
    if node.is_merge:
        before = {activation(source) for source in node.inputs}
        if kind == "Average" and len(before) == 1:
            return before.pop()
        return "linear" if kind in ("Add", "Dot", "Subtract") and before == {"linear"} else None
    if node.activation == "linear" and not node.is_weighted and node.inputs:
        return activation(node.inputs[0])
    if node.activation is not None:
        return node.activation
    if kind in ("BatchNormalization", "Rescaling") or (node.is_affine and kind != "Mean"):
        behind = activation(node.inputs[0]) if node.inputs else None
        return "linear" if behind == "linear" else None
    return None
