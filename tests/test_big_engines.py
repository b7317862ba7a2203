"""The lines of docs/distributed.md for Ray Data and Spark, run as they stand where those are."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from nnguide import runs

PAGE = Path(__file__).parent.parent / "docs" / "distributed.md"
COUNT = 40_000


NOTED = """
class Noted(Spam):
    def __call__(self, batch):
        import os

        answered = super().__call__(batch)
        (places / str(os.getpid())).touch()  # it has answered something
        return answered
"""


def lines_for(engine: str) -> str:
    """What the page says for an engine."""
    found = re.search(rf"```python {engine}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    words = [
        "call",
        "now",
        "free",
        "prize",
        "lunch",
        "at",
        "six",
        "ok",
        "claim",
        "WINNER",
        "see",
        "you",
        "tomorrow",
    ]
    random = np.random.default_rng(0)
    return [f"{' '.join(random.choice(words, 6))} {number}" for number in range(COUNT)]


def check(texts: list[str], found: dict[int, tuple[str, float]], rows: int) -> None:
    """Every id once, and each answer to the bit that of this process."""
    assert rows == len(found) == COUNT
    known = runs.load("spam").predict(texts)
    assert [found[number][0] for number in range(COUNT)] == known.labels
    spam = known.probabilities[:, 1].tolist()  # once: the array is made each time
    assert [found[number][1] for number in range(COUNT)] == spam


def test_ray_data_with_an_actor_that_is_killed(texts, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else they give way to all other processes
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        messages = ray.data.from_items(
            [{"id": number, "text": text} for number, text in enumerate(texts)],
            override_num_blocks=20,
        )
        names = {"__name__": "__main__", "messages": messages, "places": tmp_path}
        exec(lines_for("ray") + NOTED, names)  # of __main__, so that workers get it by value
        answered = messages.map_batches(names["Noted"], batch_size=256, compute=names["actors"])
        found, rows, killed = {}, 0, None
        for row in answered.iter_rows():
            if killed is None and (pids := [int(path.name) for path in tmp_path.iterdir()]):
                killed = pids[0]
                os.kill(killed, signal.SIGKILL)
            rows += 1
            found[row["id"]] = row["label"], row["probability"]
        assert killed is not None
        check(texts, found, rows)
    finally:
        ray.shutdown()


def test_spark_maps_in_pandas(texts, monkeypatch):
    sql = pytest.importorskip("pyspark.sql")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    spark = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    try:
        messages = spark.createDataFrame(list(enumerate(texts)), ["id", "text"])
        names = {"__name__": "__main__", "messages": messages}
        exec(lines_for("spark"), names)
        collected = names["answered"].collect()
        found = {row["id"]: (row["label"], row["probability"]) for row in collected}
        check(texts, found, len(collected))
    finally:
        spark.stop()
