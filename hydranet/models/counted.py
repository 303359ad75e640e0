"""Costs of any network that keeps to the protocol, counted on it as it runs.

torch's own counter counts convolutions and matrix products, an attention's too; it counts 2 for one
MAC. Nothing is computed: the network is built on the meta device, which holds no data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hydranet.config.base import DynamicConfig
from hydranet.costs import Cost, Costs
from hydranet.errors import InputError
from hydranet.models.dynamic import DynamicNetwork

_FIXED = ("stem", "gate", "combiner")
PASSAGE = "passage"
"""What of a branch in a row the later ones go on from, by name."""


@lru_cache(maxsize=64)
def counted_costs(config: DynamicConfig) -> Costs:
    """The costs of the network that `config` builds, by part.

    Raises:
        InputError: it builds none, or it cannot run on images of its size.
    """
    with torch.device("meta"):
        model = config.build()
    if not isinstance(model, DynamicNetwork):
        raise InputError(f"{config.title} must build a DynamicNetwork, not {type(model).__name__}.")
    model.eval()
    names = [*_FIXED, *(f"branches.{place}" for place in range(config.num_branches))]
    names += [f"branches.{b}.{PASSAGE}" for b in range(config.num_branches)]
    x = torch.empty(1, 3, config.image_size, config.image_size, device="meta")
    with torch.no_grad(), _counting(model, names) as macs:
        every = model.every(x)
        model.answer(every, model.own_route(every.gate_scores, config.k, 0.0))
    parts = dict.fromkeys(names, 0)
    outside = 0
    for name, parameter in model.named_parameters():
        owners = [part for part in names if name.startswith(f"{part}.")]
        outside += 0 if owners else parameter.numel()
        for part in owners:
            parts[part] += parameter.numel()
    cost = {name: Cost(parts[name], macs[name]) for name in names}
    branches = tuple(cost[f"branches.{b}"] for b in range(config.num_branches))
    passages = tuple(cost[f"branches.{b}.{PASSAGE}"] for b in range(config.num_branches))
    alike = len(set(branches)) == 1 and not config.policy.in_a_row
    return Costs(
        stem=cost["stem"] + Cost(outside, 0),
        gate=cost["gate"],
        branch=max(branches, key=lambda one: one.macs),
        combiner=cost["combiner"],
        num_branches=config.num_branches,
        k=config.k,
        branches=() if alike else branches,
        passages=passages if config.policy.in_a_row else (),
        rows=len(every.gate_scores),
    )


@contextmanager
def _counting(model: nn.Module, names: list[str]) -> Iterator[Counter[str]]:
    """MACs of each of the named parts of a network, of all that runs inside."""
    macs: Counter[str] = Counter()
    depth: Counter[str] = Counter()
    counter = FlopCounterMode(display=False)
    hooks = []

    def enter(parts: list[str], *_: Any) -> None:
        for part in parts:
            if not depth[part]:
                macs[part] -= counter.get_total_flops() // 2
            depth[part] += 1

    def leave(parts: list[str], *_: Any) -> None:
        for part in parts:
            depth[part] -= 1
            if not depth[part]:
                macs[part] += counter.get_total_flops() // 2

    for name, module in model.named_modules():
        parts = [part for part in names if name == part or name.startswith(f"{part}.")]
        if parts:
            hooks += [
                module.register_forward_pre_hook(partial(enter, parts)),
                module.register_forward_hook(partial(leave, parts)),
            ]
    try:
        with counter:
            yield macs
    finally:
        for hook in hooks:
            hook.remove()
