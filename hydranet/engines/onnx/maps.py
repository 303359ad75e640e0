"""Feature maps of one image without torch: what a part of the network hands to its pooling.

Not for speed: a graph is built and opened for each part that is asked for, as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from hydranet.checkpoints.card import Card
from hydranet.checkpoints.weights import Weights, read_weights
from hydranet.config import HydraConfig
from hydranet.engines.engine import check_pixels
from hydranet.engines.onnx.graph import Graph
from hydranet.engines.onnx.pieces import body_maps, on_pixels, trunk
from hydranet.engines.onnx.sessions import open_session
from hydranet.errors import InputError

if TYPE_CHECKING:
    from hydranet.checkpoints import Checkpoint

STEM, GATE, LAST_STAGE, BRANCH = "stem", "gate", "last stage", "branch "


def feature_maps(
    checkpoint: Checkpoint, pixels: NDArray[np.uint8], part: str
) -> NDArray[np.float32]:
    """(channels, h, w) of a part, before pooling, of one image, (side, side, 3).

    `part`: "stem"; of a HydraNet "branch 0" to the last one, whether or not it fires, and "gate",
    where one chooses; of a static network "last stage".

    Raises:
        InputError: the network has no such part, the image is not of its size, or the weights are
            damaged.
    """
    card = checkpoint.card
    check_pixels(card, pixels[None])
    if part not in (names := part_names(card)):
        raise InputError(f"{card.name} has no part {part!r}. Its parts are: {', '.join(names)}.")
    model = _graph(card, read_weights(checkpoint), part)
    session = open_session(model.SerializeToString())
    return session.run(["maps"], {"pixels": pixels[None]})[0][0]


def part_names(card: Card) -> list[str]:
    """The parts that have feature maps, from the image to the answer."""
    config = card.architecture
    if not isinstance(config, HydraConfig):
        return [STEM, LAST_STAGE]
    gate = [GATE] if config.has_subtasks else []
    return [STEM, *gate, *(f"{BRANCH}{index}" for index in range(config.num_branches))]


def _graph(card: Card, weights: Weights, part: str) -> ModelProto:
    """Pixels (B, side, side, 3) → maps (B, channels, h, w)."""
    graph = Graph()
    maps = trunk(graph, card, weights)
    if part != STEM:
        owner = {GATE: "gate.", LAST_STAGE: ""}.get(part)
        if owner is None:
            owner = f"branches.{part.removeprefix(BRANCH)}."
        maps = body_maps(graph, weights, maps, f"{owner}body", card.architecture.static)
    return on_pixels(graph, card, maps=maps)
