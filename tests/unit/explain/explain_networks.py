"""Tiny networks and what can be explained of them, for the tests of explanations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hydranet.explain.targets import (
    BranchShare,
    ClassLogit,
    GateScore,
    Target,
    gate_margin,
)
from hydranet.models import DynamicNetwork, Network, create_model
from hydranet.registry import list_models, model_config
from hydranet.routing.policies import GATED
from hydranet.routing.routes import Route

CLASSES, SIDE = 6, 16
# The smallest registered network of every family.
FAMILIES = list({model_config(name).family: name for name in reversed(list_models())}.values())


# Those whose branches see whole maps.
WITH_MAPS = [name for name in FAMILIES if not getattr(model_config(name), "policy", GATED).by_token]


def tiny(name: str = "hydra_res_d1", **changes: Any) -> Network:
    """A narrow network with batch statistics of its own, in eval mode, as `load` would give it."""
    config = model_config(name)
    if hasattr(config, "growth"):
        changes = {"growth": 2, "channels": 3, **changes}
    elif hasattr(config, "dim"):
        changes = {"dim": 6, "heads": 2, "depth": 2, **changes}
    else:
        changes = {"widths": (3, 4, 5, 6)[: config.num_widths], **changes}
    if config.is_dynamic and hasattr(config, "k"):
        changes = {"num_branches": 4, "k": 2, **changes}
    torch.manual_seed(0)
    model = create_model(name, num_classes=CLASSES, image_size=SIDE, **changes)
    with torch.no_grad():
        for _ in range(30):
            model(torch.randn(16, 3, SIDE, SIDE))
    return model.requires_grad_(False).eval()


def picture(seed: int = 0, side: int = SIDE) -> Tensor:
    """(1, 3, side, side), as a normalised image."""
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def targets_of(model: Network, x: Tensor) -> tuple[list[Target], Route | None]:
    """One target of every kind that the network has, and the route that is held."""
    if not isinstance(model, DynamicNetwork):
        return [ClassLogit(2)], None
    with torch.no_grad():
        output = model(x, k=min(2, model.config.num_branches), threshold=0.0)
    if model.rows > 1:
        return [ClassLogit(2)], output.route
    branch = int(output.route.indices[0, 1])
    found: list[Target] = [ClassLogit(2), BranchShare(branch, 2)]
    if list(model.gate.parameters()):
        found += [GateScore(branch), gate_margin(output.gate_scores, output.route)]
    return found, output.route
