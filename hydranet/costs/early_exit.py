"""What an early-exit ResNet costs, by exit, from its configuration alone. Light: no torch."""

from __future__ import annotations

from hydranet.config.early_exit import EarlyExitResConfig
from hydranet.costs import Costs
from hydranet.costs.parts import NOTHING, Cost, conv, linear, norm


def early_exit_costs(config: EarlyExitResConfig) -> Costs:
    """The stem is the first convolution; a branch is an exit with the blocks that lead to it."""
    side = config.image_size
    sides = (side, (side + 1) // 2, ((side + 1) // 2 + 1) // 2)
    first, last = config.widths[0], config.widths[-1]
    passages, branches, entering = [], [], first
    for segment in config.segments:
        passage = NOTHING
        for stage in segment:
            width = config.widths[stage]
            for channels_in in (entering, width):
                passage += conv(channels_in, width, sides[stage]) + norm(width)
            entering = width
        passages.append(passage)
        is_last = len(passages) == config.num_branches
        halved = (sides[segment[-1]] + 1) // 2
        own = NOTHING if is_last else conv(entering, last, halved) + norm(last)
        branches.append(passage + own + linear(last, config.num_classes))
    return Costs(
        stem=conv(3, first, side) + norm(first),
        branch=max(branches, key=_macs),
        branches=tuple(branches),
        passages=tuple(passages),
        num_branches=config.num_branches,
        k=config.k,
    )


def _macs(cost: Cost) -> int:
    return cost.macs
