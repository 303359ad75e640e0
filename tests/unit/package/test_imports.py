"""The light part of the package loads without torch, and the package knows nothing of the app."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import hydranet

PACKAGE = Path(hydranet.__file__).parent
LIGHT = [
    "hydranet", "hydranet.bench.measure", "hydranet.bench.ratios", "hydranet.bench.subjects",
    "hydranet.bulk.items", "hydranet.bulk.labels", "hydranet.bulk.remote", "hydranet.bulk.rows",
    "hydranet.bulk.sources", "hydranet.bulk.table", "hydranet.bulk.tables",
    "hydranet.checkpoints", "hydranet.checkpoints.card", "hydranet.checkpoints.foreign",
    "hydranet.checkpoints.loading", "hydranet.checkpoints.weights",
    "hydranet.checkpoints.writing", "hydranet.cluster", "hydranet.cluster.plan",
    "hydranet.cluster.results", "hydranet.config", "hydranet.costs", "hydranet.costs.early_exit",
    "hydranet.costs.moe", "hydranet.data.normalisation", "hydranet.data.shards.writing",
    "hydranet.engines", "hydranet.engines.engine", "hydranet.errors", "hydranet.evaluation",
    "hydranet.evaluation.class_features", "hydranet.evaluation.dynamic_k",
    "hydranet.evaluation.metrics", "hydranet.evaluation.recall", "hydranet.evaluation.route_log",
    "hydranet.explain", "hydranet.explain.errors", "hydranet.explain.shapley",
    "hydranet.extensions", "hydranet.files", "hydranet.intake", "hydranet.intake.archives",
    "hydranet.intake.image_files", "hydranet.intake.images", "hydranet.intake.zips",
    "hydranet.published", "hydranet.registry", "hydranet.routing", "hydranet.routing.answer",
    "hydranet.routing.arrays", "hydranet.routing.choices", "hydranet.routing.policies",
    "hydranet.routing.switchboard", "hydranet.routing.token_switchboard",
    "hydranet.specialisation", "hydranet.structure", "hydranet.subtasks", "hydranet.timing",
    "hydranet.training.history", "hydranet.training.recipe",
]  # fmt: skip
PROGRAM = """
import sys

HEAVY = {{"torch", "torchvision", "captum", "onnxruntime", "ray", "streamlit", "plotly", "app"}}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ImportError(f"{{name}} must not be imported here")

sys.meta_path.insert(0, Refuse())
{body}
assert not HEAVY & set(sys.modules)
"""


def run_without_torch(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(body=body), *arguments],
        capture_output=True, text=True, timeout=60, cwd=PACKAGE.parent,
    )  # fmt: skip


def test_the_light_part_works_without_torch(tmp_path: Path, make_checkpoint: Any) -> None:
    make_checkpoint("hydra", tmp_path)
    make_checkpoint("static", tmp_path, model="resnet8")
    body = (
        "\n".join(f"import {module}" for module in LIGHT)
        + """
from pathlib import Path
good, damaged = hydranet.list_checkpoints(Path(sys.argv[1]))
names = hydranet.list_models()
costs = [hydranet.count_costs(hydranet.model_config(name)).routed_macs for name in names]
routes = hydranet.evaluation.route_log.read_route_log(good[0].folder / "routes.parquet")
print([c.name for c in good], damaged, len(routes), len(costs))
"""
    )
    done = run_without_torch(body, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("]")[0] == "['hydra', 'static'"


def test_the_refusal_itself_works() -> None:
    """Else the test above would pass whatever the package imports."""
    done = run_without_torch("import hydranet.models")
    assert done.returncode != 0
    assert "torch must not be imported here" in done.stderr


def test_import_hydranet_loads_nothing_heavy() -> None:
    program = "import sys, hydranet; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        timeout=60, cwd=PACKAGE.parent,
    )  # fmt: skip
    assert not set(done.stdout.split()) & {"torch", "numpy", "PIL", "pyarrow", "sklearn"}


@pytest.mark.parametrize("name", hydranet.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(hydranet, name) is not None
    assert name in dir(hydranet)


@pytest.mark.parametrize("name", hydranet.explain.__all__)
def test_every_public_name_of_explain_is_there(name: str) -> None:
    """After all its modules are loaded too: none may have the name of what it holds."""
    for path in PACKAGE.glob("explain/*.py"):
        importlib.import_module(f"hydranet.explain.{path.stem}")
    assert not isinstance(getattr(hydranet.explain, name), ModuleType)
    assert name in dir(hydranet.explain)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'hydranet' has no attribute 'nothing'"):
        _ = hydranet.nothing
    with pytest.raises(AttributeError, match=r"'hydranet\.explain' has no attribute 'nothing'"):
        _ = hydranet.explain.nothing


def imported(path: Path, *, only_at_import: bool) -> set[str]:
    """The top-level packages that a file imports, anywhere or outside of functions."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if only_at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        if only_at_import and isinstance(node, ast.If) and _for_checkers_only(node):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def _for_checkers_only(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_no_module_imports_the_app(path: Path) -> None:
    assert not imported(path, only_at_import=True) & {"app", "captum", "onnxruntime"}
    assert not imported(path, only_at_import=False) & {"app", "streamlit", "plotly"}
