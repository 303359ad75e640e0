"""All branches at once: what is one convolution a branch elsewhere is one grouped convolution here.

The branches' weights are stacked and the branches run as one, by `torch.vmap` over
`torch.func.functional_call`: their first convolution, which sees the stem's features, becomes one
with N times the channels, the others grouped ones. No shape depends on the route, and nothing
waits for the device. Made for training on a GPU, where a loop over branches is a few hundred small
launches; whether and where it is faster there has not been measured.

The branches run in float32, under autocast too: under `vmap` batch norm takes no mixed precision.

All branches run on all images, as in `reference`, and give the same, gradients too. So in training
mode batch norm takes its statistics over all images, where `eager` takes those of a branch's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from hydranet.executions.reference import chosen_features
from hydranet.routing.routes import Route


def grouped(branches: nn.ModuleList, stem_features: Tensor, route: Route) -> Tensor:
    """Features of the fired branches: (B, k, D), zero where the route is padded."""
    return chosen_features(grouped_features(branches, stem_features), route.indices)


def grouped_features(branches: nn.ModuleList, stem_features: Tensor) -> Tensor:
    """Features of every branch: (B, c, H, W) → (B, N, D). Gradients reach each branch's own."""
    parameters = _stack([dict(branch.named_parameters()) for branch in branches])
    buffers = _stack([dict(branch.named_buffers()) for branch in branches])
    x = stem_features.float()

    def run(own_parameters: dict[str, Tensor], own_buffers: dict[str, Tensor]) -> Tensor:
        return functional_call(branches[0], (own_parameters, own_buffers), (x,))

    with torch.autocast(x.device.type, enabled=False):
        features = torch.vmap(run, out_dims=1)(parameters, buffers)
    if branches.training:
        _move_statistics(branches, buffers)
    return features


def _stack(tensors: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """One tensor for each name, the branches along a new first dimension."""
    return {name: torch.stack([own[name] for own in tensors]) for name in tensors[0]}


@torch.no_grad()
def _move_statistics(branches: nn.ModuleList, buffers: dict[str, Tensor]) -> None:
    """Batch norm has moved the stacked copies of its statistics: move each branch's own."""
    for index, branch in enumerate(branches):
        for name, buffer in branch.named_buffers():
            buffer.copy_(buffers[name][index])
