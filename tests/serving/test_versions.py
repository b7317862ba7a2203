"""What lies on the disk is what serves, whatever happens to it meanwhile."""

from __future__ import annotations

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from numpy_models import HalfPlus, Shelf, Start

from nnguide.errors import ConfigError, RunError
from nnguide.serving.server import Serving
from nnguide.serving.versions import RunFolder, SavedModels, Watcher

ONE = {"instances": [0.0]}


def states(server, name: str = "half") -> list[tuple[str, str, str]]:
    _, answer = server.get(f"/v1/models/{name}")
    return [
        (one["version"], one["state"], one["status"]["error_message"])
        for one in answer["model_version_status"]
    ]


def test_the_newest_version_serves_and_a_new_one_takes_over(start: Start):
    shelf = Shelf(v1=HalfPlus(1), v2=HalfPlus(2))
    server = start(half=shelf)
    assert server.post("half:predict", ONE) == (200, {"predictions": [2.0]})
    assert server.post("half/versions/1:predict", ONE)[0] == 404

    shelf.versions[10] = HalfPlus(10)
    assert server.serving.models["half"].refresh()
    assert server.post("half:predict", ONE) == (200, {"predictions": [10.0]})
    assert states(server) == [("10", "AVAILABLE", ""), ("2", "END", "")]
    assert not server.serving.models["half"].refresh()


def test_a_broken_version_leaves_the_old_one_and_is_tried_again_when_it_changes(start: Start):
    shelf = Shelf(v1=HalfPlus(1))
    server = start(half=shelf)
    model = server.serving.models["half"]
    shelf.versions[2] = None

    assert not model.refresh()
    assert server.post("half:predict", ONE) == (200, {"predictions": [1.0]})
    assert states(server) == [("2", "END", "it is broken"), ("1", "AVAILABLE", "")]
    _, answer = server.get("/v1/models/half/versions/2")
    assert answer["model_version_status"][0]["status"]["error_code"] == "DATA_LOSS"

    shelf.versions[2] = HalfPlus(2)
    assert model.refresh()
    assert states(server) == [("2", "AVAILABLE", ""), ("1", "END", "")]


def test_a_version_that_is_taken_away_gives_its_place_back(start: Start):
    shelf = Shelf(v1=HalfPlus(1), v2=HalfPlus(2))
    server = start(half=shelf)
    del shelf.versions[2]
    assert server.serving.models["half"].refresh()
    assert server.post("half:predict", ONE) == (200, {"predictions": [1.0]})

    shelf.versions.clear()
    assert not server.serving.models["half"].refresh()
    assert server.post("half:predict", ONE) == (200, {"predictions": [1.0]})


@pytest.mark.parametrize(
    ("count", "swaps"), [(4, 20), pytest.param(64, 50, marks=pytest.mark.slow)]
)
def test_swaps_under_load_lose_no_request(start: Start, count: int, swaps: int):
    shelf = Shelf(v1=HalfPlus(1))
    server = start(half=shelf)
    ended = threading.Event()

    def ask() -> set[int]:
        seen = set()
        while not ended.is_set():
            seen.add(server.post("half:predict", ONE)[0])
        return seen

    with ThreadPoolExecutor(count) as clients:
        asking = [clients.submit(ask) for _ in range(count)]
        for version in range(2, swaps + 2):
            shelf.versions[version] = HalfPlus(version)
            assert server.serving.models["half"].refresh()
            time.sleep(0.01)
        ended.set()
        assert [one.result() for one in asking] == [{200}] * count


def test_the_watcher_loads_what_is_new(start: Start):
    shelf = Shelf(v1=HalfPlus(1))
    server = start(half=shelf)
    swapped = threading.Event()
    watcher = Watcher(server.serving.models, 0.01, lambda name: swapped.set())
    watcher.start()
    shelf.versions[2] = HalfPlus(2)
    assert swapped.wait(600)
    watcher.end()
    assert server.post("half:predict", ONE) == (200, {"predictions": [2.0]})


def test_readiness_and_health(start: Start):
    server = start(half=Shelf(v1=HalfPlus()), none=Shelf(v1=None))
    assert server.get("/healthz") == (200, {"status": "ok"})
    assert server.get("/readyz") == (503, {"status": "not ready", "models": ["none"]})
    assert server.get("/nothing") == (404, {"error": "Not Found"})
    assert server.client.post("/healthz").status_code == 405


def test_a_run_that_is_replaced_is_another_version(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    source = RunFolder(folder)
    assert list(source.scan()) == [1]
    assert list(source.scan()) == [1]

    shutil.copytree(folder, tmp_path / "new")
    os.utime(tmp_path / "new" / "manifest.json", (1, 1))
    shutil.rmtree(folder)
    assert source.scan() == {}
    (tmp_path / "new").rename(folder)
    assert list(source.scan()) == [2]


def test_versions_are_folders_named_by_integers(tmp_path: Path):
    for name in ("1", "2", "03", "x", "4.unfinished", ".5", "6", "²"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "6" / "saved_model.pb").unlink()
    (tmp_path / "7").touch()
    assert sorted(SavedModels(tmp_path).scan()) == [1, 2]
    assert list(SavedModels(tmp_path / "2", 2).scan()) == [2]


def test_what_cannot_be_served_is_said(tmp_path: Path):
    with pytest.raises(RunError, match="neither a run nor an export"):
        Serving().open([str(tmp_path)])
    with pytest.raises(RunError, match="there is no run 'nothing'"):
        Serving().open(["name=nothing"])
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(ConfigError, match="a model's name is of letters"):
        Serving().open([f"a/b={tmp_path}"])
