"""The parts of densely connected networks as ONNX nodes: see `hydranet.models.densenet`."""

from __future__ import annotations

from hydranet.checkpoints.weights import Weights
from hydranet.config import DenseNetConfig
from hydranet.engines.onnx.graph import Graph
from hydranet.engines.onnx.layers import norm_relu


def dense_stem(graph: Graph, weights: Weights, x: str, config: DenseNetConfig) -> str:
    """(B, 3, H, W) → (B, channels + 2·n·growth, ⌊H/2⌋, ⌊W/2⌋)."""
    x = graph.conv(x, weights["stem.conv.weight"])
    x = _block(graph, weights, x, "stem.block1", layers=config.n)
    x = _transition(graph, weights, x, "stem.transition1")
    return _block(graph, weights, x, "stem.block2", layers=config.n)


def dense_maps(graph: Graph, weights: Weights, x: str, name: str, config: DenseNetConfig) -> str:
    """A body before pooling: (B, c, H, W) → (B, c + n·growth, ⌊H/2⌋, ⌊W/2⌋)."""
    x = _transition(graph, weights, x, f"{name}.transition2")
    x = _block(graph, weights, x, f"{name}.block3", layers=config.n)
    return norm_relu(graph, weights, f"{name}.bn", x)


def _block(graph: Graph, weights: Weights, x: str, name: str, *, layers: int) -> str:
    for layer in range(layers):
        prefix = f"{name}.{layer}"
        active = norm_relu(graph, weights, f"{prefix}.bn", x)
        new = graph.conv(active, weights[f"{prefix}.conv.weight"])
        x = graph.add("Concat", x, new, axis=1)
    return x


def _transition(graph: Graph, weights: Weights, x: str, name: str) -> str:
    x = graph.conv(norm_relu(graph, weights, f"{name}.bn", x), weights[f"{name}.conv.weight"])
    return graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
