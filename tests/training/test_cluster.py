"""Clusters are read from options and variables alike, and wrong ones end in a clear word."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnguide.config import RuntimeConfig
from nnguide.errors import ConfigError
from nnguide.training import cluster
from nnguide.training.cluster import Cluster, find

THREE = ("a:7000", "b:7000", "c:7001")
SLURM = {
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_NUM_TASKS": "5",
    "SLURM_STEP_NODELIST": "n[08-09,11]",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
}


def tf_config(jobs: Any, kind: str = "worker", index: Any = 0, **more: Any) -> dict[str, str]:
    return {
        "TF_CONFIG": json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}, **more})
    }


def test_options_and_variables_name_the_same_cluster() -> None:
    by_option = find("auto", THREE, 1, {})
    ray = find("auto", environment=tf_config({"worker": THREE}, index=1))
    jobs = {"chief": THREE[:1], "worker": THREE[1:]}
    job = find("multi_worker", environment=tf_config(jobs, index="0", environment="cloud"))
    chief = find("auto", environment=tf_config(jobs, "chief"))
    for one in (by_option, ray, job, chief):
        assert one is not None
        assert one.addresses == THREE
    assert [one.index for one in (by_option, ray, job, chief) if one] == [1, 1, 1, 0]
    assert by_option is not None
    assert (by_option.is_chief, by_option.port) == (False, 7000)
    assert by_option.name(2) == "worker 2 (c:7001)"


@pytest.mark.parametrize("index", range(5))
def test_slurm_deals_out_blocks_of_tasks(index: int) -> None:
    node, local = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)][index]
    place = {"SLURM_PROCID": str(index), "SLURM_NODEID": str(node), "SLURM_LOCALID": str(local)}
    found = find("auto", environment={**SLURM, **place})
    assert found is not None
    assert found.index == index
    hosts, ports = zip(*(address.split(":") for address in found.addresses), strict=True)
    assert hosts == ("n08", "n08", "n09", "n09", "n11")
    assert [int(port) - int(ports[0]) for port in ports] == [0, 1, 0, 1, 0]
    with pytest.raises(ConfigError, match="distribution=block"):
        find("auto", environment={**SLURM, **place, "SLURM_LOCALID": str(1 - local)})


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"TF_CONFIG": ""},
        {"TF_CONFIG": "{}"},
        tf_config({"chief": ["a:1"]}, "chief"),
        {**SLURM, "SLURM_STEP_NUM_TASKS": "1"},
        {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script
    ],
)
def test_one_process_alone_is_no_cluster(environment: dict[str, str]) -> None:
    assert find("auto", environment=environment) is None
    with pytest.raises(ConfigError, match="two or more workers"):
        find("multi_worker", environment=environment)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TF_CONFIG": "{"}, "got no JSON"),
        ({"TF_CONFIG": "7"}, "TF_CONFIG is"),
        ({"TF_CONFIG": "[" * 5000}, "got no JSON"),
        (tf_config({"worker": "ab"}), "TF_CONFIG is"),
        (tf_config({"worker": [["a:1"]]}), "TF_CONFIG is"),
        (tf_config({"worker": THREE}, index=3), "worker 0 to 2"),
        (tf_config({"worker": THREE}, index=-1), "worker 0 to 2"),
        (tf_config({"worker": THREE}, index=True), "the task"),
        (tf_config({"worker": THREE}, kind="chief"), "the task"),
        (tf_config({"worker": THREE, "ps": ["p:1"]}), "names ps.*no parameter servers"),
        (tf_config({"worker": THREE, "evaluator": ["p:1"]}), "names evaluator"),
        (tf_config({"worker": THREE}, kind="evaluator"), "an evaluator"),
        (tf_config({"chief": ["a:1", "b:1"]}, kind="chief"), "2 chiefs"),
        (tf_config({"worker": ["a:1", "a:1"]}), "twice"),
        (tf_config({"worker": ["localhost:1", "b:1"]}), "mixes loopback"),
        (tf_config({"worker": ["127.0.0.9:1", "b:1"]}), "mixes loopback"),
        (tf_config({"worker": ["[::1]:1", "b:1"]}), "mixes loopback"),
        (tf_config({"worker": ["a", "b:1"]}), "host:port"),
        (tf_config({"worker": ["a:0", "b:1"]}), "host:port"),
        (tf_config({"worker": ["a:65536", "b:1"]}), "host:port"),
        (tf_config({"worker": ["a b:1", "b:1"]}), "host:port"),
        ({**SLURM}, "no variable SLURM_PROCID"),
        ({**SLURM, "SLURM_PROCID": "x"}, "cannot be read"),
    ],
)
def test_a_wrong_cluster_is_told(environment: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        find("auto", environment=environment)


def test_a_strategy_that_does_not_fit_is_told() -> None:
    environment = tf_config({"worker": THREE})
    assert find("none", environment=environment) is None  # alone, since asked by name
    with pytest.raises(ConfigError, match=r"runtime\.strategy mirrored does not join"):
        find("mirrored", environment=environment)
    with pytest.raises(ConfigError, match=r"runtime\.strategy none does not join"):
        find("none", THREE, 0, {})
    with pytest.raises(ConfigError, match="--worker 0 says which"):
        find("auto", (), 0, {})
    with pytest.raises(ConfigError, match="0 to 2"):
        find("auto", THREE, None, {})
    with pytest.raises(ConfigError, match="two addresses or more"):
        find("auto", THREE[:1], 0, {})
    with pytest.raises(ConfigError, match="workers 0 to 2; got worker 3"):
        find("auto", THREE, 3, {})


words = st.text("abn-0123456789[],()x", max_size=12)


@given(words, words)
def test_any_lists_of_slurm_are_read_or_refused(hosts: str, counts: str) -> None:
    place = {"SLURM_PROCID": "0", "SLURM_NODEID": "0", "SLURM_LOCALID": "0"}
    lists = {"SLURM_STEP_NODELIST": hosts, "SLURM_STEP_TASKS_PER_NODE": counts}
    try:
        found = find("auto", environment={**SLURM, **place, **lists})
    except ConfigError:
        return
    assert isinstance(found, Cluster)
    assert len(found) == 5


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=4))
def test_ranges_of_hosts_are_written_out(ranges: list[tuple[int, int]]) -> None:
    text = ",".join(f"{low:03d}-{low + more:03d}" for low, more in ranges)
    wanted = [f"n{n:03d}.x" for low, more in ranges for n in range(low, low + more + 1)]
    assert cluster.expanded(f"n[{text}].x,login") == [*wanted, "login"]


@pytest.mark.usefixtures("tf")
def test_what_several_workers_cannot_do_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four tasks of a job would each train a network of their own, into one folder."""
    from nnguide.training.runtime import runtime
    from nnguide.tuning import search, settings

    monkeypatch.setenv("TF_CONFIG", tf_config({"worker": THREE})["TF_CONFIG"])
    with pytest.raises(ConfigError, match="TF_CONFIG names 3"), runtime(RuntimeConfig()):
        pass
    with runtime(RuntimeConfig(strategy="none")) as chosen:
        assert chosen.replicas == 1
    with pytest.raises(ConfigError, match=re.escape("nnguide tune does not run on several")):
        search.tune(settings.settle("digits", trials=1, max_epochs=1))
