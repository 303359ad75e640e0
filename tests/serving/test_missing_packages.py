"""A package that is not installed takes its feature away, with a sentence, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from served_dashboard import PATIENCE_S, png

from app.outside.serving import ROOT, served
from app.outside.visitor import Visitor, widget_id

WITHOUT = """
import os, sys

class Without:
    # A finder that knows nothing of some packages, as if they were not installed.
    def __init__(self, finder):
        self._finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["WITHOUT"].split():
            return None
        return self._finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self._finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""
PAGES = ("", "batch", "compare", "specialise")


@dataclass(frozen=True)
class Case:
    """Packages that are missing, and on which pages (or with which query) a sentence says so."""

    missing: str
    said: dict[str, str]


CASES = [
    Case("torch torchvision captum", {"view=Why": "needs PyTorch"}),
    Case("captum", {"view=Why&method=integrated gradients": "Captum"}),
    Case("duckdb", {"specialise": "needs DuckDB"}),
    Case("onnxruntime onnx prometheus_client authlib httpx2 sklearn scipy timm", {}),
]


@pytest.fixture
def without(tmp_path: Path, checkpoints: Path) -> dict[str, str]:
    """The environment of a process in which packages can be missing."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    return {
        "PYTHONPATH": str(tmp_path), "HYDRANET_CHECKPOINTS": str(checkpoints),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.missing.split()[0])
def lacking(
    request: pytest.FixtureRequest, without: dict[str, str], tmp_path: Path
) -> Iterator[tuple[str, Case]]:
    case: Case = request.param
    environment = {**without, "WITHOUT": case.missing}
    with served(patience_s=PATIENCE_S, environment=environment, log=tmp_path / "log") as at:
        yield at.address, case
    assert '"level": "error"' not in (tmp_path / "log").read_text()


def test_only_what_needs_it_says_so(lacking: tuple[str, Case]) -> None:
    address, case = lacking
    for page in PAGES:
        with Visitor(address, page) as visitor:
            said = [str(error.value) for error in visitor.tree.error]
            assert not visitor.tree.exception
            assert len(said) == (page in case.said)
            assert all(case.said[page] in sentence for sentence in said)
            if not page:
                visitor.upload(widget_id(visitor.tree, "file_uploader", "up"), [("a.png", png(1))])
                assert not visitor.tree.error
    for query in set(case.said) - set(PAGES):
        with Visitor(address, query=query) as visitor:
            assert not visitor.tree.exception
            assert case.said[query] in " ".join(str(one.value) for one in visitor.tree.error)


def run(without: dict[str, str], missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hydranet", *arguments], capture_output=True, text=True, cwd=ROOT,
        timeout=PATIENCE_S, env={**os.environ, **without, "WITHOUT": missing},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("missing", "arguments", "said"),
    [
        ("sklearn", ("subtasks", "static", "--data", "{data}", "--branches", "2"), "scikit-learn"),
        ("torch", ("evaluate", "static", "--data", "{data}"), "PyTorch"),
        ("streamlit", ("app",), "Streamlit"),
    ],
)
def test_a_command_says_what_it_lacks(
    without: dict[str, str], tmp_path: Path, missing: str, arguments: tuple[str, ...], said: str
) -> None:
    for index in range(8):
        (tmp_path / "data" / str(index)).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "data" / str(index) / f"{number}.png").write_bytes(png(index, side=16))
    done = run(without, missing, *(one.format(data=tmp_path / "data") for one in arguments))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{said}, which is not installed" in done.stderr


def test_the_list_of_networks_needs_no_torch(without: dict[str, str]) -> None:
    assert run(without, "torch sklearn duckdb", "models").returncode == 0
