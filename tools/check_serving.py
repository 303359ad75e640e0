"""Prove of an environment that it serves without torch, by visiting the dashboard that it serves.

    python tools/check_serving.py .venv-serve

Start, health, an upload, another k, shares, routes, charts, every page; what needs torch says so.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

from app.outside.serving import served
from app.outside.visitor import Visitor, widget_id

NETWORK = "hydra_res_d1"
_PATIENCE_S = 180


def main() -> None:
    """Visit everything; AssertionError where something is not as it must be."""
    if len(sys.argv) != 2:
        sys.exit(f"Name the environment: python {sys.argv[0]} .venv-serve")
    python = Path(sys.argv[1]).absolute() / "bin" / "python"
    has_torch = subprocess.run([python, "-c", "import torch"], capture_output=True)
    assert has_torch.returncode, f"{sys.argv[1]} has torch"
    log = Path(tempfile.mkdtemp()) / "lines"
    with served(python=python, patience_s=_PATIENCE_S, log=log) as at:
        with urllib.request.urlopen(f"{at.address}/health", timeout=_PATIENCE_S) as answer:
            print(json.loads(answer.read()))
        _inspect(at.address)
        for page in ("batch", "compare", "specialise"):
            with Visitor(at.address, page) as visitor:
                _is_well(visitor)
    assert '"level": "error"' not in log.read_text(), log
    print("It serves without torch.")


def _inspect(address: str) -> None:
    with Visitor(address, query=f"network={NETWORK}") as visitor:
        _is_well(visitor)
        uploader = widget_id(visitor.tree, "file_uploader", "upload")
        visitor.upload(uploader, [("noise.png", _noise())])
        _is_well(visitor)
        before = _pictures(visitor)
        visitor.choose("slider", "k", 2)
        _is_well(visitor)
        assert _pictures(visitor) != before, "another k must show another route"
    for section in ("Parts", "Routes", "Keep"):
        with Visitor(address, query=f"network={NETWORK}&view={section}") as visitor:
            _is_well(visitor)
    with Visitor(address, query=f"network={NETWORK}&view=Why") as visitor:
        assert not visitor.tree.exception
        (said,) = visitor.tree.error
        assert "PyTorch" in said.value, said.value


def _is_well(visitor: Visitor) -> None:
    assert not visitor.tree.exception
    assert not visitor.tree.error, [error.value for error in visitor.tree.error]


def _pictures(visitor: Visitor) -> list[str]:
    return [chart.proto.spec for chart in visitor.tree.get("plotly_chart")]


def _noise() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
