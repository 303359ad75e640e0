"""A network as ONNX graphs, built from its card and its weights: no torch, nothing traced.

What depends on the route stands between graphs, so a HydraNet is four: stem and gate, a branch, of
which there are N with other weights, and the head. A static network is one. Pixels come as they
are, (B, side, side, 3) uint8, and are normalised inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from hydranet.checkpoints.card import Card
from hydranet.checkpoints.weights import Weights
from hydranet.config import ArchitectureConfig, DenseNetConfig, HydraConfig, ResNetConfig
from hydranet.data.normalisation import Normalisation
from hydranet.engines.onnx.dense import dense_maps, dense_stem
from hydranet.engines.onnx.graph import Graph
from hydranet.engines.onnx.layers import linear
from hydranet.engines.onnx.residual import residual_maps, residual_stem
from hydranet.errors import InputError

_OUTPUT = "combiner.output"


@dataclass(frozen=True)
class Pieces:
    """A HydraNet.

    `stem`: pixels → maps (B, c, h, w) and, where a gate chooses, scores (B, N); `branches`: maps →
    features (B, D); `head`: features of whatever ran as rows (R, D), of the k that fire for each
    image the places among these (B, k), and weights (B, k) → features (B, k, D) and logits (B, C);
    `head_of_one`: that of one image, features (k, D) and weights (1, k) → logits (1, C).
    `output_weight` (C, D) and `output_bias` (C,) are what the head makes logits with.
    """

    stem: ModelProto
    branches: list[ModelProto]
    head: ModelProto
    head_of_one: ModelProto
    output_weight: NDArray[np.floating]
    output_bias: NDArray[np.floating]


def build(card: Card, weights: Weights) -> ModelProto | Pieces:
    """The graphs of a card's network; of a static one: pixels → logits (B, C).

    Raises:
        InputError: the family is unknown.
    """
    config = card.architecture
    if isinstance(config, HydraConfig):
        classes = config.num_classes
        return Pieces(
            stem=_stem(card, weights),
            branches=[_branch(config, weights, index) for index in range(config.num_branches)],
            head=_head(weights),
            head_of_one=_head_of_one(weights),
            output_weight=weights.get(f"{_OUTPUT}.weight", np.eye(classes)),
            output_bias=weights.get(f"{_OUTPUT}.bias", np.zeros(classes)),
        )
    graph = Graph()
    maps = trunk(graph, card, weights)
    features = _body(graph, weights, maps, "body", config)
    return on_pixels(graph, card, logits=linear(graph, weights, "head", features))


def _stem(card: Card, weights: Weights) -> ModelProto:
    graph, config = Graph(), card.architecture
    maps = trunk(graph, card, weights)
    if not config.has_subtasks:
        return on_pixels(graph, card, maps=maps)
    scored = _body(graph, weights, maps, "gate.body", config.static)
    return on_pixels(graph, card, maps=maps, scores=linear(graph, weights, "gate.score", scored))


def _branch(config: HydraConfig, weights: Weights, index: int) -> ModelProto:
    graph, name = Graph(), f"branches.{index}"
    features = _body(graph, weights, "maps", f"{name}.body", config.static)
    if f"{name}.projection.weight" in weights:
        features = linear(graph, weights, f"{name}.projection", features)
    return graph.model(
        inputs={"maps": (np.float32, ("B", *_maps(config.static)))}, outputs={"features": features}
    )


def _maps(static: ArchitectureConfig) -> tuple[int, int, int]:
    """Channels and sides of the stem's maps."""
    side = static.image_size
    match static:
        case ResNetConfig():
            return static.widths[1], (side + 1) // 2, (side + 1) // 2
        case DenseNetConfig():
            return static.channels + 2 * static.n * static.growth, side // 2, side // 2
    raise _unknown(static)


def _head(weights: Weights) -> ModelProto:
    graph = Graph()
    features = graph.add("Gather", "rows", "places", axis=0)  # (B, k, D)
    one = graph.constant(np.array([1]))
    weighted = graph.add("MatMul", graph.add("Unsqueeze", "weights", one), features)  # (B, 1, D)
    return graph.model(
        inputs={
            "rows": (np.float32, ("R", "D")),
            "places": (np.int64, ("B", "k")),
            "weights": (np.float32, ("B", "k")),
        },
        outputs={
            "features": features,
            "logits": _logits(graph, weights, graph.add("Squeeze", weighted, one)),
        },
    )


def _head_of_one(weights: Weights) -> ModelProto:
    graph = Graph()
    logits = _logits(graph, weights, graph.add("MatMul", "weights", "features"))
    return graph.model(
        inputs={"features": (np.float32, ("k", "D")), "weights": (np.float32, (1, "k"))},
        outputs={"logits": logits},
    )


def _logits(graph: Graph, weights: Weights, weighted: str) -> str:
    """Of the weighted sum of features, (B, D); where every branch has its own classifier, that sum
    is the answer."""
    has_output = f"{_OUTPUT}.weight" in weights
    return linear(graph, weights, _OUTPUT, weighted) if has_output else weighted


def trunk(graph: Graph, card: Card, weights: Weights) -> str:
    """Pixels → the stem's maps."""
    weights = {**weights, "stem.conv.weight": _scaled(weights, card.normalisation)}
    x = graph.add("Cast", graph.add("Transpose", "pixels", perm=[0, 3, 1, 2]), to=1)  # (B, 3, …)
    mean = np.array(card.normalisation.mean)[:, None, None] * 255
    x = graph.add("Sub", x, graph.constant(mean))
    match card.architecture.static:
        case ResNetConfig() as static:
            return residual_stem(graph, weights, x, static)
        case DenseNetConfig() as static:
            return dense_stem(graph, weights, x, static)
    raise _unknown(card.architecture)


def _scaled(weights: Weights, normalisation: Normalisation) -> NDArray[np.floating]:
    """The first convolution for pixels that are centred, but not yet divided by their deviation.

    Only dividing can be left to it: the padding stands for mean pixels, so these must be 0 before.
    """
    std = np.array(normalisation.std)[None, :, None, None] * 255
    return weights["stem.conv.weight"] / std


def _body(graph: Graph, weights: Weights, maps: str, name: str, static: ArchitectureConfig) -> str:
    return graph.pooled(body_maps(graph, weights, maps, name, static))


def body_maps(
    graph: Graph, weights: Weights, maps: str, name: str, static: ArchitectureConfig
) -> str:
    """The stem's maps → those of the body of that name, before pooling."""
    match static:
        case ResNetConfig():
            return residual_maps(graph, weights, maps, name, static)
        case DenseNetConfig():
            return dense_maps(graph, weights, maps, name, static)
    raise _unknown(static)


def _unknown(config: ArchitectureConfig) -> InputError:
    return InputError(f"No ONNX graph is known for the family {config.family!r}.")


def on_pixels(graph: Graph, card: Card, **outputs: str) -> ModelProto:
    """The finished graph of what begins with `trunk`, its outputs by name."""
    side = card.architecture.image_size
    return graph.model(inputs={"pixels": (np.uint8, ("B", side, side, 3))}, outputs=outputs)
