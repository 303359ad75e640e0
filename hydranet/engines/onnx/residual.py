"""The parts of residual networks as ONNX nodes: see `hydranet.models.blocks`, which these equal."""

from __future__ import annotations

import numpy as np

from hydranet.checkpoints.weights import Weights
from hydranet.config import ResNetConfig
from hydranet.engines.onnx.graph import Graph
from hydranet.engines.onnx.layers import conv_norm


def residual_stem(graph: Graph, weights: Weights, x: str, config: ResNetConfig) -> str:
    """(B, 3, H, W) → (B, widths[1], H/2, W/2)."""
    first, second, _ = config.widths
    x = graph.relu(conv_norm(graph, weights, x, conv="stem.conv", norm="stem.bn"))
    x = _stage(graph, weights, x, "stem.stage1", first, first, blocks=config.n, stride=1)
    return _stage(graph, weights, x, "stem.stage2", first, second, blocks=config.n, stride=2)


def residual_maps(graph: Graph, weights: Weights, x: str, name: str, config: ResNetConfig) -> str:
    """A body before pooling: (B, widths[1], H, W) → (B, widths[2], H/2, W/2)."""
    _, second, third = config.widths
    stage = f"{name}.stage3"
    return _stage(graph, weights, x, stage, second, third, blocks=config.n, stride=2)


def _stage(
    graph: Graph, weights: Weights, x: str, name: str, channels_in: int, channels: int, *,
    blocks: int, stride: int,
) -> str:  # fmt: skip
    for block in range(blocks):
        prefix = f"{name}.{block}"
        step = 1 if block else stride
        shortcut = _shortcut(graph, x, channels if block else channels_in, channels, step)
        out = conv_norm(
            graph, weights, x, conv=f"{prefix}.conv1", norm=f"{prefix}.bn1", stride=step
        )
        out = conv_norm(
            graph, weights, graph.relu(out), conv=f"{prefix}.conv2", norm=f"{prefix}.bn2"
        )
        x = graph.relu(graph.add("Add", out, shortcut))
    return x


def _shortcut(graph: Graph, x: str, channels_in: int, channels: int, stride: int) -> str:
    """Every `stride`-th pixel, new channels 0.

    Where the shape changes it is a 1×1 convolution whose weights are 0 and 1: ONNX Runtime slices
    and pads in another memory layout than it convolves in, and changing that twice takes longer.
    """
    if stride == 1 and channels_in == channels:
        return x
    return graph.conv(x, np.eye(channels, channels_in)[:, :, None, None], stride=stride)
