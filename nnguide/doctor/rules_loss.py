"""Rules that compare the head, the loss and the labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnguide.doctor.case import Case
from nnguide.doctor.data import TEXTS, arrays
from nnguide.doctor.losses import PROBABILITIES, Ending
from nnguide.doctor.rule import CannotCheckError, Evidence, rule

SHIFT_ROWS = 20  # per class: so many examples and none of class 0 is no accident


def _any_ending(case: Case, check: Callable[[Ending], Evidence | None]) -> Evidence | None:
    """Return the first evidence of any output.

    Raises CannotCheckError where no output can be checked.
    """
    errors = []
    for ending in case.endings:
        try:
            if (seen := check(ending)) is not None:
                return seen
        except CannotCheckError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return None


@rule(
    "loss-head",
    "error",
    "Two classes are one sigmoid node with binary cross-entropy, k classes are k softmax nodes "
    "with categorical cross-entropy: any other pair measures something other than the answer.",
    "For k classes: softmax with categorical_crossentropy (one-hot labels) or "
    "sparse_categorical_crossentropy (labels 0 to k - 1). For two, or for several that may be "
    "true at once: sigmoid with binary_crossentropy.",
    cheap=True,
)
def loss_head(case: Case) -> Evidence | None:
    return _any_ending(case, _mismatch)


def _mismatch(end: Ending) -> Evidence | None:
    if end.family not in ("categorical", "sparse", "binary"):
        if end.loss is None:
            raise CannotCheckError("the loss is a function of your own")
        return None
    head = end.require_activation
    wanted = "sigmoid" if end.family == "binary" else "softmax"
    if head in (wanted, "linear", "logsoftmax") or (end.from_logits and head in PROBABILITIES):
        return None
    if head == "softmax" and end.nodes == 1:
        return None  # softmax-one-node says it better
    return Evidence(
        f"{end.name} ends in {head} with {_nodes(end)}, its loss is {end.title}",
        {"output": end.name, "activation": head, "nodes": end.nodes, "loss": end.loss},
    )


def _nodes(end: Ending) -> str:
    return "1 node" if end.nodes == 1 else f"{end.nodes or 'an open number of'} nodes"


@rule(
    "softmax-one-node",
    "error",
    "Softmax divides by the sum over the nodes, so over one node it is 1 whatever comes in.",
    'For two classes end in Dense(1, activation="sigmoid") with binary_crossentropy; for k '
    'classes in Dense(k, activation="softmax").',
    cheap=True,
)
def softmax_one_node(case: Case) -> Evidence | None:
    from nnguide.doctor.losses import activation

    for node in case.graph.outputs:
        if node.shape and node.shape[-1] == 1 and activation(node) == "softmax":
            return Evidence(
                f"{node.name} takes the softmax of 1 node", {"output": node.name, "nodes": 1}
            )
    try:
        endings = case.endings
    except CannotCheckError:
        return None
    for end in endings:
        takes = end.family in ("categorical", "sparse") and end.loss != "kldivergence"
        if end.nodes == 1 and takes and end.from_logits:
            return Evidence(
                f"{end.name} has 1 node and its loss takes the softmax of it",
                {"output": end.name, "nodes": 1, "loss": end.loss},
            )
    return None


@rule(
    "logits-twice",
    "error",
    "from_logits=True makes the loss apply the activation; on a head that has one it is applied "
    "twice, and confident answers cannot be reached.",
    "Remove the activation of the last layer, or leave from_logits at False.",
    cheap=True,
)
def logits_twice(case: Case) -> Evidence | None:
    def check(end: Ending) -> Evidence | None:
        if not end.from_logits or end.require_activation not in PROBABILITIES:
            return None
        return Evidence(
            f"{end.name} ends in {end.activation} and {end.title} has from_logits=True",
            {"output": end.name, "activation": end.activation, "from_logits": True},
        )

    return _any_ending(case, check)


@rule(
    "logits-never",
    "error",
    "Cross-entropy takes the logarithm of probabilities; logits without a softmax or sigmoid are "
    "not probabilities.",
    "Give the loss from_logits=True, or the last layer a softmax (sigmoid for one node).",
    cheap=True,
)
def logits_never(case: Case) -> Evidence | None:
    def check(end: Ending) -> Evidence | None:
        if end.family not in ("categorical", "sparse", "binary") or end.from_logits:
            return None
        if end.require_activation != "linear":
            return None
        return Evidence(
            f"{end.name} has no activation and {end.title} has from_logits=False",
            {"output": end.name, "activation": "linear", "from_logits": False},
        )

    return _any_ending(case, check)


@rule(
    "label-form",
    "error",
    "Categorical cross-entropy takes one-hot labels, its sparse form takes class numbers, and one "
    "sigmoid node takes one 0 or 1.",
    "Change the loss (categorical_crossentropy for one-hot labels, "
    "sparse_categorical_crossentropy for numbers), or the labels with keras.utils.to_categorical.",
    cheap=True,
)
def label_form(case: Case) -> Evidence | None:
    def check(end: Ending) -> Evidence | None:
        y = end.require_labels
        if y.dtype.kind in TEXTS and end.family != "other":
            return Evidence(f"the labels of {end.name} are texts", {"output": end.name})
        form = "one-hot" if end.is_one_hot else f"of shape {('n', *y.shape[1:])}"
        many = end.nodes is not None and end.nodes > 1
        flat = y.ndim == end.rank - 1 or (y.ndim == end.rank and y.shape[-1] == 1)
        wrong = (
            (end.family == "sparse" and not flat and y.ndim == end.rank)
            or (end.family == "categorical" and many and flat)
            or (end.family == "binary" and end.nodes == 1 and not flat and y.ndim == end.rank)
            or (end.family == "binary" and many and flat and y.ndim < end.rank)
        )
        if not wrong:
            return None
        return Evidence(
            f"{end.name} has {_nodes(end)}, the labels are {form.replace(chr(39), '')} "
            f"and the loss is {end.title}",
            {"output": end.name, "nodes": end.nodes, "shape": list(y.shape[1:]), "loss": end.loss},
        )

    return _any_ending(case, check)


@rule(
    "label-range",
    "error",
    "Labels number the nodes from 0: k nodes know the labels 0 to k - 1, one sigmoid node "
    "knows 0 and 1.",
    "Number the classes from 0 (y - y.min(), or sklearn's LabelEncoder), and give the last "
    "layer as many nodes as there are classes.",
    cheap=True,
)
def label_range(case: Case) -> Evidence | None:
    return _any_ending(case, _range)


def _range(end: Ending) -> Evidence | None:
    y = end.require_labels
    if end.family not in ("sparse", "categorical", "binary") or y.dtype.kind not in "biuf":
        return None
    low, high = float(np.min(y)), float(np.max(y))
    measured = {"output": end.name, "nodes": end.nodes, "lowest": low, "highest": high}
    seen = f"the labels of {end.name} go from {low:g} to {high:g}"
    if end.family != "sparse":
        if low < 0 or high > 1:
            if end.family == "categorical" and y.ndim != end.rank:
                return None  # label-form says it better
            return Evidence(f"{seen}; {end.title} knows 0 to 1", measured)
        if end.family == "categorical" and y.ndim == end.rank and (end.nodes or 0) > 1:
            sums = y.sum(axis=-1)
            if end.loss != "kldivergence" and (np.abs(sums - 1) > 1e-3).any():
                share = float((np.abs(sums - 1) > 1e-3).mean())
                return Evidence(
                    f"{share:.0%} of the label rows of {end.name} do not sum to 1",
                    {**measured, "share": share},
                    fix="Where several classes are true at once, use sigmoid nodes with "
                    "binary_crossentropy; else give each row exactly one 1.",
                )
        return None
    numbers = end.numbers
    if numbers is None or end.nodes is None or not numbers.size:
        return None
    low, high = float(numbers.min()), float(numbers.max())
    seen = f"the labels of {end.name} go from {low:g} to {high:g}"
    measured.update(lowest=low, highest=high)
    if low < 0 or high >= end.nodes:
        return Evidence(f"{seen}, its {end.nodes} nodes know 0 to {end.nodes - 1}", measured)
    present = np.unique(numbers)
    all_but_0 = present.tolist() == list(range(1, end.nodes))
    if end.nodes > 2 and all_but_0 and numbers.size >= SHIFT_ROWS * end.nodes:
        return Evidence(
            f"{seen}: each of the nodes 1 to {end.nodes - 1} has examples, node 0 has none",
            measured,
            severity="warning",
        )
    return None


@rule(
    "mse-for-classes",
    "warning",
    "For a probability ŷ the gradient of the squared error contains the factor ŷ(1 − ŷ), which is "
    "near 0 just where the answer is confidently wrong; cross-entropy does not have it.",
    "For k classes: softmax with categorical_crossentropy. For two: one sigmoid node with "
    "binary_crossentropy.",
    cheap=True,
)
def mse_for_classes(case: Case) -> Evidence | None:
    def check(end: Ending) -> Evidence | None:
        if end.family != "distance":
            return None
        seen = {"output": end.name, "activation": end.activation, "loss": end.loss}
        text = f"{end.name} ends in {end.activation or 'an unknown activation'}, its loss is "
        text += f"{end.loss}"
        if end.activation == "softmax":
            return Evidence(f"{text}, a distance between numbers", seen)
        y = end.require_labels
        if not _are_classes(end) or _rebuilds(case, y):
            return None
        return Evidence(f"{text}, and its labels are classes", seen)

    return _any_ending(case, check)


def _are_classes(end: Ending) -> bool:
    """Return whether the labels are classes.

    They are one-hot, or all 0 or 1, both present, for one node.
    """
    y = end.require_labels
    if y.dtype.kind not in "biuf":
        return False
    if end.is_one_hot:
        return True
    several = end.nodes is not None and end.nodes > 2 and end.numbers is not None
    if several and end.numbers is not None and y.ndim < end.rank:
        return True  # numbers of classes beside a node for each
    return end.nodes == 1 and set(np.unique(y).tolist()) == {0, 1}


def _rebuilds(case: Case, y: np.ndarray) -> bool:
    """Return whether the labels are the inputs, as for an autoencoder."""
    data = case.require_data()
    return any(x.shape == y.shape and (x == y).all() for x in arrays(data.train.x))
