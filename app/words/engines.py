"""Engines as they are called on pages."""

from __future__ import annotations

_WORDS = {
    "onnx": "ONNX Runtime",
    "int8": "ONNX Runtime in int8",
    "eager": "PyTorch",
    "reference": "PyTorch with every branch",
    "cuda": "PyTorch on the GPU",
}


def engine_words(name: str) -> str:
    """What an engine of `hydranet.engines` computes with."""
    return _WORDS.get(name, name)
