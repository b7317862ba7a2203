"""push and pull: what comes back is the run, whole, or an error and nothing."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from nnguide.errors import ConfigError, DataError, ExtraError, RunError
from nnguide.runs import Run
from nnguide.runs.repository import card, pull, push


def test_a_run_comes_back_as_it_went(trained, tmp_path: Path):
    run = trained("spam")
    assert push(run, str(tmp_path / "repository")) == str(tmp_path / "repository")
    back = pull(str(tmp_path / "repository"), tmp_path / "back")
    assert back.manifest == run.manifest
    texts = ["win a prize", "see you"]
    assert back.predict(texts) == run.predict(texts)
    assert not (tmp_path / "back" / "README.md").exists()


def test_the_card_has_the_yaml_of_the_hub(trained, tmp_path: Path):
    yaml = pytest.importorskip("yaml")
    for task, kind in (("spam", "text-classification"), ("digits", "image-classification")):
        _, header, text = card(trained(task)).split("---\n", 2)
        found = yaml.safe_load(header)
        assert (found["library_name"], found["pipeline_tag"]) == ("nnguide", kind)
        (result,) = found["model-index"][0]["results"]
        assert result["metrics"][0]["value"] == trained(task).metrics["val_accuracy"]
        assert "a built-in stand-in" in text
    hub = pytest.importorskip("huggingface_hub")
    assert hub.ModelCard(card(trained("spam"))).data.library_name == "nnguide"


def test_a_clone_is_filled_again_and_keeps_its_git(trained, tmp_path: Path):
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    (clone / ".gitattributes").write_text("*.keras filter=lfs\n")
    push(trained("digits"), str(clone))
    (clone / "light.tflite").write_text("old")
    push(trained("spam"), str(clone))
    assert pull(str(clone), tmp_path / "back").task.name == "spam"
    assert (clone / ".gitattributes").read_text() == "*.keras filter=lfs\n"
    assert (clone / ".git").is_dir()


def test_what_is_no_repository_stays_untouched(trained, tmp_path: Path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("dear")
    (tmp_path / "file").touch()
    for target in ("letters", "file"):
        with pytest.raises(ConfigError, match="something else"):
            push(trained("spam"), str(tmp_path / target))
    with pytest.raises(ConfigError, match="the run itself"):
        push(trained("spam"), str(trained("spam").folder))
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["letter.txt"]
    with pytest.raises(RunError, match="holds no run"):
        pull(str(tmp_path / "letters"), tmp_path / "out")
    with pytest.raises(ConfigError, match="--revision"):
        pull(str(tmp_path / "letters"), tmp_path / "out", revision="main")
    for name in ("hf:", "hf:name", "hf:a/b/c", "hf:../x"):
        with pytest.raises(ConfigError, match="hf:OWNER/NAME"):
            pull(name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_repository_replaces_nothing(trained, tmp_path: Path):
    repository = tmp_path / "repository"
    push(trained("spam"), str(repository))
    (repository / "model.keras").write_bytes(b"damaged")
    shutil.copytree(trained("spam").folder, tmp_path / "mine")
    with pytest.raises(ConfigError, match="not empty"):
        pull(str(repository), tmp_path / "mine")
    with pytest.raises(RunError):
        pull(str(repository), tmp_path / "mine", force=True)
    assert Run.open(tmp_path / "mine").manifest == trained("spam").manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "repository"]


def test_links_and_hidden_files_stay_behind(trained, tmp_path: Path):
    repository = tmp_path / "repository"
    push(trained("spam"), str(repository))
    (tmp_path / "secret").write_text("secret")
    (repository / "link").symlink_to(tmp_path / "secret")
    (repository / ".hidden").touch()
    back = pull(str(repository), tmp_path / "back")
    assert not {"link", ".hidden"} & {path.name for path in back.folder.iterdir()}


def test_the_hub_is_asked_for_a_private_repository(trained, tmp_path: Path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    stored = tmp_path / "stored"
    asked: list[object] = []

    class Api:
        def create_repo(self, name: str, **more: object) -> None:
            asked.append((name, more))

        def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> None:
            shutil.copytree(folder_path, stored)

    def snapshot(name: str, *, revision: str | None, local_dir: str) -> None:
        asked.append((name, revision))
        shutil.copytree(stored, local_dir, dirs_exist_ok=True)

    monkeypatch.setattr(hub, "HfApi", Api)
    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    run = trained("spam")
    assert push(run, "hf:me/my-spam") == "https://huggingface.co/me/my-spam"
    assert pull("hf:me/my-spam", tmp_path / "back", revision="v1").manifest == run.manifest
    assert asked == [("me/my-spam", {"private": True, "exist_ok": True}), ("me/my-spam", "v1")]

    def fail(*args: object, **more: object) -> None:
        raise OSError("no way to the hub")

    monkeypatch.setattr(hub, "snapshot_download", fail)
    with pytest.raises(DataError, match="no way to the hub"):
        pull("hf:me/my-spam", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_without_the_library_of_the_hub(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ExtraError, match=r"nnguide\[hub\]"):
        push(trained("spam"), "hf:me/my-spam")


def test_the_commands(trained, tmp_path: Path, capsys):
    from nnguide.cli import main

    for words in (
        ["push", str(trained("spam").folder), str(tmp_path / "r")],
        ["pull", str(tmp_path / "r"), "--out", str(tmp_path / "back")],
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert not ended.value.code
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "r"), str(tmp_path / "back")]
    header = (tmp_path / "r" / "README.md").read_text().splitlines()[1]
    assert json.loads(header.partition(": ")[2]) == "nnguide"
