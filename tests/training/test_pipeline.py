"""Batches are a function of seed and step: each example once an epoch, another order each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import logs

tf: Any = logs.tensorflow()

from nnguide.training import pipeline  # noqa: E402
from nnguide.training.pipeline import Plan, batches, in_order, plan  # noqa: E402


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 600), st.sampled_from([1, 2, 4]), st.integers(1, 50))
def test_a_plan_shows_no_example_twice(n: int, batch: int, replicas: int, together: int) -> None:
    got = plan(n, batch, replicas, together)
    assert got.batch % replicas == 0
    assert got.batch <= max(batch, replicas)
    assert got.steps >= 1
    assert 1 <= got.steps_per_execution <= together
    assert got.steps % got.steps_per_execution == 0
    assert got.accumulation_steps == 1
    if n >= replicas:
        assert got.batch * got.steps <= n
        whole = n // got.batch
        assert whole - got.steps < -(-whole // together)  # hardly anything is left out


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 50_000), st.sampled_from([1, 2, 4]))
def test_a_full_batch_leaves_nothing_out(n: int, replicas: int) -> None:
    got = plan(n, "full", replicas)
    assert got.batch * got.steps == n + got.padding
    assert got.accumulation_steps == got.steps
    assert got.batch <= pipeline.SLICE + replicas
    assert got.batch % replicas == 0
    assert got.padding < got.batch or n < replicas


def shown(n: int, slots: Plan, epochs: range, seed: int = 0, **more: Any) -> list[np.ndarray]:
    """The numbers of the examples in each batch."""
    data = batches(
        np.arange(n),
        np.arange(n, dtype=np.float32)[:, None],
        slots,
        epochs=epochs,
        seed=seed,
        weights=np.ones(n, np.float32),
        **more,
    )
    found = []
    for x, y, w in data:
        np.testing.assert_array_equal(x, y[:, 0])  # inputs stay with their targets
        assert w.shape == x.shape
        found.append(x.numpy())
    return found


def test_every_example_at_most_once_an_epoch_in_another_order() -> None:
    slots = plan(103, 10)
    found = shown(103, slots, range(3))
    assert [len(batch) for batch in found] == [10] * 30
    epochs = [np.concatenate(found[i * 10 : i * 10 + 10]) for i in range(3)]
    for epoch in epochs:
        assert len(set(epoch.tolist())) == 100
    assert (epochs[0] != epochs[1]).mean() > 0.9
    assert (epochs[1] != epochs[2]).mean() > 0.9
    assert len({frozenset(set(range(103)) - set(e.tolist())) for e in epochs}) == 3


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 60), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_whole_batches_of_an_epoch_hold_everything(n: int, batch: int, seed: int) -> None:
    slots = plan(n, batch)
    found = np.concatenate(shown(n, slots, range(1), seed))
    assert len(set(found.tolist())) == slots.batch * slots.steps == n - n % slots.batch


def test_a_later_epoch_is_the_same_alone() -> None:
    slots = plan(50, 7)
    whole = shown(50, slots, range(4), seed=5)
    for first in (1, 3):
        alone = shown(50, slots, range(first, 4), seed=5)
        for mine, other in zip(alone, whole[first * slots.steps :], strict=True):
            np.testing.assert_array_equal(mine, other)


def test_the_seed_chooses_the_order() -> None:
    orders = {tuple(np.concatenate(shown(50, plan(50, 10), range(1), s))) for s in range(4)}
    assert len(orders) == 4


def test_what_is_done_to_inputs_is_a_function_of_seed_and_step() -> None:
    def augment(x: Any, seed: Any, rows: slice) -> Any:
        return tf.random.stateless_uniform(tf.shape(x), seed)[rows.start : rows.stop]

    def run(seed: int, epochs: range) -> list[np.ndarray]:
        data = batches(
            np.zeros(20, np.float32),
            np.zeros((20, 1), np.float32),
            plan(20, 10),
            epochs=epochs,
            seed=seed,
            weights=np.ones(20, np.float32),
            augment=augment,
            preprocess=lambda x: x + 100,
        )
        return [x.numpy() for x, _, _ in data]

    first = run(1, range(2))
    assert all((x >= 100).all() for x in first)
    np.testing.assert_array_equal(first, run(1, range(2)))
    np.testing.assert_array_equal(first[2:], run(1, range(1, 2)))
    assert len({x.tobytes() for x in [*first, *run(2, range(2))]}) == 8


def test_texts_are_padded_to_the_longest_of_their_batch() -> None:
    rows = tf.ragged.constant([[1, 2, 3], [4], [], [5, 6]], dtype=tf.int32)
    targets = np.arange(4, dtype=np.float32)[:, None]
    one = np.ones(4, np.float32)
    for batch in (4, 1):
        data = batches(rows, targets, plan(4, batch), epochs=range(1), seed=0, weights=one)
        for x, y, _ in data:
            want = [rows[int(i)].numpy().tolist() for i in y[:, 0]]
            width = max(1, *(len(ids) for ids in want))
            assert x.numpy().tolist() == [ids + [0] * (width - len(ids)) for ids in want]


@pytest.mark.parametrize("n", [1, 2, 5, 11])
@pytest.mark.parametrize("replicas", [1, 2])
def test_validation_is_each_example_once_in_order(n: int, replicas: int) -> None:
    data = in_order(np.arange(n), np.arange(n), lambda x: x * 2, replicas, batch=4)
    found = list(data)
    np.testing.assert_array_equal(np.concatenate([y for _, y in found]), np.arange(n))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in found]), 2 * np.arange(n))
    assert len(found[0][1]) % replicas == 0 or n < replicas


def test_a_full_batch_weighs_every_example_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SLICE", 16)
    slots = plan(50, "full")
    assert (slots.accumulation_steps, slots.batch, slots.padding) == (4, 13, 2)
    weights = np.linspace(0.5, 1.5, 50, dtype=np.float32)
    data = batches(
        np.arange(50),
        np.zeros((50, 1), np.float32),
        slots,
        epochs=range(1),
        seed=0,
        weights=weights,
    )
    total = np.zeros(50)
    for x, _, w in data:
        np.add.at(total, x.numpy(), w.numpy() / slots.batch / slots.accumulation_steps)
    np.testing.assert_allclose(total, weights / 50, rtol=1e-5)


def test_no_tuner_sleeps_beside_a_pipeline() -> None:
    goal = np.zeros((8, 1), np.float32)
    made = batches(goal, goal, Plan(4, 2), epochs=range(1), seed=0, weights=goal[:, 0])
    assert made.options().autotune.enabled is False
    assert in_order(goal, goal, None).options().autotune.enabled is False


@settings(max_examples=20, deadline=None)
@given(
    st.integers(6, 40), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.integers(1, 9)
)
def test_shares_make_the_whole(n: int, size: int, workers: int, parts: int, batch: int) -> None:
    """Of every batch each replica makes its part, and each row of the validation set is one's."""
    replicas = workers * parts
    slots = plan(n, size * replicas, replicas)
    inputs, targets = np.arange(n), np.arange(n, dtype=np.float32)[:, None]
    ones = np.ones(n, np.float32)

    def made(share: pipeline.Share) -> list[list[float]]:
        data = batches(inputs, targets, slots, epochs=range(2), seed=1, weights=ones, share=share)
        return [y.numpy().ravel().tolist() for _, y, _ in data]

    def held(share: pipeline.Share) -> list[list[float]]:
        data = pipeline.shared_in_order(inputs, targets, None, share, batch)
        return [y.numpy().ravel().tolist() for _, y in data]

    shares = [pipeline.Share(worker * parts, parts, replicas) for worker in range(workers)]
    whole = made(pipeline.WHOLE)
    several = [made(share) for share in shares]
    for step, wanted in enumerate(whole):
        got = [row for made in several for k in range(parts) for row in made[step * parts + k]]
        assert got == wanted
    if n < replicas:
        return
    rows = [held(share) for share in shares]
    assert len({len(one) for one in rows}) == 1  # every worker takes as many steps
    assert all(part for one in rows for part in one)
    assert sorted(row for one in rows for part in one for row in part) == list(range(n))


@pytest.mark.parametrize("workers", [2, 3])
def test_each_worker_maps_its_own_examples_alone(workers: int) -> None:
    """An epoch's augmentation and preprocessing take n / workers examples, give or take a batch."""
    n, slots = 1000, plan(1000, 96, workers)
    inputs, targets = np.arange(n, dtype=np.float32), np.zeros((n, 1), np.float32)
    mapped = {"augment": 0, "preprocess": 0}

    def counted(name: str) -> Callable[[Any], Any]:
        def count(x: np.ndarray) -> np.ndarray:
            mapped[name] += len(x)
            return x

        return lambda x: tf.ensure_shape(tf.numpy_function(count, [x], tf.float32), [None])

    for worker in range(workers):
        mapped.update(augment=0, preprocess=0)
        made = batches(
            inputs,
            targets,
            slots,
            epochs=range(1),
            seed=0,
            weights=targets[:, 0] + 1,
            augment=lambda x, _, rows: counted("augment")(x[rows]),
            preprocess=counted("preprocess"),
            share=pipeline.Share(worker, 1, workers),
        )
        assert sum(1 for _ in made) == slots.steps
        for name, count in mapped.items():
            assert abs(count - n / workers) <= slots.batch, name
