"""Layers of the networks as ONNX nodes; their weights are found by torch's names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.weights import Weights
from hydranet.engines.onnx.graph import Graph

EPSILON = 1e-5
"""torch's own, which batch norm adds to the variance."""


def scale_and_shift(weights: Weights, norm: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the batch norm of that name does to each channel: (C,) factors and (C,) summands."""
    gamma, beta, mean, variance = (
        weights[f"{norm}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    return scale, beta - mean * scale


def conv_norm(
    graph: Graph, weights: Weights, x: str, *, conv: str, norm: str, stride: int = 1
) -> str:
    """A convolution without bias and the batch norm behind it, as one convolution."""
    scale, shift = scale_and_shift(weights, norm)
    weight = weights[f"{conv}.weight"] * scale[:, None, None, None]
    return graph.conv(x, weight, shift, stride=stride)


def norm_relu(graph: Graph, weights: Weights, norm: str, x: str) -> str:
    """Batch norm that stands before a convolution, and ReLU."""
    scale, shift = scale_and_shift(weights, norm)
    zeros, ones = np.zeros(len(scale)), np.ones(len(scale))
    constants = [graph.constant(values) for values in (scale, shift, zeros, ones)]
    return graph.relu(graph.add("BatchNormalization", x, *constants, epsilon=0.0))


def linear(graph: Graph, weights: Weights, name: str, x: str) -> str:
    """The linear layer of that name."""
    return graph.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
