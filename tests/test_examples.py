"""Examples keep inputs and labels together; a split is stratified, seeded and complete."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data.examples import Examples, stratified_split
from nnguide.errors import InputError


def some(labels: list[int]) -> Examples:
    inputs = np.arange(len(labels) * 784, dtype=np.uint8).reshape(-1, 28, 28)
    return Examples(inputs, np.array(labels, int), ("a", "b", "c"))


def test_take_and_join_keep_pairs_together() -> None:
    whole = some([0, 1, 2, 1])
    taken = whole.take(np.array([3, 0]))
    assert taken.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(taken.inputs[0], whole.inputs[3])
    joined = taken.join(whole)
    assert joined.labels.tolist() == [1, 0, 0, 1, 2, 1]
    assert len(joined) == 6
    np.testing.assert_array_equal(joined.inputs[2:], whole.inputs)


def test_counts_name_every_label() -> None:
    assert some([0, 0, 2]).counts() == {"a": 2, "b": 0, "c": 1}
    assert some([]).counts() == {"a": 0, "b": 0, "c": 0}


def test_unequal_lengths_and_labels_are_refused() -> None:
    with pytest.raises(InputError, match="2 inputs and 1 labels"):
        Examples(np.zeros((2, 28, 28)), np.zeros(1, int), ("a",))
    other = Examples(np.zeros((1, 28, 28)), np.zeros(1, int), ("x",))
    with pytest.raises(InputError, match="got a, b, c and x"):
        some([0]).join(other)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """Labels and groups: each label has two groups at least, a group's labels are alike."""
    labels, groups = [], []
    for label in range(draw(st.integers(1, 3))):
        for group in range(draw(st.integers(2, 12))):
            size = draw(st.integers(1, 3))
            labels += [label] * size
            groups += [label * 100 + group] * size
    order = draw(st.permutations(range(len(labels))))
    return np.array(labels)[order], [groups[i] for i in order]


@settings(max_examples=60, deadline=None)
@given(cases(), st.floats(0.05, 0.95), st.integers(0, 5))
def test_a_split_is_stratified_and_keeps_groups_whole(
    case: tuple[np.ndarray, list[int]], fraction: float, seed: int
) -> None:
    labels, groups = case
    first, second = stratified_split(labels, fraction, seed, groups)
    assert sorted([*first, *second]) == list(range(len(labels)))
    assert list(first) == sorted(first)
    assert list(second) == sorted(second)
    sides = [{groups[i] for i in side} for side in (first, second)]
    assert not sides[0] & sides[1]
    for label in np.unique(labels):
        of_label = {g for g in groups if g // 100 == label}
        share = len(of_label & sides[1])
        assert 1 <= share < len(of_label)
        assert abs(share - fraction * len(of_label)) <= 1
    again = stratified_split(labels, fraction, seed, groups)
    np.testing.assert_array_equal(again[1], second)


def test_another_seed_is_another_split() -> None:
    labels = np.repeat([0, 1], 50)
    splits = {tuple(stratified_split(labels, 0.3, seed)[1]) for seed in range(5)}
    assert len(splits) == 5


def test_a_label_that_cannot_stand_on_both_sides_is_refused() -> None:
    with pytest.raises(InputError, match="label number 1 has 1"):
        stratified_split(np.array([0, 0, 1]), 0.5, 0)
    with pytest.raises(InputError, match="label number 1 has 1"):
        stratified_split(np.array([0, 0, 1, 1]), 0.5, 0, ["a", "b", "c", "c"])
