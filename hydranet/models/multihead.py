"""What stands for gate and combiner where every branch is a head with its own classifier.

Source: raghav1810/HydraNet on GitHub; `MultiHeadConfig` says what it does beside this. A head is a
branch that ends in a linear layer to C logits; all heads run, and their logits are averaged.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hydranet.models.combiner import weighted_sum
from hydranet.routing.routes import PADDING, Route, dynamic_route, top_k_route


class AllHeads(nn.Module):
    """A gate without parameters, which prefers no head: all scores are 0, all weights are alike."""

    def __init__(self, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads

    def forward(self, stem_features: Tensor) -> Tensor:
        """(B, c, H, W) → (B, n) zeros."""
        return stem_features.new_zeros(len(stem_features), self.num_heads)

    def route(self, gate_scores: Tensor, k: int, *, threshold: float = 0.0) -> Route:
        """The first k heads with the weight 1/k each.

        `threshold`: as for a gate that is equally confident of each of n heads: above 1/n, the
        first head runs alone. Raises InputError if k or the threshold is out of range.
        """
        route = (
            dynamic_route(gate_scores, k, threshold) if threshold else top_k_route(gate_scores, k)
        )
        heads = torch.arange(k, device=gate_scores.device).expand_as(route.indices)  # (B, k)
        heads = torch.where(route.indices == PADDING, PADDING, heads)
        return Route(heads, route.weights, route.num_branches)


class MeanOfLogits(nn.Module):
    """A combiner without parameters: what heads give are logits already."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        """(B, k, C) logits of the heads and (B, k) weights → (B, C). Padding has weight 0."""
        return weighted_sum(features, weights)

    def shares(self, features: Tensor, weights: Tensor) -> Tensor:
        """How much each head adds to each logit: (B, k, C), exact; there is no bias."""
        return features * weights[:, :, None]

    def matrix(self) -> tuple[Tensor, Tensor]:
        """The identity (C, C) and zeros (C,), on the CPU: see `Combiner.matrix`."""
        return torch.eye(self.num_classes), torch.zeros(self.num_classes)
