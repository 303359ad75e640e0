"""Costs of HydraNets made of a library's classifier, counted on the network as it runs.

The convention is that of `hydranet.costs`. Nothing is computed: the networks hold no data.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from hydranet.config.backbone import BackboneConfig, HydraBackboneConfig
from hydranet.costs.parts import Cost, HydraPartCosts, PartCosts
from hydranet.models.backbone import templates_of


def backbone_costs(config: BackboneConfig) -> PartCosts:
    """Costs of the whole classifier, without its output layer."""
    templates = templates_of(config, ())
    rest = templates.rest[1.0]
    stem, seen = _count(templates.stem, templates.x)
    return PartCosts(stem, _count(rest, seen)[0], templates.tail(1.0, with_neck=True).features)


def hydra_backbone_costs(config: HydraBackboneConfig) -> HydraPartCosts:
    """Costs of a HydraNet's parts, without the gate's scores and the combiner."""
    templates = templates_of(config.static, (config.width, config.gate_width))
    stem, seen = _count(templates.stem, templates.x)
    return HydraPartCosts(
        stem=stem,
        gate=_count(templates.rest[config.gate_width].body, seen)[0],
        gate_features=templates.tail(config.gate_width, with_neck=False).features,
        branch=_count(templates.rest[config.width], seen)[0],
        features=templates.tail(config.width, with_neck=True).features,
    )


@torch.no_grad()
def _count(part: nn.Module, x: Tensor) -> tuple[Cost, Tensor]:
    """What a part costs for one image, counted as it runs, and what it gives."""
    part = copy.deepcopy(part)  # other threads may count the same template
    macs = 0

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal macs
        assert isinstance(layer.weight, Tensor)
        size = output.shape[2] * output.shape[3] if isinstance(layer, nn.Conv2d) else 1
        if isinstance(layer, nn.Linear):
            size = output.numel() // output.shape[-1]
        macs += layer.weight.numel() * size

    hooks = [
        layer.register_forward_hook(count)
        for layer in part.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    try:
        given = part(x)
    finally:
        for hook in hooks:
            hook.remove()
    return Cost(sum(p.numel() for p in part.parameters()), macs), given
