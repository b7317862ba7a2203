"""Short experiments with a model that leave it unchanged.

Its weights, optimizer and random state are restored.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from nnguide import logs
from nnguide.doctor.data import TEXTS, arrays, each
from nnguide.doctor.graph import NORMALISING, RELUS, Graph, Node
from nnguide.doctor.rule import CannotCheckError

if TYPE_CHECKING:
    from nnguide.doctor.case import Case

BATCHES = 4  # of the rate probe, shown again in every pass
PROBE_ROWS = 64  # a batch, at most
STEADY = 16  # rows of a batch from which its mean and variance say enough for batch norm
PASSES = 8
MAX_WORK = 5e11  # products that one rate may take; a larger network is not probed
FEW = 16  # random rows, and the length of an axis that is left open
MAX_LAYERS = 60  # with weights: beyond them TensorFlow plans for long


@dataclass(frozen=True, eq=False)
class Forward:
    """The observations of a forward pass, by the id of the node.

    Attributes:
        received: what a first layer with weights was given: (rows, …) float32.
        dead: of a layer that ends in a ReLU, which units were 0 for every row: (units,) bool.
    """

    received: dict[int, np.ndarray]
    dead: dict[int, np.ndarray]


@contextlib.contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Restore the model and the random number generators afterwards."""
    optimizer = getattr(model, "optimizer", None)
    kept = [*model.variables, *model.metrics_variables, *(optimizer.variables if optimizer else ())]
    before = [(variable, np.array(keras.ops.convert_to_numpy(variable))) for variable in kept]
    python, numpy = random.getstate(), np.random.get_state()
    shared = keras.src.random.seed_generator.global_seed_generator().state
    seed = np.array(keras.ops.convert_to_numpy(shared))
    try:
        with warnings.catch_warnings(), logs.stderr_diverted():
            warnings.simplefilter("ignore")
            yield
    finally:
        for variable, value in before:
            variable.assign(value)
        shared.assign(seed)
        random.setstate(python)
        np.random.set_state(numpy)


def reason(error: Exception) -> str:
    """Return the first line of an error, shortened."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:120]}" if text else type(error).__name__


def tensors(value: Any) -> Any:
    """Return the same structure with tensors instead of arrays.

    Texts become strings.
    """
    return each(value, lambda a: tf.constant(a.tolist() if a.dtype.kind in TEXTS else a))


def first_weighted(graph: Graph) -> list[Node]:
    """Return the layers that see an input first.

    No other learned or normalising layer comes before them.
    """
    raw: set[int] = set()
    weighted = []
    for node in graph.nodes:
        from_input = any(id(tensor) in raw for tensor in node.inputs)
        if node.is_input:
            raw.add(id(node))
        elif from_input and (node.is_weighted or node.is_recurrent):
            weighted.append(node)
        elif from_input and not _settles(node):
            raw.add(id(node))
    return weighted


def _settles(node: Node) -> bool:
    """Return whether the output's scale no longer depends on the input's.

    The node has learned weights, or normalises.
    """
    return bool(getattr(node.op, "trainable_variables", ())) or isinstance(node.op, NORMALISING)


def forward(model: Any, graph: Graph, x: Any) -> Forward:
    """Run `x` through the model and observe the layers.

    Raises:
        CannotCheckError: the model cannot be run on it.
    """
    first = {id(node.op): node for node in first_weighted(graph)}
    relus = {id(node.op): node for node in graph.nodes if node.activation in RELUS}
    received: dict[int, np.ndarray] = {}
    dead: dict[int, np.ndarray] = {}

    def observe(op: Any, inputs: tuple[Any, ...], answer: Any) -> None:
        if id(op) in first and inputs and hasattr(inputs[0], "shape"):
            received[id(first[id(op)])] = _numbers(inputs[0])
        if id(op) in relus:
            numbers = _numbers(answer)
            idle = (numbers <= 0).all(axis=tuple(range(numbers.ndim - 1)))
            node = id(relus[id(op)])
            dead[node] = np.logical_and(idle, dead.get(node, True))

    with (
        unchanged(model),
        _observed([node.op for node in (*first.values(), *relus.values())], observe),
    ):
        try:
            model(tensors(x), training=False)
        except Exception as error:  # the user's layers may raise anything
            raise CannotCheckError(
                f"the model cannot be run on the data ({reason(error)})"
            ) from error
    return Forward(received, dead)


def _numbers(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")))


@contextlib.contextmanager
def _observed(operations: list[Any], observe: Any) -> Iterator[None]:
    """Call `observe` with the inputs and the output of each operation."""
    changed = {id(op): op for op in operations}.values()

    def observing(op: Any, call: Any) -> Any:
        def observed(*args: Any, **kwargs: Any) -> Any:
            answer = call(*args, **kwargs)
            observe(op, args, answer)
            return answer

        return observed

    try:
        for op in changed:
            object.__setattr__(op, "call", observing(op, op.call))
        yield
    finally:
        for op in changed:
            op.__dict__.pop("call", None)


def gradient_norms(case: Case, layers: list[Node]) -> dict[str, float]:
    """Return ‖∂L/∂W‖ of each layer for the sample.

    The keys are the layers' names, in the order of `layers`.

    L is the model's own loss where it has one that takes the labels, else the mean of the
    squared outputs. Without data the inputs are normal random numbers.

    Raises:
        CannotCheckError: the model cannot be run.
    """
    model = case.model
    x, y = case.sample if case.data is not None else (_random_inputs(model), None)
    kernels = [node.kernel for node in layers]
    with unchanged(model), tf.GradientTape() as tape:
        try:
            outputs = model(tensors(x), training=False)
            loss = _loss(model, y, outputs)
        except Exception as error:
            raise CannotCheckError(f"the model cannot be run ({reason(error)})") from error
        gradients = tape.gradient(loss, [kernel.value for kernel in kernels])
    return {
        node.name: 0.0 if gradient is None else float(tf.norm(tf.cast(gradient, tf.float32)))
        for node, gradient in zip(layers, gradients, strict=True)
    }


def _loss(model: Any, y: Any, outputs: Any) -> Any:
    if y is not None and getattr(model, "compiled", False):
        with contextlib.suppress(Exception):  # a loss that does not fit its labels
            return model.compute_loss(y=tensors(y), y_pred=outputs)
    flat = [tf.cast(output, tf.float32) for output in keras.tree.flatten(outputs)]
    return tf.add_n([tf.reduce_mean(tf.square(output)) for output in flat])


def _random_inputs(model: Any) -> Any:
    draw = np.random.default_rng(0)
    inputs = getattr(model, "inputs", None)
    if not inputs or any(str(tensor.dtype) == "string" for tensor in inputs):
        raise CannotCheckError("no data was given")
    drawn = []
    for tensor in inputs:
        shape = (FEW, *(size or FEW for size in tensor.shape[1:]))
        whole = "int" in str(tensor.dtype)
        drawn.append(np.zeros(shape, np.int32) if whole else draw.normal(size=shape).astype("f"))
    return drawn if len(drawn) > 1 else drawn[0]


class RateProbe:
    """A short training at several learning rates from the same start."""

    def __init__(self, case: Case) -> None:
        """Prepare the probe for `case`.

        Raises:
            CannotCheckError: not compiled, without data, trained already, with a training of its
                own, too large for a short probe, or with batch norm over too few rows.
        """
        self.model = model = case.model
        x, y = case.sample
        rows = len(arrays(x)[0])
        if not getattr(model, "compiled", False) or model._compile_loss is None:
            raise CannotCheckError("the model is not compiled with a loss")
        if case.trained:
            raise CannotCheckError("the weights are trained already: this rule is for a new model")
        if type(model).train_step is not keras.Model.train_step:
            raise CannotCheckError("the model has a training step of its own")
        weighted = sum(bool(layer.weights) for layer in model._flatten_layers())
        if weighted > MAX_LAYERS or work(case.graph) * rows * 3 * PASSES > MAX_WORK:
            raise CannotCheckError("the network is too large for a short training")
        self.rate = highest_rate(model.optimizer)
        size = max(min(PROBE_ROWS, rows // BATCHES), 1)
        if size < STEADY and any(
            isinstance(layer, keras.layers.BatchNormalization) for layer in model._flatten_layers()
        ):
            raise CannotCheckError(
                f"batch normalization over {size} rows is too noisy: this rule needs "
                f"{STEADY * BATCHES}"
            )
        mixed = np.random.default_rng(1).permutation(rows)
        cuts = [mixed[i * size : (i + 1) * size] for i in range(min(BATCHES, rows // size))]
        self.batches = [(tensors(_taken(x, cut)), tensors(_taken(y, cut))) for cut in cuts]
        self.optimizer = _copy(model.optimizer)
        self.optimizer.build(model.trainable_variables)
        self.step = tf.function(self._step)
        self.known: dict[float, np.ndarray] = {}  # rate -> losses

    def _step(self, x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = self.model.compute_loss(x=x, y=y, y_pred=self.model(x, training=True))
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self.optimizer.apply(
            [
                tf.zeros_like(v.value) if g is None else g
                for g, v in zip(gradients, variables, strict=True)
            ],
            variables,
        )
        return loss

    def losses(self, rate: float) -> np.ndarray:
        """Return the mean loss of each pass at a learning rate.

        The result is (PASSES,) float64, shorter where it is not finite.

        Random numbers, such as dropout's, are the same at every rate.


        Raises:
            CannotCheckError: the loss cannot be computed.
        """
        start = [np.array(keras.ops.convert_to_numpy(v)) for v in self.optimizer.variables]
        try:
            with unchanged(self.model):
                measured: list[float] = []
                self.optimizer.learning_rate = rate
                for _ in range(PASSES):
                    measured.append(self._pass())
                    if not np.isfinite(measured[-1]):
                        break
        except Exception as error:
            raise CannotCheckError(
                f"the model cannot be trained on the data ({reason(error)})"
            ) from error
        finally:
            for variable, value in zip(self.optimizer.variables, start, strict=True):
                variable.assign(value)
        return np.array(measured)

    def _pass(self) -> float:
        return float(np.mean([float(self.step(x, y)) for x, y in self.batches]))


def work(graph: Graph) -> float:
    """Estimate the number of multiplications for one example.

    It is the number of weights times the places where they are used.
    """
    total = 0.0
    for node in graph.nodes:
        places = node.inputs[0].shape if node.is_recurrent and node.inputs else node.shape
        weights = sum(int(np.prod(w.shape)) for w in getattr(node.op, "weights", ()))
        looked_up = isinstance(node.op, keras.layers.Embedding)
        total += (
            0 if looked_up else weights * float(np.prod([size or FEW for size in places[1:-1]]))
        )
    return total


def _taken(value: Any, rows: np.ndarray) -> Any:
    return each(value, lambda array: array[rows])


def highest_rate(optimizer: Any) -> float:
    """Return the learning rate, or the highest rate of a schedule.

    Of a schedule the first 100,000 steps count.
    """
    schedule = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        steps = sorted({0, *(int(1.5**k) for k in range(29))})
        return max(float(schedule(tf.constant(step))) for step in steps)
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def _copy(optimizer: Any) -> Any:
    """Return a copy of an optimizer whose learning rate can be set."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a scaled loss, under float16
    try:
        return type(inner).from_config({**inner.get_config(), "learning_rate": 0.001})
    except Exception as error:
        raise CannotCheckError(f"the optimizer cannot be copied ({reason(error)})") from error
