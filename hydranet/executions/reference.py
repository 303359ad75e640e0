"""The obvious execution: every branch runs on every image, then what did not fire is dropped.

Slow on purpose. The other executions are tested against it, gradients too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hydranet.routing.routes import PADDING, Route


def all_branch_features(branches: nn.ModuleList, stem_features: Tensor) -> Tensor:
    """Features of every branch: (B, c, H, W) → (B, N, D)."""
    return torch.stack([branch(stem_features) for branch in branches], dim=1)


def reference(branches: nn.ModuleList, stem_features: Tensor, route: Route) -> Tensor:
    """Features of the fired branches: (B, k, D), zero where the route is padded."""
    return chosen_features(all_branch_features(branches, stem_features), route.indices)


def chosen_features(features: Tensor, indices: Tensor) -> Tensor:
    """Of all branches' (B, N, D) those in `indices` (B, k): (B, k, D), zero where padded."""
    place = indices.clamp(min=0)[:, :, None].expand(-1, -1, features.shape[2])  # (B, k, D)
    return features.gather(1, place) * (indices != PADDING)[:, :, None]
