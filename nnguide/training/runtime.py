"""Seed, precision and devices of a training, in one context."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nnguide import logs
from nnguide.config import RuntimeConfig
from nnguide.errors import ConfigError
from nnguide.training import cluster as clusters
from nnguide.training.cluster import Cluster

FAST_FLOAT16 = (7, 0)  # compute capability from which NVIDIA GPUs have tensor cores


@dataclass(frozen=True)
class Runtime:
    """Choices of precision, strategy and devices.

    Attributes:
        precision: a Keras dtype policy: float32, mixed_float16 or mixed_bfloat16.
        strategy: none, mirrored or multi_worker.
        devices: the logical devices of this process that train.
        reason: the choice and why, in one line.
        new_scope: makes the strategy's own context; `scope` is a new one each time.
        warnings: what the user should know of a setting that was forced.
        cluster: the workers that train together; None: this process alone.
    """

    precision: str
    strategy: str
    devices: tuple[str, ...]
    reason: str
    new_scope: Callable[[], contextlib.AbstractContextManager[Any]]
    warnings: tuple[str, ...] = ()
    cluster: Cluster | None = None

    @property
    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Context of the strategy, in which models are built.

        As in `with runtime.scope:`.
        """
        return self.new_scope()

    @property
    def replicas(self) -> int:
        """Number of devices that share a batch."""
        if self.strategy == "none":
            return 1
        return len(self.devices) * (len(self.cluster) if self.cluster else 1)

    @property
    def share(self) -> tuple[int, int, int]:
        """Part of each batch that this process makes.

        See `nnguide.training.pipeline.Share`.
        """
        devices = len(self.devices)
        return (self.cluster.index if self.cluster else 0) * devices, devices, self.replicas

    @property
    def writes(self) -> bool:
        """Whether this process writes: of several workers only the chief does."""
        return self.cluster is None or self.cluster.is_chief


@contextlib.contextmanager
def runtime(
    config: RuntimeConfig,
    *,
    seed: int | None = None,
    devices: list[str] | None = None,
    cluster: Cluster | None = None,
) -> Iterator[Runtime]:
    """Set seed, precision and strategy for the block.

    Afterwards the precision is as before.

    Args:
        config: what the user asked for.
        seed: of Python, NumPy and Keras; None leaves them alone.
        devices: logical devices for `mirrored`, such as two virtual CPUs in a test; None
            takes the visible GPUs.
        cluster: the workers that train together; all of them are at this point, or come to it.
    Raises:
        ConfigError: mirrored without two devices, a cluster that this training does not join, or
            TensorFlow is at work in this process already.
    """
    if cluster is None:
        clusters.refuse("this training", config.strategy)
    tf = logs.tensorflow()
    import keras

    joined: Any = None if cluster is None else _join(tf, cluster)  # before devices are listed
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    precision, why_precision, warning = _precision(config, tf, bool(gpus))
    if cluster is None:
        strategy, used, why_strategy = _strategy(config, devices or gpus)
    else:
        strategy, used = "multi_worker", list(joined.extended.worker_devices)
        why_strategy = f"worker {cluster.index} of {len(cluster)} by {cluster.origin}"
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    determined = _deterministic(tf) if config.deterministic else contextlib.nullcontext()
    try:
        with determined:
            scope: Any = contextlib.nullcontext if joined is None else joined.scope
            if strategy == "mirrored":
                with logs.stderr_diverted():
                    mirrored = tf.distribute.MirroredStrategy(
                        used,
                        cross_device_ops=None if gpus else tf.distribute.ReductionToOneDevice(),
                    )
                scope = mirrored.scope
            reason = (
                f"precision {precision} ({why_precision}), strategy {strategy} ({why_strategy})"
            )
            yield Runtime(precision, strategy, tuple(used), reason, scope, warning, cluster)
    finally:
        keras.config.set_dtype_policy(before)


def _join(tf: Any, cluster: Cluster) -> Any:
    """Return TensorFlow's strategy of several workers.

    It starts a server that the others reach.
    """
    jobs = tf.train.ClusterSpec({"worker": list(cluster.addresses)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        jobs, task_type="worker", task_id=cluster.index, rpc_layer="grpc"
    )
    try:
        with logs.stderr_diverted():
            return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        raise ConfigError(
            "TensorFlow has worked in this process already: several workers must be joined first. "
            "Train in a new process, before anything else."
        ) from error


@contextlib.contextmanager
def _deterministic(tf: Any) -> Iterator[None]:
    """Make TensorFlow compute the same bits every time.

    TensorFlow has no public way to ask what the setting was before.
    """
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        from tensorflow.python.framework import config as internal

        internal.disable_op_determinism()


def _precision(config: RuntimeConfig, tf: Any, gpu: bool) -> tuple[str, str, tuple[str, ...]]:
    if config.precision != "auto":
        if config.precision == "mixed_float16" and not gpu:
            warning = (
                "mixed_float16 on a CPU is several times slower than float32, and less precise"
            )
            return config.precision, "as asked", (warning,)
        return config.precision, "as asked", ()
    if not gpu:
        return "float32", "no GPU", ()
    details = [
        tf.config.experimental.get_device_details(device)
        for device in tf.config.list_physical_devices("GPU")
    ]
    if all(detail.get("compute_capability", (0, 0)) >= FAST_FLOAT16 for detail in details):
        return "mixed_float16", "the GPU has tensor cores", ()
    return "float32", "the GPU has no tensor cores", ()


def _strategy(config: RuntimeConfig, gpus: list[str]) -> tuple[str, list[str], str]:
    if config.strategy == "none":
        return "none", gpus[:1] or ["/CPU:0"], "as asked"
    if len(gpus) > 1:
        why = "as asked" if config.strategy == "mirrored" else f"{len(gpus)} devices"
        return "mirrored", gpus, why
    if config.strategy == "mirrored":
        seen = "1 GPU" if gpus else "no GPU"
        raise ConfigError(
            f"runtime.strategy mirrored needs two or more GPUs; this machine shows {seen}. "
            "Use auto or none."
        )
    return "none", gpus or ["/CPU:0"], "one GPU" if gpus else "no GPU"
