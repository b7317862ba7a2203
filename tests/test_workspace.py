"""A folder appears whole: killed between any two steps, nothing whole is lost or half there."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nnguide.errors import ConfigError, WriteError
from nnguide.files import workspace
from nnguide.files.workspace import Workspace

FILES = ("a", "b", "whole")


def verify(folder: Path) -> None:
    """Whole is what holds all FILES with one content."""
    contents = {(folder / name).read_text() for name in FILES}
    assert len(contents) == 1


def keeps(folder: Path) -> bool:
    return (folder / "a").exists()


def fill(folder: Path, content: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in FILES:
        (folder / name).write_text(content)


def make(space: Workspace, content: str, resume: bool = False) -> None:
    with space.claimed(resume) as folder:
        fill(folder, content)
        space.publish()


def content(folder: Path) -> str:
    verify(folder)
    return (folder / "a").read_text()


class Killed(BaseException):
    """The process is gone."""


class Steps:
    """Counts what changes the file system, and lets nothing happen from step `death` on."""

    def __init__(self, patch: pytest.MonkeyPatch, death: int) -> None:
        self.done, self.death = 0, death
        for name in ("rename", "mkdir", "unlink", "write_text"):
            patch.setattr(Path, name, self.counted(getattr(Path, name)))
        self.remove = shutil.rmtree
        patch.setattr(shutil, "rmtree", self.rmtree)

    def count(self) -> None:
        self.done += 1
        if self.done > self.death:
            raise Killed

    def counted(self, method: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            self.count()
            return method(*given, **named)

        return call

    def rmtree(self, folder: Path, ignore_errors: bool = False) -> None:
        """In two steps: half of the files, then the rest."""
        if not folder.is_dir():
            return
        self.count()
        for path in sorted(folder.iterdir())[:2]:
            path.unlink()
        self.count()
        self.remove(folder, ignore_errors=True)


def survives(space: Workspace, written: str, death: int, resume: bool = False) -> bool:
    """Whether making `space` was over before step `death`."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, death)
            make(space, written, resume)
    except Killed:
        return False
    return True


@pytest.mark.parametrize("before", ["nothing", "whole", "replaced", "unfinished"])
@pytest.mark.parametrize("resumes", [None, keeps])
def test_killed_at_any_step_it_is_the_old_or_the_new(
    tmp_path: Path, before: str, resumes: Any
) -> None:
    for death in range(200):
        place = tmp_path / str(death)
        place.mkdir()
        folder = place / "r"
        space = Workspace(folder, "train", verify, force=True, resumes=resumes)
        if before != "nothing":
            fill(folder, "old")
        if before == "replaced":
            folder.rename(place / "r.replaced")
        if before == "unfinished":
            space.path.mkdir()
            (space.path / "a").write_text("half")
        over = survives(space, "new", death)
        workspace.restore(folder)
        if over or before != "nothing":
            assert content(folder) in ({"new"} if over else {"old", "new"})
        elif folder.exists():
            assert content(folder) == "new"
        assert set(workspace.folders(place)) <= {folder}
        other = Workspace(folder, "threshold", verify, force=True)
        make(other, "other")  # another command may come first
        assert content(folder) == "other"
        make(space, "again")
        assert content(folder) == "again"
        assert sorted(path.name for path in place.iterdir()) == ["r"]
        if over:
            return
    raise AssertionError("it never ended")


def test_nothing_but_its_command_takes_a_workspace_up(tmp_path: Path) -> None:
    train = Workspace(tmp_path / "r", "train", verify, resumes=keeps)
    death = 0
    while not train.waits:
        assert not survives(train, "half", death := death + 1)
    left = sorted(path.name for path in train.path.iterdir())
    make(Workspace(tmp_path / "r", "ensemble", verify), "other")
    assert content(tmp_path / "r") == "other"
    assert sorted(path.name for path in train.path.iterdir()) == left
    with pytest.raises(ConfigError, match="--resume --force"):
        train.check(resume=True)


def test_what_is_not_verified_replaces_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "r", "old")
    space = Workspace(tmp_path / "r", "threshold", verify, force=True)
    with pytest.raises(FileNotFoundError), space.claimed() as folder:
        (folder / "a").write_text("half")
        space.publish()
    assert content(tmp_path / "r") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_folder_in_use_is_untouched_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "mine").write_text("precious")
    with pytest.raises(ConfigError, match=r"not empty.*--force"):
        Workspace(tmp_path / "r", "train", verify).check()
    space = Workspace(tmp_path / "r", "train", verify, force=True)
    with space.claimed() as folder:
        fill(folder, "new")
        assert (tmp_path / "r" / "mine").read_text() == "precious"  # until the new one is whole
        space.publish()
    assert content(tmp_path / "r") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_an_empty_folder_and_a_link_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "link").symlink_to("r")
    make(Workspace(tmp_path / "link", "train", verify), "new")
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "r") == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "r"]


def test_a_file_or_an_unwritable_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        make(Workspace(tmp_path / "f", "train", verify), "new")
    with pytest.raises(WriteError):
        make(Workspace(tmp_path / "f" / "r", "train", verify), "new")
    assert (tmp_path / "f").read_text() == "x"


def test_what_an_error_leaves_is_what_can_be_resumed(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "r", "train", verify, resumes=keeps)
    for written in ("a", "other"):
        with pytest.raises(KeyboardInterrupt), space.claimed() as folder:
            (folder / written).write_text("half")
            raise KeyboardInterrupt
        assert space.path.exists() == space.waits == (written == "a")
        if space.waits:
            with pytest.raises(ConfigError, match=r"--resume.*--force"):
                space.check()
            (space.path / ".half-written").write_text("")
            with space.claimed(resume=True):
                assert [path.name for path in space.path.iterdir()] == ["a"]
            shutil.rmtree(space.path)


def test_two_processes_never_make_one_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nnguide.files.workspace import Workspace\n"
        "with Workspace(Path(sys.argv[1]), 'train', lambda folder: None).claimed() as folder:\n"
        "    (folder / 'a').write_text('mine')\n"
        "    print('mine', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "r")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"mine\n"
        for command in ("train", "threshold"):
            space = Workspace(tmp_path / "r", command, verify, force=True)
            with pytest.raises(ConfigError, match="another process is using"):
                make(space, "new")
        workspace.sweep(tmp_path, "train")
        assert (tmp_path / "r.train.unfinished" / "a").read_text() == "mine"
        other.kill()
    with contextlib.suppress(FileNotFoundError):
        (tmp_path / ".r.lock").read_text()  # it may stay; it holds nobody up
    workspace.sweep(tmp_path, "train")
    make(Workspace(tmp_path / "r", "train", verify), "new")
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_nothing_is_made_inside_a_finished_run(tmp_path):
    run = tmp_path / "run"
    fill(run, "old")
    (run / "manifest.json").write_text('{"schema": 1, "nnguide": "0.2.0", "files": {}}')
    for inside in (run / "new", run / "deep" / "new"):
        with pytest.raises(ConfigError, match="would be inside"):
            make(Workspace(inside, "test", verify, force=True), "new")
    assert not (run / "new").exists()
    assert not (run / "deep").exists()
    make(Workspace(run, "test", verify, force=True), "new")  # but it can be replaced

    (tmp_path / "manifest.json").write_text('{"name": "a web application"}')  # not nnguide's
    make(Workspace(tmp_path / "other", "test", verify), "new")
    assert content(tmp_path / "other") == "new"
