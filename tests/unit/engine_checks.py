"""What tests of several engines share: networks to run, images and routes, and the comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from hydranet.checkpoints import (
    ROUTES,
    Checkpoint,
    encode_weights,
    find_checkpoint,
    load_model,
    write_checkpoint,
)
from hydranet.config import DenseNetConfig, ResNetConfig
from hydranet.engines import Engine
from hydranet.evaluation.route_log import read_route_log
from hydranet.registry import list_models, model_config
from hydranet.routing.policies import softmax

DYNAMIC = [name for name in list_models() if model_config(name).is_dynamic]
LAID_OUT = [
    name
    for name in list_models()
    if isinstance(model_config(name).static, ResNetConfig | DenseNetConfig)
]
"""Those whose layers the engines onnx and cuda know."""

FAMILIES = list(
    {model_config(name).family: name for name in reversed(DYNAMIC) if name in LAID_OUT}.values()
)
"""The smallest HydraNet of each such family."""

BATCHES = (1, 2, 7, 64)
TOLERANCE = 1e-4


class Stored(Protocol):
    def __call__(self, name: str, **changes: Any) -> Checkpoint: ...


def narrow(name: str) -> dict[str, Any]:
    """All layers and branches of a registered network, a few channels wide, at 8×8."""
    config = model_config(name)
    few: dict[str, Any] = {"widths": (2, 3, 4, 5)[: config.num_widths]}
    if hasattr(config, "growth"):
        few = {"growth": 2, "channels": 3}
    elif hasattr(config, "dim"):
        few = {"dim": 6, "heads": 2, "depth": 2}
    return {**few, "image_size": 8, "num_classes": 10}


def store_with_statistics(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with batch norms that are not as they were made, negative scales too."""
    model = load_model(checkpoint)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.uniform_(part.weight, -1.5, 1.5)
            nn.init.normal_(part.bias)
    weights, digest = encode_weights(model)
    card = replace(checkpoint.card, weights_sha256=digest)
    routes = read_route_log(checkpoint.folder / ROUTES)
    root = checkpoint.folder.parent
    return find_checkpoint(write_checkpoint(root, card=card, weights=weights, routes=routes))


def noise(images: int, side: int = 8) -> NDArray[np.uint8]:
    return np.random.default_rng(images).integers(0, 256, (images, side, side, 3), dtype=np.uint8)


def given_routes(images: int, branches: int) -> NDArray[np.int64]:
    """Up to three branches an image in any order, at least one, the rest padded."""
    rng = np.random.default_rng(images)
    fired = np.stack([rng.permutation(branches)[:3] for _ in range(images)])
    return np.where(rng.random(fired.shape) < [0.0, 0.4, 0.6], -1, fired).astype(np.int64)


def assert_same(engine: Engine, reference: Engine, pixels: NDArray[np.uint8], **how: Any) -> None:
    found, expected = engine.run(pixels, **how), reference.run(pixels, **how)
    np.testing.assert_array_equal(found.fired, expected.fired)
    for name in ("logits", "gate_scores", "weights", "features"):
        a, b = getattr(found, name), getattr(expected, name)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), name
        np.testing.assert_allclose(a, b, atol=TOLERANCE, rtol=TOLERANCE, err_msg=name)


def second_confidence(engine: Engine, pixels: NDArray[np.uint8]) -> float:
    """A threshold that some images' second-best branch passes, if they differ, and none just so."""
    confidence = np.sort(softmax(engine.run(pixels).gate_scores), axis=1)[:, -2]
    ordered = np.sort(confidence)
    gaps = np.diff(ordered)
    if not len(gaps) or gaps.max() < TOLERANCE:
        return float(ordered[0]) / 2
    widest = int(gaps.argmax())
    return float(ordered[widest : widest + 2].mean())
