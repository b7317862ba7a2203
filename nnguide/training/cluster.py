"""Search for the processes that train one network together.

They are named by --workers, TF_CONFIG or SLURM's variables. No framework is imported: a wrong
cluster is reported before anything slow begins.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nnguide.errors import ConfigError, WorkError

CHIEFS = ("chief", "master")  # the job of worker 0, where it has one of its own
SLURM_PORTS = (20_000, 10_000)  # the first, and how many job numbers are spread over


class WorkerLostError(WorkError):
    """A worker died, was stopped or hangs.

    All workers, started again, continue from the checkpoint.
    """


@dataclass(frozen=True)
class Cluster:
    """Processes that train together, as one of them sees them.

    Attributes:
        addresses: host:port of every worker, the chief's first.
        index: this process's place among them.
        origin: what names them: --workers, TF_CONFIG or SLURM.
    """

    addresses: tuple[str, ...]
    index: int
    origin: str

    def __post_init__(self) -> None:
        for address in self.addresses:
            _check_address(address, self.origin)
        if len(set(self.addresses)) < len(self.addresses):
            raise ConfigError(
                f"{self.origin} names an address twice: {', '.join(self.addresses)}. Give each "
                "worker its own."
            )
        local = [_is_loopback(address) for address in self.addresses]
        if any(local) and not all(local):
            raise ConfigError(
                f"{self.origin} mixes loopback addresses, which other machines cannot reach, with "
                f"others: {', '.join(self.addresses)}. Name every machine as the others see it."
            )
        if not 0 <= self.index < len(self.addresses):
            raise ConfigError(
                f"{self.origin} names workers 0 to {len(self.addresses) - 1}; got worker "
                f"{self.index}."
            )

    def __len__(self) -> int:
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this process is worker 0, which alone writes."""
        return self.index == 0

    @property
    def port(self) -> int:
        """Port at which this process listens."""
        return int(self.addresses[self.index].rpartition(":")[2])

    def name(self, index: int) -> str:
        """Return a worker's name, as in `worker 2 (c:7000)`."""
        return f"worker {index} ({self.addresses[index]})"


def find(
    strategy: str,
    workers: Sequence[str] = (),
    worker: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Cluster | None:
    """Return the cluster that a training is part of.

    None where it trains alone.

    Args:
        strategy: `runtime.strategy`.
        workers: addresses, host:port; they go over the environment's.
        worker: the place of this process among them.
        environment: where TF_CONFIG or SLURM's variables may stand.
    Raises:
        ConfigError: a cluster that cannot be, or one that the strategy does not fit.
    """
    if not workers and worker is not None:
        raise ConfigError(
            f"--worker {worker} says which of --workers this process is. Give "
            "--workers a:7000,b:7000 too."
        )
    cluster: Cluster | None = None
    if workers:
        cluster = _listed(workers, worker)
    elif strategy != "none":
        cluster = seen(environment)
    if cluster is None and strategy == "multi_worker":
        raise ConfigError(
            "runtime.strategy multi_worker needs two or more workers: --workers a:7000,b:7000 "
            "--worker 0, or TF_CONFIG, or srun. None of them names any here."
        )
    if cluster is not None and strategy not in ("auto", "multi_worker"):
        raise ConfigError(
            f"{cluster.origin} names {len(cluster)} workers, which runtime.strategy {strategy} "
            "does not join. Use auto or multi_worker, or none without --workers to train alone."
        )
    return cluster


def refuse(what: str, strategy: str, environment: Mapping[str, str] = os.environ) -> None:
    """Raise an error for work that several workers cannot share.

    Raises:
        ConfigError: the strategy is one of several workers, or the environment names some: each
            would do the same work again, for itself.
    """
    cluster = find(strategy, environment=environment)
    if cluster is not None:
        raise ConfigError(
            f"{what} does not run on several workers, and {cluster.origin} names {len(cluster)}: "
            "each would do all of it again. Set runtime.strategy=none, or take the variable away, "
            "to do it in this process alone."
        )


def seen(environment: Mapping[str, str]) -> Cluster | None:
    """Return the cluster that the environment names.

    None where there is none, or it has one worker alone.

    Raises:
        ConfigError: it cannot be read, or it has parameter servers or evaluators.
    """
    text = environment.get("TF_CONFIG", "").strip()
    cluster = _of_tf_config(text) if text else _of_slurm(environment)
    return cluster if cluster is not None and len(cluster) > 1 else None


def _listed(workers: Sequence[str], worker: int | None) -> Cluster:
    if len(workers) < 2:
        raise ConfigError(
            "--workers lists two addresses or more, as in a:7000,b:7000; got "
            f"{', '.join(workers)}. A number of workers goes with --on ray."
        )
    if worker is None:
        raise ConfigError(
            f"--workers needs --worker too: which of them this process is, 0 to {len(workers) - 1}."
        )
    return Cluster(tuple(workers), worker, "--workers")


def _of_tf_config(text: str) -> Cluster | None:
    """Return the cluster of TF_CONFIG.

    TFJob, Vertex AI and Ray Train set it: {"cluster": {job: [address]}, "task": {…}}.
    """
    form = (
        'TF_CONFIG is {"cluster": {"worker": ["a:7000", "b:7000"]}, "task": {"type": "worker", '
        '"index": 0}}'
    )
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{form}; got no JSON: {error}.") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{form}; got {_short(text)}.")
    jobs = tree.get("cluster") or {}
    if not isinstance(jobs, dict) or not all(_is_list(jobs[name]) for name in jobs):
        raise ConfigError(f"{form}; got the cluster {_short(json.dumps(jobs))}.")
    jobs = {name: list(map(str, jobs[name])) for name in jobs if jobs[name]}
    if not jobs:
        return None
    wrong = [name for name in jobs if name not in (*CHIEFS, "worker")]
    task = tree.get("task")
    kind = task.get("type") if isinstance(task, dict) else None
    if wrong or kind == "evaluator":
        raise ConfigError(
            f"TF_CONFIG names {', '.join(wrong) or 'an evaluator'}. nnguide trains on workers that "
            "all do the same: no parameter servers and no evaluators. Leave them out, or set "
            "runtime.strategy=none to train alone."
        )
    chiefs = [address for name in CHIEFS for address in jobs.get(name, [])]
    if len(chiefs) > 1:
        raise ConfigError(f"TF_CONFIG names {len(chiefs)} chiefs; expected one.")
    index = task.get("index", 0) if isinstance(task, dict) else None
    if isinstance(index, str) and index.isdecimal() and index.isascii():
        index = int(index)
    if kind not in jobs or isinstance(index, bool) or not isinstance(index, int):
        raise ConfigError(f"{form}; got the task {_short(json.dumps(task))}.")
    if not 0 <= index < len(jobs[kind]):
        last = len(jobs[kind]) - 1
        raise ConfigError(f"TF_CONFIG names {kind} 0 to {last}; got the task's index {index}.")
    place = index if kind in CHIEFS else len(chiefs) + index
    return Cluster((*chiefs, *jobs.get("worker", [])), place, "TF_CONFIG")


def _of_slurm(environment: Mapping[str, str]) -> Cluster | None:
    """Return the cluster of SLURM's variables.

    `srun` sets them for each task of a step; a batch script alone has one task.
    """
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "")
    if not tasks.isdecimal() or int(tasks) < 2:
        return None
    try:
        index = int(environment["SLURM_PROCID"])
        hosts = expanded(environment["SLURM_STEP_NODELIST"])
        counts = _repeated(environment["SLURM_STEP_TASKS_PER_NODE"])
        job = int(environment["SLURM_JOB_ID"])
        node, local = int(environment["SLURM_NODEID"]), int(environment["SLURM_LOCALID"])
    except KeyError as error:
        raise ConfigError(
            f"SLURM's step has {tasks} tasks and no variable {error.args[0]}. Start the training "
            "with srun, or with --workers and --worker."
        ) from error
    except ValueError as error:
        raise ConfigError(f"SLURM's variables cannot be read: {error}.") from error
    places = [(n, k) for n, count in enumerate(counts) for k in range(count)]
    if len(hosts) != len(counts) or len(places) != int(tasks):
        raise ConfigError(
            f"SLURM names {len(hosts)} nodes and {len(places)} places for {tasks} tasks. Start the "
            "training with --workers and --worker."
        )
    if index >= len(places) or places[index] != (node, local):
        raise ConfigError(
            "SLURM dealt its tasks out in turn. Start the training with srun --distribution=block."
        )
    first, spread = SLURM_PORTS
    port = first + job * 16 % spread
    addresses = tuple(f"{hosts[n]}:{port + k}" for n, k in places)
    return Cluster(addresses, index, "SLURM")


def expanded(hosts: str) -> list[str]:
    """Return the hosts of SLURM's short form, as in `a[01-03,7],b`.

    Raises:
        ValueError: it is not one.
    """
    names_of_hosts = []
    for word in re.findall(r"(?:[^,\[\]]|\[[^\]]*\])+", hosts):
        names = [""]
        for plain, ranges in re.findall(r"([^\[\]]+)|\[([^\]]*)\]", word):
            ends = [plain] if plain else [end for item in ranges.split(",") for end in _range(item)]
            names = [name + end for name in names for end in ends]
        names_of_hosts += names
    if not names_of_hosts or hosts.count("[") != hosts.count("]"):
        raise ValueError(f"expected hosts such as a[01-03]; got {hosts!r}")
    return names_of_hosts


def _range(item: str) -> list[str]:
    ends = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", item)
    if ends is None or int(ends[2] or ends[1]) - int(ends[1]) not in range(100_000):
        raise ValueError(f"expected numbers such as 01-03; got {item!r}")
    return [f"{n:0{len(ends[1])}d}" for n in range(int(ends[1]), int(ends[2] or ends[1]) + 1)]


def _repeated(counts: str) -> list[int]:
    """Return the numbers of SLURM's short form, as in `2(x3),1`."""
    numbers: list[int] = []
    for item in counts.split(","):
        match = re.fullmatch(r"([0-9]{1,6})(?:\(x([0-9]{1,6})\))?", item)
        if match is None:
            raise ValueError(f"expected tasks per node such as 2(x3),1; got {counts!r}")
        numbers += [int(match[1])] * int(match[2] or 1)
    return numbers


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _split(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), port


def _check_address(address: str, origin: str) -> None:
    host, port = _split(address)
    inside = re.fullmatch(r"[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]", address.rpartition(":")[0])
    number = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0
    if not host or inside is None or not 1 <= number <= 65_535:
        raise ConfigError(
            f"{origin} names workers as host:port, as in a:7000, with a port of 1 to 65535; got "
            f"{_short(address)!r}."
        )


def _is_loopback(address: str) -> bool:
    host, _ = _split(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")
