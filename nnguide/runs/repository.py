"""A run as a Hugging Face repository.

It has the run's files, and a card with the YAML that the hub reads. A repository is a folder, here
or on the hub: `hf:OWNER/NAME`. huggingface_hub is needed for the hub alone.
"""

from __future__ import annotations

import contextlib
import glob
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnguide import __version__
from nnguide.errors import ConfigError, DataError, ExtraError, NnguideError, RunError
from nnguide.files import atomic, write_text
from nnguide.files.workspace import Workspace
from nnguide.runs import schema
from nnguide.runs.manifest import CHECKPOINT, LOGS, MANIFEST
from nnguide.runs.run import Run

CARD = "README.md"
DRAWN = ("curves.png", "thresholds.png")  # what a training draws
REMOTE = "hf:"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def push(run: Run, target: str) -> str:
    """Write a run and its card into a repository.

    Args:
        target: a folder, new, empty or with an earlier run, or hf:OWNER/NAME.
    Returns:
        Where it is now, for a person.
    Raises:
        ConfigError: the folder holds something else, or the name is not one.
        DataError: the hub did not take it.
        ExtraError: huggingface_hub is not installed.
    """
    if not target.startswith(REMOTE):
        _fill(run, Path(target))
        return target
    name = _repository(target)
    with _hub(name) as hub, tempfile.TemporaryDirectory(prefix="nnguide-push-") as made:
        _fill(run, Path(made) / "run")
        api = hub.HfApi()
        api.create_repo(name, private=True, exist_ok=True)
        api.upload_folder(
            repo_id=name, folder_path=str(Path(made) / "run"), commit_message="A run of nnguide"
        )
        return f"{hub.constants.ENDPOINT}/{name}"


def pull(source: str, out: Path, force: bool = False, revision: str | None = None) -> Run:
    """Copy a run from a repository to a folder.

    Its hashes are verified before the folder gets its name. Only what the run's
    manifest lists, its logs and its plots are read: other files, folders and links stay behind.

    Args:
        source: a folder or hf:OWNER/NAME.
        out: the run's folder.
        force: replace a folder that is not empty.
        revision: of the hub's repository.
    Raises:
        RunError: there is no run, or one that is damaged.
        DataError: the hub does not give it. Others as of `push`, and of a workspace.
    """
    space = Workspace(out, "pull", Run.open, force)
    with space.claimed(), contextlib.ExitStack() as held:
        if source.startswith(REMOTE):
            name = _repository(source)
            made = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="nnguide-pull-")))
            with _hub(name) as hub:
                _download(hub, name, revision, made)
        elif revision is not None:
            raise ConfigError("--revision is for a repository of the hub, hf:OWNER/NAME")
        else:
            made = Path(source)
        _holds_run((made / MANIFEST).is_file(), source)
        for file in _files(made):
            shutil.copyfile(file, space.path / file.name)
        space.publish()
    return Run.open(out)


def _download(hub: Any, name: str, revision: str | None, folder: Path) -> None:
    """Download the files of a run, all of one commit.

    The repository is on the hub.
    """
    info = hub.HfApi().model_info(name, revision=revision)
    _holds_run(MANIFEST in {file.rfilename for file in info.siblings or ()}, REMOTE + name)
    options = {"revision": info.sha, "local_dir": str(folder)}
    hub.hf_hub_download(name, MANIFEST, **options)
    wanted = [glob.escape(file) for file in _names(folder)]
    hub.snapshot_download(name, allow_patterns=wanted, **options)


def _holds_run(whether: bool, source: str) -> None:
    if not whether:
        raise RunError(f"{source} holds no run: it has no {MANIFEST}")


def _names(folder: Path) -> set[str]:
    """Return the names of a run's files.

    They are what its manifest lists, logs and plots, all in one folder.
    """
    listed = schema.read(folder / MANIFEST, schema.MANIFEST)["files"]
    if unfit := [name for name in listed if Path(name).name != name or name[:1] in ("", ".")]:
        raise RunError(f"{folder / MANIFEST} lists {unfit[0]!r}, which is no name of a run's file")
    return {*listed, *LOGS, *DRAWN} - {CHECKPOINT}


def _files(folder: Path) -> list[Path]:
    """Return the files of the run in a folder, without links."""
    paths = (folder / name for name in sorted(_names(folder)))
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _fill(run: Run, folder: Path) -> None:
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.exists() and (not folder.is_dir() or (names and not names & {MANIFEST, ".git"})):
        raise ConfigError(
            f"{folder} holds something else than a repository of a run. Give a new folder."
        )
    if folder.resolve() == run.folder.resolve():
        raise ConfigError(f"{folder} is the run itself. Give another folder.")
    files = _files(run.folder)
    for old in _files(folder) if MANIFEST in names else ():
        if old.name not in {file.name for file in files}:
            old.unlink()
    for file in sorted(files, key=lambda file: file.name == MANIFEST):  # which makes it whole, last
        with atomic(folder / file.name) as beside:
            shutil.copyfile(file, beside)
    write_text(folder / CARD, card(run))


def card(run: Run) -> str:
    """Return the run's card.

    It has the YAML that the hub reads, then what a person should know.
    """
    metrics, manifest, kind = run.metrics, run.manifest, run.task.kind
    stand_in = " (a built-in stand-in for real data)" if run.learned_from_stand_in else ""
    header: dict[str, Any] = {
        "library_name": "nnguide",
        "tags": ["nnguide", "keras", run.task.name, kind.name],
        "pipeline_tag": kind.hub_task,
    }
    accuracy = metrics.get("val_accuracy")
    if accuracy is not None:
        header["model-index"] = [
            {
                "name": run.task.name,
                "results": [
                    {
                        "task": {"type": kind.hub_task},
                        "dataset": {
                            "type": str(manifest.get("dataset")),
                            "name": str(manifest.get("dataset")),
                            "split": "validation",
                        },
                        "metrics": [{"type": "accuracy", "value": accuracy}],
                    }
                ],
            }
        ]
    # JSON is YAML, and what is in quotes cannot end a line or the header.
    yaml = "\n".join(f"{key}: {json.dumps(value)}" for key, value in header.items())
    shown = "no validation set" if accuracy is None else f"validation accuracy {accuracy:.2%}"
    threshold = "" if run.threshold is None else f", threshold {run.threshold:g}"
    intended = "\n".join(f"- {line}" for line in run.task.intended or kind.intended)
    limits = "\n".join(f"- {line}" for line in run.task.limits or kind.limits)
    return f"""---
{yaml}
---

# {run.task.name}: {run.task.title}

A run of nnguide {__version__}, learned from {manifest.get("dataset")}{stand_in}: {shown}.
{len(run.labels)} labels: {", ".join(run.labels)}{threshold}.

```sh
nnguide pull hf:OWNER/NAME --out my-{run.task.name}
nnguide evaluate my-{run.task.name}
nnguide serve my-{run.task.name}
```

## What it is for

{intended}

## What it is not for

{limits}
"""


def _repository(word: str) -> str:
    name = word.removeprefix(REMOTE)
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a repository of the hub is hf:OWNER/NAME; got {word!r}")
    return name


@contextlib.contextmanager
def _hub(name: str) -> Iterator[Any]:
    """Yield the library of the hub.

    Errors of it become a DataError.
    """
    try:
        import huggingface_hub as hub
        import huggingface_hub.errors
    except ImportError as error:
        raise ExtraError.missing("huggingface_hub", "hub") from error
    # of the library that it asks with, which is another one in another version
    wrong: Any = (*hub.errors.HfHubHTTPError.__bases__, ValueError, OSError)
    try:
        yield hub
    except NnguideError:
        raise
    except wrong as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{REMOTE}{name}: {first[:300].rstrip('.')}. A push and what is private need a login: "
            "hf auth login"
        ) from error
