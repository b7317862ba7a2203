"""The wheel carries every file that the package needs, and says what it needs."""

import configparser
import contextlib
import email
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

# Extras whose tests run where they happen to be installed; no versions are pinned.
UNTESTED = ("mlflow", "trackio", "hub", "ray")
ROOT = Path(__file__).parents[1]


def tracked(*folders: str) -> list[str]:
    """The files and links that git keeps below `folders`, as paths from the root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders], cwd=ROOT, capture_output=True, check=True
    )
    names = listing.stdout.decode().split("\0")
    return [name for name in names if name and os.path.lexists(ROOT / name)]


def package_files() -> dict[str, Path]:
    """Path in the wheel -> file, for what git keeps of the package; links to folders followed."""
    files = {}
    for name in tracked("nnguide"):
        if (ROOT / name).is_dir():
            folder = (ROOT / name).resolve().relative_to(ROOT.resolve()).as_posix()
            for inner in tracked(folder):
                files[name + inner.removeprefix(folder)] = ROOT / inner
        else:
            files[name] = ROOT / name
    return files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the files that git keeps, built without a network."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name, follow_symlinks=False)
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    built = subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", str(target), str(source)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(target.glob("*.whl"))) as archive:
        yield archive


def test_the_wheel_carries_every_file_of_the_package_as_it_is_and_nothing_else(wheel):
    expected = package_files()

    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == set(expected)
    for name, file in expected.items():
        assert wheel.read(name) == file.read_bytes(), name


def test_the_wheel_has_the_command_the_licence_and_the_extras(wheel):
    info = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    folder = info.removesuffix("METADATA")
    metadata = email.message_from_bytes(wheel.read(info))

    commands = wheel.read(folder + "entry_points.txt").decode()
    assert "nnguide = nnguide.__main__:main" in commands
    assert folder + "licenses/LICENSE" in wheel.namelist()
    extras = {"torch", "explain", "serve", "onnx", "parquet", "heic", "docs", "gpu", "dev"}
    assert extras | set(UNTESTED) == set(metadata.get_all("Provides-Extra", []))


def settings() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def names(requirements: str) -> set[str]:
    """The packages named in `requirements`, one a line, in their normal form."""
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    found = (re.match(r"[\w.-]+", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


def test_dev_holds_every_extra_but_gpu():
    extras = settings()["options.extras_require"]

    for extra in set(extras) - {"gpu", "dev", *UNTESTED}:
        assert names(extras[extra]) <= names(extras["dev"]), extra


def pins(name: str) -> dict[str, str]:
    """Package -> the lines of its pin, in a requirements file."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    found = [line for line in lines if line and line != "-r requirements.txt"]
    return {names(line).pop(): line for line in found}


CORE, DEV = pins("requirements.txt"), pins("requirements-dev.txt")


def test_every_declared_need_has_a_tested_version():
    parser = settings()

    assert names(parser["options"]["install_requires"]) <= set(CORE)
    for extra, needs in parser["options.extras_require"].items():
        assert extra in UNTESTED or names(needs) <= {*CORE, *DEV}, extra
    assert not set(CORE) & set(DEV)


def test_the_tested_versions_are_exact_and_have_hashes():
    for line in (*CORE.values(), *DEV.values()):
        assert re.fullmatch(r"[\w.-]+==[\w.]+( +--hash=sha256:[0-9a-f]{64})+", line.rstrip()), line


@pytest.mark.parametrize(
    ("name", "pattern", "package"),
    [
        (".pre-commit-config.yaml", r"ruff-pre-commit\n +rev: v(\S+)", "ruff"),
        (".pre-commit-config.yaml", r"mirrors-mypy\n +rev: v(\S+)", "mypy"),
        (".github/workflows/release.yml", r"setuptools==(\S+)", "setuptools"),
        ("docs/deploy/Containerfile", r"setuptools==(\S+)", "setuptools"),
        ("docs/deploy/Containerfile", r"wheel==(\S+)", "wheel"),
    ],
)
def test_other_files_name_the_tested_versions(name: str, pattern: str, package: str):
    (found,) = re.findall(pattern, (ROOT / name).read_text())
    assert {**CORE, **DEV}[package].startswith(f"{package}=={found} ")


@pytest.mark.parametrize("extra", ["", "dev"])
def test_the_tested_versions_are_all_that_is_needed(extra):
    """Down to the needs of needs, as they are installed here."""
    parser, pinned = settings(), {**CORE, **(DEV if extra else {})}
    asked = parser["options"]["install_requires"]
    asked += parser["options.extras_require"][extra] if extra else ""
    waiting = [Requirement(line) for line in asked.splitlines() if line and line[0] != "#"]
    seen: set[str] = set()
    while waiting:
        need = waiting.pop()
        name = re.sub(r"[-_.]+", "-", need.name).lower()
        if str(need) in seen or name.startswith(("nvidia-", "cuda-", "triton")):
            continue
        seen.add(str(need))
        assert name in pinned, str(need)
        with contextlib.suppress(metadata.PackageNotFoundError):
            for inner in map(Requirement, metadata.requires(name) or ()):
                asked_for = ({"extra": one} for one in ("", *need.extras))
                if inner.marker is None or any(map(inner.marker.evaluate, asked_for)):
                    waiting.append(inner)


@pytest.mark.slow
def test_the_wheel_is_the_same_byte_for_byte_and_lists_what_it_needs(tmp_path):
    """`scripts/build_wheel` builds it twice, and ends with 1 where they differ."""
    pytest.importorskip("cyclonedx_py", reason="needs: pip install cyclonedx-bom")
    done = subprocess.run(
        [ROOT / "scripts" / "build_wheel", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        (name,) = (name for name in archive.namelist() if "/sboms/" in name)
        listed = {part["name"] for part in json.loads(archive.read(name))["components"]}
    assert {"tensorflow", "keras", "click"} <= listed


def test_ruff_looks_at_every_script_in_python():
    """They have no suffix by which it would find them."""
    pytest.importorskip("ruff")
    shown = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--show-files", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for path in (ROOT / "scripts").iterdir():
        if path.is_file():
            in_python = "python" in path.read_text("utf-8").partition("\n")[0]
            assert (str(path) in shown) == in_python or path.suffix == ".py", path
