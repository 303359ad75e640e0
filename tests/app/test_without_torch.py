"""What the pages show without torch: everything but explanations, which say what they need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import app.page_scripts

PAGES = Path(app.page_scripts.__file__).parent
PROGRAM = """
import json, logging, sys
from pathlib import Path

logging.disable()
pages, looks, missing = Path(sys.argv[1]), json.loads(sys.argv[2]), set(sys.argv[3].split())


class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):  # finders do more than find modules
        return getattr(self.finder, name)


sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from streamlit.testing.v1 import AppTest

found = []
for name, address in looks:
    page = AppTest.from_file(str(pages / name), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    found.append({
        "exceptions": [e.value for e in page.exception],
        "words": [e.value for e in [*page.error, *page.info, *page.markdown, *page.caption]],
        "charts": len(page.get("plotly_chart")),
        "loaded": sorted({m.partition(".")[0] for m in sys.modules}),
    })
Path(sys.argv[4]).write_text(json.dumps(found))
"""
HEAVY = {"torch", "torchvision", "captum", "sklearn", "scipy", "matplotlib"}
ONNX = {"onnx", "onnxruntime"}


LIGHT = [
    ("inspect.py", {}),
    ("inspect.py", {"network": "plain"}),
    ("inspect.py", {"part": "branch 1"}),
    ("inspect.py", {"view": "Routes"}),
    ("inspect.py", {"view": "Second network"}),
    ("inspect.py", {"view": "Keep"}),
    ("batch.py", {}),
    ("compare.py", {}),
    ("specialise.py", {}),
]
NEEDS_TORCH = [{"view": "Why"}, {"view": "How firm"}, {"part": "combiner"}]

Look = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def look(tmp_path: Path, make_checkpoint: Any, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open pages of the dashboard one after the other in a process where packages are missing."""
    shape = {"num_classes": 100, "image_size": 16, "widths": (4, 4, 8)}
    make_checkpoint("hydra", tmp_path / "zoo", shape={**shape, "num_branches": 4, "k": 2})
    make_checkpoint("plain", tmp_path / "zoo", model="resnet8", shape=shape)
    monkeypatch.setenv("HYDRANET_CHECKPOINTS", str(tmp_path / "zoo"))
    monkeypatch.setenv("HYDRANET_CACHE", str(tmp_path / "cache"))

    def look_(looks: list[tuple[str, dict[str, str]]], *missing: str) -> list[dict[str, Any]]:
        out = tmp_path / "found.json"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(PAGES), json.dumps(looks), " ".join(missing),
             str(out)],
            capture_output=True, text=True, timeout=300, cwd=PAGES.parents[1],
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(out.read_text())
        assert [one["exceptions"] for one in found] == [[]] * len(looks), done.stdout
        return found

    return look_


def said(found: dict[str, Any], words: str) -> bool:
    return any(words in text for text in found["words"])


def test_no_page_loads_torch_before_an_explanation_is_asked_for(look: Look) -> None:
    for one, (name, address) in zip(look(LIGHT), LIGHT, strict=True):
        assert one["charts"] >= 1, (name, address)
        assert not HEAVY & set(one["loaded"]), (name, address)
        if name == "inspect.py":
            assert said(one, "runs on this server, ONNX Runtime, one thread")


def test_without_torch_what_needs_it_says_so_and_the_rest_is_shown(look: Look) -> None:
    sentence = "This part needs PyTorch, which is not installed here"
    looks = [("inspect.py", address) for address in NEEDS_TORCH]
    for one in look(looks, "torch", "torchvision", "captum"):
        assert said(one, sentence)
        assert said(one, "this route")
        assert one["charts"] >= 3


def test_without_onnx_runtime_torch_answers(look: Look) -> None:
    (one,) = look([("inspect.py", {})], *ONNX)
    assert said(one, "runs on this server, PyTorch, one thread")
    assert one["charts"] >= 5, "the feature maps too"
