"""Training needs torch and little else: what a GPU is lent with can often not be added to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys

MISSING = {
    "captum", "duckdb", "huggingface_hub", "onnx", "onnxruntime", "platformdirs", "plotly",
    "prometheus_client", "ray", "streamlit", "tensorboard", "timm", "torchvision", "webdataset",
}

sys.modules |= dict.fromkeys(MISSING)  # as where they are not installed
"""


def run(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + body, *arguments],
        capture_output=True, text=True, timeout=300, cwd=ROOT,
    )  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four folders of twelve noisy images each."""
    rng = np.random.default_rng(0)
    for name in "abcd":
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(12):
            pixels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{index}.png")
    return tmp_path / "photos"


def test_a_hydranet_is_trained_from_start_to_end(photos: Path, tmp_path: Path) -> None:
    done = run(
        "from hydranet.cli import main; main()",
        "train", "hydra_res_d1", "--start", "auto", "--data", str(photos), "--epochs", "1",
        "--threads", "1", "--checkpoints", str(tmp_path / "checkpoints"), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    found = sorted(path.name for path in (tmp_path / "checkpoints").glob("*/card.json"))
    assert found
    assert len(list((tmp_path / "checkpoints").glob("hydra_res_d1*/model.safetensors"))) == 1


def test_what_is_missing_is_missing() -> None:
    """Else the test above would pass whatever training imports."""
    done = run("import platformdirs")
    assert "ModuleNotFoundError" in done.stderr
