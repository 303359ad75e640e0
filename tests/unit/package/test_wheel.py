"""The wheel: what is in it, and that it works where nothing of the checkout is.

It is installed without its dependencies, which would be gigabytes, into a fresh environment that
finds those of this one.
"""

from __future__ import annotations

import email
import os
import re
import shutil
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import hydranet

ROOT = Path(__file__).parents[3]
SOURCES = ("hydranet", "app", "pyproject.toml", "README.md", "LICENSE")


def run(*command: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """In a process without this project's settings, unless given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "HYDRANET", "XDG"))}
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300,
        env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "OMP_NUM_THREADS": "1", **changes},
        cwd=changes.get("HOME"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the checkout."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("out")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, source)
    built = run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", out, source,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (path,) = out.iterdir()
    return path


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and a home of its own that is also the working folder."""

    bin: Path
    home: Path

    def __call__(self, program: str, *arguments: str | Path, **changes: str) -> Any:
        return run(self.bin / program, *arguments, HOME=str(self.home), **changes)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    done = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", wheel,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # A path in a .pth is searched last, and .pth files in it, such as that of an editable
    # installation of this project, are not read.
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    home = folder / "home"
    home.mkdir()
    return Installed(python.parent, home)


def test_the_wheel_holds_the_packages_and_their_data_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(ROOT))
        for package in ("hydranet", "app")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == expected
    assert "hydranet/py.typed" in names


def test_its_metadata_is_that_of_the_project(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(archive.read(name))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["Version"] == hydranet.__version__
    assert metadata["Requires-Python"] == ",".join(sorted(project["requires-python"].split(",")))
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    plain = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(plain) == sorted(project["dependencies"])


def test_the_version_is_semantic_and_in_the_changelog() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", hydranet.__version__)
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[([^\]]+)\]", changelog, re.M)
    assert versions[0] == "Unreleased"
    assert hydranet.__version__ in versions


def test_it_runs_outside_the_checkout(
    installed: Installed, make_checkpoint: Any, tmp_path: Path
) -> None:
    make_checkpoint("tiny", tmp_path)
    example = """
import sys
import hydranet
from importlib.metadata import version

assert version("hydranet-explorer") == hydranet.__version__
model = hydranet.load("tiny")
answer = hydranet.predict(model, [hydranet.read_image(sys.argv[1])], k=2)[0]
print(hydranet.__file__, len(answer.fired), model.card.name)
"""
    photo = ROOT / "app" / "samples" / "cat.jpg"
    done = installed("python", "-c", example, photo, HYDRANET_CHECKPOINTS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    where, *rest = done.stdout.split()
    assert Path(where).is_relative_to(installed.bin.parent)
    assert rest == ["2", "tiny"]


def test_its_command_finds_fetched_checkpoints_and_says_where_there_is_none(
    installed: Installed, make_checkpoint: Any, tmp_path: Path
) -> None:
    assert installed("hydranet", "--version").stdout.strip() == hydranet.__version__
    missing = installed("hydranet", "predict", "x.png", "--checkpoint", "tiny")
    assert missing.returncode == 2
    folder = installed.home / ".local" / "share" / "hydranet" / "checkpoints"
    assert f"There is no checkpoint 'tiny' in {folder}. There is none yet:" in missing.stderr
    for way in ("hydranet train", "hydranet fetch", "HYDRANET_CHECKPOINTS"):
        assert way in missing.stderr
    fetched = installed("hydranet", "fetch", make_checkpoint("tiny", tmp_path))
    assert fetched.returncode == 0, fetched.stderr
    photo = ROOT / "app" / "samples" / "cat.jpg"
    answered = installed("hydranet", "predict", photo, "--checkpoint", "tiny", "--json")
    assert answered.returncode == 0, answered.stderr
    assert (folder / "tiny" / "card.json").is_file()
