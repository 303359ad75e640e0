"""Conditional execution in plain PyTorch: a branch sees only the images that fire it.

Images are sorted by branch, each branch runs once on its own rows, and the features are put back
in the order of the route. Branches that nobody fires cost nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hydranet.routing.routes import PADDING, Route


def eager(branches: nn.ModuleList, stem_features: Tensor, route: Route) -> Tensor:
    """Features of the fired branches: (B, k, D), zero where the route is padded."""
    images, k = route.indices.shape
    slots = route.indices.flatten()  # (B·k,)
    order = slots.argsort(stable=True)  # slots of one branch stand together, padding first
    rows = (order // k).to(torch.int64)  # the image that each sorted slot belongs to
    counts = torch.bincount(slots - PADDING, minlength=len(branches) + 1).tolist()
    groups = rows.split(counts)
    outputs = [
        branch(stem_features[group])
        for branch, group in zip(branches, groups[1:], strict=True)
        if len(group)
    ]
    fired = torch.cat(outputs)  # (fired slots, D)
    features = fired.new_zeros(images * k, fired.shape[1])
    features = features.index_copy(0, order[counts[0] :], fired)
    return features.view(images, k, -1)  # (B, k, D)
