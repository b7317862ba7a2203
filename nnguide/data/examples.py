"""Examples: inputs with labels, and their division; NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnguide.errors import InputError


@dataclass(frozen=True)
class LeftOut:
    """An input that could not be read, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Examples:
    """A batch of labelled inputs.

    Attributes:
        inputs: (n, 28, 28) uint8 grey levels 0-255, white on black; (n,) object, each a str; or
            (n, features) float32 numbers. Pictures and texts may be nnguide.data.records.Records,
            which are read when they are looked at.
        labels: (n,) int64 in [0, len(label_names)).
        label_names: what each label is called, in label order.
        left_out: the inputs that could not be read.
        features: what each column of numbers is called; () for pictures and texts.
        notes: what those that were read lost, such as colour; a sentence each.
    """

    inputs: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    features: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels):
            raise InputError(
                f"expected as many labels as inputs; got {len(self.inputs):,} inputs "
                f"and {len(self.labels):,} labels"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Examples:
        """Return the examples at `indices` (k,) int, in that order."""
        return replace(self, inputs=self.inputs[indices], labels=self.labels[indices])

    def join(self, other: Examples) -> Examples:
        """Return these examples followed by those of `other`.

        Both must name their labels alike.
        """
        if self.label_names != other.label_names:
            raise InputError(
                f"expected the same labels on both sides; got {', '.join(self.label_names)} "
                f"and {', '.join(other.label_names)}"
            )
        return replace(
            self,
            inputs=joined(self.inputs, other.inputs),
            labels=np.concatenate([self.labels, other.labels]),
            left_out=self.left_out + other.left_out,
        )

    def in_memory(self, most: int) -> Examples:
        """Return at most `most` of these, evenly spread, in memory.

        Examples that are in memory already are returned as they are.
        """
        if isinstance(self.inputs, np.ndarray):
            return self
        size = len(self)
        some = self.take(np.linspace(0, size - 1, min(size, most)).astype(np.int64))
        return replace(some, inputs=np.asarray(some.inputs))

    def counts(self) -> dict[str, int]:
        """Return the number of examples of each label."""
        per_label = np.bincount(self.labels, minlength=len(self.label_names))
        return {name: int(n) for name, n in zip(self.label_names, per_label, strict=True)}


def joined(first: Any, second: Any) -> Any:
    """Return inputs, in memory or on a disk, followed by others."""
    join = getattr(first, "followed_by", None)
    return join(second) if join else np.concatenate([first, second])


def stratified_split(
    labels: np.ndarray,
    fraction: float,
    seed: int,
    groups: Sequence[object] | np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide examples in two, with the same proportion of each label.

    Args:
        labels: (n,) int.
        fraction: share of each label's groups that goes to the second side, in (0, 1).
        seed: chooses the division; the same seed gives the same one.
        groups: (n,) hashable, or None. Examples of one group stay on one side, which
            is how a text that occurs twice is kept from standing in training and test.
    Returns:
        The indices of the first and of the second side, both ascending.
    Raises:
        InputError: a label has only one group, so it cannot stand on both sides.
    """
    random = np.random.default_rng(seed)
    if isinstance(groups, np.ndarray):
        return _split_by_number(labels, fraction, random, groups)
    members: dict[object, list[int]] = {}
    for index in range(len(labels)):
        members.setdefault(index if groups is None else groups[index], []).append(index)

    by_label: dict[int, list[list[int]]] = {}
    for indices in members.values():  # a group goes by the label of its first member
        by_label.setdefault(int(labels[indices[0]]), []).append(indices)

    second: list[int] = []
    for label in sorted(by_label):
        places = by_label[label]
        for position in _drawn(random, len(places), fraction, label):
            second.extend(places[position])

    chosen = np.zeros(len(labels), bool)
    chosen[second] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _drawn(random: np.random.Generator, groups: int, fraction: float, label: int) -> np.ndarray:
    """Return which groups of a label go to the second side."""
    if groups < 2:
        raise InputError(
            f"expected at least two different examples of every label, to split them; label "
            f"number {label} has {groups}"
        )
    wanted = min(max(round(fraction * groups), 1), groups - 1)
    return random.permutation(groups)[:wanted]


def _split_by_number(
    labels: np.ndarray, fraction: float, random: np.random.Generator, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Divide examples whose groups are numbers.

    The division is the same; no object is made for each example.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    is_second = np.zeros(len(first), bool)
    order = np.argsort(first)  # groups as they come first
    label_of = labels[first[order]]
    for label in np.unique(label_of).tolist():
        mine = order[label_of == label]
        is_second[mine[_drawn(random, len(mine), fraction, label)]] = True
    chosen = is_second[group]
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
