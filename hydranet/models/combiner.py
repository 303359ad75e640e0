"""The combiner: joins the fired branches' features into one prediction.

Source: HydraNets, CVPR 2018, section 3: all classes share one output layer. Whether the sum over
branches is weighted by the gate is open in the paper; here it is, which gives the gate a gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Combiner(nn.Module):
    """Weighted sum of branch features, then one linear output layer."""

    def __init__(self, feature_size: int, num_classes: int) -> None:
        super().__init__()
        self.output = nn.Linear(feature_size, num_classes)

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        """(B, k, D) features and (B, k) weights → (B, C) logits. Padding has weight 0."""
        return self.output(weighted_sum(features, weights))  # (B, D) → (B, C)

    def shares(self, features: Tensor, weights: Tensor) -> Tensor:
        """How much each fired branch adds to each logit: (B, k, C).

        Exact, because the combiner is additive: over k the shares and the bias sum to the logits.
        """
        return torch.einsum("bkd,bk,cd->bkc", features, weights, self.output.weight)

    def matrix(self) -> tuple[Tensor, Tensor]:
        """The weight (C, D) and the bias (C,) that make the weighted sum (B, D) the logits."""
        return self.output.weight, self.output.bias


def weighted_sum(features: Tensor, weights: Tensor) -> Tensor:
    """(B, k, D) and (B, k) → (B, D)."""
    # Not an einsum: torch would make a matrix product of it, which counts as MACs.
    return (features * weights[:, :, None]).sum(dim=1)
