"""Rules about the network: layers, connections and first weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import keras
import numpy as np

from nnguide.doctor.case import Case
from nnguide.doctor.graph import DEPTHWISE, SIGMOIDS, TANHS, Node, chain_lengths
from nnguide.doctor.probes import gradient_norms
from nnguide.doctor.rule import CannotCheckError, Evidence, rule

SIGMOID_DEPTH = 2  # sigmoid layers on one path from which on the gradient is lost: 1/16 of it left
TANH_DEPTH = 3
DEAD_SHARE = 0.9  # of a layer's units; half of them idle is usual at the start of a deep network
DEAD_UNITS = 8  # a narrower layer may have none alive by chance


def listed(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


@rule(
    "saturating-hidden",
    "warning",
    "The derivative of a sigmoid is at most 1/4 and that of tanh falls to 0 at both ends, so "
    "through several such layers the gradient vanishes before it reaches the first ones.",
    'Use ReLU in the hidden layers (activation="relu", kernel_initializer="he_normal") and keep '
    "sigmoid for the output.",
)
def saturating_hidden(case: Case) -> Evidence | None:
    graph = case.graph
    heads = graph.heads()
    sigmoid = {id(n): n for n in graph.nodes if n.activation in SIGMOIDS and _is_hidden(n, heads)}
    tanh = {id(n): n for n in graph.nodes if n.activation in TANHS and _is_hidden(n, heads)}
    both = chain_lengths(graph.nodes, {*sigmoid, *tanh})
    deep = max(chain_lengths(graph.nodes, set(sigmoid)).values(), default=0) >= SIGMOID_DEPTH
    longest = max(both.values(), default=0)
    if not deep and longest < TANH_DEPTH:
        return None
    layers = [n for n in graph.weighted if n.kernel is not None and n.kernel.trainable]
    measured: dict[str, object] = {"layers": [n.name for n in (*sigmoid.values(), *tanh.values())]}
    text = f"{longest} hidden layers in a row end in sigmoid or tanh"
    try:
        norms = gradient_norms(case, layers)
    except CannotCheckError as error:
        return Evidence(f"{text}; their gradients could not be measured: {error}", measured)
    measured["gradient_norms"] = norms
    if len(norms) < 2:
        return Evidence(text, measured)
    first, *_, last = norms.values()
    share = f", {first / last:.2g} of it" if last else ""
    text += (
        f"; the norm of the gradient is {last:.2g} in the last layer and {first:.2g} in the first"
    )
    lost = bool(last) and first < last / 10
    return Evidence(text + share, measured, severity="error" if lost else None)


def _is_hidden(node: Node, heads: set[int]) -> bool:
    """Return whether a node is an activation between weighted layers.

    A gate or a head is not one.
    """
    if node.is_recurrent or not any(later.is_weighted for later in node.after()):
        return False
    if id(node) in heads:
        return False
    behind = [node] if node.is_weighted else list(node.before(lambda n: n.is_affine))
    if not any(n.is_weighted or n.is_merge for n in behind):
        return False
    return not any(_is_gate(user) for user in node.users)


def _is_gate(user: Node) -> bool:
    """Return whether the node scales or blends another signal."""
    if type(user.inner).__name__ in ("Multiply", "Einsum", "Matmul", "Dot", "Subtract"):
        return True
    return user.is_moving and any(_is_gate(after) for after in user.users)


@rule(
    "linear-stack",
    "error",
    "Two linear layers in a row equal one: without a non-linear activation between them, depth "
    "adds nothing.",
    'Give each hidden layer an activation, as in Dense(64, activation="relu").',
    cheap=True,
)
def linear_stack(case: Case) -> Evidence | None:
    pairs = []
    for node in case.graph.weighted:
        for before in node.before(lambda n: n.is_affine or n.is_pool or _joins_linear(n)):
            if before.is_weighted and before.activation == "linear" and not _is_meant(before, node):
                pairs.append((before, node))
    if not pairs:
        return None
    shown = listed([f"{first.name} and {second.name}" for first, second in pairs])
    return Evidence(
        f"nothing non-linear stands between {shown}",
        {"pairs": [[first.name, second.name] for first, second in pairs]},
    )


def _joins_linear(node: Node) -> bool:
    """Return whether the node concatenates branches that are all linear.

    A sum is a shortcut, and does not count.
    """
    return type(node.op).__name__ == "Concatenate" and all(
        n.is_weighted and n.activation == "linear" for n in node.before(lambda n: n.is_affine)
    )


def _is_meant(first: Node, second: Node) -> bool:
    """Return whether two linear layers in a row have a purpose.

    It is a bottleneck, or a convolution in two steps.
    """
    if isinstance(first.inner, DEPTHWISE) or isinstance(second.inner, DEPTHWISE):
        return True
    width, wide = first.shape[-1], second.shape[-1]
    fan_in = first.inputs[0].shape[-1] if first.inputs else None
    if width is None or wide is None or fan_in is None:
        return False
    # MobileNet's bottlenecks are 1 by 1 convolutions, the first of which may keep its width
    most = fan_in + 1 if _is_pointwise(first) and _is_pointwise(second) else fan_in
    return width < min(most, wide)


def _is_pointwise(node: Node) -> bool:
    return set(getattr(node.inner, "kernel_size", (0,))) == {1}


@rule(
    "dropout-after-output",
    "error",
    "Dropout zeroes hidden units so that the network relies on no single one; after the output it "
    "zeroes the answers themselves.",
    "Move the Dropout layer before the last layer with weights.",
    cheap=True,
)
def dropout_after_output(case: Case) -> Evidence | None:
    for output in case.graph.outputs:
        node, dropouts = output, []
        while not node.is_weighted and len(node.inputs) == 1:
            if node.is_dropout and _rate(node):
                dropouts.append(node.name)
            node = node.inputs[0]
        if dropouts and node.is_weighted:
            return Evidence(
                f"{listed(dropouts)} comes after {node.name}, the last layer with weights",
                {"dropout": dropouts, "output": node.name},
            )
    return None


def _rate(node: Node) -> float:
    return float(keras.ops.convert_to_numpy(getattr(node.op, "rate", 1.0)))


@rule(
    "zero-start",
    "error",
    "Units that start with equal weights get equal gradients and stay equal: a layer of them "
    "is one unit, and at zero it does not learn at all.",
    'Initialize kernels at random: leave out kernel_initializer, or give "glorot_uniform" or '
    '"he_normal"; zeros are for biases.',
    cheap=True,
)
def zero_start(case: Case) -> Evidence | None:
    heads = case.graph.heads()
    equal = {id(node): (node, value) for node, value in _equal(case.graph.nodes)}
    zeros = [
        (node.name, value)
        for node, value in equal.values()
        if id(node) not in heads and not _ends_branch(node, set(equal))
    ]
    if not zeros:
        return None
    names, value = [name for name, _ in zeros], zeros[0][1]
    return Evidence(
        f"every weight of {listed(names)} is {value:g}", {"layers": names, "value": value}
    )


def _equal(nodes: Iterable[Node]) -> Iterator[tuple[Node, float]]:
    """Yield the layers with a constant kernel, and its value.

    All entries of such a kernel are equal.
    """
    for node in nodes:
        if not (node.is_weighted or node.is_recurrent):
            continue
        for weights in node.op.trainable_variables:
            if "kernel" not in weights.name or len(weights.shape) < 2 or weights.shape[-1] < 2:
                continue
            values = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(weights, "float32")))
            if (values == values.flat[0]).all():
                yield node, float(values.flat[0])
                break


def _ends_branch(node: Node, equal: set[int]) -> bool:
    """Return whether the output joins a signal with unequal weights.

    A shortcut is such a signal.
    """
    for user in _next(node):
        if user.is_merge:
            sources = user.before(lambda n: not (n.is_weighted or n.is_recurrent or n.is_input))
            if any(id(source) not in equal for source in sources):
                return True
    return False


def _next(node: Node) -> list[Node]:
    """Return the nodes that take the output.

    Fixed linear maps in between are skipped.
    """
    nodes: list[Node] = []
    waiting = list(node.users)
    while waiting:
        user = waiting.pop()
        if user.is_affine and not user.is_merge:
            waiting += user.users
        else:
            nodes.append(user)
    return nodes


@rule(
    "dead-relu",
    "error",
    "A ReLU whose sum is negative for every example outputs 0 and has derivative 0: no gradient "
    "reaches it, and it never learns again.",
    "Start with small biases and a kernel from he_normal, lower the learning rate, or use "
    "LeakyReLU.",
)
def dead_relu(case: Case) -> Evidence | None:
    names = {id(node): node.name for node in case.graph.nodes}
    dead = {
        names[node]: float(idle.mean())
        for node, idle in case.forward.dead.items()
        if len(idle) >= DEAD_UNITS and idle.mean() >= DEAD_SHARE
    }
    if not dead:
        return None
    rows = len(keras.tree.flatten(case.sample[0])[0])
    shown = listed([f"{share:.0%} of {name}" for name, share in dead.items()])
    return Evidence(f"0 for each of {rows} examples: {shown}", {"dead": dead, "examples": rows})


@rule(
    "batchnorm-batch-1",
    "error",
    "Batch normalization compares the examples of a batch; in a batch of one each number is its "
    "own mean.",
    "Use batches of 16 or more, or LayerNormalization.",
    cheap=True,
)
def batchnorm_batch_1(case: Case) -> Evidence | None:
    norms = [n for n in case.graph.nodes if isinstance(n.op, keras.layers.BatchNormalization)]
    if not norms or case.require_batch_size() > 1:
        return None
    return Evidence(
        f"{listed([n.name for n in norms])} with a batch of 1 example",
        {"layers": [n.name for n in norms], "batch_size": 1},
    )


@rule(
    "fp16-head",
    "error",
    "Half precision holds numbers from 6e-8 to 65,504 with three digits: too little for the "
    "exponentials and logarithms of a softmax and its loss.",
    'Give the last layer dtype="float32".',
    cheap=True,
)
def fp16_head(case: Case) -> Evidence | None:
    types = {node.name: node.dtype for node in case.graph.outputs}
    half = {name: dtype for name, dtype in types.items() if dtype in ("float16", "bfloat16")}
    if not half:
        return None
    shown = listed([f"{name} in {dtype}" for name, dtype in half.items()])
    return Evidence(f"the output is computed by {shown}", {"outputs": half})
