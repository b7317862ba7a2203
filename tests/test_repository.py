"""push and pull: what comes back is the run, whole, or an error and nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hub_stand_in
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


def test_what_is_no_file_of_the_run_stays_behind(trained, tmp_path: Path):
    repository = tmp_path / "repository"
    push(trained("spam"), str(repository))
    (tmp_path / "secret").write_text("secret")
    (repository / "link").symlink_to(tmp_path / "secret")
    (repository / ".hidden").touch()
    (repository / "setup.py").write_text("raise SystemExit")
    (repository / "folder").mkdir()
    back = pull(str(repository), tmp_path / "back")
    names = {path.name for path in back.folder.iterdir()}
    assert not {"link", ".hidden", "setup.py", "folder", "README.md"} & names
    shutil.copytree(trained("spam").folder, tmp_path / "mine")
    (tmp_path / "mine" / "passwords.txt").touch()
    push(Run.open(tmp_path / "mine"), str(tmp_path / "other"))
    assert not (tmp_path / "other" / "passwords.txt").exists()


def test_a_run_whose_files_are_links_is_refused(trained, tmp_path: Path):
    repository = tmp_path / "repository"
    push(trained("spam"), str(repository))
    (repository / "model.keras").rename(tmp_path / "elsewhere")
    (repository / "model.keras").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"has no file model\.keras"):
        pull(str(repository), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "folder/file", ".bashrc", ""])
def test_a_manifest_names_files_of_its_own_folder_alone(trained, tmp_path: Path, name: str):
    repository = tmp_path / "repository"
    push(trained("spam"), str(repository))
    (tmp_path / "secret").write_text("secret")
    path = repository / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name] = hashlib.sha256(b"secret").hexdigest()
    path.write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="no name of a run's file"):
        pull(str(repository), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The hub: its own library, against a server on this machine


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_stand_in.Hub]:
    """A hub that answers here, which a process of nnguide asks."""
    pytest.importorskip("huggingface_hub")
    with hub_stand_in.running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_TOKEN", hub_stand_in.TOKEN)
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        yield hub


def command(*words: object) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "nnguide", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_run_goes_to_the_hub_and_comes_back(trained, tmp_path: Path, hub: hub_stand_in.Hub):
    run = trained("spam")
    assert command("push", run.folder, "hf:me/my-spam") == (0, f"{hub.address}/me/my-spam\n", "")
    assert hub.private == {"me/my-spam": True}
    stored = hub.repositories["me/my-spam"]
    assert stored["README.md"].startswith(b"---\nlibrary_name: ")
    assert "checkpoint.npz" not in stored
    stored |= {".gitattributes": b"", "evil.py": b"raise SystemExit", "../../outside": b"x"}
    stored |= {"/tmp/absolute": b"x", "folder/model.keras": b"x"}
    status, said, _ = command("pull", "hf:me/my-spam", "--out", tmp_path / "back")
    assert (status, said) == (0, f"{tmp_path / 'back'}\n")
    assert Run.open(tmp_path / "back").manifest == run.manifest
    assert {path.name for path in (tmp_path / "back").iterdir()} < stored.keys()
    assert set(hub.asked) < stored.keys() - {"evil.py", "../../outside", "/tmp/absolute"}

    stored["model.keras"] = b"changed"
    status, _, said = command("pull", "hf:me/my-spam", "--out", tmp_path / "other")
    assert status == RunError.exit_code and "does not match its manifest" in said
    del stored["manifest.json"]
    status, _, said = command("pull", "hf:me/my-spam", "--out", tmp_path / "other")
    assert status == RunError.exit_code and "holds no run" in said
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("why", ["no repository", "no token", "no hub"])
def test_what_the_hub_does_not_give_is_said(
    trained, tmp_path: Path, hub: hub_stand_in.Hub, why: str, monkeypatch: pytest.MonkeyPatch
):
    words: list[object] = ["pull", "hf:me/nothing", "--out", tmp_path / "out"]
    if why == "no token":
        words = ["push", trained("spam").folder, "hf:me/my-spam"]
        monkeypatch.setenv("HF_TOKEN", "hf_another")
    if why == "no hub":
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    status, _, said = command(*words)
    assert status == DataError.exit_code and said.count("\n") == 1, said
    assert said.startswith("nnguide: hf:me/") and "Traceback" not in said
    assert not (tmp_path / "out").exists()


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
