"""Graphs as ONNX Runtime would run them on this machine: layers fused, and convolutions in the
memory layout that suits the processor's vectors."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx

from hydranet.engines.onnx.sessions import open_session


def optimised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The rewritten graph."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        open_session(model.SerializeToString(), optimised_to=path)
        return onnx.load(path)
