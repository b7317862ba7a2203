"""A table of numbers, made a run by hand or by `train table`, in every command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny

from nnguide.serving.servable import RunServable


@pytest.fixture
def wine(nnguide, alone):
    made = nnguide(
        "blueprint", "train", "--data", tiny.built_in("table"), "--epochs", 30, "--out", "wine"
    )
    assert made.status == 0, made.err
    return "wine"


def test_every_command_takes_a_table(nnguide, alone, wine):
    ended = nnguide("evaluate", wine, "--json")
    assert ended.status == 0 and json.loads(ended.out)["accuracy"] > 0.9
    rows = Path(tiny.built_in("table")).read_text().splitlines()
    row, label = rows[1].rsplit(",", 1)
    ended = nnguide("predict", wine, row, "1,2", "--file", tiny.built_in("table"))
    assert ended.status == 4 and "expected 13 numbers between commas: alcohol" in ended.err
    assert ended.out.splitlines()[0].startswith(label + "\t")
    assert len(ended.out.splitlines()) == 179
    assert nnguide("explain", wine, row, "--method", "occlusion").status == 0
    ended = nnguide("audit", wine, "--json")
    report = json.loads(ended.out)
    assert ended.status == 0 and {change["change"] for change in report["robustness"]} == {
        "measurement noise",
        "two digits",
        "a missing value",
    }
    assert {"label", "alcohol"} <= {part["by"] for part in report["slices"]}
    assert nnguide("audit", wine, "--out", "page.html").status == 0
    for form in ("saved_model", "litert"):
        ended = nnguide("export", wine, "--format", form, "--out", "exports")
        assert ended.status == 0, ended.err
    served = RunServable(alone / "wine")
    given = np.array([[float(cell) for cell in row.split(",")]])
    answer = served.run("serving_default", served.prepare("serving_default", {"features": given}))
    assert answer["label"][0] == label


def test_train_table_is_the_same_task(nnguide, alone):
    words = ("--dataset", tiny.built_in("table"), "--epochs", 5, "--out", "run")
    ended = nnguide("train", "table", *words)
    assert ended.status == 0, ended.err
    assert nnguide("evaluate", "run").status == 0
    ended = nnguide("train", "table", "--out", "other")
    assert ended.status == 2 and "give the path of one" in ended.err
