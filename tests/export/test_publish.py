"""A version appears whole, checked and with its manifest, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnguide.errors import ConfigError, ExtraError, WorkError
from nnguide.export import networks, publish, serving_config, verify
from nnguide.files import sha256
from nnguide.runs import Run


@pytest.fixture
def run(trained: Callable[[str], Run]) -> Run:
    return trained("spam")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export of one small file, found good."""

    def write(run: Run, form: str, folder: Path) -> dict[str, Any]:
        (folder / "inner").mkdir()
        (folder / "inner" / "model").write_text("network")
        return {"signatures": {}}

    monkeypatch.setattr(publish, "write", write)
    monkeypatch.setattr(verify, "verify", lambda *given: {"text": {"n": 1, "apart": 0.0}})


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("task", ["digits", pytest.param("spam", marks=pytest.mark.slow)])
def test_the_manifest_names_every_file(exported: Callable[..., Path], task: str) -> None:
    folder = exported(task, "saved_model")
    assert (folder.parent.name, folder.name) == (task, "1")
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {path for path in folder.rglob("*") if path.is_file()} - {folder / "manifest.json"}
    assert manifest["files"] == {p.relative_to(folder).as_posix(): sha256(p) for p in files}
    assert manifest["checked"]["image_bytes" if task == "digits" else "text"]["n"] == 30
    assert everything(folder.parent)[0] == "1"  # no leavings beside it


@pytest.mark.usefixtures("quick")
def test_versions_count_up_and_are_not_replaced_unasked(run: Run, tmp_path: Path) -> None:
    first = publish.export(run, "saved_model", tmp_path)
    assert first.folder == tmp_path / "spam" / "1"
    assert publish.export(run, "saved_model", tmp_path, version=7).folder.name == "7"
    assert publish.export(run, "saved_model", tmp_path).folder.name == "8"
    before = sha256(first.folder / "manifest.json")
    with pytest.raises(ConfigError, match="--force"):
        publish.export(run, "saved_model", tmp_path, version=1)
    assert sha256(first.folder / "manifest.json") == before
    publish.export(run, "saved_model", tmp_path, version=1, force=True)
    assert sha256(first.folder / "manifest.json") != before
    assert everything(tmp_path / "spam")[0] == "1"
    assert publish.export(run, "onnx", tmp_path).folder == tmp_path / "spam-onnx" / "1"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [WorkError("it disagrees"), KeyboardInterrupt()])
def test_of_one_that_fails_nothing_is_left(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*given: object) -> None:
        raise error

    publish.export(run, "saved_model", tmp_path / "old")
    before = everything(tmp_path / "old")
    monkeypatch.setattr(verify, "verify", fail)
    with pytest.raises(type(error)):
        publish.export(run, "saved_model", tmp_path / "old", version=1, force=True)
    assert everything(tmp_path / "old") == before
    with pytest.raises(type(error)):
        publish.export(run, "saved_model", tmp_path / "new" / "exports")
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("quick")
def test_two_at_once_do_not_mix(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(*given: object) -> dict[str, Any]:
        (tmp_path / "spam" / "1").mkdir()
        (tmp_path / "spam" / "1" / "theirs").write_text("")
        return {}

    monkeypatch.setattr(verify, "verify", meanwhile)
    with pytest.raises(ConfigError, match="not empty"):
        publish.export(run, "saved_model", tmp_path)
    assert everything(tmp_path) == ["spam", "spam/1", "spam/1/theirs"]


@pytest.mark.usefixtures("quick")
def test_the_settings_of_tensorflow_serving(run: Run, tmp_path: Path) -> None:
    (tmp_path / "digits" / "3").mkdir(parents=True)
    (tmp_path / "digits" / "3" / "saved_model.pb").write_text("")
    made = publish.export(run, "saved_model", tmp_path, serving=True)
    assert made.configuration == [
        tmp_path / serving_config.MODEL_CONFIG,
        tmp_path / serving_config.BATCHING,
    ]
    text = made.configuration[0].read_text()
    for task in ("digits", "spam"):
        assert f'name: "{task}"' in text
        assert f'base_path: "/models/{task}"' in text
    with pytest.raises(ConfigError, match="--serving-config is for saved_model"):
        publish.export(run, "litert", tmp_path, serving=True)


def test_the_settings_are_what_tensorflow_serving_reads(tmp_path: Path) -> None:
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    (path, _) = serving_config.write(tmp_path, "spam")
    config = text_format.Parse(path.read_text(), model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == (
        "spam",
        "/models/spam",
        "tensorflow",
    )


def test_a_missing_extra_is_named_before_any_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ExtraError, match=r"nnguide\[onnx\]"):
        publish.export(run, "onnx", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("harm", ["threshold", "labels", "vocabulary"])
def test_an_export_that_answers_otherwise_is_noticed(
    run: Run, exported: Callable[..., Path], tmp_path: Path, harm: str
) -> None:
    folder = tmp_path / "litert"
    shutil.copytree(exported("spam", "litert"), folder)
    path = folder / "preprocessing.json"
    settings = json.loads(path.read_text())
    if harm == "threshold":
        settings["threshold"] = 0.999999
    elif harm == "labels":
        settings["labels"] = ["no", "yes"]
    else:
        words = settings["preprocessing"]["tokeniser"]["vocabulary"]
        words[0], words[1] = words[1], words[0]
    path.write_text(json.dumps(settings))
    with pytest.raises(WorkError, match="ids" if harm == "vocabulary" else "labels"):
        verify.verify(run, "litert", folder)


def test_probabilities_that_are_apart_or_nan_are_noticed(trained: Callable[[str], Run]) -> None:
    run = trained("digits")
    wanted = np.full((4, 10), 0.1, np.float32)
    wanted[:, 3] = 0.1001
    for change in (0.03, np.nan):
        found = wanted.copy()
        found[2, 5] += change
        answers = {
            "image.probabilities": found,
            "image.probability": found.max(axis=1),
            "image.label": np.array(["3"] * 4),
        }
        with pytest.raises(WorkError, match="apart in their probabilities"):
            verify.compare(run, wanted, answers, "image", 0.02, 0.01)


def test_the_calibration_of_integers_never_opens_the_test_part(
    trained: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnguide.data.catalogue import Source

    opened: list[str] = []
    load = Source.load
    monkeypatch.setattr(Source, "load", lambda self, part: opened.append(part) or load(self, part))
    held, what = publish.calibration(trained("digits"))
    assert len(held) and what["split"] == "validation"
    assert opened == ["train"]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["digits", "spam"])
@pytest.mark.parametrize("form", ["saved_model", "onnx", "litert"])
def test_the_full_count(
    trained: Callable[[str], Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    form: Any,
) -> None:
    if form == "onnx":
        networks.require_onnx()
    monkeypatch.setattr(verify, "CHECKED", 1000)
    made = publish.export(trained(task), form, tmp_path)
    assert all(found["n"] == 1000 for found in made.manifest["checked"].values())


def test_onnx_runtime_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")  # as it was, afterwards
    monkeypatch.setattr(networks, "__import__", lambda name: None, raising=False)
    networks.require_onnx()
    assert networks.os.environ["ORT_DISABLE_TELEMETRY"] == "1"
